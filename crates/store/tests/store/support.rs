//! A store in a folder that vanishes, and plain ways to say what a run saw and did.

use std::path::PathBuf;

use jiff::Timestamp;
use store::{
    Action, Cell, Change, CompletePlan, Content, Counts, Fault, GuardHit, Known, Line, NewRun,
    PersonRow, PlanSummary, RunKey, SaasPlan, Settled, Settlement, Severity, Sighting, State,
    Store, Verdict,
};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const INTEGRATION: &str = "sentinelone-users";
pub(crate) const POPULATION: &str = "population-1";

pub(crate) struct Bed {
    pub(crate) store: Store,
    pub(crate) folder: TempDir,
}

pub(crate) async fn bed() -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("rollcall.db"))
        .await
        .unwrap();
    Bed { store, folder }
}

/// The instant `minutes` after a day's beginning.
pub(crate) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_392_000_000 + minutes * 60_000).unwrap()
}

pub(crate) fn at_text(minutes: i64) -> Cell {
    text(&at(minutes).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string())
}

pub(crate) fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// A user as the console gives it, and what a run decides about it.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) id: &'static str,
    pub(crate) user: String,
    pub(crate) record: Option<String>,
    pub(crate) matched: Option<&'static str>,
    pub(crate) verdict: Verdict,
    pub(crate) place: Option<SaasPlan>,
}

pub(crate) fn seen(id: &'static str, verdict: Verdict) -> Seen {
    Seen {
        id,
        user: format!(r#"{{"id":"{id}","email":"{id}@acme.com","scope":"site"}}"#),
        record: Some(format!(r#"{{"email":"{id}@acme.com"}}"#)),
        matched: None,
        verdict,
        place: None,
    }
}

pub(crate) fn create() -> Verdict {
    Verdict::Change(Box::new(Change {
        action: Action::Create,
        standing: None,
        left_alone: None,
        key_field: "email".to_owned(),
        key_value: r#""new@acme.com""#.to_owned(),
        oomnitza_id: None,
        before: None,
        after: r#"{"email":"new@acme.com"}"#.to_owned(),
    }))
}

pub(crate) fn update(oomnitza_id: &str) -> Verdict {
    Verdict::Change(Box::new(Change {
        action: Action::Update,
        standing: None,
        left_alone: None,
        key_field: "sentinelone_user_id".to_owned(),
        key_value: r#""225""#.to_owned(),
        oomnitza_id: Some(oomnitza_id.to_owned()),
        before: Some(r#"{"email":"old@acme.com"}"#.to_owned()),
        after: r#"{"email":"new@acme.com"}"#.to_owned(),
    }))
}

pub(crate) fn skip(reason: &'static str) -> Verdict {
    Verdict::Fault(Box::new(fault(Severity::Skipped, reason)))
}

pub(crate) fn fail(reason: &'static str) -> Verdict {
    Verdict::Fault(Box::new(fault(Severity::Failed, reason)))
}

pub(crate) fn fault(severity: Severity, reason: &'static str) -> Fault {
    Fault {
        severity,
        reason,
        field: Some("email".to_owned()),
        message: format!("the user is {reason}"),
        cause: None,
        value: None,
        hint: None,
    }
}

/// Gives an address as it compares, as far as the tests go.
pub(crate) fn fold(address: &str) -> String {
    address.trim().to_lowercase()
}

/// Stands in for the hash of a text: equal texts give equal hashes, others others.
pub(crate) fn hash(text: &str) -> [u8; 16] {
    let mut hash = [0_u8; 16];
    for (i, byte) in text.bytes().enumerate() {
        hash[i % 16] = u8::wrapping_add(hash[i % 16].rotate_left(3), byte);
    }
    hash
}

pub(crate) struct Drive {
    pub(crate) key: RunKey,
    pub(crate) run_id: Uuid,
    pub(crate) summary: PlanSummary,
    pub(crate) people: Vec<PersonRow>,
}

impl Bed {
    pub(crate) async fn begin(&self, dry_run: bool, partial: bool, minutes: i64) -> Drive {
        self.begin_of(INTEGRATION, dry_run, partial, minutes).await
    }

    pub(crate) async fn begin_of(
        &self,
        integration: &str,
        dry_run: bool,
        partial: bool,
        minutes: i64,
    ) -> Drive {
        let run_id = Uuid::now_v7();
        let key = self
            .store
            .begin_run(&NewRun {
                run_id,
                integration,
                trigger: "manual",
                kind: store::Kind::Load,
                origin: None,
                dry_run,
                partial,
                started_at: at(minutes),
                config_hash: "0123456789ab",
                slot: None,
            })
            .await
            .unwrap();
        Drive {
            key,
            run_id,
            summary: PlanSummary::default(),
            people: Vec::new(),
        }
    }

    pub(crate) async fn known(&self, drive: &Drive, ids: &[&str]) -> Vec<Option<Known>> {
        self.store.known(drive.key.integration, ids).await.unwrap()
    }

    /// Writes users as `load` does: what is on record already is not written again.
    pub(crate) async fn plan(
        &self,
        drive: &mut Drive,
        users: &[Seen],
        complete: bool,
        minutes: i64,
    ) {
        let ids: Vec<&str> = users.iter().map(|user| user.id).collect();
        let known = self.known(drive, &ids).await;
        let lines = users
            .iter()
            .zip(&known)
            .map(|(user, known)| line(user, known.as_ref()))
            .collect();
        self.store
            .add_to_plan(drive.key, lines, complete, at(minutes), &mut drive.summary)
            .await
            .unwrap();
        let known = self.known(drive, &ids).await;
        drive
            .people
            .extend(known.iter().flatten().map(|known| known.person));
        let counts = &drive.summary.counts;
        let population = complete.then_some("here");
        self.complete(drive.key, counts, population, &[], at(minutes))
            .await;
    }

    /// Puts a plan on record as complete.
    pub(crate) async fn complete(
        &self,
        key: RunKey,
        counts: &Counts,
        population: Option<&str>,
        hits: &[GuardHit],
        at: Timestamp,
    ) {
        let plan = CompletePlan {
            counts,
            in_scope: counts.seen,
            population,
            hits,
            read_at: at,
        };
        self.store.complete_plan(key, &plan, at).await.unwrap();
    }

    /// Delivers everything that is planned, successfully.
    pub(crate) async fn deliver(&self, drive: &Drive, minutes: i64) {
        for group in self.store.groups(drive.key).await.unwrap() {
            let changes = self
                .store
                .next_changes(drive.key, &group, 0, 1000)
                .await
                .unwrap();
            let rows: Vec<i64> = changes.iter().map(|change| change.change).collect();
            self.store.mark_sent(&rows).await.unwrap();
            let settled: Vec<Settled> = changes
                .iter()
                .map(|change| Settled {
                    status: Some(200),
                    change: change.change,
                    person: change.person,
                    settlement: Settlement::Done(
                        (change.action == Action::Create).then(|| "9001".to_owned()),
                    ),
                })
                .collect();
            self.store
                .settle(drive.key, &settled, at(minutes))
                .await
                .unwrap();
        }
    }

    pub(crate) async fn end(&self, drive: &Drive, state: State, minutes: i64) -> Counts {
        let counts = self.store.outcomes(drive.key).await.unwrap();
        self.store
            .end_run(drive.key, state, &counts, None, at(minutes))
            .await
            .unwrap();
        counts
    }

    /// A whole run over everybody, that delivers.
    pub(crate) async fn run(&self, users: &[Seen], minutes: i64) -> Counts {
        let mut drive = self.begin(false, false, minutes).await;
        self.plan(&mut drive, users, true, minutes).await;
        self.store
            .settle_presence(drive.key, POPULATION, &drive.summary.presence, at(minutes))
            .await
            .unwrap();
        self.deliver(&drive, minutes).await;
        self.store
            .publish_outcomes(drive.key, None, at(minutes))
            .await
            .unwrap();
        self.end(&drive, State::Completed, minutes).await
    }

    /// A run over some users (`--only`), that delivers.
    pub(crate) async fn run_only(&self, users: &[Seen], minutes: i64) -> Counts {
        let mut drive = self.begin(false, true, minutes).await;
        self.plan(&mut drive, users, false, minutes).await;
        self.store.touch(&drive.people, at(minutes)).await.unwrap();
        self.deliver(&drive, minutes).await;
        self.store
            .publish_outcomes(drive.key, Some(&drive.people), at(minutes))
            .await
            .unwrap();
        self.end(&drive, State::Completed, minutes).await
    }

    /// The rows of a query, as they are.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<Cell>> {
        self.store.select(sql.to_owned(), &[]).await.unwrap().rows
    }

    /// The rows of a query, each as its cells with `|` between, as `sqlite3` prints them.
    pub(crate) async fn lines(&self, sql: &str) -> Vec<String> {
        let shown = |cell: &Cell| match cell {
            Cell::Null => String::new(),
            Cell::Integer(number) => number.to_string(),
            Cell::Real(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
        };
        let rows = self.rows(sql).await;
        rows.iter()
            .map(|row| row.iter().map(shown).collect::<Vec<_>>().join("|"))
            .collect()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let rows = self.rows(&format!("SELECT count(*) FROM {table}")).await;
        match rows[0][0] {
            Cell::Integer(count) => count,
            _ => panic!("count(*) is a number"),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("rollcall.db")
    }
}

/// What the first key found.
fn sighting(matched: Option<&str>, known: Option<&Known>) -> Option<Sighting> {
    let json = matched.map(|id| format!(r#"{{"found":[["{id}",1]]}}"#));
    let bytes = json.as_deref().map(hash);
    let hash = bytes.map(|bytes| {
        let half = |from: usize| u64::from_le_bytes(bytes[from..from + 8].try_into().unwrap());
        half(0) ^ half(8)
    });
    (known.and_then(|known| known.sighting) != hash).then_some(Sighting { json, hash })
}

pub(crate) fn line(seen: &Seen, known: Option<&Known>) -> Line {
    let user_hash = hash(&seen.user);
    let matched = seen.matched.map(str::to_owned);
    let record = seen.record.as_ref().map(|json| Content {
        json: json.clone(),
        hash: hash(json),
    });
    let suspended = matched.as_ref().map(|_| false);
    let same_match =
        known.is_some_and(|known| known.oomnitza_id == matched && known.suspended == suspended);
    Line {
        person: known.map(|known| known.person),
        present: known.is_some_and(|known| known.present),
        source_id: seen.id.to_owned(),
        email: Some(format!("{}@acme.com", seen.id)),
        full_name: Some("Ada Lovelace".to_owned()),
        user: (known.map(|known| known.user_hash) != Some(user_hash)).then(|| Content {
            json: seen.user.clone(),
            hash: user_hash,
        }),
        has_record: record.is_some(),
        record: record
            .filter(|record| known.and_then(|known| known.record_hash) != Some(record.hash)),
        sighting: sighting(seen.matched, known),
        matched: (!same_match).then_some((matched, suspended)),
        verdict: seen.verdict.clone(),
        saas: seen.place.clone(),
    }
}
