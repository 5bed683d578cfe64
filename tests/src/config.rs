//! The configuration of an installation: defaults that work, and everything easy to change.

use simulator::bulk_field_id;

/// The id of the integration that every configuration has.
pub const INTEGRATION: &str = "console-users";

/// The mapping that [`Oracle`](crate::Oracle) knows: Oomnitza field, and where its value comes from.
const MAPPING: [(&str, &str); 16] = [
    ("username", "{ from: email, write: on_create }"),
    ("email", "email"),
    ("first_name", r#""{{ fullName | first_name }}""#),
    ("last_name", r#""{{ fullName | last_name }}""#),
    ("position", "{ value: Console user, write: if_empty }"),
    (
        "role",
        "{ from: lowestRole, table: { Admin: 23, Viewer: 25, C-Level: 25, IR Team: 25, IT: 25 }, write: on_create }",
    ),
    ("sentinelone_user_id", "id"),
    ("sentinelone_scope", "scope"),
    ("sentinelone_two_fa", "twoFaEnabled"),
    (
        "sentinelone_last_login",
        "{ from: lastLogin, empty: clear, volatile: true }",
    ),
    ("sentinelone_roles", r#""{{ role_names | join(', ') }}""#),
    ("sentinelone_console", "customer_domain_url"),
    ("sentinelone_synced_at", "connector_sync_time"),
    (
        "sentinelone_source",
        "{ from: source, table: { mgmt: Local, sso_saml: Single sign-on }, otherwise: Other }",
    ),
    ("sentinelone_date_joined", "dateJoined"),
    ("sentinelone_email_verified", "emailVerified"),
];

/// How the load writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Person by person.
    Rest,
    /// In batches, under the integration's number.
    Bulk,
    /// In batches, under the integration's name.
    BulkByName,
}

/// What `rollcall.yaml` says; written anew with [`Rollcall::configure`](crate::Rollcall::configure).
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the console is.
    pub sentinelone_url: String,
    /// Where Oomnitza is.
    pub oomnitza_url: String,
    /// `update_only`, `create_and_update` or `create_only`.
    pub preference: &'static str,
    /// How the load writes.
    pub delivery: Delivery,
    /// Records in a batch.
    pub batch: usize,
    /// Users for whom it is false are out of scope.
    pub scope: &'static str,
    /// The ids of the sites that are read; empty for all.
    pub site_ids: &'static str,
    /// Oomnitza fields, tried in order.
    pub sync_keys: Vec<&'static str>,
    /// Oomnitza fields and where their values come from.
    pub mapping: Vec<(&'static str, String)>,
    /// How long a request may take.
    pub timeout: &'static str,
    /// Requests a second to either side.
    pub requests_per_second: u32,
    /// The application to which people are assigned, as a YAML map; `None`: they are people alone.
    pub saas: Option<&'static str>,
    /// What becomes of `SaaS` users who are gone: `keep` or `deactivate`.
    pub missing: &'static str,
    /// What a load must keep, as a YAML map; by default whatever it does passes. Empty: what is usual.
    pub guards: String,
    /// When it runs, as the entries of a YAML map; by default on no day that a test sees.
    pub schedule: String,
    /// The ids of further integrations: the same in everything else.
    pub others: Vec<String>,
    /// Runs that may go on at the same time.
    pub max_concurrent_runs: u32,
    /// Where metrics are served; `None`: nowhere.
    pub metrics: Option<String>,
    /// What is logged.
    pub log_level: &'static str,
    /// The entries of `notify`, a line each; by default nobody is told.
    pub notify: String,
    /// Where the state is.
    pub state_dir: &'static str,
}

impl Config {
    pub(crate) fn new(sentinelone_url: String, oomnitza_url: String) -> Self {
        Self {
            sentinelone_url,
            oomnitza_url,
            preference: "create_and_update",
            delivery: Delivery::Rest,
            batch: 100,
            scope: "not isSystem",
            site_ids: "",
            sync_keys: vec!["sentinelone_user_id", "email"],
            mapping: MAPPING
                .iter()
                .map(|(field, value)| (*field, (*value).to_owned()))
                .collect(),
            timeout: "60s",
            requests_per_second: 1000,
            saas: None,
            missing: "keep",
            guards: "{ create: 100%, update: 100%, role_change: 100%, deactivate: 100%, blank: 100%, source_shrink: 100%, \
                     failed: 100% }"
                .to_owned(),
            schedule: "cron: \"0 0 29 2 *\"".to_owned(),
            others: Vec::new(),
            max_concurrent_runs: 2,
            metrics: None,
            log_level: "info",
            notify: String::new(),
            state_dir: "state",
        }
    }

    /// Maps a field in another way, or one that was not mapped.
    pub fn map(&mut self, field: &'static str, value: &str) {
        self.mapping.retain(|(mapped, _)| *mapped != field);
        self.mapping.push((field, value.to_owned()));
    }

    /// Maps only these of the fields.
    pub fn keep_only(&mut self, fields: &[&str]) {
        self.mapping.retain(|(field, _)| fields.contains(field));
    }

    pub(crate) fn yaml(&self) -> String {
        let ids = std::iter::once(INTEGRATION).chain(self.others.iter().map(String::as_str));
        let integrations: String = ids.map(|id| self.integration(id)).collect();
        let metrics = self.metrics.as_ref().map_or_else(String::new, |listen| {
            format!("metrics: {{ listen: \"{listen}\" }}\n")
        });
        let notify = match self.notify.as_str() {
            "" => String::new(),
            entries => format!("notify:\n{}\n", entries.trim_end()),
        };
        format!(
            "state_dir: {state_dir}\n\
             max_concurrent_runs: {max_concurrent_runs}\n\
             log: {{ level: {log_level} }}\n\
             {metrics}\
             credentials:\n\
             \x20 sentinelone:\n\
             \x20   header: Authorization\n\
             \x20   value: \"ApiToken {{{{ secret }}}}\"\n\
             \x20   secret: {{ file: sentinelone.token }}\n\
             \x20 oomnitza:\n\
             \x20   header: Authorization2\n\
             \x20   secret: {{ file: oomnitza.token }}\n\
             http: {{ timeout: {timeout} }}\n\
             {notify}\
             integrations:\n\
             {integrations}",
            state_dir = self.state_dir,
            max_concurrent_runs = self.max_concurrent_runs,
            log_level = self.log_level,
            timeout = self.timeout,
        )
    }

    fn integration(&self, id: &str) -> String {
        format!(
            "\x20 {id}:\n\
             \x20   source:\n\
             \x20     kind: sentinelone.users\n\
             \x20     url: {sentinelone_url}\n\
             \x20     credential: sentinelone\n\
             \x20     site_ids: [{site_ids}]\n\
             \x20     where: \"{scope}\"\n\
             \x20     requests_per_second: {rate}\n\
             \x20   target:\n\
             \x20     kind: oomnitza.users\n\
             \x20     url: {oomnitza_url}\n\
             \x20     credential: oomnitza\n\
             \x20     requests_per_second: {rate}\n\
             {saas}\
             {delivery}\
             \x20   preference: {preference}\n\
             \x20   sync_keys: [{sync_keys}]\n\
             \x20   missing: {missing}\n\
             {guards}\
             \x20   schedule: {{ {schedule} }}\n\
             \x20   mapping:\n\
             {mapping}",
            sentinelone_url = self.sentinelone_url,
            oomnitza_url = self.oomnitza_url,
            site_ids = self.site_ids,
            scope = self.scope,
            rate = self.requests_per_second,
            saas = match self.saas {
                Some(saas) => format!("      records: user_and_saas_user\n      saas: {saas}\n"),
                None => String::new(),
            },
            delivery = self.delivery(),
            missing = self.missing,
            preference = self.preference,
            sync_keys = self.sync_keys.join(", "),
            guards = match self.guards.as_str() {
                "" => String::new(),
                guards => format!("    guards: {guards}\n"),
            },
            schedule = self.schedule,
            mapping = lines("      ", &self.mapping),
        )
    }

    fn delivery(&self) -> String {
        let connector = match self.delivery {
            Delivery::Rest => return "      delivery: rest\n".to_owned(),
            Delivery::Bulk => "connector_id: 268",
            Delivery::BulkByName => "connector_name: rollcall",
        };
        let custom = self.mapping.iter().map(|(field, _)| *field);
        let custom = custom.filter(|field| field.starts_with("sentinelone_"));
        let ids: Vec<_> = custom.map(|field| (field, bulk_field_id(field))).collect();
        let ids = lines("        ", &ids);
        format!(
            "      delivery: bulk\n      {connector}\n      batch: {}\n      fields:\n{ids}",
            self.batch
        )
    }
}

/// The entries of a YAML map, each on a line of its own.
fn lines(indent: &str, entries: &[(&str, String)]) -> String {
    let lines = entries.iter();
    let lines: Vec<_> = lines
        .map(|(key, value)| format!("{indent}{key}: {value}\n"))
        .collect();
    lines.concat()
}
