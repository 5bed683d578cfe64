//! The address of a console: what people paste, made into what requests need.

use url::{Host, Url};

/// The path that the API stands under.
const API: &str = "/web/api/v2.1/";

/// The domains under which SentinelOne runs its consoles.
const DOMAINS: [&str; 2] = ["sentinelone.net", "sentinelone.com"];

/// Why a text is not the address of a console; the message says what to write instead.
///
/// It repeats no more of the text than the host, as people paste passwords too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It is no URL at all.
    #[error("this is no URL; write the console's address, such as `https://acme.sentinelone.net`")]
    NotUrl,
    /// It is neither http nor https.
    #[error("a console is reached by https; write `https://{host}`")]
    Scheme {
        /// The host.
        host: String,
    },
    /// It is http, to another machine.
    #[error("the token would be sent unencrypted; write `https://{host}`")]
    Unencrypted {
        /// The host.
        host: String,
    },
    /// It holds a user name or a password.
    #[error("a URL must not hold a user name or a password; write `https://{host}`")]
    Credentials {
        /// The host.
        host: String,
    },
    /// The host is no SentinelOne console.
    #[error(
        "`{host}` is not `<subdomain>.sentinelone.net` or `.sentinelone.com`; write the address \
         that the console opens under, or set `custom_domain: true` if it has a domain of its own"
    )]
    Domain {
        /// The host, and the port if it is not the usual one.
        host: String,
    },
}

/// Makes a console's address of what an operator wrote: scheme, host and port, nothing else.
///
/// A path, a query and a fragment are dropped: people paste them along. A custom domain may have
/// any host; loopback may also be reached by http.
///
/// # Errors
/// When the token must not be sent there; the message says what to write instead.
pub fn normalise_base_url(text: &str, custom_domain: bool) -> Result<Url, UrlFault> {
    let mut url = Url::parse(text.trim()).map_err(|_| UrlFault::NotUrl)?;
    let Some(host) = url.host().map(|host| host.to_string()) else {
        return Err(UrlFault::NotUrl);
    };
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlFault::Credentials { host });
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => return Err(UrlFault::Unencrypted { host }),
        _ => return Err(UrlFault::Scheme { host }),
    }
    if !is_loopback && !custom_domain {
        match url.port() {
            None if is_console(&host) => {}
            None => return Err(UrlFault::Domain { host }),
            Some(port) => {
                return Err(UrlFault::Domain {
                    host: format!("{host}:{port}"),
                });
            }
        }
    }
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// The URL that the paths of the API are appended to.
pub fn api_base(console: &Url) -> Url {
    let mut base = console.clone();
    base.set_path(API);
    base
}

/// The console's address as people know it, without a slash at its end: `customer_domain_url`.
pub fn console_url(base: &Url) -> String {
    let mut url = base.clone();
    url.set_path("/");
    url.as_str().trim_end_matches('/').to_owned()
}

/// Whether a host is a name under one of SentinelOne's domains.
fn is_console(host: &str) -> bool {
    DOMAINS.iter().any(|domain| {
        host.strip_suffix(domain)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|subdomain| subdomain.split('.').all(|label| !label.is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        for custom_domain in [false, true] {
            let url = normalise_base_url(text, custom_domain).unwrap();
            assert_eq!(console_url(&url), expected, "{text}");
            assert_eq!(api_base(&url).as_str(), format!("{expected}/web/api/v2.1/"));
            assert_eq!(console_url(&api_base(&url)), expected);
        }
    }

    fn fault(text: &str, custom_domain: bool) -> String {
        normalise_base_url(text, custom_domain)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_people_paste_is_normalised() {
        let acme = "https://acme.sentinelone.net";
        check("https://acme.sentinelone.net", acme);
        check(" https://acme.sentinelone.net/ \n", acme);
        check("https://ACME.SentinelOne.net", acme);
        check("https://acme.sentinelone.net:443/web/api/v2.1", acme);
        check("https://acme.sentinelone.net/dashboard?page=1#top", acme);
        check(
            "https://euce1-100.sentinelone.com",
            "https://euce1-100.sentinelone.com",
        );
        check("https://a.b.sentinelone.net", "https://a.b.sentinelone.net");
    }

    #[test]
    fn loopback_needs_neither_domain_nor_https() {
        check("http://127.0.0.1:8080/", "http://127.0.0.1:8080");
        check("http://127.8.9.10", "http://127.8.9.10");
        check("http://[::1]:9/x", "http://[::1]:9");
        check("http://localhost:1234", "http://localhost:1234");
        check("https://localhost", "https://localhost");
    }

    #[test]
    fn other_hosts_need_a_custom_domain() {
        for text in [
            "https://sentinelone.net",
            "https://.sentinelone.net",
            "https://acme.sentinelone.org",
            "https://acme.sentinelone.net.evil.com",
            "https://evilsentinelone.net",
            "https://acme.sentinelone.net:8443",
            "https://192.0.2.1",
            "https://s1.acme.com",
        ] {
            assert!(
                matches!(
                    normalise_base_url(text, false),
                    Err(UrlFault::Domain { .. })
                ),
                "{text}"
            );
        }
        let url = normalise_base_url("https://s1.acme.com:8443/login", true).unwrap();
        assert_eq!(console_url(&url), "https://s1.acme.com:8443");
    }

    #[test]
    fn a_token_is_never_sent_unencrypted_to_another_machine() {
        for custom_domain in [false, true] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(
                    fault("http://acme.sentinelone.net", custom_domain),
                    @"the token would be sent unencrypted; write `https://acme.sentinelone.net`"
                );
            }
        }
    }

    #[test]
    fn faults_say_what_to_write_and_repeat_no_password() {
        insta::assert_snapshot!(
            fault("https://admin:hunter2@acme.sentinelone.net", false),
            @"a URL must not hold a user name or a password; write `https://acme.sentinelone.net`"
        );
        insta::assert_snapshot!(
            fault("acme.sentinelone.net", false),
            @"this is no URL; write the console's address, such as `https://acme.sentinelone.net`"
        );
        insta::assert_snapshot!(
            fault("ftp://acme.sentinelone.net", true),
            @"a console is reached by https; write `https://acme.sentinelone.net`"
        );
        insta::assert_snapshot!(
            fault("https://s1.acme.com", false),
            @"`s1.acme.com` is not `<subdomain>.sentinelone.net` or `.sentinelone.com`; write the address that the console opens under, or set `custom_domain: true` if it has a domain of its own"
        );
    }

    #[test]
    fn texts_that_are_no_url_are_refused() {
        for text in [
            "",
            "   ",
            "https://",
            "mailto:a@b.c",
            "//acme.sentinelone.net",
        ] {
            assert_eq!(
                normalise_base_url(text, true),
                Err(UrlFault::NotUrl),
                "{text}"
            );
        }
    }
}
