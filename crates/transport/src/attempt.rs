//! One try: a request out, an answer in.

use std::{sync::Arc, time::SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use url::Url;

use crate::{
    error::{Fault, Refusal},
    request::{Request, Response},
    retry::retry_after,
};

/// How much of a refusal's body is read, in bytes.
const MAX_REFUSAL: usize = 64 * 1024;

/// How much of a refusal's body is shown, in characters.
const MAX_EXCERPT: usize = 500;

impl Request {
    /// Sends the request once, and reads the answer to its end.
    pub(crate) async fn attempt(&self) -> Result<Response, Fault> {
        let shared = &self.client.shared;
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        let mut headers = shared.learned_headers();
        headers.extend(self.headers.clone());
        *request.headers_mut() = headers;
        if let Some(body) = &self.body {
            *request.body_mut() = Some(body.clone().into());
        }

        let asked = SystemTime::now();
        let mut answer = self.answer(request).await?;
        shared
            .skew
            .measure(answer.headers(), asked, SystemTime::now());
        let status = answer.status();
        if !status.is_success() {
            let location = status
                .is_redirection()
                .then(|| location(&self.url, answer.headers()))
                .flatten()
                .map(|location| shared.redact(location));
            let mut refusal = refusal(&mut answer, |text| shared.redact(text)).await;
            refusal.location = location;
            return Err(Fault::Status(refusal));
        }
        let body = read_whole(&mut answer, shared.max_body).await?;
        Ok(Response {
            status,
            headers: std::mem::take(answer.headers_mut()),
            body,
            shared: Arc::clone(shared),
        })
    }
}

impl Request {
    /// The answer to a request, of which the body is still to be read.
    async fn answer(&self, request: reqwest::Request) -> Result<reqwest::Response, Fault> {
        #[cfg(feature = "scripted")]
        if let Some(script) = &self.client.script {
            return Ok(script.answer(&request));
        }
        let answer = self.client.shared.http.execute(request).await;
        answer.map_err(Fault::from_reqwest)
    }
}

/// What is kept of an answer whose status is not 2xx; `redact` cuts out what is secret.
pub(crate) async fn refusal(
    answer: &mut reqwest::Response,
    redact: impl FnOnce(String) -> String,
) -> Refusal {
    let body = read_beginning(answer).await;
    let body = redact(String::from_utf8_lossy(&body).into_owned());
    Refusal {
        status: answer.status(),
        excerpt: excerpt(&body),
        location: None,
        retry_after: retry_after(answer.headers()),
        body: Bytes::from(body),
    }
}

/// The whole body, unless it is larger than the bound.
async fn read_whole(answer: &mut reqwest::Response, limit: usize) -> Result<Bytes, Fault> {
    let expected = answer.content_length().unwrap_or(0);
    let expected = usize::try_from(expected).unwrap_or(usize::MAX);
    if expected > limit {
        return Err(Fault::TooLarge { limit });
    }
    let mut body = BytesMut::with_capacity(expected);
    while let Some(chunk) = answer.chunk().await.map_err(Fault::from_reqwest)? {
        if body.len() + chunk.len() > limit {
            return Err(Fault::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The beginning of a body, as far as it can be read: the status counts even when it breaks off.
async fn read_beginning(answer: &mut reqwest::Response) -> BytesMut {
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = MAX_REFUSAL - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    body
}

/// The beginning of a text on one line: white space folded, control characters left out.
fn excerpt(text: &str) -> String {
    let mut excerpt = String::new();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    for word in words.filter(|word| !word.is_empty()) {
        if !excerpt.is_empty() {
            excerpt.push(' ');
        }
        excerpt.push_str(word);
        if let Some((end, _)) = excerpt.char_indices().nth(MAX_EXCERPT) {
            excerpt.truncate(end);
            excerpt.push('…');
            break;
        }
    }
    excerpt
}

/// Where a redirect points, without what may be secret in it.
fn location(from: &Url, headers: &HeaderMap) -> Option<String> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    let mut url = from.join(location).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_one_bounded_line() {
        assert_eq!(excerpt(" Bad\r\n\tGateway \u{1b}[31m"), "Bad Gateway [31m");
        assert_eq!(excerpt(&"é".repeat(600)).chars().count(), MAX_EXCERPT + 1);
        assert_eq!(excerpt(&"a ".repeat(600)).chars().count(), MAX_EXCERPT + 1);
        assert_eq!(excerpt(&"é".repeat(500)), "é".repeat(500));
        assert_eq!(excerpt(""), "");
    }
}
