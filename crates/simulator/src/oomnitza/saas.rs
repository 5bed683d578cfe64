//! `SaaS` applications and who uses them.

use std::collections::HashMap;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::Filter;
use super::people::OomnitzaPeople;
use crate::exchange::{Answer, Asked, Refusal};
use crate::options::{ActivityShown, Letters, Options, RolesShown, SaasListing};

/// The applications, in the order in which they were made.
#[derive(Debug)]
pub(crate) struct Saas {
    applications: Vec<Application>,
    /// The number of the last `SaaS` user.
    last_user: u64,
    /// Whose activity cannot be set, by `user_id`, with the words that say so.
    refused: HashMap<String, String>,
    pub(crate) listing: SaasListing,
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
    pub(super) fn new(options: &Options) -> Self {
        let mut saas = Self {
            applications: Vec::new(),
            last_user: 0,
            refused: HashMap::new(),
            listing: options.saas_listing,
        };
        for name in &options.applications {
            saas.named(name);
        }
        saas
    }

    /// The application of a name, made where it is not there.
    fn named(&mut self, name: &str) -> &mut Application {
        let place = self
            .applications
            .iter()
            .position(|application| application.name == name)
            .unwrap_or_else(|| {
                self.applications.push(Application {
                    name: name.to_owned(),
                    users: Vec::new(),
                });
                self.applications.len() - 1
            });
        &mut self.applications[place]
    }

    /// Whether an application has this id and this name.
    pub(super) fn is_named(&mut self, id: &str, name: &str) -> bool {
        self.application(id)
            .is_ok_and(|application| application.name == name)
    }

    /// Assigns a person to an application that is there.
    pub(super) fn add(&mut self, id: &str, user_id: &str) {
        let last_user = self.last_user;
        if let Ok(application) = self.application(id) {
            self.last_user = application.add(user_id, last_user);
        }
    }

    pub(crate) fn users(&self, application: &str) -> Vec<Value> {
        let applications = self.applications.iter();
        let mut users: Vec<&SaasUser> = applications
            .filter(|one| one.name == application)
            .flat_map(|one| &one.users)
            .collect();
        users.sort_by(|one, other| one.user_id.cmp(&other.user_id));
        let shown = users.into_iter().map(|user| {
            let roles = user.roles.iter().map(|role| role.role_external_id.clone());
            json!({
                "user_id": user.user_id, "external_id": user.external_id,
                "roles": roles.collect::<Vec<_>>(), "active": user.active,
            })
        });
        shown.collect()
    }

    pub(crate) fn set(&mut self, application: &str, user_id: &str, changes: &Value) {
        let last_user = self.last_user;
        let application = self.named(application);
        let last_user = application.add(user_id, last_user);
        if let Ok(user) = application.user(user_id) {
            if let Some(id) = changes["external_id"].as_str() {
                user.external_id = Some(id.to_owned());
            }
            if let Some(roles) = changes["roles"].as_array() {
                let roles = roles.iter().filter_map(Value::as_str);
                user.roles = roles.map(Role::named).collect();
            }
            user.active = changes["active"].as_bool().unwrap_or(user.active);
        }
        self.last_user = last_user;
    }

    pub(crate) fn remove(&mut self, application: &str, user_id: &str) -> bool {
        let users = &mut self.named(application).users;
        let before = users.len();
        users.retain(|user| user.user_id != user_id);
        users.len() < before
    }

    pub(crate) fn refuse_activity(&mut self, user_id: &str, words: Option<&str>) {
        match words {
            Some(words) => self.refused.insert(user_id.to_owned(), words.to_owned()),
            None => self.refused.remove(user_id),
        };
    }

    pub(super) fn answer(
        &mut self,
        asked: &Asked,
        segments: &[&str],
        people: &mut OomnitzaPeople,
    ) -> Result<Answer, Refusal> {
        match (&asked.method, segments) {
            (&Method::GET, ["saas"]) => self.list(asked),
            (&Method::POST, ["saas"]) => self.make(asked),
            (&Method::GET, ["saas", id, "users"]) => {
                let listing = self.listing;
                let users = self.application(id)?.users.iter();
                let listed = users
                    .filter(|user| user.active || listing.activity != ActivityShown::Hidden)
                    .map(|user| user.listed(people, listing));
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
        people: &mut OomnitzaPeople,
    ) -> Result<Answer, Refusal> {
        let assignments: Vec<Assignment> = asked.json()?;
        let unknown = assignments
            .iter()
            .find(|assignment| people.by_id(&assignment.user_id).is_none());
        if let Some(Assignment { user_id, .. }) = unknown {
            return Err(Refusal::data(400, format!("there is no user {user_id}")));
        }
        let mut last_user = self.last_user;
        let application = self.application(id)?;
        for Assignment { user_id, assign } in assignments {
            if assign {
                last_user = application.add(&user_id, last_user);
            } else {
                application.users.retain(|user| user.user_id != user_id);
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
            let error = match all.find(|user| user.number.to_string() == id) {
                None => Some("there is no such SaaS user".to_owned()),
                Some(user) => {
                    let refused = self.refused.get(&user.user_id).cloned();
                    if refused.is_none() {
                        user.active = active;
                    }
                    refused
                }
            };
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

impl Role {
    fn named(name: &str) -> Self {
        Self {
            role_external_id: name.to_owned(),
            role_external_label: Some(name.to_owned()),
        }
    }
}

impl Application {
    /// Assigns a person, unless it is; gives the number of the last user.
    fn add(&mut self, user_id: &str, last_user: u64) -> u64 {
        if self.users.iter().any(|user| user.user_id == user_id) {
            return last_user;
        }
        self.users.push(SaasUser {
            number: last_user + 1,
            user_id: user_id.to_owned(),
            external_id: None,
            active: true,
            roles: Vec::new(),
        });
        last_user + 1
    }

    fn user(&mut self, user_id: &str) -> Result<&mut SaasUser, Refusal> {
        let user = self.users.iter_mut().find(|user| user.user_id == user_id);
        user.ok_or_else(|| Refusal::data(404, "the user is not assigned"))
    }
}

impl SaasUser {
    fn listed(&self, people: &mut OomnitzaPeople, listing: SaasListing) -> Value {
        let person = people.lookup(&self.user_id).unwrap_or_default();
        let mut shown = json!({
            "user_id": self.user_id, "username": person["username"], "email": person["email"],
            "full_name": person["full_name"], "last_visit": null, "old_usage": false, "media_url": null,
            "contract_id": null,
        });
        if listing.ids {
            shown["saas_user_id"] = self.number.to_string().into();
        }
        if listing.activity == ActivityShown::Told {
            shown["active"] = self.active.into();
        }
        if listing.external_ids {
            shown["user_external_id"] = self.external_id.clone().into();
        }
        let roles = self.roles.iter();
        match listing.roles {
            RolesShown::Nothing => {}
            RolesShown::List => {
                let roles = roles.map(|role| {
                    json!({
                        "role_id": role.role_external_id,
                        "role_external_id": role.role_external_id,
                        "role_external_label": role.role_external_label,
                    })
                });
                shown["roles"] = roles.collect();
            }
            RolesShown::Object => {
                let roles = (1..).zip(roles).map(|(number, role): (u32, _)| {
                    (number.to_string(), json!(role.role_external_label))
                });
                shown["roles"] = Value::Object(roles.collect());
            }
        }
        shown
    }
}
