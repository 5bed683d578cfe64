//! An address that is itself a secret, such as that of a webhook: posted to once, and forgotten.
//!
//! Nothing is repeated here, as whoever tells of something in vain has more patience than a request.
//! What the other side answers is shown without any part of the address that may be secret.

use std::{fmt, time::Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::{Instrument as _, Span, debug_span, field};
use url::Url;

use crate::{
    attempt::refusal,
    client::connections,
    error::{Error, Fault},
    redact::redact,
    settings::{SetupError, Way},
};

/// The way to an address that is a secret.
pub struct Hook {
    http: reqwest::Client,
    address: Url,
}

impl Hook {
    /// Makes the way to an address; nothing is sent yet.
    ///
    /// # Errors
    /// The address is none, a CA file is unusable, or the machine has no certificate authorities.
    pub fn new(address: &SecretString, way: &Way) -> Result<Self, SetupError> {
        // Whoever came first in this process installed the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = address.expose_secret().trim();
        let address = Url::parse(address).map_err(|_| SetupError::Address)?;
        let http = connections(&address, HeaderMap::new(), way).map_err(|error| match error {
            SetupError::Base => SetupError::Address,
            other => other,
        })?;
        Ok(Self { http, address })
    }

    /// Posts a body, once.
    ///
    /// # Errors
    /// The answer is no 2xx, or there is none.
    pub async fn post(&self, content_type: &'static str, body: Bytes) -> Result<(), Error> {
        let span = debug_span!(
            "transport.post",
            http.status = field::Empty,
            duration_ms = field::Empty,
        );
        let started = Instant::now();
        let posting = async {
            let posted = self.attempt(content_type, body).await;
            if let Err(Fault::Status(refusal)) = &posted {
                Span::current().record("http.status", refusal.status.as_u16());
            }
            let duration = started.elapsed();
            Span::current().record("duration_ms", field::display(duration.as_millis()));
            posted.map_err(|fault| {
                let arrived = fault.may_have_arrived();
                Error::new("post a message", 1, duration, arrived, fault)
            })
        };
        posting.instrument(span).await
    }

    async fn attempt(&self, content_type: &'static str, body: Bytes) -> Result<(), Fault> {
        let mut request = reqwest::Request::new(Method::POST, self.address.clone());
        let content_type = HeaderValue::from_static(content_type);
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
        *request.body_mut() = Some(body.into());
        let sent = self.http.execute(request).await;
        let mut answer = sent.map_err(Fault::from_reqwest)?;
        if answer.status().is_success() {
            // What it says besides is of no interest.
            return Ok(());
        }
        let refusal = refusal(&mut answer, |text| self.redact(text)).await;
        Err(Fault::Status(refusal))
    }

    /// Cuts the address, and each part of it that is long enough to be a key, out of a text.
    fn redact(&self, text: String) -> String {
        let address = &self.address;
        let query = address.query().unwrap_or_default();
        let mut parts = vec![address.as_str(), address.path(), query, address.username()];
        parts.extend(address.password());
        parts.extend(address.path().split('/'));
        parts.extend(query.split(['&', '=']));
        parts
            .into_iter()
            .fold(text, |text, part| redact(text, &SecretString::from(part)))
    }
}

// By hand: the address is a secret.
impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
