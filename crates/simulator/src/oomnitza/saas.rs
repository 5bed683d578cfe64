//! `SaaS` applications and who uses them.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::Filter;
use super::people::OomnitzaPeople;
use crate::exchange::{Answer, Asked, Refusal};
use crate::options::Letters;

/// The applications, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Saas {
    applications: Vec<Application>,
    /// The number of the last `SaaS` user.
    last_user: u64,
}

#[derive(Debug)]
struct Application {
    name: String,
    users: Vec<SaasUser>,
}

#[derive(Debug)]
struct SaasUser {
    number: u64,
    user_id: String,
    external_id: Option<String>,
    active: bool,
    roles: Vec<Role>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    role_external_id: String,
    #[serde(default)]
    role_external_label: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    user_id: String,
    assign: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExternalId {
    user_external_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RolesOfUser {
    users: String,
    roles: Vec<Role>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SaasUserIds {
    saas_user_ids: Vec<String>,
}

impl Saas {
    pub(super) fn answer(
        &mut self,
        asked: &Asked,
        segments: &[&str],
        people: &OomnitzaPeople,
    ) -> Result<Answer, Refusal> {
        match (&asked.method, segments) {
            (&Method::GET, ["saas"]) => self.list(asked),
            (&Method::POST, ["saas"]) => self.make(asked),
            (&Method::GET, ["saas", id, "users"]) => {
                let users = &self.application(id)?.users;
                let listed = users.iter().map(|user| user.listed(people));
                Ok(Answer::json(&listed.collect()))
            }
            (&Method::POST, ["saas", id, "users"]) => self.assign(asked, id, people),
            (&Method::POST, ["saas", id, "users", user_id]) => {
                let external: ExternalId = asked.json()?;
                let user = self.application(id)?.user(user_id)?;
                user.external_id = Some(external.user_external_id);
                Ok(Answer::json(
                    &json!({ "user_external_id": user.external_id }),
                ))
            }
            (&Method::PATCH, ["saas", id, "roles", "users"]) => {
                let wanted: RolesOfUser = asked.json()?;
                let user = self.application(id)?.user(&wanted.users)?;
                user.roles = wanted.roles;
                Ok(Answer::json(&json!({})))
            }
            (&Method::PATCH, ["saas_users", "activate"]) => self.set_active(asked, true),
            (&Method::PATCH, ["saas_users", "deactivate"]) => self.set_active(asked, false),
            _ => Err(Refusal::rule(404, "there is no such operation")),
        }
    }

    fn list(&self, asked: &Asked) -> Result<Answer, Refusal> {
        asked.only_params(&["limit", "skip", "sortby", "filter"])?;
        let fields = ["saas_name", "saas_id"];
        let place_of = |wanted: &str| fields.iter().position(|name| *name == wanted);
        let filter = asked
            .param("filter")
            .map(|text| Filter::parse(text, &place_of))
            .transpose()?;
        let numbered = (1_u64..).zip(&self.applications);
        let listed = numbered.filter_map(|(id, application)| {
            let raws = [json!(application.name).to_string(), id.to_string()];
            let raws = raws.each_ref().map(String::as_str);
            let wanted = filter
                .as_ref()
                .is_none_or(|filter| filter.holds(&raws, Letters::Exact));
            // The description has it as a number here and as a text where it is made.
            wanted.then(|| json!({ "saas_id": id, "saas_name": application.name }))
        });
        Ok(Answer::json(&listed.collect()))
    }

    fn make(&mut self, asked: &Asked) -> Result<Answer, Refusal> {
        let body: Value = asked.json()?;
        let name = body["saas_name"].as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Refusal::rule(400, "`saas_name` is missing"))?;
        if self
            .applications
            .iter()
            .any(|application| application.name == name)
        {
            return Err(Refusal::data(400, format!("there is a `{name}` already")));
        }
        self.applications.push(Application {
            name: name.to_owned(),
            users: Vec::new(),
        });
        Ok(Answer::json(
            &json!({ "saas_id": self.applications.len().to_string() }),
        ))
    }

    fn assign(
        &mut self,
        asked: &Asked,
        id: &str,
        people: &OomnitzaPeople,
    ) -> Result<Answer, Refusal> {
        let assignments: Vec<Assignment> = asked.json()?;
        let mut last_user = self.last_user;
        let application = self.application(id)?;
        for Assignment { user_id, assign } in assignments {
            if people.lookup(&user_id).is_none() {
                return Err(Refusal::data(400, format!("there is no user {user_id}")));
            }
            let place = application
                .users
                .iter()
                .position(|user| user.user_id == user_id);
            match (place, assign) {
                (None, true) => {
                    last_user += 1;
                    application.users.push(SaasUser {
                        number: last_user,
                        user_id,
                        external_id: None,
                        active: true,
                        roles: Vec::new(),
                    });
                }
                (Some(place), false) => {
                    application.users.remove(place);
                }
                (None, false) | (Some(_), true) => {}
            }
        }
        self.last_user = last_user;
        Ok(Answer::json(&json!({})))
    }

    fn set_active(&mut self, asked: &Asked, active: bool) -> Result<Answer, Refusal> {
        let wanted: SaasUserIds = asked.json()?;
        let done = wanted.saas_user_ids.into_iter().map(|id| {
            let mut all = self
                .applications
                .iter_mut()
                .flat_map(|application| &mut application.users);
            let user = all.find(|user| user.number.to_string() == id);
            let error = user.is_none().then_some("there is no such SaaS user");
            if let Some(user) = user {
                user.active = active;
            }
            json!({ "saas_user_id": id, "error": error })
        });
        Ok(Answer::json(&done.collect()))
    }

    fn application(&mut self, id: &str) -> Result<&mut Application, Refusal> {
        let place = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
        place
            .and_then(|place| self.applications.get_mut(place))
            .ok_or_else(|| Refusal::data(404, "there is no such application"))
    }
}

impl Application {
    fn user(&mut self, user_id: &str) -> Result<&mut SaasUser, Refusal> {
        let user = self.users.iter_mut().find(|user| user.user_id == user_id);
        user.ok_or_else(|| Refusal::data(404, "the user is not assigned"))
    }
}

impl SaasUser {
    fn listed(&self, people: &OomnitzaPeople) -> Value {
        let person = people.lookup(&self.user_id).unwrap_or_default();
        let roles = self.roles.iter().map(|role| {
            json!({
                "role_id": role.role_external_id,
                "role_external_id": role.role_external_id,
                "role_external_label": role.role_external_label,
            })
        });
        json!({
            "saas_user_id": self.number.to_string(), "user_id": self.user_id, "username": person["username"],
            "email": person["email"], "full_name": person["full_name"], "last_visit": null, "old_usage": false,
            "media_url": null, "contract_id": null, "user_external_id": self.external_id,
            "roles": roles.collect::<Vec<_>>(), "active": self.active,
        })
    }
}
