//! What a bulk record does once its turn comes.

use serde_json::Value;

use super::Bulk;
use crate::object::{Members, is_empty, plain};
use crate::oomnitza::envelope::Mode;
use crate::oomnitza::people::{Changes, OomnitzaPeople, Written};
use crate::oomnitza::portion::Batch;
use crate::oomnitza::saas::Saas;
use crate::oomnitza::schema::Origin;
use crate::options::{BulkDrop, BulkNull};

impl Bulk {
    /// Applies what waits of a portion.
    pub(in crate::oomnitza) fn apply(
        &mut self,
        place: usize,
        people: &mut OomnitzaPeople,
        saas: &mut Saas,
    ) {
        for batch in std::mem::take(&mut self.portions[place].waiting) {
            for record in &batch.records {
                let dropped = self
                    .drops
                    .iter()
                    .find(|dropped| record.contains(&dropped.containing));
                let done = match dropped {
                    Some(BulkDrop { words: None, .. }) => continue,
                    Some(BulkDrop {
                        words: Some(words), ..
                    }) => Err(words.clone()),
                    None => apply_record(record, &batch, self.null, people, saas),
                };
                let portion = &mut self.portions[place];
                let count = match done {
                    Ok(Done::Added) => &mut portion.state.added,
                    Ok(Done::Updated) => &mut portion.state.updated,
                    Ok(Done::Unchanged) => &mut portion.state.unchanged,
                    Ok(Done::Skipped) => &mut portion.state.skipped,
                    Err(words) => {
                        portion.failures.push(words);
                        &mut portion.state.failed
                    }
                };
                *count += 1;
            }
        }
    }
}

/// What became of a record.
enum Done {
    Added,
    Updated,
    Unchanged,
    Skipped,
}

fn apply_record(
    record: &str,
    batch: &Batch,
    null: BulkNull,
    people: &mut OomnitzaPeople,
    saas: &mut Saas,
) -> Result<Done, String> {
    let members = Members::of(record).map_err(|error| error.to_string())?;
    let application = application_of(&members, saas)?;
    let mut changes = Changes::with_capacity(members.0.len());
    for (id, raw) in &members.0 {
        let Some(field) = people.schema.bulk_place(id) else {
            continue;
        };
        if raw.get() == "null" && null == BulkNull::Ignored {
            continue;
        }
        let value = people.schema.accept(field, raw.get(), Origin::Bulk);
        changes.push((
            field,
            value.map_err(|refusal| format!("{id}: {}", refusal.message))?,
        ));
    }
    let value_of = |field: usize| {
        let (_, raw) = changes.iter().find(|(changed, _)| *changed == field)?;
        (!is_empty(raw)).then(|| plain(raw).into_owned())
    };
    let mut found = Vec::new();
    for field in &batch.sync_fields {
        if let Some(key) = value_of(*field) {
            let letters = people.letters;
            found = people.find(*field, &key, letters);
        }
        if !found.is_empty() {
            break;
        }
    }
    let must_stay = ["username", "role"].map(|name| people.schema.built_in(name));
    if changes
        .iter()
        .any(|(field, raw)| must_stay.contains(field) && is_empty(raw))
    {
        return Err("USER and PERMISSIONS_ID cannot be empty".to_owned());
    }
    let username = value_of(people.schema.built_in("username"));
    let role = value_of(people.schema.built_in("role"));
    match (found.as_slice(), batch.mode) {
        ([], Mode::UpdateOnly) | ([_], Mode::InsertOnly) => Ok(Done::Skipped),
        ([], _) => {
            let username = username.ok_or("a new user needs USER")?;
            role.ok_or("a new user needs PERMISSIONS_ID")?;
            people
                .check_free(&username, None)
                .map_err(|refusal| refusal.message)?;
            let place = people.create(changes);
            if let Some(application) = application {
                saas.add(&application, &people.id_of(place));
            }
            Ok(Done::Added)
        }
        ([place], _) => {
            if let Some(username) = username {
                people
                    .check_free(&username, Some(*place))
                    .map_err(|refusal| refusal.message)?;
            }
            if let Some(application) = application {
                saas.add(&application, &people.id_of(*place));
            }
            Ok(match people.write(*place, changes) {
                Written::Changed => Done::Updated,
                Written::Unchanged => Done::Unchanged,
            })
        }
        (several, _) => Err(format!("the record fits {} users", several.len())),
    }
}

/// The application that a record carries, which must be there.
fn application_of(members: &Members<'_>, saas: &mut Saas) -> Result<Option<String>, String> {
    let Some((_, raw)) = members.0.iter().find(|(id, _)| *id == "SAAS") else {
        return Ok(None);
    };
    let carried: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    let id = carried["selected_saas_id"].as_str().unwrap_or_default();
    let name = carried["name"].as_str().unwrap_or_default();
    if saas.is_named(id, name) {
        Ok(Some(id.to_owned()))
    } else {
        Err(format!("SAAS: there is no application {id} `{name}`"))
    }
}
