//! The operations that change a user.

use http::Method;
use serde_json::{Value, json};

use super::{Console, no_such_user, only_member};
use crate::exchange::{Answer, Asked, Refusal};

/// Optional members of the bodies that turn two-factor authentication on and off.
const CONFIRMATIONS: [&str; 2] = ["twoFaCode", "currentPassword"];

impl Console {
    /// Any call that is no read, and the 404 of those that do not exist.
    pub(super) fn act(&mut self, asked: &Asked, segments: &[&str]) -> Result<Answer, Refusal> {
        match (&asked.method, segments) {
            (&Method::DELETE, ["users", id]) => {
                asked.only_params(&[])?;
                if !self.users.remove(id) {
                    return Err(no_such_user());
                }
                Ok(success())
            }
            (&Method::POST, ["users", "2fa", "enable"]) => self.two_fa(asked, true),
            (&Method::POST, ["users", "2fa", "disable"]) => self.two_fa(asked, false),
            (&Method::PUT, ["users", id, "recovery-email"]) => self.recovery_email(asked, id),
            (
                &Method::POST,
                [
                    "users",
                    operation @ ("reset-2fa" | "enroll-2fa" | "delete-2fa"),
                ],
            ) => self.many(asked, operation),
            (&Method::POST, ["users", id, "resend-recovery-email-code"]) if self.legacy_actions => {
                no_body(asked)?;
                self.users.find(id).ok_or_else(no_such_user)?;
                Ok(success())
            }
            (&Method::POST, ["users", "2fa-recover", "send-code"]) if self.legacy_actions => {
                no_body(asked)?;
                Ok(success())
            }
            // Gone from newer consoles: a correct client may try them.
            (
                &Method::POST,
                ["users", _, "resend-recovery-email-code"] | ["users", "2fa-recover", "send-code"],
            ) => Err(Refusal::data(
                404,
                "this console does not offer the operation",
            )),
            _ => Err(Refusal::rule(404, "there is no such operation")),
        }
    }

    fn two_fa(&mut self, asked: &Asked, enabled: bool) -> Result<Answer, Refusal> {
        let body: Value = asked.json()?;
        let data = only_member(&body, "data")?;
        let known = |name: &String| name == "id" || CONFIRMATIONS.contains(&name.as_str());
        let members = data.as_object().filter(|members| members.keys().all(known));
        let id = members.and_then(|members| members.get("id")?.as_str());
        let id =
            id.ok_or_else(|| Refusal::rule(400, "`data` must have the user's `id` as a text"))?;
        let changes = json!({ "twoFaEnabled": enabled });
        if !self.users.edit(id, &changes) {
            return Err(no_such_user());
        }
        Ok(success())
    }

    fn recovery_email(&mut self, asked: &Asked, id: &str) -> Result<Answer, Refusal> {
        let body: Value = asked.json()?;
        let email = only_member(only_member(&body, "data")?, "email")?.as_str();
        let email = email.filter(|email| email.contains('@'));
        let email = email.ok_or_else(|| Refusal::rule(400, "`email` must be an address"))?;
        if !self.users.edit(id, &json!({ "tfaRecoveryEmail": email })) {
            return Err(no_such_user());
        }
        Ok(success())
    }

    fn many(&mut self, asked: &Asked, operation: &str) -> Result<Answer, Refusal> {
        let body: Value = asked.json()?;
        let ids = body["data"]["ids"].as_array().filter(|ids| !ids.is_empty());
        let ids = ids.ok_or_else(|| Refusal::rule(400, "`ids` must name at least one user"))?;
        let changes = match operation {
            "enroll-2fa" => json!({ "twoFaStatus": "enrolled", "twoFaConfigured": false }),
            _ => {
                json!({ "twoFaStatus": "not_configured", "twoFaConfigured": false, "primaryTwoFaMethod": null })
            }
        };
        let known = ids.iter().filter_map(Value::as_str);
        let affected = known.filter(|id| self.users.edit(id, &changes)).count();
        Ok(Answer::json(&json!({ "data": { "affected": affected } })))
    }
}

fn success() -> Answer {
    Answer::json(&json!({ "data": { "success": true } }))
}

fn no_body(asked: &Asked) -> Result<(), Refusal> {
    if asked.body.is_empty() {
        Ok(())
    } else {
        Err(Refusal::rule(400, "the operation takes no body"))
    }
}
