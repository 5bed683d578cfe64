//! What a year of history costs: opening it, and letting it go: `cargo bench -p store --features history --bench history`.
//!
//! 400 daily runs that saw 10,000 people, and 1,000,000 rows of the error log.

use std::cell::RefCell;
use std::path::PathBuf;

use divan::Bencher;
use jiff::Timestamp;
use store::{Pruning, Retention, Store};
use tempfile::TempDir;

const RUNS: u32 = 400;
const ERRORS: u32 = 1_000_000;
const PEOPLE: u32 = 10_000;

fn main() {
    divan::main();
}

/// A database with a year of history in a folder of its own, and the runtime that it is used in.
struct Year {
    runtime: tokio::runtime::Runtime,
    path: PathBuf,
    _folder: TempDir,
}

impl Year {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        let path = folder.path().join("rollcall.db");
        runtime.block_on(async {
            let store = Store::open(&path).await.expect("a new database opens");
            store
                .fill_with_history("sentinelone-users", RUNS, ERRORS, PEOPLE, until())
                .await
                .expect("history is made up");
            store.close().await.expect("the log is written back");
        });
        Self {
            runtime,
            path,
            _folder: folder,
        }
    }

    fn open(&self) -> Store {
        let opening = Store::open(&self.path);
        self.runtime.block_on(opening).expect("the database opens")
    }
}

fn until() -> Timestamp {
    Timestamp::from_second(1_795_392_000).expect("it is an instant of 2026")
}

/// Opening the database, as the daemon does when it starts.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn open(bencher: Bencher) {
    let year = Year::new();
    bencher.bench_local(|| year.open());
}

/// One step of a pass that lets go of everything that may go: others wait for so long.
#[divan::bench(sample_count = 900, sample_size = 1)]
fn prune_a_thousand_rows(bencher: Bencher) {
    let year = Year::new();
    let store = year.open();
    let retention = Retention {
        runs: until(),
        errors: until(),
        changes: until(),
        gone_people: until(),
    };
    let pruning = RefCell::new(Pruning::new(retention));
    bencher.bench_local(|| {
        let mut pruning = pruning.borrow_mut();
        year.runtime
            .block_on(store.prune(&mut pruning, 1000))
            .expect("history goes")
    });
}

/// A pass over a year of which nothing goes yet, as on most days.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn prune_nothing(bencher: Bencher) {
    let year = Year::new();
    let store = year.open();
    let retention = Retention {
        runs: Timestamp::UNIX_EPOCH,
        errors: Timestamp::UNIX_EPOCH,
        changes: Timestamp::UNIX_EPOCH,
        gone_people: Timestamp::UNIX_EPOCH,
    };
    bencher.bench_local(|| {
        year.runtime.block_on(async {
            let mut pruning = Pruning::new(retention);
            loop {
                let step = store.prune(&mut pruning, 1000).await.expect("nothing goes");
                assert_eq!(step.rows, 0);
                if !step.more {
                    break;
                }
            }
        });
    });
}

/// Looking through the whole file for damage.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn quick_check(bencher: Bencher) {
    let year = Year::new();
    let store = year.open();
    bencher.bench_local(|| {
        let checking = store.quick_check();
        year.runtime.block_on(checking).expect("the file is read")
    });
}

/// Copying the whole.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn backup(bencher: Bencher) {
    let year = Year::new();
    let store = year.open();
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let mut copies = 0;
    bencher.bench_local(|| {
        copies += 1;
        let to = folder.path().join(copies.to_string());
        let copying = store.backup(&to);
        year.runtime.block_on(copying).expect("a copy is made");
    });
}
