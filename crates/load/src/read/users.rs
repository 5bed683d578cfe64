//! The source: users of the console, mapped as they come.

use std::path::Path;

use mapping::{Load, Mapping, Record, Subject};
use sentinelone::{Client, Completeness, Event, Malformed, User, UserFilter, UserPage, UserPages};
use serde_json::Value;
use store::{ContentHash, Fault, Known, Store};
use xxhash_rust::xxh3::xxh3_128;

use super::{Fetched, Intake, Pages, Side, ahead, next};
use crate::error::Stop;
use crate::halt::Halt;
use crate::progress::Publisher;
use crate::reason::{self, Reason};
use crate::rows::{FaultRow, UserRow, UserState, record_hash};
use crate::saas::roles_of;
use crate::scratch::Key;

/// What turns users into rows.
pub(crate) struct UserReader<'a> {
    pub(crate) mapping: &'a Mapping,
    /// The roles of a `SaaS` user, a mapping of one field.
    pub(crate) saas_roles: Option<&'a Mapping>,
    pub(crate) load: &'a Load,
    pub(crate) store: &'a Store,
    pub(crate) integration: i64,
    pub(crate) folder: &'a Path,
    pub(crate) halt: &'a Halt,
    pub(crate) progress: &'a Publisher,
}

/// Reads all users; a read that brings fewer than were promised is made once more.
pub(crate) async fn users(
    client: &Client,
    filter: &UserFilter,
    reader: &UserReader<'_>,
) -> Result<Side, Stop> {
    match read(client, filter, reader).await? {
        (side, Completeness::Complete) => return Ok(side),
        (_, Completeness::Short { promised, distinct }) => {
            tracing::warn!(
                promised,
                distinct,
                "The list of users is not complete, so it is read once more"
            );
        }
    }
    match read(client, filter, reader).await? {
        (side, Completeness::Complete) => Ok(side),
        (_, Completeness::Short { promised, distinct }) => {
            Err(Stop::ShortSource { promised, distinct })
        }
    }
}

async fn read(
    client: &Client,
    filter: &UserFilter,
    reader: &UserReader<'_>,
) -> Result<(Side, Completeness), Stop> {
    let mut pages = ahead(client.users(filter));
    let mut intake = Intake::new(reader.folder)?;
    let mut record = Record::default();
    loop {
        match next(&mut pages, reader.halt).await? {
            Fetched::Page((page, promised)) => {
                reader.progress.expect(promised);
                reader.progress.advance(page.users.len());
                reader.take(page.users, &mut intake, &mut record).await?;
            }
            Fetched::Restarted => intake = Intake::new(reader.folder)?,
            Fetched::End(completeness) => return Ok((intake.finish()?, completeness)),
        }
    }
}

/// A page, and how many users the first one promised.
type Page = (UserPage, Option<u64>);

impl Pages for UserPages {
    type Page = Page;
    type Completeness = Completeness;
    type Error = sentinelone::Error;

    async fn fetch(&mut self) -> Result<Fetched<Page, Completeness>, sentinelone::Error> {
        Ok(match self.next().await? {
            Some(Event::Page(page)) => Fetched::Page((page, self.promised())),
            Some(Event::Restarted) => Fetched::Restarted,
            None => Fetched::End(self.completeness()),
        })
    }
}

impl UserReader<'_> {
    /// Maps a page of users and takes them in.
    async fn take(
        &self,
        users: Vec<Result<User, Malformed>>,
        intake: &mut Intake,
        record: &mut Record,
    ) -> Result<(), Stop> {
        let ids: Vec<&str> = users
            .iter()
            .map(|user| match user {
                Ok(user) => user.id.as_str(),
                Err(malformed) => malformed.id.as_ref().map_or("", |id| id.as_str()),
            })
            .collect();
        let known = self.store.known(self.integration, &ids).await?;
        for (user, known) in users.iter().zip(&known) {
            match user {
                Ok(user) => self.take_user(user, known.as_ref(), intake, record)?,
                Err(malformed) => take_malformed(malformed, known.as_ref(), intake)?,
            }
        }
        Ok(())
    }

    fn take_user(
        &self,
        user: &User,
        known: Option<&Known>,
        intake: &mut Intake,
        record: &mut Record,
    ) -> Result<(), Stop> {
        record.clear();
        let mut saas_roles = String::new();
        let (in_scope, fault) = self.map(user, record, &mut saas_roles);
        let row = u32::try_from(intake.rows.len()).map_err(std::io::Error::other)?;
        let has_key = in_scope && self.take_keys(row, record, intake)?;
        if fault.is_some() || !in_scope {
            record.clear();
        }
        let state = match &fault {
            Some(fault) => UserState::Unmapped {
                fault: FaultRow::of(fault),
            },
            None if !in_scope => UserState::OutOfScope,
            None if !has_key => UserState::NoSyncKey,
            None => UserState::Mapped,
        };
        let record_hash = record_hash(self.mapping, record);
        let row = UserRow {
            email: user.email.as_deref().filter(|email| !email.is_empty()),
            full_name: user.full_name.as_deref().filter(|name| !name.is_empty()),
            record_known: known.is_some_and(|known| known.record_hash == Some(record_hash)),
            record_hash,
            record: record.iter().collect(),
            saas_roles: &saas_roles,
            state,
            ..row_of(user.id.as_str(), user.json(), known)
        };
        intake.rows.push(&row)?;
        Ok(())
    }

    /// Makes the record of a user, and the roles of its `SaaS` user; says whether the user is in scope, and why there
    /// is no record.
    fn map(
        &self,
        user: &User,
        record: &mut Record,
        saas_roles: &mut String,
    ) -> (bool, Option<Fault>) {
        let subject = match Subject::new(user.json()) {
            Ok(subject) => subject,
            Err(error) => return (true, Some(Reason::Mapping.in_words(error.to_string()))),
        };
        match self.mapping.in_scope(&subject, self.load) {
            Ok(true) => {}
            Ok(false) => return (false, None),
            Err(issue) => return (false, reason::of_issues(vec![issue])),
        }
        let issues = self.mapping.apply(&subject, self.load, record);
        let fault = reason::of_issues(issues).or_else(|| self.map_roles(&subject, saas_roles));
        (true, fault)
    }

    /// Makes the roles of a user's `SaaS` user, a JSON list of texts; none where they stay as they are. Says why there
    /// are none, if they cannot be made.
    fn map_roles(&self, subject: &Subject<'_>, saas_roles: &mut String) -> Option<Fault> {
        let mapping = self.saas_roles?;
        let field = mapping.fields().first()?;
        let mut record = Record::default();
        if let Some(fault) = reason::of_issues(mapping.apply(subject, self.load, &mut record)) {
            return Some(fault);
        }
        match roles_of(record.get(0), field.empty()) {
            Ok(roles) => {
                *saas_roles =
                    roles.map_or_else(String::new, |roles| Value::from(roles).to_string());
                None
            }
            Err(why) => Some(Reason::Mapping.because_of(field.name(), why)),
        }
    }

    /// Takes in the sync keys of a record; says whether any has a value.
    fn take_keys(&self, row: u32, record: &Record, intake: &mut Intake) -> Result<bool, Stop> {
        let mut has_key = false;
        let mut canonical = String::new();
        for (number, &field) in (0_u8..).zip(self.mapping.sync_keys()) {
            canonical.clear();
            let kind = self.mapping.fields()[field].kind();
            if mapping::canonical(kind, record.get(field), &mut canonical) {
                intake.keys.push(Key::new(number, &canonical, row))?;
                has_key = true;
            }
        }
        Ok(has_key)
    }
}

/// Takes in what the console sent in place of a user: it fails alone.
fn take_malformed(
    malformed: &Malformed,
    known: Option<&Known>,
    intake: &mut Intake,
) -> Result<(), Stop> {
    let json = String::from_utf8_lossy(&malformed.json);
    let fault = Reason::Mapping.in_words(format!(
        "the console sent a user that cannot be read: {}",
        malformed.message
    ));
    let id = malformed.id.as_ref().map_or("", |id| id.as_str());
    let row = UserRow {
        email: malformed.email.as_deref(),
        state: UserState::Unmapped {
            fault: FaultRow::of(&fault),
        },
        ..row_of(id, &json, known)
    };
    intake.rows.push(&row)?;
    Ok(())
}

/// What a row says of any user.
fn row_of<'a>(source_id: &'a str, json: &'a str, known: Option<&'a Known>) -> UserRow<'a> {
    let user_hash: ContentHash = xxh3_128(json.as_bytes()).to_le_bytes();
    let is_new = known.is_none_or(|known| known.user_hash != user_hash);
    UserRow {
        person: known.map(|known| known.person),
        present: known.is_some_and(|known| known.present),
        known_match: known.and_then(|known| known.oomnitza_id.as_deref()),
        known_suspended: known.and_then(|known| known.suspended),
        known_sighting: known.and_then(|known| known.sighting),
        source_id,
        email: None,
        full_name: None,
        user: is_new.then_some(json),
        user_hash,
        record_known: false,
        record_hash: ContentHash::default(),
        record: Vec::new(),
        saas_roles: "",
        state: UserState::Mapped,
    }
}
