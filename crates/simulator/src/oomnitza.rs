//! The Oomnitza instance: REST v3, bulk, run logs and `SaaS` users.

mod bulk;
mod envelope;
mod filter;
mod index;
mod people;
mod portion;
mod rest;
mod run_logs;
mod saas;
mod schema;

use http::{Method, StatusCode};
use serde_json::json;

pub(crate) use bulk::Bulk;
pub(crate) use people::OomnitzaPeople;
pub use portion::PortionState;
pub use schema::bulk_field_id;
pub(crate) use schema::{Schema, unknown_fields};

use crate::exchange::{Answer, Asked, Refusal};
use crate::faults::Effect;
use crate::options::Options;
use crate::recording::Token;
use saas::Saas;

/// The header that proves that a caller has probed.
const CSRF: &str = "x-csrf-token";

/// The instance's state.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) people: OomnitzaPeople,
    pub(crate) bulk: Bulk,
    pub(crate) saas: Saas,
    token: String,
    csrf: Option<String>,
    /// Whether the CSRF token was handed out: from then on it is demanded.
    csrf_given: bool,
}

impl Instance {
    pub(crate) fn new(options: &Options, people: OomnitzaPeople) -> Self {
        Self {
            people,
            bulk: Bulk::new(options),
            saas: Saas::new(options),
            token: token(options.seed),
            csrf: options.csrf_token.clone(),
            csrf_given: false,
        }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn token_of(&self, asked: &Asked) -> Token {
        match asked.header("authorization2") {
            None => Token::Missing,
            Some(value) if value == self.token => Token::Right,
            Some(_) => Token::Wrong,
        }
    }

    /// Answers a call; `effect` is a fault that changes what a listing says.
    pub(crate) fn answer(
        &mut self,
        asked: &Asked,
        effect: Option<&Effect>,
    ) -> Result<Answer, Refusal> {
        self.authenticate(asked)?;
        if asked.method == Method::GET && asked.path == "/api/v2/mappings" {
            return self.mappings(asked);
        }
        self.check_csrf(asked)?;
        let segments = asked.segments_below("/api/v3");
        let segments = segments.ok_or_else(|| Refusal::rule(404, "the API is below /api/v3"))?;
        match (&asked.method, segments.as_slice()) {
            (&Method::GET, ["users"]) => self.people.list(asked, effect),
            (&Method::POST, ["users"]) => self.people.post(asked),
            (&Method::GET, ["users", id]) => self.people.get(asked, id),
            (&Method::PATCH, ["users", id]) => self.people.patch(asked, id),
            (_, ["bulk", ..]) => {
                let below = &segments[1..];
                self.bulk
                    .answer(asked, below, &mut self.people, &mut self.saas)
            }
            (&Method::GET, ["connector_run_logs", "connectors", ident]) => self
                .bulk
                .run_log_details(asked, ident, &mut self.people, &mut self.saas),
            (&Method::GET, ["connector_run_logs", ident]) => {
                self.bulk
                    .run_logs(asked, ident, &mut self.people, &mut self.saas)
            }
            (_, ["saas" | "saas_users", ..]) => {
                self.saas.answer(asked, &segments, &mut self.people)
            }
            _ => Err(Refusal::rule(404, "there is no such operation")),
        }
    }

    /// Applies every finalized portion.
    pub(crate) fn settle(&mut self) {
        self.bulk.settle(&mut self.people, &mut self.saas);
    }

    /// The finalize whose answer is lost may come again without blame.
    pub(crate) fn lose_answer(&mut self, asked: &Asked) {
        self.bulk.lose_answer(asked);
    }

    fn authenticate(&self, asked: &Asked) -> Result<(), Refusal> {
        match self.token_of(asked) {
            Token::Right => Ok(()),
            Token::Missing => Err(Refusal::rule(401, "there is no `Authorization2`")),
            Token::Wrong => {
                let value = asked.header("authorization2").unwrap_or_default();
                Err(Refusal {
                    breaks_rule: value.is_empty() || value.contains(char::is_whitespace),
                    ..Refusal::data(401, "the token is wrong")
                })
            }
        }
    }

    /// `GET /api/v2/mappings`: the probe, which also hands out the CSRF token.
    fn mappings(&mut self, asked: &Asked) -> Result<Answer, Refusal> {
        asked.only_params(&["name", "connector_id"])?;
        if asked.param("name") != Some("AuthTest") {
            self.check_csrf(asked)?;
            return Ok(Answer::json(&json!({})));
        }
        self.settle();
        let answer = Answer::json(&json!({}));
        let Some(csrf) = &self.csrf else {
            return Ok(answer);
        };
        self.csrf_given = true;
        Ok(answer.with_header(CSRF, csrf.clone()))
    }

    fn check_csrf(&self, asked: &Asked) -> Result<(), Refusal> {
        if self.csrf_given && asked.header(CSRF) != self.csrf.as_deref() {
            return Err(Refusal::rule(
                403,
                "the X-CSRF-Token that the probe gave is not sent back",
            ));
        }
        Ok(())
    }
}

/// A body for an error; what Oomnitza really writes there is not known.
pub(crate) fn error_body(status: StatusCode, message: &str) -> Answer {
    Answer::json(&json!({ "error": message, "status": status.as_u16() })).with_status(status)
}

/// A 200 that says in its body that it failed.
pub(crate) fn error_in_success(message: &str) -> Answer {
    Answer::json(&json!({ "error": message }))
}

/// A token of 32 hexadecimal digits, the same for the same seed.
fn token(seed: u64) -> String {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x006f_6f6d_6e69_747a);
    format!("{:032x}", rng.u128(..))
}
