//! What a client is made of, and what can be wrong with it.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use http::HeaderName;
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::SecretString;
use url::{Host, Url};

use crate::{meter::Meter, retry::Retry};

/// How to reach one system with one credential.
pub struct Settings {
    /// The URL that the paths of requests are appended to.
    pub base: Url,
    /// The header that carries the credential.
    pub header: HeaderName,
    /// The whole value of that header; white space around it is dropped.
    pub value: SecretString,
    /// The pace that is kept, retries included.
    pub requests_per_second: Rate,
    /// The longest time that opening a connection may take, TLS included.
    pub connect_timeout: Duration,
    /// The longest time that one try may take, from sending to the end of the answer.
    pub timeout: Duration,
    /// The proxy to use; without one, that of the environment. Loopback is always reached directly.
    pub proxy: Option<Url>,
    /// PEM files with certificate authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// The largest body of an answer, in bytes after decompression.
    pub max_body: usize,
    /// How failures are repeated.
    pub retry: Retry,
    /// What counts for whoever watches the system, besides the client's own [`Calls`](crate::Calls).
    pub meter: Arc<Meter>,
}

impl Settings {
    /// Settings with the usual limits: 10 s to connect, 60 s a try, bodies of up to 64 MiB; and a meter
    /// that nobody else has.
    pub fn new(base: Url, header: HeaderName, value: SecretString, rate: Rate) -> Self {
        Self {
            base,
            header,
            value,
            requests_per_second: rate,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_mins(1),
            proxy: None,
            ca_files: Vec::new(),
            max_body: 64 * 1024 * 1024,
            retry: Retry::default(),
            meter: Arc::default(),
        }
    }

    /// The proxy that the system is reached through, without a user and a password.
    pub(crate) fn proxy_in_use(&self) -> Option<String> {
        if is_loopback(&self.base) {
            return None;
        }
        if let Some(url) = &self.proxy {
            let port = url.port_or_known_default()?;
            return Some(format!("{}://{}:{port}", url.scheme(), url.host_str()?));
        }
        // The same reading of the environment as the client's own.
        let base = http::Uri::try_from(self.base.as_str()).ok()?;
        let found = Matcher::from_env().intercept(&base)?;
        let proxy = found.uri();
        let scheme = proxy.scheme_str().unwrap_or("http");
        let host = proxy.host()?;
        Some(match proxy.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        })
    }

    /// The way to the system, without what is sent on it.
    pub(crate) fn way(&self) -> Way {
        Way {
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            proxy: self.proxy.clone(),
            ca_files: self.ca_files.clone(),
        }
    }
}

// By hand: the URL of a proxy may hold a password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base", &self.base.as_str())
            .field("header", &self.header)
            .field("requests_per_second", &self.requests_per_second)
            .finish_non_exhaustive()
    }
}

/// How somebody is reached: the time it may take, and what stands in between.
#[derive(Clone, PartialEq, Eq)]
pub struct Way {
    /// The longest time that opening a connection may take, TLS included.
    pub connect_timeout: Duration,
    /// The longest time that one try may take, from sending to the end of the answer.
    pub timeout: Duration,
    /// The proxy to use; without one, that of the environment. Loopback is always reached directly.
    pub proxy: Option<Url>,
    /// PEM files with certificate authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
}

// By hand: the URL of a proxy may hold a password.
impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Whether an address is this machine, which no proxy stands in front of.
pub(crate) fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A number of requests a second: above 0, at most 10,000.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// The time between two requests.
    pub(crate) fn interval(self) -> Duration {
        Duration::from_secs_f64(1.0 / self.0)
    }

    /// The number of requests a second.
    pub fn per_second(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Rate {
    type Error = RateError;

    fn try_from(per_second: f64) -> Result<Self, RateError> {
        // Slower than one request in an hour is a slip, and would overflow an interval.
        if (1.0 / 3600.0..=10_000.0).contains(&per_second) {
            Ok(Self(per_second))
        } else {
            Err(RateError(per_second))
        }
    }
}

/// A number that is no rate of requests.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("requests per second must be above 0 (1 an hour is the least) and at most 10000, got {0}")]
pub struct RateError(f64);

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A credential or a learned header holds characters that no header may hold.
    #[error("the value for the header `{name}` holds characters that a header cannot carry")]
    Header {
        /// The header.
        name: HeaderName,
    },
    /// The base URL cannot be appended to.
    #[error("the base URL must be http or https with a host")]
    Base,
    /// An address that is a secret is none that can be posted to.
    #[error("what is given as an address is none; it must be http or https with a host")]
    Address,
    /// A file of certificate authorities cannot be read.
    #[error("could not read the CA file `{}`", path.display())]
    CaUnreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file of certificate authorities holds no certificate, or a damaged one.
    #[error("the CA file `{}` is not a list of PEM certificates: {reason}", path.display())]
    CaInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The proxy's URL is not usable.
    #[error("the proxy's URL cannot be used: write it as `http://host:port`")]
    Proxy,
    /// TLS cannot be set up, most often because the machine trusts nobody.
    #[error(
        "could not set up TLS; install the system's certificate authorities (package \
         `ca-certificates`) or name a file of your own under `http.ca_files`"
    )]
    Tls(#[source] reqwest::Error),
}
