//! Which fields can be mapped: those that both systems have, with what the ones are made of for the others.

use oomnitza::FieldName;

use crate::commands::fields::Census;

/// A field of Oomnitza that can be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    /// Its name.
    pub(super) field: String,
    /// Where its value comes from, as YAML.
    pub(super) expression: String,
    /// The field of the console that this needs; empty: the load itself brings it.
    pub(super) source: &'static str,
    /// Whether it is mapped.
    pub(super) taken: bool,
}

/// What is usually mapped: Oomnitza's field, the expression, what that needs, and whether it is proposed.
///
/// Names of people are not: Oomnitza mostly has better ones from elsewhere.
pub(super) const USUAL: [(&str, &str, &str, bool); 14] = [
    ("sentinelone_user_id", "id", "id", true),
    ("sentinelone_scope", "scope", "scope", true),
    (
        "sentinelone_roles",
        "\"{{ role_names | join(', ') }}\"",
        "scopeRoles",
        true,
    ),
    ("sentinelone_two_fa", "twoFaEnabled", "twoFaEnabled", true),
    (
        "sentinelone_last_login",
        "{ from: lastLogin, volatile: true }",
        "lastLogin",
        true,
    ),
    ("sentinelone_lowest_role", "lowestRole", "lowestRole", true),
    ("sentinelone_source", "source", "source", true),
    ("sentinelone_date_joined", "dateJoined", "dateJoined", true),
    (
        "sentinelone_email_verified",
        "emailVerified",
        "emailVerified",
        true,
    ),
    ("sentinelone_console", "customer_domain_url", "", true),
    ("sentinelone_synced_at", "connector_sync_time", "", true),
    (
        "username",
        "{ from: email, write: on_create }",
        "email",
        false,
    ),
    (
        "first_name",
        "\"{{ fullName | first_name }}\"",
        "fullName",
        false,
    ),
    (
        "last_name",
        "\"{{ fullName | last_name }}\"",
        "fullName",
        false,
    ),
];

/// Further fields of a user that a field of Oomnitza may be named after.
const FURTHER: [&str; 12] = [
    "firstLogin",
    "twoFaConfigured",
    "twoFaStatus",
    "primaryTwoFaMethod",
    "canGenerateApiToken",
    "isSystem",
    "agreedEula",
    "allowRemoteShell",
    "emailReadOnly",
    "fullNameReadOnly",
    "groupsReadOnly",
    "fullName",
];

/// Offers what both systems have.
pub(super) fn of(users: &Census, people: &Census) -> Vec<Offer> {
    let has = |source: &str| source.is_empty() || users.fields.contains_key(source);
    let usual = USUAL
        .iter()
        .filter(|(field, _, source, _)| people.fields.contains_key(*field) && has(source))
        .map(|(field, expression, source, taken)| Offer {
            field: (*field).to_owned(),
            expression: (*expression).to_owned(),
            source,
            taken: *taken,
        });
    let mut offers: Vec<Offer> = usual.collect();
    for field in people.fields.keys() {
        let Some(named) = of_the_console(field) else {
            continue;
        };
        let source = FURTHER
            .iter()
            .find(|source| has(source) && plain(source) == plain(named));
        let known = offers.iter().any(|offer| offer.field == *field);
        if let (Some(source), false) = (source, known) {
            offers.push(Offer {
                field: field.clone(),
                expression: (*source).to_owned(),
                source,
                taken: true,
            });
        }
    }
    offers
}

/// What a field that was made for the console is named after: `scope` of `sentinelone_scope`.
fn of_the_console(field: &str) -> Option<&str> {
    FieldName::try_from(field).ok()?;
    ["sentinelone_", "s1_"]
        .iter()
        .find_map(|prefix| field.strip_prefix(prefix))
}

/// A name without what its spelling adds: `twoFaStatus` and `two_fa_status` are one.
fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}
