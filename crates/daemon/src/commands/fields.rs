//! `fields`: what both systems offer to a mapping, with how often it is filled and an example.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use sentinelone::{Event, UserFilter};
use serde_json::{Value, json};
use store::{Cell, Rows};

use crate::app::{self, Meters};
use crate::arguments::{Fields, Format};
use crate::exit::Exit;
use crate::output;

/// How many users of the console, and how many people, are looked at.
const SAMPLE: usize = 2000;
/// The longest example that people are shown.
const EXAMPLE: usize = 48;

/// What was seen of one field.
#[derive(Default)]
pub(super) struct Seen {
    filled: usize,
    example: Option<Value>,
}

/// What was seen of all fields of one system.
#[derive(Default)]
pub(super) struct Census {
    pub(super) looked_at: usize,
    /// By the path that a mapping would write.
    pub(super) fields: BTreeMap<String, Seen>,
}

impl Seen {
    /// How many of a hundred have it filled, and an example, in one phrase.
    pub(super) fn phrase(&self, looked_at: usize) -> String {
        let percent = self.filled * 100 / looked_at.max(1);
        match &self.example {
            None => format!("{percent} % filled"),
            Some(Value::String(text)) => format!("{percent} % filled, such as {}", shortened(text)),
            Some(value) => format!("{percent} % filled, such as {value}"),
        }
    }
}

impl Census {
    fn take(&mut self, json: &str) {
        self.looked_at += 1;
        // What is no JSON object was refused before.
        if let Ok(Value::Object(members)) = serde_json::from_str(json) {
            for (name, value) in members {
                self.note(&name, value);
            }
        }
    }

    /// Notes a value by the path that a mapping would write.
    fn note(&mut self, path: &str, value: Value) {
        let seen = self.fields.entry(path.to_owned()).or_default();
        match value {
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::Object(members) => {
                seen.filled += 1;
                for (name, value) in members {
                    self.note(&format!("{path}.{name}"), value);
                }
            }
            Value::Array(items) => {
                seen.filled += usize::from(!items.is_empty());
                if let Some(first) = items.into_iter().next() {
                    self.note(&format!("{path}.0"), first);
                }
            }
            value => {
                seen.filled += 1;
                seen.example.get_or_insert(value);
            }
        }
    }

    fn rows(&self, system: &str) -> Vec<Vec<Cell>> {
        let cell = |(path, seen): (&String, &Seen)| {
            let example = match &seen.example {
                None => Cell::Null,
                Some(Value::String(text)) => Cell::Text(text.clone()),
                Some(value) => Cell::Text(value.to_string()),
            };
            let percent = seen.filled * 100 / self.looked_at.max(1);
            vec![
                Cell::Text(system.to_owned()),
                Cell::Text(path.clone()),
                Cell::Text(format!("{percent} %")),
                example,
            ]
        };
        self.fields.iter().map(cell).collect()
    }
}

pub(crate) async fn fields(path: &Path, command: &Fields) -> anyhow::Result<Exit> {
    let config = app::configuration(path)?;
    let integration = app::integration(&config, &command.integration)?;
    let connections = app::connect(&config, integration, &Meters::default())?;

    let filter = UserFilter {
        site_ids: integration.source.site_ids.clone(),
        account_ids: integration.source.account_ids.clone(),
    };
    let (source, (target, roles)) = tokio::try_join!(
        users(sentinelone::Client::new(connections.source), filter),
        people(oomnitza::Reader::new(connections.target)),
    )?;

    let mut rows = source.rows("SentinelOne");
    rows.extend(target.rows("Oomnitza"));
    let columns = ["system", "field", "filled", "example"];
    let mut all = Rows {
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    };
    if command.format.json {
        let answer = json!({
            "looked_at": {"sentinelone": source.looked_at, "oomnitza": target.looked_at},
            "fields": output::objects(&all),
            "roles": output::objects(&role_rows(&roles)),
        });
        output::json(&answer)?;
        return Ok(Exit::Done);
    }
    if !command.format.csv {
        shorten(&mut all);
        output::say!(
            "{} users and {} people were looked at",
            source.looked_at,
            target.looked_at
        )?;
    }
    output::print(&all, command.format, &columns, &config.timezone)?;
    if !command.format.csv {
        output::say!("Role numbers in use in Oomnitza, for the field `role`:")?;
        let format = Format {
            json: false,
            csv: false,
        };
        output::print(
            &role_rows(&roles),
            format,
            &["role", "people", "examples"],
            &config.timezone,
        )?;
    }
    Ok(Exit::Done)
}

pub(super) async fn users(
    client: sentinelone::Client,
    filter: UserFilter,
) -> anyhow::Result<Census> {
    let mut pages = client.users(&filter);
    let mut census = Census::default();
    while census.looked_at < SAMPLE {
        match pages
            .next()
            .await
            .context("could not read the users of SentinelOne")?
        {
            None => break,
            Some(Event::Restarted) => census = Census::default(),
            Some(Event::Page(page)) => {
                for user in page.users.iter().flatten().take(SAMPLE - census.looked_at) {
                    census.take(user.json());
                }
            }
        }
    }
    Ok(census)
}

/// By role number: how many people have it, and who for example.
pub(super) type Roles = BTreeMap<String, (usize, Vec<String>)>;

pub(super) async fn people(reader: oomnitza::Reader) -> anyhow::Result<(Census, Roles)> {
    let reading = "could not read the people of Oomnitza";
    reader.probe().await.context(reading)?;
    let mut pages = reader.people();
    let (mut census, mut roles) = (Census::default(), Roles::new());
    while census.looked_at < SAMPLE {
        let Some(page) = pages.next().await.context(reading)? else {
            break;
        };
        for person in page.people.iter().flatten().take(SAMPLE - census.looked_at) {
            census.take(person.json());
            let (mut role, mut username) = (None, String::new());
            person.for_each_field(|name, value| match name {
                "role" => role = Some(value.get().trim_matches('"').to_owned()),
                "username" => value.get().trim_matches('"').clone_into(&mut username),
                _ => {}
            });
            if let Some(role) = role.filter(|role| role != "null") {
                let (people, examples) = roles.entry(role).or_default();
                *people += 1;
                if examples.len() < 3 {
                    examples.push(username);
                }
            }
        }
    }
    Ok((census, roles))
}

fn role_rows(roles: &Roles) -> Rows {
    let rows = roles.iter().map(|(role, (people, examples))| {
        let people = i64::try_from(*people).unwrap_or(i64::MAX);
        vec![
            Cell::Text(role.clone()),
            Cell::Integer(people),
            Cell::Text(examples.join(", ")),
        ]
    });
    Rows {
        columns: ["role", "people", "examples"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

/// Cuts examples to what fits on a line.
fn shorten(rows: &mut Rows) {
    for row in &mut rows.rows {
        if let Some(Cell::Text(example)) = row.last_mut() {
            *example = shortened(example);
        }
    }
}

/// Cuts a text to what fits on a line.
fn shortened(text: &str) -> String {
    if text.chars().count() > EXAMPLE {
        text.chars().take(EXAMPLE - 1).chain(['…']).collect()
    } else {
        text.to_owned()
    }
}
