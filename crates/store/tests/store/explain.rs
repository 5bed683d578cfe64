//! What is on record of a person: in any run that is kept, and from run to run.

use store::Verdict::Unchanged;
use store::{Pruning, Retention, State};

use crate::support::{Bed, Seen, at, bed, create, fold, seen, skip, update};

const DAY: i64 = 24 * 60;

/// A user whose JSON and record are the `version`th.
fn version(id: &'static str, version: u32, verdict: store::Verdict) -> Seen {
    Seen {
        user: format!(r#"{{"id":"{id}","version":{version}}}"#),
        record: Some(format!(r#"{{"version":{version}}}"#)),
        matched: Some("9001"),
        ..seen(id, verdict)
    }
}

/// The ids of all runs, the oldest first.
async fn runs(bed: &Bed) -> Vec<String> {
    bed.lines("SELECT run_id FROM runs ORDER BY run").await
}

async fn person(bed: &Bed, id: &str) -> i64 {
    let found = bed.store.people_named(id, id).await.unwrap();
    assert_eq!(found.len(), 1);
    found[0].person
}

/// Whether each run saw a person.
async fn saw(bed: &Bed, person: i64) -> Vec<bool> {
    let mut saw = Vec::new();
    for run_id in runs(bed).await {
        let run = bed.store.run(&run_id).await.unwrap().unwrap();
        saw.push(bed.store.saw(run.key.run, person).await.unwrap());
    }
    saw
}

/// The number of the latest run that saw a person.
async fn latest(bed: &Bed, person: i64) -> Option<usize> {
    let run_id = bed.store.latest_run_of(person).await.unwrap()?;
    runs(bed).await.iter().position(|known| *known == run_id)
}

#[tokio::test]
async fn what_held_in_a_run_is_told_after_later_ones() {
    let bed = bed().await;
    let nobody = Seen {
        matched: None,
        ..version("1", 1, create())
    };
    let other = Seen {
        matched: Some("9002"),
        ..version("1", 3, skip("already_in_oomnitza"))
    };
    let gone = Seen {
        matched: None,
        ..version("1", 3, skip("not_in_oomnitza"))
    };
    let all = [
        nobody,
        version("1", 1, Unchanged),
        version("1", 2, update("9001")),
        other,
        gone,
    ];
    for (number, user) in (0..).zip(&all) {
        bed.run(std::slice::from_ref(user), number * DAY).await;
    }
    let person = person(&bed, "1").await;
    let mut told = Vec::new();
    for run_id in runs(&bed).await {
        let run = bed.store.run_on_record(&run_id).await.unwrap().unwrap();
        let past = bed.store.past(run.run.key, person).await.unwrap();
        told.push([
            past.user.unwrap(),
            past.record.unwrap(),
            past.sighting.unwrap_or_default(),
            past.change.map_or_else(String::new, |change| {
                format!("{} {}", change.planned.action.as_str(), change.state)
            }),
            past.fault.map_or_else(String::new, |fault| fault.reason),
        ]);
    }
    let expected = |version: u32, found: &str, change: &str, reason: &str| {
        [
            format!(r#"{{"id":"1","version":{version}}}"#),
            format!(r#"{{"version":{version}}}"#),
            match found {
                "" => String::new(),
                id => format!(r#"{{"found":[["{id}",1]]}}"#),
            },
            change.to_owned(),
            reason.to_owned(),
        ]
    };
    assert_eq!(
        told,
        [
            expected(1, "", "create done", ""),
            expected(1, "9001", "", ""),
            expected(2, "9001", "update done", ""),
            expected(3, "9002", "", "already_in_oomnitza"),
            expected(3, "", "", "not_in_oomnitza"),
        ]
    );
    let history = bed.store.history(person).await.unwrap();
    let sizes = [
        history.users.len(),
        history.records.len(),
        history.changes.len(),
        history.faults.len(),
    ];
    assert_eq!(sizes, [3, 3, 2, 2]);

    // A pass that lets go of what was superseded before a run leaves that run as it was.
    let run_id = &runs(&bed).await[2];
    let key = bed.store.run(run_id).await.unwrap().unwrap().key;
    let mut pruning = Pruning::new(Retention {
        changes: at(2 * DAY),
        runs: at(0),
        errors: at(0),
        gone_people: at(0),
    });
    while bed.store.prune(&mut pruning, 3).await.unwrap().more {}
    let past = bed.store.past(key, person).await.unwrap();
    assert_eq!(past.user.unwrap(), told[2][0]);
    assert_eq!(past.sighting.unwrap(), told[2][2]);
}

#[tokio::test]
async fn a_run_saw_whom_it_had_and_nobody_else() {
    let bed = bed().await;
    let ada = || version("1", 1, Unchanged);
    let bob = || version("2", 1, Unchanged);
    bed.run(&[ada()], 0).await;
    bed.run(&[ada(), bob()], DAY).await;
    bed.run(&[ada()], 2 * DAY).await;
    bed.run_only(&[ada()], 3 * DAY).await;
    bed.run(&[ada(), bob()], 4 * DAY).await;
    bed.run(&[], 5 * DAY).await;
    let (ada, bob) = (person(&bed, "1").await, person(&bed, "2").await);
    assert_eq!(saw(&bed, ada).await, [true, true, true, true, true, false]);
    assert_eq!(
        saw(&bed, bob).await,
        [false, true, false, false, true, false]
    );
    assert_eq!(latest(&bed, ada).await, Some(4));
    let absences = bed.store.history(bob).await.unwrap().absences;
    let back: Vec<bool> = absences
        .iter()
        .map(|absence| absence.back.is_some())
        .collect();
    assert_eq!(back, [true, false]);
    assert_eq!(
        absences[0].gone,
        Some((absences[0].run.clone(), at(2 * DAY)))
    );
    let lifetime = bed.store.lifetime(bob).await.unwrap();
    assert_eq!(lifetime.first_seen_at, at(DAY));
    assert_eq!(lifetime.gone_since, Some(at(5 * DAY)));
}

#[tokio::test]
async fn who_came_with_a_run_of_some_is_in_no_run_of_everybody_until_one_has_it() {
    let bed = bed().await;
    bed.run(&[version("1", 1, Unchanged)], 0).await;
    bed.run_only(&[version("2", 1, skip("not_in_oomnitza"))], DAY)
        .await;
    bed.run(&[version("1", 1, Unchanged)], 2 * DAY).await;
    let bob = person(&bed, "2").await;
    assert_eq!(saw(&bed, bob).await, [false, true, false]);
    assert_eq!(latest(&bed, bob).await, Some(1));
    bed.run(
        &[version("1", 1, Unchanged), version("2", 1, Unchanged)],
        3 * DAY,
    )
    .await;
    assert_eq!(saw(&bed, bob).await, [false, true, false, true]);
}

#[tokio::test]
async fn a_plan_that_was_never_complete_saw_nobody() {
    let bed = bed().await;
    let drive = bed.begin(false, false, 0).await;
    let mut incomplete = store::PlanSummary::default();
    let line = crate::support::line(&version("1", 1, Unchanged), None);
    let adding = bed
        .store
        .add_to_plan(drive.key, vec![line], true, at(0), &mut incomplete);
    adding.await.unwrap();
    bed.store.drop_plan(drive.key).await.unwrap();
    bed.end(&drive, State::Failed, 0).await;
    let ada = person(&bed, "1").await;
    assert_eq!(latest(&bed, ada).await, None);
    bed.run(&[version("2", 1, Unchanged)], DAY).await;
    assert_eq!(saw(&bed, ada).await, [false, false]);
    bed.run(&[version("1", 1, Unchanged)], 2 * DAY).await;
    assert_eq!(saw(&bed, ada).await, [false, false, true]);
}

#[tokio::test]
async fn people_are_found_by_id_and_by_address_in_any_case() {
    let bed = bed().await;
    bed.run(
        &[version("1", 1, Unchanged), version("225", 1, Unchanged)],
        0,
    )
    .await;
    let named = async |name: &str| {
        let found = bed
            .store
            .people_named(name, &name.to_lowercase())
            .await
            .unwrap();
        found
            .into_iter()
            .map(|one| one.source_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(named("225").await, ["225"]);
    assert_eq!(named("225@ACME.com").await, ["225"]);
    assert_eq!(named("2@acme.com").await, [""; 0]);
    assert_eq!(named("JÖRG@acme.com").await, [""; 0]);
}

#[tokio::test]
async fn whoever_is_forgotten_is_named_by_nobodys_sighting() {
    let bed = bed().await;
    let behind = |found: &'static str| {
        let mut line =
            crate::support::line(&version("1000001", 1, skip("duplicate_in_source")), None);
        let json = format!(r#"{{"found":[],"behind":"1000002","then":"{found}"}}"#);
        line.sighting = Some(store::Sighting {
            json: Some(json),
            hash: Some(7),
        });
        line
    };
    let mut drive = bed.begin(false, false, 0).await;
    let known = crate::support::line(&version("1000002", 1, Unchanged), None);
    let adding = bed.store.add_to_plan(
        drive.key,
        vec![known, behind("a")],
        true,
        at(0),
        &mut drive.summary,
    );
    adding.await.unwrap();
    let somebody = bed
        .store
        .people_named("1000002", "1000002")
        .await
        .unwrap()
        .remove(0);
    bed.store.forget(&somebody, fold).await.unwrap();
    let left = bed.lines("SELECT source_id, sighting FROM people").await;
    assert_eq!(left, [r#"1000001|{"found":[],"behind":"…","then":"a"}"#]);
    let somebody = bed
        .store
        .people_named("1000001", "1000001")
        .await
        .unwrap()
        .remove(0);
    bed.store.forget(&somebody, fold).await.unwrap();
    for table in ["people", "sightings", "absences", "bystanders"] {
        assert_eq!(bed.count(table).await, 0, "{table}");
    }
}
