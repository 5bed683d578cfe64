//! What `demo` and `bench` share: a folder with a configuration that leads to the stand-ins.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use simulator::{Simulator, bulk_field_id};

use crate::app::make_folder;

/// Where the stand-ins are, and what they ask for; a process of their own says it in JSON when it is ready.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StandIns {
    pub(crate) sentinelone_url: String,
    pub(crate) sentinelone_token: String,
    pub(crate) oomnitza_url: String,
    pub(crate) oomnitza_token: String,
}

impl StandIns {
    pub(crate) fn of(simulator: &Simulator) -> Self {
        Self {
            sentinelone_url: simulator.sentinelone_url(),
            sentinelone_token: simulator.sentinelone_token().to_owned(),
            oomnitza_url: simulator.oomnitza_url(),
            oomnitza_token: simulator.oomnitza_token().to_owned(),
        }
    }
}

/// How the load is to be.
pub(crate) struct Shape<'a> {
    pub(crate) preference: &'a str,
    pub(crate) bulk: bool,
    pub(crate) scope: &'a str,
    /// Where the state is kept, seen from the configuration.
    pub(crate) state_dir: &'a str,
    /// When a daemon makes the load, as YAML; `None`: as the configuration has it by default.
    pub(crate) schedule: Option<&'a str>,
}

/// The mapped fields: Oomnitza's field, and where its value comes from.
const MAPPING: [(&str, &str); 15] = [
    ("username", "{ from: email, write: on_create }"),
    ("email", "email"),
    ("first_name", r#""{{ fullName | first_name }}""#),
    ("last_name", r#""{{ fullName | last_name }}""#),
    (
        "role",
        "{ from: scope, table: { tenant: 23, account: 25, site: 25 }, otherwise: 25, write: on_create }",
    ),
    ("sentinelone_user_id", "id"),
    ("sentinelone_scope", "scope"),
    ("sentinelone_two_fa", "twoFaEnabled"),
    (
        "sentinelone_last_login",
        "{ from: lastLogin, volatile: true }",
    ),
    ("sentinelone_roles", r#""{{ role_names | join(', ') }}""#),
    ("sentinelone_console", "customer_domain_url"),
    ("sentinelone_synced_at", "connector_sync_time"),
    ("sentinelone_source", "source"),
    ("sentinelone_date_joined", "dateJoined"),
    ("sentinelone_email_verified", "emailVerified"),
];

/// The id of the integration that is written.
pub(crate) const INTEGRATION: &str = "sentinelone-users";

/// Writes `rollcall.yaml` and the two token files into `folder`.
pub(crate) fn write(folder: &Path, stand_ins: &StandIns, shape: &Shape<'_>) -> anyhow::Result<()> {
    make_folder(folder)?;
    secret(
        &folder.join("sentinelone.token"),
        &stand_ins.sentinelone_token,
    )?;
    secret(&folder.join("oomnitza.token"), &stand_ins.oomnitza_token)?;
    let path = folder.join("rollcall.yaml");
    fs::write(&path, yaml(stand_ins, shape))
        .with_context(|| format!("could not write `{}`", path.display()))
}

fn secret(path: &Path, token: &str) -> anyhow::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("could not write `{}`", path.display()))?;
    Ok(writeln!(file, "{token}")?)
}

fn yaml(stand_ins: &StandIns, shape: &Shape<'_>) -> String {
    let lines = |lines: Vec<String>| lines.join("\n") + "\n";
    let mapping = lines(
        MAPPING
            .iter()
            .map(|(field, value)| format!("      {field}: {value}"))
            .collect(),
    );
    let delivery = if shape.bulk {
        let custom = MAPPING
            .iter()
            .filter(|(field, _)| field.starts_with("sentinelone_"));
        let ids = lines(
            custom
                .map(|(field, _)| format!("        {field}: {}", bulk_field_id(field)))
                .collect(),
        );
        format!("      delivery: bulk\n      connector_id: 268\n      fields:\n{ids}")
    } else {
        "      delivery: rest\n".to_owned()
    };
    let StandIns {
        sentinelone_url,
        oomnitza_url,
        ..
    } = stand_ins;
    let Shape {
        preference,
        scope,
        state_dir,
        schedule,
        ..
    } = shape;
    let schedule = schedule.map_or_else(String::new, |schedule| {
        format!("    schedule: {schedule}\n")
    });
    format!(
        "# Written by Rollcall for its built-in stand-ins of both systems; `rollcall check` reads it like any other.\n\
         state_dir: {state_dir}\n\
         log: {{ level: info, keep_files: 3 }}\n\
         credentials:\n\
         \x20 sentinelone:\n\
         \x20   header: Authorization\n\
         \x20   value: \"ApiToken {{{{ secret }}}}\"\n\
         \x20   secret: {{ file: sentinelone.token }}\n\
         \x20 oomnitza:\n\
         \x20   header: Authorization2\n\
         \x20   secret: {{ file: oomnitza.token }}\n\
         integrations:\n\
         \x20 {INTEGRATION}:\n\
         \x20   name: SentinelOne User Load\n\
         {schedule}\
         \x20   source:\n\
         \x20     kind: sentinelone.users\n\
         \x20     url: {sentinelone_url}\n\
         \x20     credential: sentinelone\n\
         \x20     where: \"{scope}\"\n\
         \x20     requests_per_second: 1000\n\
         \x20   target:\n\
         \x20     kind: oomnitza.users\n\
         \x20     url: {oomnitza_url}\n\
         \x20     credential: oomnitza\n\
         \x20     requests_per_second: 1000\n\
         {delivery}\
         \x20   preference: {preference}\n\
         \x20   sync_keys: [sentinelone_user_id, email]\n\
         \x20   mapping:\n\
         {mapping}"
    )
}
