//! Answers with 429 cost time, not tries, and hold every request back.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use transport::{Client, Reading, Retry, Settings};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any, matchers::path};

use crate::settings;

/// A server that answers a first request with 429, or more of them, and then with 200.
async fn throttling(times: u64, template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/busy"))
        .respond_with(template)
        .up_to_n_times(times)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    server
}

/// Settings that wait as long as they are asked to, up to a minute.
fn patient(server: &MockServer) -> Settings {
    let mut settings = settings(&server.uri());
    settings.retry.longest = Duration::from_mins(1);
    settings.retry.patience = Duration::from_mins(10);
    settings
}

/// How long one request takes in all.
async fn duration_of(client: &Client, path: &str) -> Duration {
    let started = Instant::now();
    client.get(path).send().await.unwrap();
    started.elapsed()
}

#[tokio::test]
async fn a_429_costs_none_of_the_tries() {
    let server = throttling(20, ResponseTemplate::new(429)).await;
    let mut settings = settings(&server.uri());
    settings.retry.tries = 1;
    settings.retry.longest = Duration::from_millis(4);
    let client = Client::new(settings).unwrap();
    duration_of(&client, "busy").await;
    let calls = client.calls();
    assert_eq!((calls.sent, calls.throttled, calls.succeeded), (21, 20, 1));
    assert!(
        calls.held_back >= Duration::from_millis(20),
        "{:?}",
        calls.held_back
    );
}

#[tokio::test]
async fn a_429_is_repeated_even_where_repeating_is_not_harmless() {
    let server = throttling(2, ResponseTemplate::new(429)).await;
    let client = Client::new(settings(&server.uri())).unwrap();
    client.post("busy").send().await.unwrap();
    assert_eq!(client.calls().sent, 3);
}

#[tokio::test]
async fn a_429_for_one_request_holds_another_back() {
    let template = ResponseTemplate::new(429).insert_header("retry-after", "1");
    let server = throttling(1, template).await;
    let client = Client::new(patient(&server)).unwrap();
    let busy = {
        let client = client.clone();
        tokio::spawn(async move { duration_of(&client, "busy").await })
    };
    while client.calls().held_back.is_zero() {
        tokio::task::yield_now().await;
    }
    let other = duration_of(&client, "other").await;
    assert!(other >= Duration::from_millis(500), "{other:?}");
    assert!(busy.await.unwrap() >= Duration::from_secs(1));
}

#[tokio::test]
async fn seconds_and_dates_are_waited_for() {
    let server = throttling(
        1,
        ResponseTemplate::new(429).insert_header("retry-after", "1"),
    )
    .await;
    let waited = duration_of(&Client::new(patient(&server)).unwrap(), "busy").await;
    assert!((1000..10_000).contains(&waited.as_millis()), "{waited:?}");

    // A date has no fractions of a second, so two seconds from now are at least one.
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let template = ResponseTemplate::new(429).insert_header("retry-after", date.as_str());
    let server = throttling(1, template).await;
    let waited = duration_of(&Client::new(patient(&server)).unwrap(), "busy").await;
    assert!((900..10_000).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn an_absurd_delay_is_capped_and_a_senseless_one_replaced() {
    for value in [
        "99999999999999999999",
        "86400",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        let template = ResponseTemplate::new(429).insert_header("retry-after", value);
        let server = throttling(1, template).await;
        let waited = duration_of(&Client::new(settings(&server.uri())).unwrap(), "busy").await;
        assert!(
            (300..10_000).contains(&waited.as_millis()),
            "{value}: {waited:?}"
        );
    }
    for value in ["-5", "0", "soon", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let template = ResponseTemplate::new(429).insert_header("retry-after", value);
        let server = throttling(3, template).await;
        let client = Client::new(settings(&server.uri())).unwrap();
        let waited = duration_of(&client, "busy").await;
        // 1 ms, 2 ms and 4 ms of our own schedule.
        assert!(
            (7..300).contains(&waited.as_millis()),
            "{value}: {waited:?}"
        );
    }
}

#[tokio::test]
async fn patience_with_429_has_an_end() {
    let server = throttling(u64::MAX, ResponseTemplate::new(429)).await;
    let mut settings = settings(&server.uri());
    settings.retry = Retry {
        longest: Duration::from_millis(10),
        patience: Duration::from_millis(100),
        ..settings.retry
    };
    let error = Client::new(settings)
        .unwrap()
        .get("busy")
        .send()
        .await
        .err()
        .unwrap();
    assert_eq!(error.status().unwrap().as_u16(), 429);
    assert!(error.attempts() > 3, "{}", error.attempts());
    assert!(!error.may_have_arrived());
    assert!(
        error.elapsed() < Duration::from_secs(2),
        "{:?}",
        error.elapsed()
    );
}

#[tokio::test]
async fn a_503_waits_as_long_as_it_asks() {
    let template = ResponseTemplate::new(503).insert_header("retry-after", "0.2");
    let server = throttling(1, template).await;
    let client = Client::new(settings(&server.uri())).unwrap();
    let waited = duration_of(&client, "busy").await;
    assert!(waited >= Duration::from_millis(200), "{waited:?}");
    assert_eq!(
        client.calls().held_back,
        Duration::ZERO,
        "only the one request waits"
    );
}

#[tokio::test]
async fn requests_go_out_no_faster_than_promised() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let mut settings = settings(&server.uri());
    settings.requests_per_second = 50.0.try_into().unwrap();
    let client = Client::new(settings).unwrap();
    let started = Instant::now();
    let tasks: Vec<_> = (0..21)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get("x").send().await.map(drop) })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert!(
        started.elapsed() >= Duration::from_millis(399),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_meter_shows_what_all_its_clients_met() {
    let template = ResponseTemplate::new(429).insert_header("retry-after", "0.2");
    let server = throttling(1, template).await;
    let settings = || Settings {
        requests_per_second: 50.0.try_into().unwrap(),
        ..patient(&server)
    };
    let first = settings();
    let meter = Arc::clone(&first.meter);
    let second = Settings {
        meter: Arc::clone(&meter),
        ..settings()
    };
    let (first, second) = (Client::new(first).unwrap(), Client::new(second).unwrap());
    let before = meter.read();
    assert_eq!(before, Reading::default());
    let _ = duration_of(&first, "busy").await;
    for _ in 0..6 {
        let _ = duration_of(&second, "other").await;
    }
    let dead = Settings {
        meter: Arc::clone(&meter),
        ..crate::settings("http://127.0.0.1:1")
    };
    let dead = Client::new(dead).unwrap();
    assert!(dead.get("x").send().await.is_err());
    let shown = meter.read();
    let answers: Vec<_> = shown
        .answers
        .iter()
        .map(|(status, count)| (status.map(|status| status.as_u16()), *count))
        .collect();
    assert_eq!(answers, [(None, 3), (Some(200), 7), (Some(429), 1)]);
    assert_eq!(shown.retries, 1 + 2);
    assert!(
        (200..1000).contains(&shown.throttled.as_millis()),
        "{shown:?}"
    );
    assert!(!shown.paced.is_zero(), "{shown:?}");
}
