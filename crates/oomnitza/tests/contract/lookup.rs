//! The probe, and looking people up.

use oomnitza::{Error, FieldName, PersonId};
use serde_json::json;
use wiremock::{Request, ResponseTemplate};

use crate::instance::{Instance, PORTION, body, parameter, people, status};

const PROBE: &str = "GET /api/v2/mappings";
const USERS: &str = "GET /api/v3/users";

fn email() -> FieldName {
    "email".parse().unwrap()
}

#[tokio::test]
async fn the_probe_learns_the_token_that_every_later_request_carries() {
    let instance = Instance::start().await;
    instance
        .answers(PROBE, status(204).insert_header("X-CSRF-Token", "csrf-xyz"))
        .await;
    instance.answers(USERS, body(&json!([]))).await;
    let reader = instance.reader();
    reader.probe().await.unwrap();
    reader.people().next().await.unwrap();
    reader.clone().people().next().await.unwrap();

    assert_eq!(
        instance.calls().await[0],
        "GET /api/v2/mappings?name=AuthTest"
    );
    let header = |request: &Request, name| {
        request
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    for (index, request) in instance.requests().await.iter().enumerate() {
        assert_eq!(header(request, "authorization2").as_deref(), Some("oomtok"));
        let csrf = (index > 0).then_some("csrf-xyz");
        assert_eq!(
            header(request, "x-csrf-token").as_deref(),
            csrf,
            "request {index}"
        );
    }
}

#[tokio::test]
async fn a_refused_token_says_where_to_make_a_new_one() {
    let instance = Instance::start().await;
    instance.answers(PROBE, status(401)).await;
    let error = instance.reader().probe().await.unwrap_err();
    assert!(error.is_unauthorized() && !error.is_refusal() && !error.may_have_arrived());
    assert_eq!(instance.calls().await.len(), 1, "a 401 is final");
    insta::assert_snapshot!(error, @r#"Oomnitza does not accept the token: it is wrong, was deleted or has expired; make a new one for the dedicated user under Configuration > Security > API Token and put it where `credentials` points"#);
}

#[tokio::test]
async fn people_are_found_by_their_ids_in_lists_of_100() {
    let instance = Instance::start().await;
    instance
        .answers(USERS, |request: &Request| {
            let (_, filter) = request
                .url
                .query_pairs()
                .find(|(name, _)| name == "filter")
                .unwrap();
            let list = filter.strip_prefix("user_id IN ").unwrap();
            let ids: Vec<String> = serde_json::from_str(list).unwrap();
            assert!(ids.len() <= 100);
            // Two at a time, although 500 were asked for.
            let skip = parameter(request, "skip");
            let shown: Vec<_> = ids
                .iter()
                .skip(skip)
                .take(2)
                .map(|id| json!({"user_id": id}))
                .collect();
            body(&json!(shown)).insert_header("X-Total-Count", ids.len().to_string())
        })
        .await;
    let ids: Vec<PersonId> = (0..150)
        .map(|id| format!("{id:032}").parse().unwrap())
        .collect();
    let found = instance.reader().people_by_ids(&ids).await.unwrap();
    assert_eq!(
        found
            .into_iter()
            .map(|person| person.id)
            .collect::<Vec<_>>(),
        ids
    );
    assert_eq!(instance.calls().await.len(), 75);
}

#[tokio::test]
async fn people_are_found_by_a_key_and_whoever_is_found_twice_comes_once() {
    let instance = Instance::start().await;
    instance
        .answers(
            USERS,
            body(&json!(people(0..1))).insert_header("X-Total-Count", "1"),
        )
        .await;
    let values = [
        "aoife+x@acme.example",
        "o'hara@acme.example",
        r#"the "boss""#,
        "",
        r"acme\nuala",
    ];
    let found = instance
        .reader()
        .people_by_key(&email(), &values)
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        instance.calls().await,
        [
            r#"GET /api/v3/users?limit=500&skip=0&sortby=user_id&filter=email IN ["aoife+x@acme.example","o'hara@acme.example"]"#,
            r#"GET /api/v3/users?limit=500&skip=0&sortby=user_id&filter=email eq 'the "boss"'"#,
            r#"GET /api/v3/users?limit=500&skip=0&sortby=user_id&filter=email LIKE "acme%""#,
        ]
    );
    let first = &instance.requests().await[0];
    let query = first.url.query().unwrap();
    assert!(query.ends_with("filter=email%20IN%20%5B%22aoife%2Bx%40acme.example%22%2C%22o%27hara%40acme.example%22%5D"), "{query}");
}

#[tokio::test]
async fn a_lookup_that_finds_no_usable_person_is_an_error() {
    let instance = Instance::start().await;
    instance
        .answers(USERS, body(&json!([{"email": "a@b.c"}])))
        .await;
    let error = instance
        .reader()
        .people_by_key(&email(), &["a@b.c"])
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Malformed(_)), "{error}");
}

#[tokio::test]
async fn a_refused_filter_keeps_the_words_of_the_instance() {
    let instance = Instance::start().await;
    let refusal = ResponseTemplate::new(400).set_body_string("unknown field\n`email`");
    instance.answers(USERS, refusal).await;
    let error = instance
        .reader()
        .people_by_key(&email(), &["a@b.c"])
        .await
        .unwrap_err();
    assert!(error.is_refusal());
    insta::assert_snapshot!(error, @r#"Oomnitza refused to read a page of people with 400 Bad Request: unknown field `email`"#);
}

#[tokio::test]
async fn a_reader_sends_nothing_but_get() {
    let instance = Instance::start().await;
    let reader = instance.reader();
    let portion = PORTION.parse().unwrap();
    let idents = oomnitza::Connector::Id(268).idents();
    let _ = reader.probe().await;
    let _ = reader.people().next().await;
    let _ = reader.people_by_ids(&["1".parse().unwrap()]).await;
    let _ = reader.people_by_key(&email(), &["a@b.c"]).await;
    let _ = reader.run_log(&idents, &portion).await;
    let requests = instance.requests().await;
    assert_eq!(requests.len(), 6);
    assert!(
        requests
            .iter()
            .all(|request| request.method == "GET" && request.body.is_empty())
    );
}
