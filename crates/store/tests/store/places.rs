//! Places in a SaaS application: what is remembered of them, and what a run's changes of them come to.

use store::{
    Activity, Deactivated, Deactivation, Fault, SaasAction, SaasDone, SaasPlan, SaasSettled,
    SaasSettlement, Severity, Shown, State, Verdict,
};

use crate::support::{Bed, Drive, POPULATION, at, bed, create, fault, seen, update};

const APPLICATION: &str = "7";

/// Plans two users, of whom one is new and the other differs in its place alone.
async fn planned(bed: &Bed) -> Drive {
    let mut drive = bed.begin(false, false, 0).await;
    let place = |oomnitza_id: Option<&str>| SaasPlan {
        oomnitza_id: oomnitza_id.map(str::to_owned),
        before: r#"{"assigned":false}"#.to_owned(),
        after: r#"{"assigned":true,"external_id":"1"}"#.to_owned(),
    };
    let mut new = seen("1", create());
    new.place = Some(place(None));
    let mut known = seen("2", Verdict::Unchanged);
    known.place = Some(place(Some("P2")));
    bed.plan(&mut drive, &[new, known, seen("3", update("P3"))], true, 1)
        .await;
    drive
}

fn done(oomnitza_id: &str) -> SaasSettlement {
    SaasSettlement::Done(SaasDone {
        oomnitza_id: oomnitza_id.to_owned(),
        assigned: true,
        external_id: Some("1".to_owned()),
        roles: None,
        active: false,
    })
}

/// A run of which everything was delivered, places included.
async fn delivered(bed: &Bed) -> Drive {
    let drive = planned(bed).await;
    bed.deliver(&drive, 2).await;
    settle(bed, &drive, |id| done(id.expect("the person is known"))).await;
    drive
}

/// The same, ended, and with who is present on record.
async fn completed(bed: &Bed) -> Drive {
    let drive = delivered(bed).await;
    bed.end(&drive, State::Completed, 4).await;
    bed.store
        .settle_presence(drive.key, POPULATION, &drive.summary.presence, at(4))
        .await
        .unwrap();
    drive
}

/// Marks and settles every change of a place, each as `settlement` says of it.
async fn settle(
    bed: &Bed,
    drive: &Drive,
    mut settlement: impl FnMut(Option<&str>) -> SaasSettlement,
) {
    let store = &bed.store;
    store.withdraw_saas_of_unloaded(drive.key).await.unwrap();
    let changes = store
        .next_saas_changes(drive.key, SaasAction::Update, 0, 10)
        .await
        .unwrap();
    let rows: Vec<i64> = changes.iter().map(|change| change.change).collect();
    let assigning: Vec<_> = changes
        .iter()
        .filter_map(|change| Some((change.person, change.oomnitza_id.clone()?)))
        .collect();
    store
        .mark_saas_sent(drive.key, APPLICATION, &rows, &assigning)
        .await
        .unwrap();
    let settled: Vec<SaasSettled> = changes
        .iter()
        .map(|change| SaasSettled {
            change: change.change,
            person: change.person,
            settlement: settlement(change.oomnitza_id.as_deref()),
            status: Some(200),
        })
        .collect();
    store
        .settle_saas(drive.key, APPLICATION, &settled, at(3))
        .await
        .unwrap();
}

#[tokio::test]
async fn who_differs_in_the_place_alone_is_updated_and_who_is_made_is_created() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    assert_eq!(drive.summary.counts.updated, 2);
    bed.deliver(&drive, 2).await;
    settle(&bed, &drive, |id| done(id.expect("the person is known"))).await;
    bed.store
        .publish_outcomes(drive.key, None, at(3))
        .await
        .unwrap();
    bed.end(&drive, State::Completed, 4).await;
    assert_eq!(
        bed.lines("SELECT seen, created, updated, unchanged, failed FROM v_runs")
            .await,
        ["3|1|2|0|0"]
    );
    assert_eq!(
        bed.lines("SELECT source_id, last_outcome FROM v_people ORDER BY source_id")
            .await,
        ["1|created", "2|updated", "3|updated"]
    );
    assert_eq!(
        bed.lines("SELECT source_id, oomnitza_id, assigned_by_rollcall, activity, external_id, roles FROM v_saas_users ORDER BY source_id").await,
        ["1|9001|1|active|1|", "2|P2|1|active|1|"]
    );
}

#[tokio::test]
async fn whose_place_fails_fails_although_the_person_is_written() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    bed.deliver(&drive, 2).await;
    settle(&bed, &drive, |id| SaasSettlement::Unassigned {
        oomnitza_id: id.expect("the person is known").to_owned(),
        fault: Box::new(fault(Severity::Failed, "rejected")),
    })
    .await;
    bed.store
        .publish_outcomes(drive.key, None, at(3))
        .await
        .unwrap();
    bed.end(&drive, State::CompletedWithErrors, 4).await;
    assert_eq!(
        bed.lines("SELECT created, updated, failed FROM v_runs")
            .await,
        ["0|1|2"]
    );
    assert_eq!(
        bed.lines("SELECT source_id, last_outcome, last_reason FROM v_people ORDER BY source_id")
            .await,
        ["1|failed|rejected", "2|failed|rejected", "3|updated|"]
    );
    // What was refused is nobody's: whoever assigns it now, it is not this integration.
    assert!(bed.lines("SELECT 1 FROM v_saas_users").await.is_empty());
}

#[tokio::test]
async fn who_is_left_over_is_not_attempted_and_the_sum_holds() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    bed.deliver(&drive, 2).await;
    let left = fault(Severity::Failed, "not_attempted");
    let of_saas = Fault {
        field: Some("saas".to_owned()),
        ..left.clone()
    };
    bed.store
        .withdraw_rest(drive.key, &left, &of_saas, at(3))
        .await
        .unwrap();
    assert_eq!(
        bed.lines("SELECT source_id, field FROM v_errors ORDER BY source_id")
            .await,
        ["1|saas", "2|saas"]
    );
    let counts = bed.store.outcomes(drive.key).await.unwrap();
    assert!(counts.add_up(), "{counts:?}");
    assert_eq!((counts.created, counts.updated, counts.failed), (0, 1, 2));
}

#[tokio::test]
async fn an_assignment_that_was_asked_for_is_remembered_before_it_is_answered() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    let changes = bed
        .store
        .next_saas_changes(drive.key, SaasAction::Update, 0, 10)
        .await
        .unwrap();
    let person = changes[1].person;
    let rows = [changes[1].change];
    bed.store
        .mark_saas_sent(drive.key, APPLICATION, &rows, &[(person, "P2".to_owned())])
        .await
        .unwrap();
    let known = bed
        .store
        .known_places(drive.key.integration, APPLICATION, &["P2", "P3"])
        .await
        .unwrap();
    assert_eq!(known.len(), 1);
    assert!(known["P2"].assigned);
    assert_eq!(known["P2"].activity, Activity::Assigning);
    let sent = bed
        .store
        .sent_saas_changes(drive.key, SaasAction::Update, 10)
        .await
        .unwrap();
    assert_eq!(sent.len(), 1);
}

#[tokio::test]
async fn only_places_of_the_same_population_are_of_the_gone() {
    let bed = bed().await;
    let drive = completed(&bed).await;
    let places = async |population: &str| {
        let places =
            bed.store
                .places_of_the_gone(drive.key.integration, APPLICATION, population, "", 10);
        let places = places.await.unwrap().into_iter();
        places.map(|place| place.oomnitza_id).collect::<Vec<_>>()
    };
    assert_eq!(places(POPULATION).await, ["9001", "P2"]);
    assert!(places("another").await.is_empty());
    // Nor are they forgotten while another one is read.
    let other = bed.begin(false, false, 20).await;
    bed.store
        .settle_presence(other.key, "another", &store::Presence::default(), at(20))
        .await
        .unwrap();
    assert!(places("another").await.is_empty());
    assert_eq!(places(POPULATION).await, ["9001", "P2"]);
}

#[tokio::test]
async fn each_deactivation_has_an_outcome_of_its_own() {
    let bed = bed().await;
    let drive = completed(&bed).await;
    let integration = drive.key.integration;
    let places = bed
        .store
        .places_of_the_gone(integration, APPLICATION, POPULATION, "", 10)
        .await
        .unwrap();
    let second = bed.begin(false, false, 10).await;
    bed.store
        .plan_deactivations(second.key, &places)
        .await
        .unwrap();
    let changes = bed
        .store
        .next_saas_changes(second.key, SaasAction::Deactivate, 0, 10)
        .await
        .unwrap();
    let rows: Vec<(i64, &str)> = changes.iter().map(|change| (change.change, "S")).collect();
    bed.store
        .mark_deactivating(second.key, APPLICATION, &rows)
        .await
        .unwrap();
    let outcomes = [
        Deactivation::Done,
        Deactivation::Refused("the owner stays".to_owned()),
    ];
    let settled: Vec<Deactivated> = changes
        .iter()
        .zip(outcomes)
        .map(|(change, outcome)| Deactivated {
            change: change.change,
            oomnitza_id: change.oomnitza_id.clone().unwrap(),
            outcome,
        })
        .collect();
    bed.store
        .settle_deactivated(second.key, APPLICATION, &settled)
        .await
        .unwrap();
    assert_eq!(
        bed.store.deactivations(second.key).await.unwrap(),
        (1, 1, Some("the owner stays".to_owned()))
    );
    assert_eq!(
        bed.lines("SELECT oomnitza_id, activity FROM v_saas_users ORDER BY oomnitza_id")
            .await,
        ["9001|inactive", "P2|active"]
    );
    assert_eq!(
        bed.store
            .assigned_places(integration, APPLICATION)
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn what_is_shown_after_a_write_is_kept_until_the_next_one() {
    let bed = bed().await;
    let drive = delivered(&bed).await;
    let (store, integration) = (&bed.store, drive.key.integration);
    assert_eq!(
        store.unread_places(integration, APPLICATION).await.unwrap(),
        ["9001", "P2"]
    );
    let shown = Shown::Place {
        external_id: "S-1".to_owned(),
        roles: String::new(),
    };
    let rows = [
        ("9001".to_owned(), shown.clone(), Some("41".to_owned())),
        ("P2".to_owned(), Shown::Nothing, None),
    ];
    store
        .keep_shown(integration, APPLICATION, &rows)
        .await
        .unwrap();
    let known = store
        .known_places(integration, APPLICATION, &["9001", "P2"])
        .await
        .unwrap();
    assert_eq!(known["9001"].shown, Some(shown));
    assert_eq!(known["9001"].saas_user_id.as_deref(), Some("41"));
    assert_eq!(known["P2"].shown, Some(Shown::Nothing));
    assert!(
        store
            .unread_places(integration, APPLICATION)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn places_go_with_their_people() {
    let bed = bed().await;
    let drive = delivered(&bed).await;
    bed.end(&drive, State::Completed, 4).await;
    let everybody = bed.store.everybody().await.unwrap();
    bed.store
        .forget(&everybody[0], crate::support::fold)
        .await
        .unwrap();
    assert_eq!(bed.lines("SELECT source_id FROM v_saas_users").await, ["2"]);
    assert_eq!(
        bed.lines("SELECT source_id FROM v_changes WHERE target = 'saas_user'")
            .await,
        ["2"]
    );
}
