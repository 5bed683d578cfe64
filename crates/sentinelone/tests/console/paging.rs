//! The guards of the paging, each of them against a console that misbehaves.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sentinelone::{Completeness, Error, Event, UserFilter, UserPages};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate, matchers::path};

use crate::client;

/// Answers that are given one after another, the last again and again.
struct InTurn(Vec<ResponseTemplate>, AtomicUsize);

impl Respond for InTurn {
    fn respond(&self, _: &wiremock::Request) -> ResponseTemplate {
        let turn = self.1.fetch_add(1, Ordering::SeqCst);
        self.0[turn.min(self.0.len() - 1)].clone()
    }
}

/// A console that gives these answers to requests for users.
async fn console(answers: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/web/api/v2.1/users"))
        .respond_with(InTurn(answers.into_iter().collect(), AtomicUsize::new(0)))
        .mount(&server)
        .await;
    server
}

/// A page of users with these ids.
fn page(ids: &[u64], total: u64, cursor: Value) -> ResponseTemplate {
    let users: Vec<_> = ids
        .iter()
        .map(|id| json!({ "id": id.to_string(), "scope": "site" }))
        .collect();
    let mut pagination = json!({ "totalItems": total });
    if cursor != json!("absent") {
        pagination["nextCursor"] = cursor;
    }
    ResponseTemplate::new(200).set_body_json(json!({ "data": users, "pagination": pagination }))
}

fn refused_cursor() -> ResponseTemplate {
    ResponseTemplate::new(400).set_body_raw(
        include_str!("../../fixtures/expired_cursor.json"),
        "application/json",
    )
}

/// What a stream brings up to its end or its error: ids by page, `restarted` between them.
async fn read(pages: &mut UserPages) -> (Vec<String>, Result<(), Error>) {
    let mut events = Vec::new();
    loop {
        match pages.next().await {
            Ok(Some(Event::Page(page))) => {
                let ids = page.users.iter().map(|user| match user {
                    Ok(user) => user.id.to_string(),
                    Err(malformed) => malformed.to_string(),
                });
                events.push(ids.collect::<Vec<_>>().join(" "));
            }
            Ok(Some(Event::Restarted)) => events.push("restarted".to_owned()),
            Ok(None) => return (events, Ok(())),
            Err(error) => return (events, Err(error)),
        }
    }
}

async fn read_whole(server: &MockServer) -> (Vec<String>, UserPages) {
    let mut pages = client(server).users(&UserFilter::default());
    let (events, result) = read(&mut pages).await;
    result.unwrap();
    (events, pages)
}

#[tokio::test]
async fn a_listing_ends_where_the_cursor_is_null_absent_or_empty() {
    for end in [Value::Null, json!(""), json!("absent")] {
        let server = console([page(&[1, 2], 3, json!("a")), page(&[3], 3, end)]).await;
        let (events, pages) = read_whole(&server).await;
        assert_eq!(events, ["1 2", "3"]);
        assert_eq!((pages.promised(), pages.distinct()), (Some(3), 3));
        assert_eq!(pages.completeness(), Completeness::Complete);
    }
}

#[tokio::test]
async fn an_ended_stream_stays_ended_and_asks_no_more() {
    let server = console([page(&[1], 1, Value::Null)]).await;
    let (_, mut pages) = read_whole(&server).await;
    assert!(pages.next().await.unwrap().is_none());
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_empty_page_in_the_middle_is_not_the_end() {
    let server = console([
        page(&[], 2, json!("a")),
        page(&[], 0, json!("b")),
        page(&[1, 2], 0, Value::Null),
    ])
    .await;
    let (events, pages) = read_whole(&server).await;
    assert_eq!(events, ["", "", "1 2"]);
    assert_eq!(pages.completeness(), Completeness::Complete);
}

#[tokio::test]
async fn an_empty_console_is_complete() {
    let server = console([page(&[], 0, Value::Null)]).await;
    let (_, pages) = read_whole(&server).await;
    assert_eq!(pages.completeness(), Completeness::Complete);
}

#[tokio::test]
async fn only_the_first_page_says_how_many_there_are() {
    let server = console([
        page(&[1, 2], 4, json!("a")),
        page(&[3], 0, json!("b")),
        page(&[2, 3], 3, Value::Null),
    ])
    .await;
    let (events, pages) = read_whole(&server).await;
    assert_eq!(
        events,
        ["1 2", "3", ""],
        "users seen twice are dropped, within a page and across"
    );
    assert_eq!(
        pages.completeness(),
        Completeness::Short {
            promised: 4,
            distinct: 3
        }
    );
}

#[tokio::test]
async fn more_users_than_promised_are_no_shortage() {
    let server = console([page(&[1, 2, 2], 1, Value::Null)]).await;
    let (events, pages) = read_whole(&server).await;
    assert_eq!(events, ["1 2"]);
    assert_eq!(pages.completeness(), Completeness::Complete);
}

#[tokio::test]
async fn a_cursor_that_comes_again_is_an_error_and_no_endless_loop() {
    let next = || page(&[1], 9, json!("a"));
    for (answers, asked) in [
        (vec![next(), next()], 2),
        (vec![next(), page(&[2], 9, json!("b")), next()], 3),
    ] {
        let server = console(answers).await;
        let (_, result) = read(&mut client(&server).users(&UserFilter::default())).await;
        assert!(
            matches!(result, Err(Error::RepeatedCursor { .. })),
            "{result:?}"
        );
        assert_eq!(server.received_requests().await.unwrap().len(), asked);
    }
}

#[tokio::test]
async fn a_400_in_mid_read_starts_the_listing_again_once() {
    let server = console([
        page(&[1, 2], 9, json!("a")),
        refused_cursor(),
        page(&[2, 3], 3, json!("a")),
        page(&[4], 3, Value::Null),
    ])
    .await;
    let (events, pages) = read_whole(&server).await;
    assert_eq!(events, ["1 2", "restarted", "2 3", "4"]);
    assert_eq!((pages.promised(), pages.distinct()), (Some(3), 3));
}

#[tokio::test]
async fn a_second_400_in_mid_read_is_an_error() {
    let server = console([
        page(&[1], 9, json!("a")),
        refused_cursor(),
        page(&[1], 9, json!("a")),
        refused_cursor(),
    ])
    .await;
    let (events, result) = read(&mut client(&server).users(&UserFilter::default())).await;
    assert_eq!(events, ["1", "restarted", "1"]);
    insta::assert_snapshot!(result.unwrap_err(), @"the console refused a cursor again, after the listing was begun anew once: 4000040, Validation Error, cursor: Invalid cursor");
}

#[tokio::test]
async fn a_400_on_the_first_page_is_a_refusal() {
    let server = console([refused_cursor()]).await;
    let (events, result) = read(&mut client(&server).users(&UserFilter::default())).await;
    assert!(events.is_empty());
    insta::assert_snapshot!(result.unwrap_err(), @"the console refused to read a page of users with 400 Bad Request: 4000040, Validation Error, cursor: Invalid cursor");
}

#[tokio::test]
async fn every_page_is_asked_for_with_the_same_filters_and_order() {
    let server = console([
        page(&[1], 2, json!("YWdlbnRfaWQ6NTgwMjkzODE=")),
        page(&[2], 2, Value::Null),
    ])
    .await;
    let filter = UserFilter {
        site_ids: vec![
            "225494730938493804".to_owned(),
            "225494730938493805".to_owned(),
        ],
        account_ids: vec!["225494730938493900".to_owned()],
    };
    let (_, result) = read(&mut client(&server).users(&filter)).await;
    result.unwrap();
    let requests = server.received_requests().await.unwrap();
    let queries: Vec<_> = requests
        .iter()
        .map(|request| request.url.query().unwrap())
        .collect();
    let common = "limit=1000&sortBy=id&sortOrder=asc\
                  &siteIds=225494730938493804%2C225494730938493805&accountIds=225494730938493900";
    assert_eq!(
        queries,
        [
            common.to_owned(),
            format!("{common}&cursor=YWdlbnRfaWQ6NTgwMjkzODE%3D")
        ]
    );
    for request in requests {
        assert_eq!(
            request.headers["authorization"],
            "ApiToken eyJhbGciOi.s3cr3t"
        );
    }
}

#[tokio::test]
async fn without_filters_none_are_sent() {
    let server = console([page(&[], 0, Value::Null)]).await;
    let (_, pages) = read_whole(&server).await;
    assert_eq!(pages.distinct(), 0);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(
        requests[0].url.query(),
        Some("limit=1000&sortBy=id&sortOrder=asc")
    );
}

#[tokio::test]
async fn a_body_that_is_cut_or_lacks_its_data_is_asked_for_again() {
    for broken in [
        "{\"data\":[{\"id\":\"1\"",
        "{\"pagination\":{}}",
        "<html>",
        "{\"data\":{}}",
    ] {
        let server = console([
            ResponseTemplate::new(200).set_body_string(broken),
            page(&[1], 1, Value::Null),
        ])
        .await;
        let (events, _) = read_whole(&server).await;
        assert_eq!(events, ["1"], "{broken}");
    }
}

#[tokio::test]
async fn errors_in_a_2xx_are_errors() {
    for data in [json!([]), Value::Null, json!({ "success": false })] {
        let errors = json!([{ "code": 5_000_010, "title": "Server Error", "detail": "try later" }]);
        let answer = json!({ "data": data, "errors": errors, "pagination": {} });
        let server = console([ResponseTemplate::new(200).set_body_json(answer)]).await;
        let (_, result) = read(&mut client(&server).users(&UserFilter::default())).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(result.unwrap_err(), @"the console refused to read a page of users with 200 OK: 5000010, Server Error, try later");
        }
    }
}

#[tokio::test]
async fn a_malformed_user_fails_alone() {
    let body = include_str!("../../fixtures/page.json");
    let server = console([ResponseTemplate::new(200).set_body_raw(body, "application/json")]).await;
    let (events, pages) = read_whole(&server).await;
    insta::assert_snapshot!(
        events.join("\n"),
        @"225494730938493804 225494730938493805 225494730938493806 `email` is a number where a text was expected `id` is empty 225494730938493808"
    );
    assert_eq!(pages.completeness(), Completeness::Complete);
}

#[tokio::test]
async fn a_malformed_user_that_comes_twice_counts_once() {
    let twice = json!([{ "email": "a@b.c" }, { "email": "a@b.c" }, { "id": "1", "email": 7 }, { "id": "1" }]);
    let answer = json!({ "data": twice, "pagination": { "totalItems": 4 } });
    let server = console([ResponseTemplate::new(200).set_body_json(answer)]).await;
    let (events, pages) = read_whole(&server).await;
    assert_eq!(
        events,
        ["`id` is missing `email` is a number where a text was expected"]
    );
    assert_eq!(
        pages.completeness(),
        Completeness::Short {
            promised: 4,
            distinct: 2
        }
    );
}

#[tokio::test]
async fn a_page_can_be_asked_for_again_after_an_outage() {
    let outage = || ResponseTemplate::new(502).set_body_string("Bad Gateway");
    let server = console([
        page(&[1], 2, json!("a")),
        outage(),
        outage(),
        outage(),
        page(&[2], 2, Value::Null),
    ])
    .await;
    let mut pages = client(&server).users(&UserFilter::default());
    let (events, result) = read(&mut pages).await;
    let error = result.unwrap_err();
    assert!(
        error.is_transient() && error.status().unwrap() == 502,
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .starts_with("could not read a page of users: the answer was 502")
    );
    assert_eq!(events, ["1"]);
    let (events, result) = read(&mut pages).await;
    result.unwrap();
    assert_eq!(events, ["2"]);
    assert_eq!(pages.distinct(), 2);
}

#[tokio::test]
async fn the_json_of_a_user_is_a_part_of_the_page() {
    let server = console([page(&[1, 2], 2, Value::Null)]).await;
    let mut pages = client(&server).users(&UserFilter::default());
    let Some(Event::Page(page)) = pages.next().await.unwrap() else {
        panic!("the first event is a page");
    };
    let users: Vec<_> = page.users.into_iter().map(Result::unwrap).collect();
    assert_eq!(users[0].json(), r#"{"id":"1","scope":"site"}"#);
    let gap = users[1].json().as_ptr().addr() - users[0].json().as_ptr().addr();
    assert_eq!(
        gap,
        users[0].json().len() + 1,
        "only a comma is between them"
    );
}

#[tokio::test]
async fn streams_can_be_read_by_a_task() {
    let server = console([page(&[1], 1, Value::Null)]).await;
    let client = Arc::new(client(&server));
    let task = tokio::spawn(async move {
        let mut pages = client.users(&UserFilter::default());
        read(&mut pages).await.0
    });
    assert_eq!(task.await.unwrap(), ["1"]);
}
