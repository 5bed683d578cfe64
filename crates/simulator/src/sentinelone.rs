//! The SentinelOne console: Management API v2.1, as far as users, roles and sites go.

mod actions;
mod cursor;
mod lists;
mod query;
mod users;

use http::{Method, StatusCode};
use serde_json::{Value, json};

pub(crate) use users::ConsoleUsers;

use crate::exchange::{Answer, Asked, Refusal};
use crate::faults::Effect;
use crate::options::Options;
use crate::population;
use crate::recording::Token;

/// The base path of the API.
pub(crate) const BASE: &str = "/web/api/v2.1";

/// The scheme before the token in `Authorization`.
const SCHEME: &str = "ApiToken ";

/// The console's state.
#[derive(Debug)]
pub(crate) struct Console {
    pub(crate) users: ConsoleUsers,
    pub(crate) roles: Vec<Value>,
    sites: Vec<Value>,
    accounts: Vec<Value>,
    token: String,
    token_expires_at: String,
    legacy_actions: bool,
}

impl Console {
    pub(crate) fn new(options: &Options, users: ConsoleUsers) -> Self {
        let (sites, accounts) = population::sites();
        let mut roles = population::roles();
        roles.extend(population::custom_roles());
        Self {
            users,
            roles,
            sites,
            accounts,
            token: token(options.seed),
            token_expires_at: options.token_expires_at.clone(),
            legacy_actions: options.legacy_actions,
        }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn token_of(&self, asked: &Asked) -> Token {
        match asked.header("authorization") {
            None => Token::Missing,
            Some(value) if value.strip_prefix(SCHEME) == Some(&self.token) => Token::Right,
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
        let segments = asked
            .segments_below(BASE)
            .ok_or_else(|| Refusal::rule(404, format!("the API is below {BASE}")))?;
        let get = asked.method == Method::GET;
        match segments.as_slice() {
            ["users"] if get => self.users.list(asked, effect),
            ["users", "api-token-details"] if asked.method == Method::POST => {
                self.details_of_token(asked)
            }
            ["users", id] if get => self.user(asked, id),
            ["users", id, "api-token-details"] if get => self.details_of_user(asked, id),
            ["user"] if get => self.own_user(asked),
            ["system", "info"] if get => system_info(asked),
            ["rbac", "roles"] if get => lists::page(asked, &self.roles, lists::ROLES),
            ["accounts"] if get => lists::page(asked, &self.accounts, lists::ACCOUNTS),
            ["sites"] if get => lists::page(asked, &self.sites, lists::SITES),
            _ => self.act(asked, &segments),
        }
    }

    fn authenticate(&self, asked: &Asked) -> Result<(), Refusal> {
        match self.token_of(asked) {
            Token::Right => Ok(()),
            Token::Missing => Err(Refusal::rule(401, "there is no `Authorization`")),
            Token::Wrong => {
                let well_formed = asked
                    .header("authorization")
                    .and_then(|value| value.strip_prefix(SCHEME))
                    .is_some_and(|token| !token.is_empty() && token.trim() == token);
                Err(Refusal {
                    breaks_rule: !well_formed,
                    ..Refusal::data(401, "the token is wrong or expired")
                })
            }
        }
    }

    fn user(&self, asked: &Asked, id: &str) -> Result<Answer, Refusal> {
        asked.only_params(&[])?;
        let place = self.users.find(id).ok_or_else(no_such_user)?;
        Ok(Answer::text(format!(
            "{{\"data\":{}}}",
            self.users.text(place)
        )))
    }

    fn own_user(&self, asked: &Asked) -> Result<Answer, Refusal> {
        asked.only_params(&["siteIds", "accountIds", "groupIds", "tenant"])?;
        let own = json!({
            "id": "1000000000000000001", "email": "rollcall@acme.example", "fullName": "Rollcall",
            "scope": "tenant", "scopeRoles": [], "siteRoles": [], "tenantRoles": ["Viewer"], "lowestRole": "Viewer",
            "source": "mgmt", "isSystem": false, "emailVerified": true, "twoFaEnabled": true,
            "twoFaConfigured": true, "twoFaStatus": "configured", "dateJoined": "2022-01-02T03:04:05.678901Z",
            "apiToken": self.token_details(),
        });
        Ok(Answer::json(&json!({ "data": own })))
    }

    fn details_of_token(&self, asked: &Asked) -> Result<Answer, Refusal> {
        let body: Value = asked.json()?;
        let data = only_member(&body, "data")?;
        match only_member(data, "apiToken")?.as_str() {
            Some(token) if token == self.token => {
                Ok(Answer::json(&json!({ "data": self.token_details() })))
            }
            Some(_) => Err(Refusal::data(400, "the token is not known")),
            None => Err(Refusal::rule(400, "`apiToken` must be a text")),
        }
    }

    fn details_of_user(&self, asked: &Asked, id: &str) -> Result<Answer, Refusal> {
        asked.only_params(&[])?;
        let place = self.users.find(id).ok_or_else(no_such_user)?;
        let user: Value = serde_json::from_str(&self.users.text(place))
            .map_err(|error| Refusal::data(500, error.to_string()))?;
        match &user["apiToken"] {
            Value::Null => Err(Refusal::data(404, "the user has no API token")),
            details => Ok(Answer::json(&json!({ "data": details }))),
        }
    }

    fn token_details(&self) -> Value {
        json!({ "createdAt": "2026-05-01T00:00:00Z", "expiresAt": self.token_expires_at })
    }
}

/// The console's body for an error: a list of codes, titles and details.
pub(crate) fn error_body(status: StatusCode, message: &str) -> Answer {
    let title = match status.as_u16() {
        400 => "Validation Error",
        401 => "Authentication Failed",
        403 => "Insufficient permissions",
        404 => "Resource not found",
        _ => status.canonical_reason().unwrap_or("Error"),
    };
    let code = u32::from(status.as_u16()) * 10_000 + 10;
    let detail = if status == StatusCode::UNAUTHORIZED {
        Value::Null
    } else {
        message.into()
    };
    let body = json!({ "errors": [{ "code": code, "detail": detail, "title": title }] });
    Answer::json(&body).with_status(status)
}

/// A 200 that says in its body that it failed.
pub(crate) fn error_in_success(message: &str) -> Answer {
    error_body(StatusCode::INTERNAL_SERVER_ERROR, message).with_status(StatusCode::OK)
}

fn system_info(asked: &Asked) -> Result<Answer, Refusal> {
    asked.only_params(&[])?;
    Ok(Answer::json(&json!({ "data": {
        "version": "S-25.2.4", "build": "S-25.2.4#12", "release": "S-25.2", "patch": "4",
        "latestAgentVersion": "25.1.3.334",
    } })))
}

fn no_such_user() -> Refusal {
    Refusal::data(404, "there is no user with this id")
}

/// The member of an object that must have no other.
fn only_member<'a>(object: &'a Value, name: &str) -> Result<&'a Value, Refusal> {
    match object.as_object() {
        Some(members) if members.len() == 1 => members.get(name),
        _ => None,
    }
    .ok_or_else(|| {
        Refusal::rule(
            400,
            format!("an object with `{name}` and nothing else belongs here"),
        )
    })
}

/// A token of 80 characters, the same for the same seed.
fn token(seed: u64) -> String {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x0073_656e_7469_6e65);
    (0..80).map(|_| rng.alphanumeric()).collect()
}
