//! What goes out is what was put together.

use http::{HeaderName, HeaderValue};
use secrecy::SecretString;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::{TOKEN, client};

async fn server() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    server
}

/// The first request that a server got.
async fn received(server: &MockServer) -> wiremock::Request {
    server.received_requests().await.unwrap().remove(0)
}

#[tokio::test]
async fn queries_are_percent_encoded_and_append() {
    let server = server().await;
    client(&format!("{}/api?dropped=1", server.uri()))
        .get("users")
        .query(&[("email", "o'neil+x@a.b c"), ("empty", "")])
        .query::<&str, &str>(&[])
        .query(&[("ids", "1,2&3=%".to_owned())])
        .send()
        .await
        .unwrap();
    let request = received(&server).await;
    assert_eq!(request.url.path(), "/api/users");
    assert_eq!(
        request.url.query(),
        Some("email=o%27neil%2Bx%40a.b%20c&empty=&ids=1%2C2%263%3D%25")
    );
    let pairs: Vec<_> = request.url.query_pairs().collect();
    assert_eq!(pairs[0].1, "o'neil+x@a.b c");
}

#[tokio::test]
async fn a_segment_cannot_leave_its_place_in_the_path() {
    for (segment, path) in [
        ("225494730938493804", "/api/users/225494730938493804"),
        ("a/b?c#d e%", "/api/users/a%2Fb%3Fc%23d%20e%25"),
        ("..", "/api/users"),
    ] {
        let server = server().await;
        let client = client(&format!("{}/api/", server.uri()));
        client.get("users").segment(segment).send().await.unwrap();
        assert_eq!(received(&server).await.url.path(), path, "{segment}");
    }
}

#[tokio::test]
async fn an_absolute_path_stays_with_the_host() {
    let server = server().await;
    client(&server.uri())
        .get("http://evil.invalid/x?y")
        .send()
        .await
        .unwrap();
    assert_eq!(
        received(&server).await.url.path(),
        "/http://evil.invalid/x%3Fy"
    );
}

#[tokio::test]
async fn every_request_carries_what_it_should() {
    let server = server().await;
    let client = client(&server.uri());
    let csrf = HeaderName::from_static("x-csrf-token");
    client
        .set_header(csrf.clone(), &SecretString::from("first"))
        .unwrap();
    client
        .set_header(csrf, &SecretString::from(" second "))
        .unwrap();
    client
        .post("users")
        .header(
            HeaderName::from_static("x-own"),
            HeaderValue::from_static("1"),
        )
        .json_body(r#"{"a":1}"#)
        .send()
        .await
        .unwrap();
    let request = received(&server).await;
    let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("authorization"), TOKEN);
    assert_eq!(header("x-csrf-token"), "second");
    assert_eq!(header("x-own"), "1");
    assert_eq!(header("accept"), "application/json");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(
        header("user-agent"),
        concat!("rollcall/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(request.headers.get_all("x-csrf-token").iter().count(), 1);
    assert_eq!(request.body, br#"{"a":1}"#);
}

#[tokio::test]
async fn connections_are_kept() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        // One connection is accepted, and no other.
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.unwrap() > 0 {
            stream
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .await
                .unwrap();
        }
    });
    let client = client(&uri);
    for _ in 0..3 {
        client.get("x").send().await.unwrap();
    }
}
