//! Forms, and queries of the command line.

use store::{Cause, Cell, Form};

use crate::support::bed;

fn form(oomnitza_id: &str, sent: &str, shown: &str) -> Form {
    Form {
        oomnitza_id: oomnitza_id.to_owned(),
        field: "phone".to_owned(),
        sent: sent.to_owned(),
        shown: shown.to_owned(),
    }
}

#[tokio::test]
async fn the_latest_form_of_a_field_is_remembered() {
    let bed = bed().await;
    let key = bed.store.integration("a").await.unwrap().key;
    let other = bed.store.integration("b").await.unwrap().key;
    assert_eq!(bed.store.count_forms(key).await.unwrap(), 0);
    assert!(bed.store.forms(key, &["1"]).await.unwrap().is_empty());
    let first = [
        form("1", r#""+353 1""#, r#""353""#),
        form("2", r#""x""#, ""),
    ];
    bed.store.remember_forms(key, &first).await.unwrap();
    bed.store
        .remember_forms(key, &[form("1", r#""+353 2""#, r#""3532""#)])
        .await
        .unwrap();
    assert_eq!(bed.store.count_forms(key).await.unwrap(), 2);
    assert_eq!(bed.store.count_forms(other).await.unwrap(), 0);
    let forms = bed.store.forms(key, &["1", "2", "3"]).await.unwrap();
    assert_eq!(forms.get("1", "phone"), Some((r#""+353 2""#, r#""3532""#)));
    assert_eq!(forms.get("2", "phone"), Some((r#""x""#, "")));
    assert_eq!(forms.get("3", "phone"), None);
    assert_eq!(forms.get("1", "title"), None);
    assert!(bed.store.forms(other, &["1"]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_query_gives_each_cell_its_kind_and_takes_parameters() {
    let bed = bed().await;
    let answer = bed
        .store
        .select(
            "SELECT 1 AS a, 1.5 AS b, ? AS c, NULL AS d".to_owned(),
            &["it's".to_owned()],
        )
        .await
        .unwrap();
    assert_eq!(answer.columns, ["a", "b", "c", "d"]);
    let cells = [
        Cell::Integer(1),
        Cell::Real(1.5),
        Cell::Text("it's".to_owned()),
        Cell::Null,
    ];
    assert_eq!(answer.rows, [cells]);
}

#[tokio::test]
async fn a_wrong_query_is_told_from_a_broken_database() {
    let bed = bed().await;
    let error = bed
        .store
        .select("SELECT colour FROM v_people".to_owned(), &[])
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Cause::Query);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("no such column: colour"), "{source}");
}

#[tokio::test]
async fn a_query_cannot_write() {
    let bed = bed().await;
    bed.store.integration("a").await.unwrap();
    let error = bed
        .store
        .select("DELETE FROM integrations".to_owned(), &[])
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Cause::ReadOnly);
    assert_eq!(bed.count("integrations").await, 1);
}
