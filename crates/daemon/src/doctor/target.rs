//! An instance as one token reaches it: reachable, the token and its end, its clock, its people and their fields.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use oomnitza::{Completeness, Error, Person, Reader};
use tokio::time::{Instant, timeout_at};

use super::finding::{Finding, State};
use super::keys::Keys;
use super::way::Way;
use super::{applications, expiry};
use crate::config::{Integration, nearest};

/// Looks at an instance, for as long as there is time.
pub(super) async fn examine(way: &Way, deadline: Instant) -> Vec<Finding> {
    let transport = match way.connect() {
        Ok(transport) => transport,
        Err(finding) => return vec![finding],
    };
    let mut look = Look {
        way,
        reader: Reader::new(transport.clone()),
        transport,
        deadline,
        found: Vec::new(),
    };
    if look.token().await {
        let finding = expiry::judge(way, None, Timestamp::now());
        look.found.push(way.found(finding));
        look.people().await;
        look.applications().await;
    }
    look.found.extend(way.clock(&look.transport));
    look.found
}

struct Look<'w> {
    way: &'w Way,
    reader: Reader,
    transport: transport::Client,
    deadline: Instant,
    found: Vec<Finding>,
}

impl Look<'_> {
    /// Looks whether the instance answers and takes the token; says whether it is worth going on.
    async fn token(&mut self) -> bool {
        let way = self.way;
        match timeout_at(self.deadline, self.reader.probe()).await {
            Err(_) => self.found.push(way.silent("reachable", "answer")),
            Ok(Ok(())) => {
                let message = format!("{} takes the token `{}`", way.name(), way.credential());
                let works = way.found(Finding::ok("token", message));
                self.found.extend([way.answers("answers"), works]);
                return true;
            }
            Ok(Err(Error::Transport(error))) => {
                self.found.push(way.unreachable(&self.transport, &error));
            }
            Ok(Err(error)) => {
                self.found.push(way.answers("answers"));
                self.fail("token", &error);
            }
        }
        false
    }

    async fn people(&mut self) {
        let way = self.way;
        let mut census = Census::new(way.integrations().collect());
        let mut pages = self.reader.people();
        let in_time = loop {
            match timeout_at(self.deadline, pages.next()).await {
                Err(_) if census.looked_at == 0 => {
                    return self.found.push(way.silent("permissions", "list people"));
                }
                Err(_) => break false,
                Ok(Ok(None)) => break true,
                Ok(Ok(Some(page))) => {
                    for person in page.people.iter().flatten() {
                        census.take(person);
                    }
                }
                Ok(Err(error)) => return self.fail("permissions", &error),
            }
        };
        let name = way.name();
        let message = format!("the token may read people of {name}");
        self.found
            .push(way.found(Finding::ok("permissions", message)));
        let seen = pages.distinct();
        let complete = in_time && pages.completeness() == Completeness::Complete;
        let read = if complete {
            format!("{seen} people were read")
        } else {
            format!(
                "{seen} of {} people were read in the time that there is",
                pages
                    .promised()
                    .map_or("all".to_owned(), |all| all.to_string())
            )
        };
        self.found.extend(census.judge(&read, complete));
    }

    async fn applications(&mut self) {
        let way = self.way;
        for integration in way.integrations() {
            let looking = applications::examine(&self.reader, integration);
            match timeout_at(self.deadline, looking).await {
                Ok(found) => self.found.extend(found),
                Err(_) => self.found.push(way.silent("saas", "list SaaS users")),
            }
        }
    }

    fn fail(&mut self, check: &str, error: &Error) {
        let finding = match error {
            Error::Transport(error) => self.way.unreachable(&self.transport, error),
            error => {
                let sentence = load::chain(error);
                let finding = Finding::told(check, State::Fail, &sentence, "see the token's user");
                self.way.found(finding)
            }
        };
        self.found.push(finding);
    }
}

/// The people of an instance, as each integration that writes to it finds them.
struct Census<'i> {
    looked_at: u64,
    names: BTreeSet<String>,
    integrations: Vec<(&'i Integration, Keys)>,
}

impl<'i> Census<'i> {
    fn new(integrations: Vec<&'i Integration>) -> Self {
        let integrations = integrations.into_iter();
        Self {
            looked_at: 0,
            names: BTreeSet::new(),
            integrations: integrations
                .map(|integration| (integration, Keys::default()))
                .collect(),
        }
    }

    fn take(&mut self, person: &Person) {
        self.looked_at += 1;
        let mut values: HashMap<String, &str> = HashMap::new();
        person.for_each_field(|name, value| {
            if !self.names.contains(name) {
                self.names.insert(name.to_owned());
            }
            let is_key = |integration: &Integration| {
                let fields = integration.mapping.fields();
                let mut keys = integration.mapping.sync_keys().iter();
                keys.any(|&key| fields[key].name() == name)
            };
            if self
                .integrations
                .iter()
                .any(|(integration, _)| is_key(integration))
            {
                values.insert(name.to_owned(), value.get());
            }
        });
        for (integration, keys) in &mut self.integrations {
            let mapping = &integration.mapping;
            keys.take(mapping, person.id.as_str(), |field| {
                let value = values.get(mapping.fields()[field].name());
                value.copied().unwrap_or_default()
            });
        }
    }

    fn judge(&self, read: &str, complete: bool) -> Vec<Finding> {
        let hint = "a user who matches them is skipped as `ambiguous_in_oomnitza`; merge those people in Oomnitza";
        let mut found = Vec::new();
        for (integration, keys) in &self.integrations {
            let fields = self.fields(integration, read, complete);
            let duplicates = keys.judge(&integration.mapping, "people", read, hint);
            let all = fields.into_iter().chain(duplicates);
            found.extend(all.map(|finding| finding.of(&integration.id)));
        }
        found
    }

    /// Says which mapped fields nobody in Oomnitza has: a load refuses to begin with one.
    fn fields(&self, integration: &Integration, read: &str, complete: bool) -> Vec<Finding> {
        const CHECK: &str = "fields";
        if self.looked_at == 0 {
            let message = "nobody is in Oomnitza, so its fields cannot be told";
            return vec![Finding::ok(CHECK, message)];
        }
        let fields = integration.mapping.fields().iter();
        let unknown = fields
            .map(mapping::Field::name)
            .filter(|name| !self.names.contains(*name));
        let known = || self.names.iter().map(String::as_str);
        let mut found: Vec<Finding> = unknown
            .map(|name| {
                let message = format!("Oomnitza has no field `{name}` ({read})");
                let hint = match nearest(name, known()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "make it in Oomnitza, or take it out of `mapping`; `rollcall fields` lists those that are there".to_owned(),
                };
                if complete {
                    Finding::fail(CHECK, message, hint)
                } else {
                    Finding::warn(CHECK, message, hint)
                }
            })
            .collect();
        if found.is_empty() {
            let count = integration.mapping.fields().len();
            let message = format!("Oomnitza has all {count} mapped fields");
            found.push(Finding::ok(CHECK, message));
        }
        found
    }
}
