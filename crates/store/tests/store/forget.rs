//! Forgetting: what goes of somebody, what of others, and when it has to wait.

use sqlx::{ConnectOptions as _, Connection as _};
use store::Verdict::{self, Unchanged};
use store::{Action, Change, Form, SaasPlan, Somebody, State};

use crate::support::{Bed, Seen, at, bed, fold, seen, skip};

/// A user who names another by the address, in all that is kept.
fn names(id: &'static str, other: &str) -> Seen {
    let plain = seen(id, Unchanged);
    let document = |longer: &str| {
        format!(r#"{{"email":"{id}@acme.com","manager":"{other}@acme.com","deputy":"{longer}"}}"#)
    };
    Seen {
        user: document(&format!("{id}{other}@acme.com")),
        record: Some(document(&format!("of {other}@acme.com"))),
        verdict: Verdict::Change(Box::new(Change {
            action: Action::Update,
            standing: None,
            left_alone: Some(format!(r#"{{"boss":"{other}@acme.com"}}"#)),
            key_field: "email".to_owned(),
            key_value: format!(r#""{id}@acme.com""#),
            oomnitza_id: Some(id.to_owned()),
            before: Some(format!(r#"{{"manager":"{other}@acme.com","title":"x"}}"#)),
            after: r#"{"manager":"","title":"y"}"#.to_owned(),
        })),
        ..plain
    }
}

async fn somebody(bed: &Bed, id: &str) -> Vec<Somebody> {
    let mut people = bed.store.everybody().await.unwrap();
    people.retain(|one| one.source_id == id);
    assert_eq!(people.len(), 1);
    people
}

#[tokio::test]
async fn an_address_goes_from_what_is_kept_of_others_and_a_longer_one_stays() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged), names("2", "1")], 0).await;
    let integration = bed.store.integration("a").await.unwrap().key;
    let form = |field: &str, sent: &str| Form {
        oomnitza_id: "2".to_owned(),
        field: field.to_owned(),
        sent: format!("\"{sent}\""),
        shown: r#""cut""#.to_owned(),
    };
    let forms = [form("manager", "1@acme.com"), form("title", "y")];
    bed.store.remember_forms(integration, &forms).await.unwrap();

    let message = "it is 1@acme.com, and not 21@acme.com.";
    let notice = store::Notice::new("odd", "1@acme.com", message);
    bed.store.begin_notice(None, &notice, at(0)).await.unwrap();

    let one = somebody(&bed, "1").await;
    assert_eq!(bed.store.needed_by(&one, fold).await.unwrap(), None);
    bed.store.forget(&one[0], fold).await.unwrap();

    assert_eq!(
        bed.lines("SELECT user FROM user_versions").await,
        [r#"{"email":"2@acme.com","manager":"…","deputy":"21@acme.com"}"#]
    );
    // What is a part of a text stays: it may be a part of another address.
    assert_eq!(
        bed.lines("SELECT record FROM record_versions").await,
        [r#"{"email":"2@acme.com","manager":"…","deputy":"of 1@acme.com"}"#]
    );
    // What an undo would put back is not there any more.
    assert_eq!(
        bed.lines("SELECT before, after, left_alone FROM change_values")
            .await,
        [r#"{"title":"x"}|{"manager":"","title":"y"}|{}"#]
    );
    assert_eq!(bed.lines("SELECT field FROM forms").await, ["title"]);
    assert_eq!(
        bed.lines("SELECT subject, message FROM notices").await,
        ["…|it is …, and not 21@acme.com."]
    );
    // The next load finds the other one unchanged, and writes nothing of that again.
    bed.run(&[names("2", "1")], 1).await;
    assert_eq!(bed.count("user_versions").await, 1);
}

#[tokio::test]
async fn an_address_goes_in_any_letters_and_from_all_that_is_kept() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    let mut drive = bed.begin(false, false, 1).await;
    let spelt =
        r#"{"accountName":"1@ACME.com","escaped":"1\u0040Acme.Com","longer":"of 1@ACME.com"}"#;
    let other = Seen {
        user: spelt.to_owned(),
        record: Some(spelt.to_owned()),
        verdict: Verdict::Change(Box::new(Change {
            action: Action::Update,
            standing: None,
            left_alone: None,
            key_field: "email".to_owned(),
            key_value: r#""1@Acme.com""#.to_owned(),
            oomnitza_id: Some("2".to_owned()),
            before: Some(r#"{"roles":["x","1@ACME.COM"],"title":"x"}"#.to_owned()),
            after: r#"{"roles":[],"title":"y"}"#.to_owned(),
        })),
        place: Some(SaasPlan {
            oomnitza_id: Some("2".to_owned()),
            before: r#"{"roles":["1@ACME.com","x"]}"#.to_owned(),
            after: r#"{"external_id":"2","roles":["x"]}"#.to_owned(),
        }),
        ..seen("2", Unchanged)
    };
    bed.plan(&mut drive, &[seen("1", Unchanged), other], true, 1)
        .await;
    let one = somebody(&bed, "1").await;
    assert!(bed.store.needed_by(&one, fold).await.unwrap().is_some());
    let intents = &drive.summary.counts;
    let ending = bed
        .store
        .end_run(drive.key, State::Interrupted, intents, None, at(1));
    ending.await.unwrap();
    let integration = drive.key.integration;
    let roles = [("5".to_owned(), "1@ACME.com".to_owned())];
    bed.store.replace_roles(integration, &roles).await.unwrap();
    let message = "it is 1@Acme.com, and not 21@ACME.com.";
    let notice = store::Notice::new("odd", "", message);
    bed.store.begin_notice(None, &notice, at(0)).await.unwrap();
    // A name that is the address: what the bed puts down of others has none.
    let full_name = Seen {
        user: r#"{"fullName":"1@acme.com"}"#.to_owned(),
        ..seen("3", Unchanged)
    };
    let mut line = crate::support::line(&full_name, None);
    line.full_name = Some("1@Acme.com".to_owned());
    let mut later = bed.begin(false, true, 2).await;
    bed.store
        .add_to_plan(later.key, vec![line], false, at(2), &mut later.summary)
        .await
        .unwrap();
    let ending = bed.store.end_run(
        later.key,
        State::Interrupted,
        &later.summary.counts,
        None,
        at(2),
    );
    ending.await.unwrap();

    let everybody = bed.store.everybody().await.unwrap();
    assert_eq!(everybody.len(), 3);
    assert_eq!(bed.store.needed_by(&one, fold).await.unwrap(), None);
    bed.store.forget(&one[0], fold).await.unwrap();

    let redacted = r#"{"accountName":"…","escaped":"…","longer":"of 1@ACME.com"}"#;
    assert_eq!(
        bed.lines(
            "SELECT user FROM user_versions UNION ALL SELECT record FROM record_versions LIMIT 3"
        )
        .await,
        [redacted, r#"{"fullName":"…"}"#, redacted]
    );
    assert_eq!(
        bed.lines("SELECT key_value, before, after FROM change_values")
            .await,
        [r#""…"|{"title":"x"}|{"roles":[],"title":"y"}"#]
    );
    assert_eq!(
        bed.lines("SELECT before FROM saas_changes").await,
        [r#"{"roles":["…","x"]}"#]
    );
    assert_eq!(bed.lines("SELECT name FROM roles").await, ["…"]);
    assert_eq!(
        bed.lines("SELECT message FROM notices").await,
        ["it is …, and not 21@ACME.com."]
    );
    assert_eq!(
        bed.lines("SELECT source_id, full_name FROM v_people WHERE full_name IS NOT NULL")
            .await,
        ["2|Ada Lovelace", "3|…"]
    );
}

#[tokio::test]
async fn a_run_that_has_somebody_in_it_or_was_cut_off_needs_them() {
    for verdict in [skip("no_sync_key"), names("1", "9").verdict] {
        let bed = bed().await;
        let mut drive = bed.begin(false, false, 0).await;
        bed.plan(&mut drive, &[seen("1", verdict), names("2", "3")], true, 0)
            .await;
        let one = somebody(&bed, "1").await;
        let needed = || bed.store.needed_by(&one, fold);
        let run_id = drive.run_id.to_string();
        assert_eq!(
            needed().await.unwrap(),
            Some((run_id.clone(), State::Running))
        );
        let intents = &drive.summary.counts;
        let parking = bed
            .store
            .end_run(drive.key, State::Parked, intents, None, at(1));
        parking.await.unwrap();
        assert_eq!(
            needed().await.unwrap(),
            Some((run_id.clone(), State::Parked))
        );
        // Whom others are to get as a value is needed as well.
        let mut other = bed.begin_of("b", false, true, 2).await;
        bed.plan(&mut other, &[seen("3", Unchanged)], false, 2)
            .await;
        bed.end(&other, State::Completed, 3).await;
        let three = somebody(&bed, "3").await;
        assert_eq!(
            bed.store.needed_by(&three, fold).await.unwrap(),
            Some((run_id, State::Parked))
        );
        let decision = store::Decision {
            by: "ann".to_owned(),
            reason: None,
            at: at(4),
        };
        assert!(bed.store.discard(drive.key, &decision).await.unwrap());
        assert_eq!(needed().await.unwrap(), None);
        assert_eq!(bed.store.needed_by(&three, fold).await.unwrap(), None);
    }
}

#[tokio::test]
async fn that_the_file_awaits_to_be_written_anew_is_on_record_until_it_was() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged), seen("2", Unchanged)], 0)
        .await;
    let awaits = async || bed.store.awaits_rewrite().await.unwrap();
    assert!(!awaits().await);
    for id in ["1", "2"] {
        let one = somebody(&bed, id).await;
        bed.store.forget(&one[0], fold).await.unwrap();
    }
    assert!(awaits().await);
    // A reader holds up what is left in the log, and so in the file.
    let mut reader = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(bed.path())
        .read_only(true)
        .connect()
        .await
        .unwrap();
    let mut reading = reader.begin().await.unwrap();
    let people: i64 = sqlx::query_scalar("SELECT count(*) FROM people")
        .fetch_one(&mut *reading)
        .await
        .unwrap();
    assert_eq!(people, 0);
    assert!(!bed.store.rewrite().await.unwrap());
    assert!(awaits().await);
    drop(reading);
    reader.close().await.unwrap();
    assert!(bed.store.rewrite().await.unwrap());
    assert!(!awaits().await);
}
