//! What the database costs a load, per user: `cargo bench -p store`.
//!
//! Users are 1.3 kB of JSON and records 0.7 kB; lines come in chunks of 2,000, as from `load`.

use std::future::Future;

use divan::{Bencher, counter::ItemsCount};
use jiff::Timestamp;
use store::{
    Action, Change, Content, Fault, Known, Line, NewRun, PlanSummary, RunKey, Settled, Settlement,
    Severity, Store, Verdict,
};
use tempfile::TempDir;
use uuid::Uuid;

const USERS: usize = 10_000;
const CHUNK: usize = 2_000;

fn main() {
    divan::main();
}

/// A database in a folder of its own, and the runtime that it is used in.
struct Bed {
    runtime: tokio::runtime::Runtime,
    store: Store,
    key: RunKey,
    _folder: TempDir,
}

impl Bed {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        let (store, key) = runtime.block_on(async {
            let store = Store::open(&folder.path().join("rollcall.db"))
                .await
                .expect("a new database opens");
            let key = begin(&store).await;
            (store, key)
        });
        Self {
            runtime,
            store,
            key,
            _folder: folder,
        }
    }

    /// A database that a run has written the users to.
    fn filled(verdict: impl Fn() -> Verdict) -> Self {
        let mut bed = Self::new();
        bed.add(new_lines(&verdict));
        bed.key = bed.wait(begin(&bed.store));
        bed
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn add(&self, chunks: Vec<Vec<Line>>) -> PlanSummary {
        self.wait(async {
            let mut summary = PlanSummary::default();
            for lines in chunks {
                self.store
                    .add_to_plan(self.key, lines, true, now(), &mut summary)
                    .await
                    .expect("lines are stored");
            }
            summary
        })
    }

    fn known(&self) -> Vec<Option<Known>> {
        let ids: Vec<String> = (0..USERS).map(source_id).collect();
        self.wait(async {
            let mut known = Vec::with_capacity(USERS);
            for page in ids.chunks(1000) {
                let page: Vec<&str> = page.iter().map(String::as_str).collect();
                let found = self.store.known(self.key.integration, &page).await;
                known.extend(found.expect("people are looked up"));
            }
            known
        })
    }

    fn known_lines(&self, verdict: impl Fn() -> Verdict) -> Vec<Vec<Line>> {
        let lines: Vec<Line> = self
            .known()
            .into_iter()
            .enumerate()
            .map(|(i, known)| {
                let known = known.expect("everybody is on record");
                Line {
                    person: Some(known.person),
                    present: known.present,
                    user: None,
                    record: None,
                    matched: None,
                    ..new_line(i, verdict())
                }
            })
            .collect();
        lines.chunks(CHUNK).map(<[Line]>::to_vec).collect()
    }
}

async fn begin(store: &Store) -> RunKey {
    store
        .begin_run(&NewRun {
            run_id: Uuid::now_v7(),
            integration: "sentinelone-users",
            trigger: "manual",
            kind: store::Kind::Load,
            origin: None,
            dry_run: false,
            partial: false,
            started_at: now(),
            config_hash: "0123456789ab",
            slot: None,
        })
        .await
        .expect("a run begins")
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn source_id(i: usize) -> String {
    (1_000_000_000_000_000_000 + i * 7919).to_string()
}

/// Bytes that look random, as hashes do.
fn hash(i: usize) -> [u8; 16] {
    let mixed = (i as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    mixed.to_le_bytes()
}

fn new_line(i: usize, verdict: Verdict) -> Line {
    let filler = "x".repeat(1200);
    Line {
        person: None,
        present: false,
        source_id: source_id(i),
        email: Some(format!("user.{i}@acme.com")),
        full_name: Some(format!("User {i}")),
        user: Some(Content {
            json: format!(r#"{{"id":"{i}","email":"user.{i}@acme.com","rest":"{filler}"}}"#),
            hash: hash(i),
        }),
        record: Some(Content {
            json: format!(
                r#"{{"email":"user.{i}@acme.com","rest":"{}"}}"#,
                &filler[..650]
            ),
            hash: hash(i),
        }),
        has_record: true,
        matched: Some((Some(i.to_string()), Some(false))),
        saas: None,
        verdict,
    }
}

fn new_lines(verdict: impl Fn() -> Verdict) -> Vec<Vec<Line>> {
    let lines: Vec<Line> = (0..USERS).map(|i| new_line(i, verdict())).collect();
    lines.chunks(CHUNK).map(<[Line]>::to_vec).collect()
}

fn unchanged() -> Verdict {
    Verdict::Unchanged
}

fn change() -> Verdict {
    Verdict::Change(Box::new(Change {
        action: Action::Update,
        standing: None,
        left_alone: None,
        key_field: "email".to_owned(),
        key_value: r#""user@acme.com""#.to_owned(),
        oomnitza_id: Some("4711".to_owned()),
        before: Some(format!(r#"{{"rest":"{}"}}"#, "y".repeat(400))),
        after: format!(r#"{{"rest":"{}"}}"#, "x".repeat(650)),
    }))
}

fn skip() -> Verdict {
    Verdict::Fault(Box::new(Fault {
        severity: Severity::Skipped,
        reason: "not_in_oomnitza",
        field: None,
        message: "nobody in Oomnitza has the value of any sync key of this user".to_owned(),
        cause: None,
        value: None,
        hint: Some("preference: create_and_update".to_owned()),
    }))
}

/// A first load: every user is new, and has a change.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn plan_new_with_changes(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(USERS))
        .with_inputs(|| (Bed::new(), new_lines(change)))
        .bench_local_values(|(bed, lines)| {
            bed.add(lines);
            bed
        });
}

/// A first load of which nothing is wanted: the error log grows by a row a user.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn plan_new_skipped(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(USERS))
        .with_inputs(|| (Bed::new(), new_lines(skip)))
        .bench_local_values(|(bed, lines)| {
            bed.add(lines);
            bed
        });
}

/// A later load that finds everything as it was.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn plan_known_unchanged(bencher: Bencher) {
    let bed = Bed::filled(unchanged);
    bencher
        .counter(ItemsCount::new(USERS))
        .with_inputs(|| bed.known_lines(unchanged))
        .bench_local_values(|lines| bed.add(lines));
}

/// A later load that skips everybody again.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn plan_known_skipped(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(USERS))
        .with_inputs(|| {
            let bed = Bed::filled(unchanged);
            let lines = bed.known_lines(skip);
            (bed, lines)
        })
        .bench_local_values(|(bed, lines)| {
            bed.add(lines);
            bed
        });
}

/// Looking up what is on record, a page of 1,000 at a time.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn known(bencher: Bencher) {
    let bed = Bed::filled(unchanged);
    bencher
        .counter(ItemsCount::new(USERS))
        .bench_local(|| bed.known());
}

/// Delivery in batches of 100: read, marked as sent, settled.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn deliver(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(USERS))
        .with_inputs(|| {
            let bed = Bed::new();
            bed.add(new_lines(change));
            bed
        })
        .bench_local_values(|bed| {
            bed.wait(deliver_all(&bed.store, bed.key));
            bed
        });
}

async fn deliver_all(store: &Store, key: RunKey) {
    for group in store.groups(key).await.expect("groups are read") {
        let mut after = 0;
        loop {
            let changes = store
                .next_changes(key, &group, after, 100)
                .await
                .expect("changes are read");
            let Some(last) = changes.last() else { break };
            after = last.change;
            let rows: Vec<i64> = changes.iter().map(|change| change.change).collect();
            store.mark_sent(&rows).await.expect("changes are marked");
            let settled: Vec<Settled> = changes
                .iter()
                .map(|change| Settled {
                    change: change.change,
                    person: change.person,
                    settlement: Settlement::Done(None),
                    status: None,
                })
                .collect();
            let settling = store.settle(key, &settled, now());
            settling.await.expect("outcomes are stored");
        }
    }
}

/// The end of a run: who is present, the counts, and what the outcomes mean for people and errors.
#[divan::bench(args = ["changes", "skips", "unchanged"], sample_count = 10, sample_size = 1)]
fn finish(bencher: Bencher, outcome: &str) {
    let verdict = match outcome {
        "changes" => change,
        "skips" => skip,
        _ => unchanged,
    };
    bencher
        .counter(ItemsCount::new(USERS))
        .with_inputs(|| {
            let bed = Bed::filled(unchanged);
            let summary = bed.add(bed.known_lines(verdict));
            bed.wait(deliver_all(&bed.store, bed.key));
            (bed, summary)
        })
        .bench_local_values(|(bed, summary)| {
            bed.wait(async {
                let (store, key) = (&bed.store, bed.key);
                let settling = store.settle_presence(key, "population", &summary.presence, now());
                settling.await.expect("presence is stored");
                let publishing = store.publish_outcomes(key, None, now());
                publishing.await.expect("outcomes are published");
                store.outcomes(key).await.expect("outcomes are counted")
            });
            bed
        });
}
