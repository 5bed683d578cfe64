//! Answers from a function in the place of a system: no connection is made, and all else is as it is with one.
//!
//! So tests and fuzzers see what becomes of any answer, thousands of them a second.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use url::Url;

use crate::client::Client;

type Answer = dyn Fn(Method, &Url) -> http::Response<Bytes> + Send + Sync;

/// What answers each request that a client would send.
#[derive(Clone)]
pub(crate) struct Script(Arc<Answer>);

impl Script {
    pub(crate) fn answer(&self, request: &reqwest::Request) -> reqwest::Response {
        self.0(request.method().clone(), request.url()).into()
    }
}

impl Client {
    /// A clone that opens no connection: each of its requests gets the answer that `answer` makes of method and URL.
    #[must_use = "the client itself goes on to send"]
    pub fn answered_by(
        &self,
        answer: impl Fn(Method, &Url) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self {
            script: Some(Script(Arc::new(answer))),
            ..self.clone()
        }
    }
}
