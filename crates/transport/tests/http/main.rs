//! The client against real servers on loopback.

#![cfg(test)]

mod connections;
mod hooks;
mod obstacles;
mod requests;
mod secrets;
mod statuses;
mod stopping;
mod throttling;

use std::time::Duration;

use http::header::AUTHORIZATION;
use secrecy::SecretString;
use transport::{Client, Rate, Retry, Settings};

/// The token that every client here sends.
const TOKEN: &str = "ApiToken s3cr3t-t0ken-0123456789";

/// Settings for a server on loopback, with delays that tests can wait for.
fn settings(base: &str) -> Settings {
    let rate = Rate::try_from(10_000.0).unwrap();
    Settings {
        retry: Retry {
            tries: 3,
            first: Duration::from_millis(1),
            longest: Duration::from_millis(300),
            patience: Duration::from_secs(5),
        },
        ..Settings::new(
            base.parse().unwrap(),
            AUTHORIZATION,
            SecretString::from(TOKEN),
            rate,
        )
    }
}

/// A client for a server on loopback.
fn client(base: &str) -> Client {
    Client::new(settings(base)).unwrap()
}
