//! What only looks changes nothing, as peers see that stand before both systems and note every request by themselves.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{Delivery, Ended, INTEGRATION, Peer};

use crate::company::{Company, each};

/// What may be asked of the console: reads, of which one is a POST, as its token stands in the body.
const OF_THE_CONSOLE: [&str; 5] = [
    "GET /web/api/v2.1/users",
    "GET /web/api/v2.1/rbac/roles",
    "GET /web/api/v2.1/user",
    "GET /web/api/v2.1/system/info",
    "POST /web/api/v2.1/users/api-token-details",
];

/// What may be asked of Oomnitza.
const OF_OOMNITZA: [&str; 2] = ["GET /api/v2/mappings", "GET /api/v3/users"];

/// A company with a peer before either system.
struct Watched {
    company: Company,
    console: Peer,
    oomnitza: Peer,
}

impl Watched {
    fn new(delivery: Delivery) -> Self {
        let mut company = Company::with(20, 0.5, |config| {
            config.delivery = delivery;
            config.batch = 5;
        });
        let config = company.rollcall.config();
        let console = Peer::before(&config.sentinelone_url);
        let oomnitza = Peer::before(&config.oomnitza_url);
        company.rollcall.configure(|config| {
            config.sentinelone_url = console.url();
            config.oomnitza_url = oomnitza.url();
        });
        Self {
            company,
            console,
            oomnitza,
        }
    }

    /// Both systems as they are.
    fn state(&self) -> [Vec<Value>; 2] {
        let control = &self.company.control;
        [control.users(), control.people()]
    }

    /// Carries out a command, and demands that both peers saw nothing but reads, and somebody saw something if
    /// either is asked at all.
    #[track_caller]
    fn only_looks(&self, command: &[&str], code: i32, asks: Asks) -> Ended {
        let before = self.state();
        let portions = self.company.control.portions().len();
        let ended = self.company.rollcall.command(command).with_code(code);
        let (console, oomnitza) = (self.console.calls(), self.oomnitza.calls());
        for (calls, reads) in [
            (&console, &OF_THE_CONSOLE[..]),
            (&oomnitza, &OF_OOMNITZA[..]),
        ] {
            let others = calls.iter().filter(|call| !reads.contains(&call.as_str()));
            let others: Vec<&String> = others.collect();
            assert_eq!(others, [""; 0], "{command:?}");
        }
        let asked = [!console.is_empty(), !oomnitza.is_empty()];
        let expected = match asks {
            Asks::Both => [true, true],
            Asks::Oomnitza => [false, true],
            Asks::Nobody => [false, false],
        };
        assert_eq!(asked, expected, "{command:?}: {console:?} {oomnitza:?}");
        assert_eq!(self.state(), before, "{command:?}");
        assert_eq!(
            self.company.control.portions().len(),
            portions,
            "{command:?}"
        );
        ended
    }

    /// Makes a load that writes; the peers see that.
    #[track_caller]
    fn load(&self) -> String {
        self.company.load();
        let calls: BTreeSet<String> = self.oomnitza.calls();
        let is_write = |call: &String| !OF_OOMNITZA.contains(&call.as_str());
        assert!(calls.iter().any(is_write), "{calls:?}");
        let _ = self.console.calls();
        self.company.rollcall.latest_run_id()
    }
}

/// Whom a command asks.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Both,
    Oomnitza,
    Nobody,
}

#[test]
fn what_only_looks_sends_nothing_but_reads() {
    let mut cases = Vec::new();
    for delivery in [Delivery::Rest, Delivery::Bulk] {
        cases.extend([false, true].map(|served| (delivery, served)));
    }
    each(cases, |(delivery, served)| {
        let watched = Watched::new(delivery);
        let company = &watched.company;
        let serving = served.then(|| company.rollcall.serve());
        let email = company.newcomers()[0].clone();
        let dry = ["run", INTEGRATION, "--dry-run"];
        watched.only_looks(&dry, 0, Asks::Both);
        let only = ["run", INTEGRATION, "--dry-run", "--only", &email];
        watched.only_looks(&only, 0, Asks::Both);
        watched.only_looks(&["plan", INTEGRATION], 0, Asks::Both);
        let plan = company.rollcall.latest_run_id();
        watched.only_looks(&["discard", &plan], 0, Asks::Nobody);
        watched.only_looks(&["check"], 0, Asks::Nobody);
        // It finds that everybody may read the file.
        watched.only_looks(&["doctor"], 3, Asks::Both);
        watched.only_looks(&["fields", INTEGRATION], 0, Asks::Both);
        for read in ["runs", "errors", "people", "slots", "notices"] {
            watched.only_looks(&[read], 0, Asks::Nobody);
        }
        // What was loaded is not taken back by a dry undo.
        let load = watched.load();
        watched.only_looks(&["explain", &email], 0, Asks::Nobody);
        watched.only_looks(&["undo", &load, "--dry-run"], 0, Asks::Oomnitza);
        let suspend = ["undo", &load, "--dry-run", "--created", "suspend"];
        watched.only_looks(&suspend, 0, Asks::Oomnitza);
        // Of an unchanged company there is nothing to write.
        watched.only_looks(&["run", INTEGRATION], 0, Asks::Both);
        if let Some(serving) = serving {
            serving.stop();
        }
        company.no_violations();
    });
}

#[test]
fn a_run_that_a_guard_holds_back_sends_nothing_but_reads_until_it_is_released() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let mut watched = Watched::new(delivery);
        watched.company.rollcall.configure(|config| {
            config.guards = "{ create: 100%, update: 1, at_least: 1 }".to_owned();
        });
        // A first load would be free of the guard.
        watched.only_looks(&["run", INTEGRATION, "--dry-run"], 0, Asks::Both);
        watched.company.rollcall.was_loaded_once();
        watched.only_looks(&["run", INTEGRATION], 4, Asks::Both);
        watched.only_looks(&["run", INTEGRATION, "--dry-run"], 4, Asks::Both);
        watched.only_looks(&["plan", INTEGRATION], 4, Asks::Both);
        let parked = watched.company.rollcall.latest_run_id();
        let release = ["release", &parked, "--reason", "all is well"];
        let _ = watched.company.rollcall.command(&release).with_code(0);
        let calls = watched.oomnitza.calls();
        assert!(
            calls.iter().any(|call| !call.starts_with("GET ")),
            "{calls:?}"
        );
    });
}

#[test]
fn a_dry_run_after_a_load_that_died_sends_nothing_but_reads() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let watched = Watched::new(delivery);
        let going = watched
            .company
            .rollcall
            .start_with(&["run", INTEGRATION], |command| {
                command.env("ROLLCALL_KILL_AT", "changes_marked:2");
            });
        assert_eq!(going.end().code, None);
        let _ = (watched.console.calls(), watched.oomnitza.calls());
        watched.only_looks(&["run", INTEGRATION, "--dry-run"], 0, Asks::Both);
        watched.only_looks(&["plan", INTEGRATION], 0, Asks::Both);
    });
}
