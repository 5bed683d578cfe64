//! The client against a console on loopback, as `contracts` of the vendor describe it.

#![cfg(test)]

mod lookups;
mod paging;
mod token;

use std::time::Duration;

use http::header::AUTHORIZATION;
use secrecy::SecretString;
use sentinelone::{Client, api_base, normalise_base_url};
use transport::{Rate, Retry, Settings};
use wiremock::MockServer;

/// A client for a console on loopback, with delays that tests can wait for.
fn client(server: &MockServer) -> Client {
    let console = normalise_base_url(&server.uri(), false).unwrap();
    let token = SecretString::from("ApiToken eyJhbGciOi.s3cr3t");
    let rate = Rate::try_from(10_000.0).unwrap();
    let mut settings = Settings::new(api_base(&console), AUTHORIZATION, token, rate);
    settings.retry = Retry {
        tries: 3,
        first: Duration::from_millis(1),
        ..Retry::default()
    };
    Client::new(transport::Client::new(settings).unwrap())
}
