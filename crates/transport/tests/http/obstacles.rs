//! What stood in the way, told apart; and the clock of the other side.

use jiff::SignedDuration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use transport::{Client, Obstacle, Settings};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::{client, settings};

/// A server that answers every connection with a text and closes it.
async fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address.to_string()
}

async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

async fn obstacle(settings: Settings) -> Option<Obstacle> {
    let client = Client::new(settings).unwrap();
    let error = client.get("x").send().await.unwrap_err();
    error.fault().obstacle()
}

fn through(base: &str, proxy: &str) -> Settings {
    Settings {
        proxy: Some(proxy.parse().unwrap()),
        ..settings(base)
    }
}

#[tokio::test]
async fn each_obstacle_is_told_from_the_others() {
    let nobody = nobody().await;
    let plain = answering("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let refusing =
        answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    let console = "https://console.invalid";
    for (settings, expected) in [
        (settings(console), Obstacle::Name),
        (settings(&format!("http://{nobody}")), Obstacle::Refused),
        (settings(&format!("https://{plain}")), Obstacle::Tls),
        (
            through(console, &format!("http://{refusing}")),
            Obstacle::Proxy,
        ),
        (
            through(console, &format!("http://{nobody}")),
            Obstacle::Refused,
        ),
        (
            through(console, "http://proxy.invalid:3128"),
            Obstacle::Name,
        ),
    ] {
        let what = format!("{settings:?}");
        assert_eq!(obstacle(settings).await, Some(expected), "{what}");
    }
}

#[tokio::test]
async fn an_answer_is_no_obstacle_whatever_it_says() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    assert_eq!(obstacle(settings(&server.uri())).await, None);
}

#[test]
fn the_proxy_in_use_is_named_without_its_password() {
    let proxy = |settings| Client::new(settings).unwrap().proxy().map(str::to_owned);
    let named = through("https://console.invalid", "http://me:secret@proxy.invalid");
    assert_eq!(proxy(named).as_deref(), Some("http://proxy.invalid:80"));
    let loopback = through("http://127.0.0.1:1", "http://proxy.invalid");
    assert_eq!(proxy(loopback), None);
}

#[tokio::test]
async fn the_clock_of_the_other_side_is_measured_by_its_latest_answer_good_or_bad() {
    let server = MockServer::start().await;
    let long_ago =
        ResponseTemplate::new(403).insert_header("date", "Mon, 23 Nov 2020 02:00:00 GMT");
    Mock::given(any())
        .respond_with(long_ago)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let client = client(&server.uri());
    assert_eq!(client.clock_skew(), None);
    let _ = client.get("x").send().await.unwrap_err();
    let behind = client.clock_skew().unwrap();
    assert!(behind < SignedDuration::from_hours(-24), "{behind:?}");
    client.get("x").send().await.unwrap();
    // This one bears the date of now.
    assert_eq!(client.clock_skew(), Some(SignedDuration::ZERO));
}
