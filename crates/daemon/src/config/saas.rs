//! The application to which the people are assigned, and what becomes of its users who are gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use mapping::{Definition, FieldDefinition, Mapping};
use serde_json::{Value, json};

use super::fault::Report;
use super::spot::Spot;
use super::written::{self, Missing, Records};
use super::{definition, hash};

/// The application to which the people are assigned.
#[derive(Clone, Debug)]
pub struct Saas {
    /// Its name in Oomnitza.
    pub name: String,
    /// Whether it is made where it is not there.
    pub create: bool,
    /// The roles of a person in it: a mapping of one field.
    pub roles: Arc<Mapping>,
    /// What that was compiled from.
    pub definition: FieldDefinition,
    /// What becomes of users who are gone.
    pub missing: load::Missing,
}

/// What faults and the error log call the roles.
const ROLES: &str = "saas.roles";
/// Where they come from if nothing is written.
const DEFAULT_ROLES: &str = "role_names";

/// A section has a fault, which is in the report.
pub(super) struct Faulty;

/// Checks the section; gives nothing where people are people alone.
pub(super) fn check(
    id: &str,
    written: &written::Integration,
    variables: &BTreeMap<String, String>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Result<Option<Saas>, Faulty> {
    let target = written.target.as_ref().ok_or(Faulty)?;
    let deactivates = written.missing == Some(Missing::Deactivate);
    let target_spot = spot.at("target");
    match (target.records, &target.saas) {
        // A word that is none of the choices leaves open what belongs to it.
        (None, _) if target_spot.has("records") => Err(Faulty),
        (None | Some(Records::User), saas) => {
            let advice = "write `records: user_and_saas_user` to have it";
            if saas.is_some() {
                let message =
                    format!("without SaaS users, `saas` does nothing; {advice}, or take it out");
                report.warn(target_spot.at("saas").key, message);
            }
            if deactivates {
                let message =
                    format!("without SaaS users, nobody is deactivated; {advice}, or write `keep`");
                report.warn(spot.at("missing").value, message);
            }
            Ok(None)
        }
        (Some(Records::UserAndSaasUser), None) => {
            // A section that is no map has its own fault.
            if !target_spot.has("saas") {
                report.fault(
                    target_spot.at("records").value,
                    "`user_and_saas_user` wants the application; add `saas: { name: SentinelOne }` with its name in Oomnitza",
                );
            }
            Err(Faulty)
        }
        (Some(Records::UserAndSaasUser), Some(saas)) => {
            let spot = target_spot.at("saas");
            let name = check_name(saas, spot, report);
            let roles = check_roles(id, saas, variables, spot, report);
            let (definition, roles) = roles.ok_or(Faulty)?;
            Ok(Some(Saas {
                name: name.ok_or(Faulty)?,
                create: saas.create.unwrap_or(false),
                roles,
                definition,
                missing: if deactivates {
                    load::Missing::Deactivate
                } else {
                    load::Missing::Keep
                },
            }))
        }
    }
}

/// The section as the effective configuration has it.
pub(super) fn effective(saas: &Saas) -> Value {
    json!({
        "name": saas.name,
        "create": saas.create,
        "roles": hash::field(&saas.definition),
    })
}

fn check_name(saas: &written::Saas, spot: Spot<'_>, report: &mut Report) -> Option<String> {
    let name = saas.name.as_ref()?.trim();
    if name.is_empty() {
        report.fault(
            spot.at("name").value,
            "`name` is an empty text; write the application's name in Oomnitza, such as `SentinelOne`",
        );
        return None;
    }
    Some(name.to_owned())
}

/// Compiles the roles, and tries them on sample users.
fn check_roles(
    id: &str,
    saas: &written::Saas,
    variables: &BTreeMap<String, String>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<(FieldDefinition, Arc<Mapping>)> {
    let is_written = spot.has("roles");
    let spot = spot.at("roles");
    let field = match &saas.roles {
        // It has its own fault.
        None if is_written => return None,
        None => FieldDefinition::new(ROLES, DEFAULT_ROLES),
        Some(field) => definition::one(ROLES, field, spot, report)?,
    };
    for key in ["write", "volatile"] {
        if spot.has(key) {
            report.fault(
                spot.at(key).key,
                format!("`{key}` goes only with the fields of `mapping`: roles are written whenever they differ; take it out"),
            );
            return None;
        }
    }
    let roles = Definition {
        integration: id.to_owned(),
        scope: None,
        // A mapping wants one; nobody is looked for by it.
        sync_keys: vec![ROLES.to_owned()],
        fields: vec![field.clone()],
        variables: variables.clone(),
    };
    let place = |fault: &mapping::Fault| definition::place_in_field(fault, spot);
    let mapping = match Mapping::compile(&roles) {
        Ok(mapping) => mapping,
        Err(faults) => {
            for fault in faults {
                report.fault(place(&fault), fault.message);
            }
            return None;
        }
    };
    let sound = definition::try_on_samples(&mapping, place, report);
    sound.then(|| (field, Arc::new(mapping)))
}
