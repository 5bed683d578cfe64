//! What stood in the way of a connection, told apart as those who have to remove it must.

use std::{error::Error as StdError, io};

use crate::error::Fault;

/// What kept a connection from being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// The name of the host, or of the proxy, could not be resolved: DNS.
    Name,
    /// The proxy answered, and did not connect.
    Proxy,
    /// The other side was reached, and no secure connection was made.
    Tls,
    /// The other side was reached, and nobody listens there.
    Refused,
    /// Nothing answered within the time that a connection may take.
    Silence,
    /// The network leads nowhere.
    Network,
}

impl Fault {
    /// What kept the connection from being made; nothing where there was one.
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::Tls(_) => Some(Obstacle::Tls),
            Self::ConnectTimeout(_) => Some(Obstacle::Silence),
            Self::Connect(error) => Some(of_connecting(error)),
            _ => None,
        }
    }
}

/// Looks for the innermost cause that is known.
///
/// The errors of the connector and of its tunnel are no public types, so they are known by their words, which
/// tests of this crate hold.
fn of_connecting(error: &reqwest::Error) -> Obstacle {
    let mut found = Obstacle::Network;
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        let kind = error.downcast_ref().map(io::Error::kind);
        if words.starts_with("dns error") {
            return Obstacle::Name;
        } else if kind == Some(io::ErrorKind::ConnectionRefused) {
            return Obstacle::Refused;
        } else if words.starts_with("tunnel error") {
            found = Obstacle::Proxy;
        }
        next = error.source();
    }
    found
}
