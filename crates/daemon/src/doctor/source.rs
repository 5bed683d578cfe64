//! A console as one token reaches it: reachable, the token and its end, what it may see, its clock, its users.

use std::collections::HashMap;

use jiff::Timestamp;
use mapping::{Load, Record, Subject};
use sentinelone::{Client, Completeness, Error, Event, User, UserFilter};
use tokio::time::{Instant, timeout_at};

use super::expiry;
use super::finding::{Finding, State};
use super::keys::Keys;
use super::way::Way;
use crate::config::Integration;

/// Looks at a console, for as long as there is time.
pub(super) async fn examine(way: &Way, deadline: Instant) -> Vec<Finding> {
    let transport = match way.connect() {
        Ok(transport) => transport,
        Err(finding) => return vec![finding],
    };
    let mut look = Look {
        way,
        console: Client::new(transport.clone()),
        transport,
        deadline,
        found: Vec::new(),
    };
    if look.token().await {
        look.expiry().await;
        look.users().await;
        look.roles().await;
    }
    look.found.extend(way.clock(&look.transport));
    look.found
}

struct Look<'w> {
    way: &'w Way,
    console: Client,
    transport: transport::Client,
    deadline: Instant,
    found: Vec<Finding>,
}

impl Look<'_> {
    /// Looks whether the console answers and takes the token; says whether it is worth going on.
    async fn token(&mut self) -> bool {
        let way = self.way;
        let works = || {
            let message = format!("{} takes the token `{}`", way.name(), way.credential());
            way.found(Finding::ok("token", message))
        };
        match timeout_at(self.deadline, self.console.system_info()).await {
            Err(_) => self.found.push(way.silent("reachable", "answer")),
            Ok(Ok(info)) => {
                let version = info.version.map_or_else(
                    || "answers".to_owned(),
                    |version| format!("answers, it is version {version}"),
                );
                self.found.extend([way.answers(&version), works()]);
                return true;
            }
            Ok(Err(Error::Transport(error))) => {
                self.found.push(way.unreachable(&self.transport, &error));
            }
            Ok(Err(error)) => {
                self.found.push(way.answers("answers"));
                // Where it will not say what it is, it may list its users all the same.
                if !error.is_unauthorized() {
                    return true;
                }
                self.fail("token", &error);
            }
        }
        false
    }

    async fn expiry(&mut self) {
        let told = timeout_at(self.deadline, self.console.token_expiry()).await;
        // That the console does not say, for whatever reason, is no failure.
        let told = told.ok().and_then(Result::ok).flatten();
        let finding = expiry::judge(self.way, told, Timestamp::now());
        self.found.push(self.way.found(finding));
    }

    /// Looks at the users of each part of the console that integrations read.
    async fn users(&mut self) {
        let mut parts: Vec<(UserFilter, Vec<&Integration>)> = Vec::new();
        for integration in self.way.integrations() {
            let filter = UserFilter {
                site_ids: integration.source.site_ids.clone(),
                account_ids: integration.source.account_ids.clone(),
            };
            match parts.iter_mut().find(|(known, _)| *known == filter) {
                Some((_, integrations)) => integrations.push(integration),
                None => parts.push((filter, vec![integration])),
            }
        }
        for (filter, integrations) in &parts {
            self.part(filter, integrations).await;
        }
    }

    async fn part(&mut self, filter: &UserFilter, integrations: &[&Integration]) {
        let mut census = Census::new(integrations);
        let mut pages = self.console.users(filter);
        let of_one = |finding: Finding| match integrations {
            [one] => finding.of(&one.id),
            _ => finding,
        };
        let in_time = loop {
            match timeout_at(self.deadline, pages.next()).await {
                Err(_) if census.looked_at == 0 => {
                    let silent = self.way.silent("permissions", "list users");
                    return self.found.push(of_one(silent));
                }
                Err(_) => break false,
                Ok(Ok(None)) => break true,
                Ok(Ok(Some(Event::Restarted))) => census = Census::new(integrations),
                Ok(Ok(Some(Event::Page(page)))) => {
                    for user in page.users.iter().flatten() {
                        census.take(user);
                    }
                }
                Ok(Err(error)) => return self.fail("permissions", &error),
            }
        };
        let seen = pages.distinct();
        let name = self.way.name();
        self.found.push(of_one(if seen == 0 {
            let message = format!("the token sees no user at all of {name}");
            let hint = "see its scope, and `site_ids` and `account_ids`";
            Finding::warn("permissions", message, hint)
        } else {
            let message = format!("the token may read users of {name}");
            Finding::ok("permissions", message)
        }));
        let read = match (in_time, pages.completeness()) {
            (true, Completeness::Complete) => format!("{seen} users were read"),
            _ => format!(
                "{seen} of {} users were read in the time that there is",
                pages
                    .promised()
                    .map_or("all".to_owned(), |all| all.to_string())
            ),
        };
        self.found.extend(census.judge(&read));
    }

    /// Looks whether the names of custom roles can be read, where a mapping wants them.
    async fn roles(&mut self) {
        let wanted = self
            .way
            .integrations()
            .any(|integration| integration.mapping.uses_role_names());
        if !wanted {
            return;
        }
        let name = self.way.name();
        let finding = match timeout_at(self.deadline, self.console.roles()).await {
            Ok(Ok(Some(roles))) => {
                let message = format!("the token may read the {} roles of {name}", roles.len());
                Finding::ok("roles", message)
            }
            Ok(Ok(None)) => {
                let message = format!("the token may not read the roles of {name}");
                let hint = "give its user Roles.view, or `role_names` has the ids of custom roles where their names are not known";
                Finding::ok("roles", message).with_hint(hint)
            }
            Ok(Err(error)) => return self.fail("roles", &error),
            Err(_) => self.way.silent("roles", "list its roles"),
        };
        self.found.push(self.way.found(finding));
    }

    fn fail(&mut self, check: &str, error: &Error) {
        let finding = match error {
            Error::Transport(error) => self.way.unreachable(&self.transport, error),
            error => {
                let sentence = load::chain(error);
                let finding = Finding::told(check, State::Fail, &sentence, "see the token's role");
                self.way.found(finding)
            }
        };
        self.found.push(finding);
    }
}

/// The users of a part of a console, as each integration that reads it maps them.
struct Census<'i> {
    looked_at: u64,
    integrations: Vec<(&'i Integration, Load, Keys)>,
    record: Record,
}

impl<'i> Census<'i> {
    fn new(integrations: &[&'i Integration]) -> Self {
        let now = Timestamp::now().to_string();
        let integrations = integrations.iter().map(|&integration| {
            let load = Load::new(&integration.source.console_url, &now, HashMap::new());
            (integration, load, Keys::default())
        });
        Self {
            looked_at: 0,
            integrations: integrations.collect(),
            record: Record::default(),
        }
    }

    fn take(&mut self, user: &User) {
        self.looked_at += 1;
        let Ok(subject) = Subject::new(user.json()) else {
            return;
        };
        for (integration, load, keys) in &mut self.integrations {
            let mapping = &integration.mapping;
            if mapping.in_scope(&subject, load) == Ok(true) {
                mapping.apply(&subject, load, &mut self.record);
                let record = &self.record;
                keys.take(mapping, user.id.as_str(), |field| record.get(field));
            }
        }
    }

    fn judge(&self, read: &str) -> Vec<Finding> {
        let hint = "of each group the strongest match alone is loaded, and the others are skipped as \
             `duplicate_in_source`; mend the accounts, or narrow `where`";
        let integrations = self.integrations.iter();
        let found = integrations.flat_map(|(integration, _, keys)| {
            let found = keys.judge(&integration.mapping, "users in scope", read, hint);
            found.into_iter().map(|finding| finding.of(&integration.id))
        });
        found.collect()
    }
}
