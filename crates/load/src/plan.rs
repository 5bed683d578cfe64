//! Planning: every user is decided about, and the whole plan stored, before the first write.

use std::collections::HashMap;
use std::io;

use jiff::Timestamp;
use store::{Content, Forms, KnownPlace, Line, PlanSummary, RunKey, SaasPlan, Store, Verdict};

use crate::decide::{Decision, Finding, Found, Rules};
use crate::error::Stop;
use crate::guards::Tally;
use crate::halt::Halt;
use crate::matching::Matches;
use crate::point::{Point, reach};
use crate::progress::{Phase, Publisher};
use crate::read::Side;
use crate::request::Whom;
use crate::rows::{TargetRow, UserRow, UserState, record_of};
use crate::saas::{Application, Wanted, difference};
use crate::scratch::{FinishedRows, Window};
use crate::settings::{Integration, Preference};
use crate::sighting::sighting;

/// Lines that are stored in one transaction.
const CHUNK: usize = 1000;

/// Where a plan goes.
pub(crate) struct Planner<'a> {
    pub(crate) integration: &'a Integration,
    pub(crate) store: &'a Store,
    pub(crate) key: RunKey,
    pub(crate) whom: &'a Whom,
    /// The application as Oomnitza shows it, where the run writes `SaaS` users as well.
    pub(crate) application: Option<&'a Application>,
    pub(crate) halt: &'a Halt,
    pub(crate) progress: &'a Publisher,
}

impl Planner<'_> {
    /// Decides about every user and stores the plan; says what it came to, and what guards look at.
    pub(crate) async fn plan(
        &self,
        users: Side,
        people: Side,
    ) -> Result<(PlanSummary, Tally), Stop> {
        let total = users.rows.len();
        self.progress.begin(Phase::Planning, Some(total as u64));
        let Side {
            rows: users,
            keys: mut user_keys,
        } = users;
        let Side {
            rows: people,
            keys: mut people_keys,
        } = people;
        let matches = Matches::find(total, &mut user_keys, &mut people_keys, |involved| {
            let mut ids = HashMap::with_capacity(involved.len());
            let mut window = Window::default();
            for &row in involved {
                let user: UserRow<'_> = users.get(row, &mut window)?;
                ids.insert(row, user.source_id.to_owned());
            }
            Ok(ids)
        })?;
        drop((user_keys, people_keys));

        let has_forms = self.store.count_forms(self.key.integration).await? > 0;
        let is_role = self.role_fields();
        let (mut summary, mut tally) = (PlanSummary::default(), Tally::default());
        let mut scan = users.scan()?;
        let (mut planned, mut named) = (0, Vec::new());
        while planned < total {
            self.halt.check()?;
            let findings = findings(planned, total, &matches, &users, &people)?;
            let forms = if has_forms {
                self.forms(&findings).await?
            } else {
                Forms::default()
            };
            let known = self.known_places(&findings).await?;
            let rules = Rules {
                mapping: &self.integration.mapping,
                preference: self.preference(),
                forms: &forms,
                is_role: &is_role,
            };
            let mut lines = Vec::with_capacity(findings.len());
            for finding in &findings {
                let row: UserRow<'_> = scan
                    .next()?
                    .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
                tally.in_scope += u64::from(!matches!(row.state, UserState::OutOfScope));
                tally.nameless += u64::from(row.source_id.is_empty());
                if self.whom.has(row.source_id, row.email) {
                    if matches!(self.whom, Whom::Address(_)) {
                        named.push(row.source_id.to_owned());
                    }
                    let mut decision = rules.decision(&row, finding);
                    let saas = self.place(&row, finding, &decision.verdict, &known);
                    decision.effects.lasting |= saas.is_some();
                    tally.plan(row.source_id, &decision.verdict, decision.effects);
                    let line = line(&rules, &row, finding, decision);
                    lines.push(Line { saas, ..line });
                }
            }
            planned += findings.len();
            self.progress.advance(findings.len());
            self.store
                .add_to_plan(
                    self.key,
                    lines,
                    !self.whom.is_partial(),
                    Timestamp::now(),
                    &mut summary,
                )
                .await?;
            reach(Point::PlanChunkStored);
        }
        match self.whom {
            Whom::Address(address) if summary.counts.seen == 0 => {
                Err(Stop::Nobody(address.as_written().to_owned()))
            }
            Whom::Address(address) if named.len() > 1 => Err(Stop::Several {
                address: address.as_written().to_owned(),
                source_ids: named.join(", "),
            }),
            Whom::Again(_) if summary.counts.seen == 0 => Err(Stop::AllGone),
            _ => Ok((summary, tally)),
        }
    }

    fn preference(&self) -> Preference {
        let again = self.whom.again().and_then(|again| again.preference);
        again.unwrap_or(self.integration.preference)
    }

    /// Says of each field of the mapping whether it holds what a person may do.
    fn role_fields(&self) -> Vec<bool> {
        let Integration {
            mapping,
            role_fields,
            ..
        } = self.integration;
        let fields = mapping.fields().iter();
        fields
            .map(|field| role_fields.iter().any(|role| role == field.name()))
            .collect()
    }

    async fn forms(&self, findings: &[Finding]) -> Result<Forms, Stop> {
        let ids = people_found(findings);
        Ok(self.store.forms(self.key.integration, &ids).await?)
    }

    /// What is remembered of the places of those who were found.
    async fn known_places(&self, findings: &[Finding]) -> Result<Places, Stop> {
        let Some(id) = self
            .application
            .and_then(|application| application.id.as_ref())
        else {
            return Ok(Places::default());
        };
        let people = people_found(findings);
        let integration = self.key.integration;
        Ok(self
            .store
            .known_places(integration, id.as_str(), &people)
            .await?)
    }

    /// Says what is to be changed of the place of a user who is loaded.
    fn place(
        &self,
        row: &UserRow<'_>,
        finding: &Finding,
        verdict: &Verdict,
        known: &Places,
    ) -> Option<SaasPlan> {
        let application = self.application?;
        if matches!(verdict, Verdict::Fault(_)) {
            return None;
        }
        let oomnitza_id = match finding {
            Finding::One { person, .. } => Some(person.id.as_str()),
            _ => None,
        };
        let known = oomnitza_id.and_then(|id| known.get(id));
        let wanted = Wanted {
            external_id: row.source_id,
            roles: serde_json::from_str(row.saas_roles).ok(),
        };
        difference(wanted, oomnitza_id, known, application)
    }
}

/// What is remembered of places, by `user_id`.
type Places = HashMap<String, KnownPlace>;

/// The people who were found, by `user_id`.
fn people_found(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .filter_map(|finding| match finding {
            Finding::One { person, .. } => Some(person.id.as_str()),
            _ => None,
        })
        .collect()
}

/// Puts names to what the next chunk of users found.
fn findings(
    from: usize,
    total: usize,
    matches: &Matches,
    users: &FinishedRows,
    people: &FinishedRows,
) -> io::Result<Vec<Finding>> {
    let mut window = Window::default();
    let mut name = Window::default();
    (from..total.min(from + CHUNK))
        .map(|row| {
            let row = u32::try_from(row).map_err(io::Error::other)?;
            let person = |row| {
                let person: TargetRow<'_> = people.get(row, &mut window)?;
                Ok(Found {
                    id: person.id.to_owned(),
                    suspended: person.suspended,
                    standing: person.standing,
                    values: record_of(&person.values),
                })
            };
            let user = |row| {
                let user: UserRow<'_> = users.get(row, &mut name)?;
                Ok(user.source_id.to_owned())
            };
            Finding::of(&matches.of(row), person, user)
        })
        .collect()
}

/// Makes the line of the plan: what was decided, and what of it the store does not have yet.
fn line(rules: &Rules<'_>, row: &UserRow<'_>, finding: &Finding, decision: Decision) -> Line {
    let has_record =
        !row.record.is_empty() && matches!(row.state, UserState::Mapped | UserState::NoSyncKey);
    let record = (has_record && !row.record_known).then(|| Content {
        json: record_of(&row.record).to_json(rules.mapping),
        hash: row.record_hash,
    });
    let (matched, suspended) = match (&row.state, finding) {
        (UserState::Mapped, Finding::One { person, .. }) => {
            (Some(person.id.as_str()), person.suspended)
        }
        (UserState::Mapped, Finding::Nobody) => (None, None),
        // Who was not matched in this run keeps the match of an earlier one.
        _ => (row.known_match, row.known_suspended),
    };
    let same_match = matched == row.known_match && suspended == row.known_suspended;
    Line {
        person: row.person,
        present: row.present,
        source_id: row.source_id.to_owned(),
        email: row.email.map(str::to_owned),
        full_name: row.full_name.map(str::to_owned),
        user: row.user.map(|json| Content {
            json: json.to_owned(),
            hash: row.user_hash,
        }),
        record,
        has_record,
        matched: (!same_match).then(|| (matched.map(str::to_owned), suspended)),
        sighting: sighting(row, finding, decision.shown),
        verdict: decision.verdict,
        saas: None,
    }
}
