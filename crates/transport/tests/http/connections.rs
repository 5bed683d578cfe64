//! Connections that are refused, break, hang, or bring half of what they promised.

use std::{io::Write as _, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use transport::{Client, Error, Fault, SetupError};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::{client, settings};

/// A server that answers each connection with one of the texts in turn, the last again and again,
/// and closes it.
async fn raw(answers: &'static [&'static str]) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut answers = answers
            .iter()
            .chain(std::iter::repeat(answers.last().unwrap()));
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_head(&mut stream).await;
            let answer = answers.next().unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (uri, server)
}

/// Reads a request up to the end of its head.
async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap() == 0 {
            return;
        }
    }
}

/// A URL on loopback where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn failure(request: transport::Request) -> Error {
    request.send().await.err().unwrap()
}

const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"data\":[";
const WHOLE: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"data\":[]}";

#[tokio::test]
async fn a_refused_connection_is_tried_again_by_everyone() {
    let client = client(&nobody().await);
    for request in [client.get("x"), client.post("x")] {
        let error = failure(request).await;
        assert!(matches!(error.fault(), Fault::Connect(_)), "{error:?}");
        assert_eq!(error.attempts(), 3);
        assert!(error.is_transient());
        assert!(!error.may_have_arrived());
    }
}

#[tokio::test]
async fn a_host_without_an_address_certainly_gets_nothing() {
    let mut settings = settings("http://name.invalid");
    settings.proxy = None;
    let error = failure(Client::new(settings).unwrap().post("x")).await;
    assert!(!error.may_have_arrived());
    assert_eq!(error.attempts(), 3);
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_only_where_that_is_harmless() {
    let (uri, _server) = raw(&[""]).await;
    let client = client(&uri);
    let error = failure(client.get("x")).await;
    assert!(matches!(error.fault(), Fault::Interrupted(_)), "{error:?}");
    assert_eq!((error.attempts(), error.may_have_arrived()), (3, true));
    let error = failure(client.post("x")).await;
    assert_eq!((error.attempts(), error.may_have_arrived()), (1, true));
}

#[tokio::test]
async fn a_kept_connection_that_breaks_does_not_repeat_a_post() {
    // Each connection serves one request properly and hangs up on the second.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let heads = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = heads.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            for answer in [&b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..], b""] {
                read_head(&mut stream).await;
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                stream.write_all(answer).await.unwrap();
            }
        }
    });
    let client = client(&uri);
    client.get("x").send().await.unwrap();
    let error = failure(client.post("x")).await;
    assert_eq!((error.attempts(), error.may_have_arrived()), (1, true));
    assert_eq!(heads.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_body_that_is_cut_is_asked_for_again() {
    let (uri, _server) = raw(&[CUT, WHOLE]).await;
    let response = client(&uri).get("x").send().await.unwrap();
    assert_eq!(response.body, "{\"data\":[]}");

    let (uri, _server) = raw(&[CUT]).await;
    let error = failure(client(&uri).post("x")).await;
    assert_eq!((error.attempts(), error.may_have_arrived()), (1, true));
}

#[tokio::test]
async fn a_2xx_that_is_not_the_json_promised_is_asked_for_again() {
    let server = MockServer::start().await;
    let html = ResponseTemplate::new(200).set_body_string("<html>login</html>");
    Mock::given(any())
        .respond_with(html)
        .up_to_n_times(2)
        .mount(&server)
        .await;
    let json = ResponseTemplate::new(200).set_body_string("[1,2]");
    Mock::given(any()).respond_with(json).mount(&server).await;
    let client = client(&server.uri());
    let (numbers, body) = client.get("x").send_json::<Vec<u8>>().await.unwrap();
    assert_eq!((numbers, &body[..]), (vec![1, 2], &b"[1,2]"[..]));
    let error = client.post("x").send_json::<String>().await.unwrap_err();
    assert!(matches!(error.fault(), Fault::NotJson(_)), "{error:?}");
    assert_eq!((error.attempts(), error.may_have_arrived()), (1, true));
    let error = client
        .get("x")
        .send_checked(|_| serde_json::from_str::<u8>("x"))
        .await
        .unwrap_err();
    assert_eq!(error.attempts(), 3);
    insta::assert_snapshot!(
        error.to_string().split(';').next().unwrap(),
        @"could not complete a request: the answer is not the JSON that was promised"
    );
}

#[tokio::test]
async fn a_slow_answer_is_given_up() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let mut settings = settings(&server.uri());
    settings.timeout = Duration::from_millis(50);
    let client = Client::new(settings).unwrap();
    let error = failure(client.get("x")).await;
    assert!(matches!(error.fault(), Fault::Timeout(_)), "{error:?}");
    assert_eq!((error.attempts(), error.may_have_arrived()), (3, true));
    let error = failure(client.post("x")).await;
    assert_eq!((error.attempts(), error.may_have_arrived()), (1, true));
}

#[tokio::test]
async fn a_try_that_may_have_arrived_is_remembered_when_a_later_one_cannot_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        read_head(&mut stream).await;
    });
    let error = failure(client(&uri).get("x")).await;
    assert!(matches!(error.fault(), Fault::Connect(_)), "{error:?}");
    assert!(error.may_have_arrived());
}

#[tokio::test]
async fn a_body_above_the_bound_is_refused_at_once_and_while_it_comes() {
    let long = "HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                   40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n\
                   40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n";
    for answer in [[long], [endless]] {
        let (uri, _server) = raw(answer.to_vec().leak()).await;
        let mut settings = settings(&uri);
        settings.max_body = 100;
        let error = failure(Client::new(settings).unwrap().get("x")).await;
        assert!(
            matches!(error.fault(), Fault::TooLarge { limit: 100 }),
            "{error:?}"
        );
        assert_eq!(error.attempts(), 1);
    }
}

#[tokio::test]
async fn gzip_is_asked_for_read_and_bounded_by_its_content() {
    // One million spaces, which are a kilobyte when they are compressed.
    let zipped = include_bytes!("../fixtures/million_spaces.gz");
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(zipped.to_vec());
    Mock::given(wiremock::matchers::header("accept-encoding", "gzip"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let response = client(&server.uri()).get("x").send().await.unwrap();
    assert_eq!(response.body.len(), 1_000_000);

    let mut settings = settings(&server.uri());
    settings.max_body = 999_999;
    let error = failure(Client::new(settings).unwrap().get("x")).await;
    assert!(matches!(error.fault(), Fault::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_final_fault() {
    let (uri, _server) = raw(&["HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    drop(uri);
    let uri = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
    });
    let error = failure(client(&uri).post("x")).await;
    assert!(matches!(error.fault(), Fault::Tls(_)), "{error:?}");
    assert_eq!(error.attempts(), 1);
    assert!(!error.may_have_arrived());
}

#[tokio::test]
async fn loopback_is_reached_past_a_proxy() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let mut settings = settings(&server.uri());
    settings.proxy = Some(nobody().await.parse().unwrap());
    assert!(Client::new(settings).unwrap().get("x").send().await.is_ok());
}

#[tokio::test]
async fn another_host_is_reached_through_the_proxy() {
    let proxy = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&proxy)
        .await;
    let mut settings = settings("http://console.invalid");
    settings.proxy = Some(proxy.uri().parse().unwrap());
    assert_eq!(
        Client::new(settings)
            .unwrap()
            .get("x")
            .send()
            .await
            .unwrap()
            .status
            .as_u16(),
        204
    );
}

#[test]
fn a_ca_file_that_is_no_use_is_named() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "no certificate").unwrap();
    let mut empty = settings("https://127.0.0.1");
    empty.ca_files = vec![file.path().to_owned()];
    let error = Client::new(empty).unwrap_err();
    assert!(matches!(&error, SetupError::CaInvalid { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains(&file.path().display().to_string())
    );

    writeln!(
        file,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    )
    .unwrap();
    let mut damaged = settings("https://127.0.0.1");
    damaged.ca_files = vec![file.path().to_owned()];
    let error = Client::new(damaged).unwrap_err();
    assert!(matches!(&error, SetupError::CaInvalid { .. }), "{error:?}");

    let mut absent = settings("https://127.0.0.1");
    absent.ca_files = vec!["/nonexistent/ca.pem".into()];
    insta::assert_snapshot!(
        Client::new(absent).unwrap_err(),
        @"could not read the CA file `/nonexistent/ca.pem`"
    );
}
