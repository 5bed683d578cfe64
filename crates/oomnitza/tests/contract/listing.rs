//! The listing of everybody.

use oomnitza::{Completeness, Error, PeoplePages};
use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::instance::{Instance, body, parameter, people, status, text};

const USERS: &str = "GET /api/v3/users";

/// Answers with a page of `rows`, of at most `most` rows, and with the total if there is one.
fn page(
    rows: Vec<Value>,
    most: usize,
    total: Option<&'static str>,
) -> impl Fn(&Request) -> ResponseTemplate {
    move |request| {
        let (limit, skip) = (parameter(request, "limit"), parameter(request, "skip"));
        let shown: Vec<_> = rows.iter().skip(skip).take(limit.min(most)).collect();
        let answer = body(&json!(shown));
        match total {
            Some(total) => answer.insert_header("X-Total-Count", total),
            None => answer,
        }
    }
}

/// Reads to the end and returns the ids, in order, with `!` for what is malformed.
async fn read(pages: &mut PeoplePages) -> Result<Vec<String>, Error> {
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await? {
        for person in page.people {
            ids.push(match person {
                Ok(person) => person.id.to_string(),
                Err(malformed) => format!("! {malformed}"),
            });
        }
    }
    Ok(ids)
}

fn ids(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|id| format!("{id:032x}")).collect()
}

#[tokio::test]
async fn everybody_is_read_in_pages_of_500_up_to_the_total() {
    let instance = Instance::start().await;
    instance
        .answers(USERS, page(people(0..1201), 500, Some("1201")))
        .await;
    let mut pages = instance.reader().people();
    assert_eq!(read(&mut pages).await.unwrap(), ids(0..1201));
    assert_eq!(pages.completeness(), Completeness::Complete);
    assert_eq!((pages.promised(), pages.distinct()), (Some(1201), 1201));
    assert_eq!(
        instance.calls().await,
        [
            "GET /api/v3/users?limit=500&skip=0&sortby=user_id",
            "GET /api/v3/users?limit=500&skip=500&sortby=user_id",
            "GET /api/v3/users?limit=500&skip=1000&sortby=user_id",
        ]
    );
}

#[tokio::test]
async fn a_short_page_is_not_the_end() {
    for total in [None, Some("7"), Some("many"), Some("")] {
        let instance = Instance::start().await;
        instance.answers(USERS, page(people(0..7), 3, total)).await;
        assert_eq!(
            read(&mut instance.reader().people()).await.unwrap(),
            ids(0..7),
            "{total:?}"
        );
    }
}

#[tokio::test]
async fn without_a_total_the_listing_ends_at_an_empty_page() {
    let instance = Instance::start().await;
    instance
        .answers(USERS, page(people(0..500), 500, None))
        .await;
    let mut pages = instance.reader().people();
    assert_eq!(read(&mut pages).await.unwrap().len(), 500);
    assert_eq!(
        (pages.promised(), pages.completeness()),
        (None, Completeness::Complete)
    );
    assert_eq!(instance.calls().await.len(), 2);
    assert!(pages.next().await.unwrap().is_none());
    assert_eq!(
        instance.calls().await.len(),
        2,
        "after the end nothing is asked"
    );
}

#[tokio::test]
async fn a_total_that_counts_only_the_page_does_not_end_the_listing() {
    let instance = Instance::start().await;
    instance
        .answers(USERS, page(people(0..1100), 500, Some("500")))
        .await;
    assert_eq!(
        read(&mut instance.reader().people()).await.unwrap(),
        ids(0..1100)
    );
}

#[tokio::test]
async fn a_total_that_vanishes_on_later_pages_does_not_end_the_listing() {
    let instance = Instance::start().await;
    let rows = page(people(0..7), 3, None);
    let answer = move |request: &Request| {
        let total = if parameter(request, "skip") == 0 {
            "7"
        } else {
            "0"
        };
        rows(request).insert_header("X-Total-Count", total)
    };
    instance.answers(USERS, answer).await;
    assert_eq!(
        read(&mut instance.reader().people()).await.unwrap(),
        ids(0..7)
    );
}

#[tokio::test]
async fn an_empty_instance_is_read_completely() {
    let instance = Instance::start().await;
    instance
        .answers(USERS, page(people(0..0), 500, Some("0")))
        .await;
    let mut pages = instance.reader().people();
    assert_eq!(read(&mut pages).await.unwrap(), ids(0..0));
    assert_eq!(pages.completeness(), Completeness::Complete);
}

#[tokio::test]
async fn whoever_comes_twice_because_somebody_was_added_is_dropped() {
    let instance = Instance::start().await;
    instance
        .answers_first(1, USERS, page(people(1..6), 2, Some("5")))
        .await;
    // The last row of the first page comes again, pushed back by a person in front.
    instance
        .answers(USERS, page(people(0..6), 2, Some("6")))
        .await;
    let mut pages = instance.reader().people();
    assert_eq!(read(&mut pages).await.unwrap(), ids(1..6));
    assert_eq!(
        (pages.distinct(), pages.completeness()),
        (5, Completeness::Complete)
    );
}

#[tokio::test]
async fn whoever_is_left_out_because_somebody_was_removed_is_missed() {
    let instance = Instance::start().await;
    instance
        .answers_first(1, USERS, page(people(0..6), 2, Some("6")))
        .await;
    // The third row has moved to the first page, which was read already.
    instance
        .answers(USERS, page(people(1..6), 2, Some("5")))
        .await;
    let mut pages = instance.reader().people();
    assert_eq!(
        read(&mut pages).await.unwrap(),
        [ids(0..2), ids(3..6)].concat()
    );
    assert_eq!(
        pages.completeness(),
        Completeness::Short {
            promised: 6,
            distinct: 5
        }
    );
}

#[tokio::test]
async fn fewer_than_promised_is_short() {
    let instance = Instance::start().await;
    instance
        .answers(USERS, page(people(0..4), 500, Some("6")))
        .await;
    let mut pages = instance.reader().people();
    assert_eq!(read(&mut pages).await.unwrap(), ids(0..4));
    assert_eq!(
        pages.completeness(),
        Completeness::Short {
            promised: 6,
            distinct: 4
        }
    );
}

#[tokio::test]
async fn what_is_no_person_is_shown_beside_the_others_and_counted_once() {
    let instance = Instance::start().await;
    let rows = vec![
        json!({"user_id": 7}),
        json!({"email": "nobody@acme.example"}),
        json!("nobody"),
        json!({"email": "nobody@acme.example"}),
        json!({"user_id": "7"}),
    ];
    instance.answers(USERS, page(rows, 500, Some("3"))).await;
    let mut pages = instance.reader().people();
    assert_eq!(
        read(&mut pages).await.unwrap(),
        ["7", "! it has no `user_id`", "! it is not a JSON object"]
    );
    assert_eq!(pages.distinct(), 3);
}

#[tokio::test]
async fn an_instance_that_ignores_skip_is_found_out() {
    let instance = Instance::start().await;
    instance.answers(USERS, body(&json!(people(0..500)))).await;
    let error = read(&mut instance.reader().people()).await.unwrap_err();
    assert!(matches!(error, Error::Repeats), "{error}");
    assert_eq!(instance.calls().await.len(), 3);
}

#[tokio::test]
async fn a_page_that_is_cut_or_no_list_is_asked_for_again() {
    for garbage in [
        r#"[{"user_id": "1"}, {"us"#,
        "<html></html>",
        "",
        r#"{"error": "busy"}"#,
    ] {
        let instance = Instance::start().await;
        instance.answers_first(2, USERS, text(garbage)).await;
        instance
            .answers(USERS, page(people(0..2), 500, Some("2")))
            .await;
        assert_eq!(
            read(&mut instance.reader().people()).await.unwrap(),
            ids(0..2),
            "{garbage}"
        );
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_had_can_be_asked_for_once_more() {
    let instance = Instance::start().await;
    instance.answers_first(3, USERS, status(503)).await;
    instance
        .answers(USERS, page(people(0..2), 500, Some("2")))
        .await;
    let mut pages = instance.reader().people();
    assert!(matches!(pages.next().await, Err(Error::Transport(_))));
    assert_eq!(read(&mut pages).await.unwrap(), ids(0..2));
}
