//! What an instance's address may look like.

use url::{Host, Url};

/// What is wrong with the address of an instance, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It cannot be read as a URL with a host.
    #[error("`{0}` is no URL; write `https://<instance>.oomnitza.com`")]
    NotAUrl(String),
    /// It would send the token over the network in the clear.
    #[error(
        "the URL of Oomnitza must begin with `https://` (`http://` only to loopback); \
         write `https://{0}`"
    )]
    NotHttps(String),
    /// It has a user name or a password in it.
    #[error(
        "the URL of Oomnitza must have no user or password in it; \
         put the token where `credentials` points"
    )]
    HasCredentials,
}

/// Turns what an operator wrote into the base of every request: scheme, host and port, with a
/// trailing slash.
///
/// A pasted path, query or fragment is dropped. Hosts other than `*.oomnitza.com` are accepted,
/// since instances can have domains of their own.
///
/// # Errors
///
/// Says what is wrong, and what to write instead; a password never is repeated.
pub fn normalise_base_url(text: &str) -> Result<Url, UrlFault> {
    let text = text.trim();
    let not_a_url = || UrlFault::NotAUrl(without_credentials(text));
    let mut url = Url::parse(text).map_err(|_| not_a_url())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlFault::HasCredentials);
    }
    let host = url.host().ok_or_else(not_a_url)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&host) => {}
        "http" => return Err(UrlFault::NotHttps(host.to_string())),
        _ => return Err(not_a_url()),
    }
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// A text that is no URL is quoted only behind its last `@`: what stands before it may be a
/// password.
fn without_credentials(text: &str) -> String {
    text.rsplit('@').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_becomes_the_base() {
        for (text, base) in [
            ("https://acme.oomnitza.com", "https://acme.oomnitza.com/"),
            ("https://acme.oomnitza.com/", "https://acme.oomnitza.com/"),
            (
                " https://ACME.Oomnitza.com/users?tab=1#x ",
                "https://acme.oomnitza.com/",
            ),
            (
                "https://assets.example.ie:8443/x",
                "https://assets.example.ie:8443/",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://127.8.9.1", "http://127.8.9.1/"),
            ("http://[::1]:99/", "http://[::1]:99/"),
            ("http://localhost:99", "http://localhost:99/"),
        ] {
            assert_eq!(normalise_base_url(text).unwrap().as_str(), base);
        }
    }

    #[test]
    fn faults_say_what_to_write_instead() {
        let fault = |text| normalise_base_url(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                "acme.oomnitza.com",
                "",
                "https://",
                "ftp://acme.oomnitza.com",
                "http://acme.oomnitza.com/x",
                "http://localhost.example.com",
                "http://128.0.0.1",
                "https://me:secret@acme.oomnitza.com",
                "me:secret@acme oomnitza",
            ].map(fault).join("\n"),
            @r#"
            `acme.oomnitza.com` is no URL; write `https://<instance>.oomnitza.com`
            `` is no URL; write `https://<instance>.oomnitza.com`
            `https://` is no URL; write `https://<instance>.oomnitza.com`
            `ftp://acme.oomnitza.com` is no URL; write `https://<instance>.oomnitza.com`
            the URL of Oomnitza must begin with `https://` (`http://` only to loopback); write `https://acme.oomnitza.com`
            the URL of Oomnitza must begin with `https://` (`http://` only to loopback); write `https://localhost.example.com`
            the URL of Oomnitza must begin with `https://` (`http://` only to loopback); write `https://128.0.0.1`
            the URL of Oomnitza must have no user or password in it; put the token where `credentials` points
            `acme oomnitza` is no URL; write `https://<instance>.oomnitza.com`
            "#
        );
    }
}
