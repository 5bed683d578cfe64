//! The client of one system: its connections, its credential, its pace.

use std::{
    fmt, fs,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::SignedDuration;
use reqwest::redirect;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    calls::{Calls, Counters},
    meter::Meter,
    pace::Pace,
    redact::redact,
    request::{Repeat, Request},
    retry::Retry,
    settings::{Settings, SetupError, Way, is_loopback},
    skew::Skew,
};

/// How long an idle connection is kept; servers close theirs from about a minute on.
const IDLE: Duration = Duration::from_secs(30);

/// The way to one system with one credential; clones share connections, pace and counters.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    /// Once it is cancelled, nothing more is sent.
    pub(crate) stopped: CancellationToken,
    #[cfg(feature = "scripted")]
    pub(crate) script: Option<crate::script::Script>,
}

/// What all clones of a client have in common.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) base: Url,
    pub(crate) pace: Pace,
    pub(crate) retry: Retry,
    pub(crate) max_body: usize,
    pub(crate) counters: Counters,
    pub(crate) skew: Skew,
    proxy: Option<String>,
    pub(crate) meter: Arc<Meter>,
    credential: SecretString,
    learned: RwLock<Learned>,
}

/// Headers that the system handed out, and the secrets in them.
#[derive(Default)]
struct Learned {
    headers: HeaderMap,
    secrets: Vec<SecretString>,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// When the settings cannot work: a CA file that is unreadable or holds no certificate, a
    /// credential that no header can carry, a machine without certificate authorities.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        // Whoever came first in this process installed the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let proxy = settings.proxy_in_use();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            settings.header.clone(),
            header_value(&settings.header, &settings.value)?,
        );
        let http = connections(&settings.base, headers, &settings.way())?;
        let Settings {
            mut base,
            requests_per_second,
            value,
            max_body,
            retry,
            meter,
            ..
        } = settings;
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self {
            shared: Arc::new(Shared {
                http,
                base,
                pace: Pace::new(requests_per_second, Arc::clone(&meter)),
                retry,
                max_body,
                counters: Counters::default(),
                skew: Skew::default(),
                proxy,
                meter,
                credential: value,
                learned: RwLock::default(),
            }),
            stopped: CancellationToken::new(),
            #[cfg(feature = "scripted")]
            script: None,
        })
    }

    /// A clone that sends nothing more once `stopped` is cancelled.
    ///
    /// A request that is out is waited for, and is not repeated; one that waits to be sent, for whatever reason,
    /// is given up. [`Request::concluding`] makes the exception.
    #[must_use = "the client itself is not stopped"]
    pub fn until(&self, stopped: CancellationToken) -> Self {
        Self {
            stopped,
            ..self.clone()
        }
    }

    /// A request that reads; it is harmless to repeat.
    ///
    /// The path is relative to the base, without a slash before it.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path, Repeat::Harmless)
    }

    /// A POST; it is repeated only if it did not arrive, unless [`Request::repeat`] says otherwise.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path, Repeat::OnlyIfNotArrived)
    }

    /// A PUT; it is repeated only if it did not arrive, unless [`Request::repeat`] says otherwise.
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path, Repeat::OnlyIfNotArrived)
    }

    /// A PATCH; it is repeated only if it did not arrive, unless [`Request::repeat`] says otherwise.
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path, Repeat::OnlyIfNotArrived)
    }

    /// A DELETE; it is repeated only if it did not arrive, unless [`Request::repeat`] says otherwise.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path, Repeat::OnlyIfNotArrived)
    }

    /// Sends a header with every later request, in place of an earlier one of that name.
    ///
    /// # Errors
    /// When the value holds characters that no header can carry.
    pub fn set_header(&self, name: HeaderName, value: &SecretString) -> Result<(), SetupError> {
        let header = header_value(&name, value)?;
        let mut learned = self
            .shared
            .learned
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        learned.headers.insert(name, header);
        learned.secrets.push(value.clone());
        Ok(())
    }

    /// What was sent so far.
    pub fn calls(&self) -> Calls {
        let shared = &self.shared;
        shared.counters.snapshot(shared.pace.held_back())
    }

    /// How far the system's clock is ahead of ours, by its latest answer; negative: behind, nothing: no answer told.
    ///
    /// It is the least that the answer allows, for a date is no finer than a second, and answers take their time.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.shared.skew.latest()
    }

    /// The proxy through which the system is reached, as `http://host:port`, without what may be secret in it.
    pub fn proxy(&self) -> Option<&str> {
        self.shared.proxy.as_deref()
    }

    /// The URL that paths are appended to; it ends with a slash.
    pub fn base(&self) -> &Url {
        &self.shared.base
    }

    /// Cuts the client's secrets out of words of the system that are to be shown.
    pub fn redact(&self, words: String) -> String {
        self.shared.redact(words)
    }

    /// The value of the credential's header, for a body that has to repeat it.
    pub fn credential(&self) -> &SecretString {
        &self.shared.credential
    }

    fn request(&self, method: Method, path: &str, repeat: Repeat) -> Request {
        Request::new(self.clone(), method, path, repeat)
    }
}

impl Shared {
    /// The headers that the system handed out.
    pub(crate) fn learned_headers(&self) -> HeaderMap {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        learned.headers.clone()
    }

    /// Cuts every secret of this client out of a text.
    pub(crate) fn redact(&self, text: String) -> String {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        learned
            .secrets
            .iter()
            .chain([&self.credential])
            .fold(text, redact)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.shared.base.as_str())
            .finish_non_exhaustive()
    }
}

/// The pool of connections to a system, which send some headers with every request.
pub(crate) fn connections(
    base: &Url,
    headers: HeaderMap,
    way: &Way,
) -> Result<reqwest::Client, SetupError> {
    let is_plain = match base.scheme() {
        "http" => true,
        "https" => false,
        _ => return Err(SetupError::Base),
    };
    if !base.has_host() {
        return Err(SetupError::Base);
    }
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("rollcall/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .connect_timeout(way.connect_timeout)
        .timeout(way.timeout)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        // Credentials follow no redirect, and what is repeated is decided in `send`, where it is
        // paced and counted.
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never());
    builder = match &way.proxy {
        _ if is_loopback(base) => builder.no_proxy(),
        Some(url) => {
            builder.proxy(reqwest::Proxy::all(url.clone()).map_err(|_| SetupError::Proxy)?)
        }
        None => builder,
    };
    let mut authorities = Vec::new();
    for path in &way.ca_files {
        authorities.extend(read_authorities(path)?);
    }
    builder = if is_plain {
        // Without TLS a machine that trusts nobody will do, which building would refuse otherwise.
        builder.tls_certs_only(authorities)
    } else {
        builder.tls_certs_merge(authorities)
    };
    builder
        .build()
        .map_err(|error| SetupError::Tls(error.without_url()))
}

/// The value of a header that is marked as secret.
fn header_value(name: &HeaderName, value: &SecretString) -> Result<HeaderValue, SetupError> {
    let mut value = HeaderValue::from_str(value.expose_secret().trim())
        .map_err(|_| SetupError::Header { name: name.clone() })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The certificates in a PEM file, each of them checked, so that a damaged one names its file.
fn read_authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, SetupError> {
    let invalid = |reason: String| SetupError::CaInvalid {
        path: path.to_owned(),
        reason,
    };
    let text = fs::read(path).map_err(|source| SetupError::CaUnreadable {
        path: path.to_owned(),
        source,
    })?;
    let mut trusted = rustls::RootCertStore::empty();
    let mut authorities = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| invalid(error.to_string()))?;
        trusted
            .add(certificate.clone())
            .map_err(|error| invalid(error.to_string()))?;
        let authority = reqwest::Certificate::from_der(&certificate)
            .map_err(|error| invalid(error.to_string()))?;
        authorities.push(authority);
    }
    if authorities.is_empty() {
        return Err(invalid("it holds no certificate".to_owned()));
    }
    Ok(authorities)
}
