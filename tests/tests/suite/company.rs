//! Small companies without oddities, and what tests ask of them again and again.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use simulator::{Control, Options, People, Simulator, System, Users};
use tests::{Config, Ended, Minute, Rollcall};

/// Options for so many plain users, of whom a share is in Oomnitza already.
pub(crate) fn plain(count: u32, share: f64) -> Options {
    Options {
        users: Users::Generated {
            count,
            oddities: false,
        },
        people: People::Matching { share },
        ..Options::default()
    }
}

/// A console and an instance, and an installation that loads every user of them.
pub(crate) struct Company {
    pub(crate) control: Control,
    pub(crate) rollcall: Rollcall,
    _simulator: Simulator,
}

impl Company {
    /// So many plain users, of whom a share is in Oomnitza already.
    pub(crate) fn plain(count: u32, share: f64) -> Self {
        Self::of(plain(count, share), |_| {})
    }

    pub(crate) fn with(count: u32, share: f64, change: impl FnOnce(&mut Config)) -> Self {
        Self::of(plain(count, share), change)
    }

    pub(crate) fn of(options: Options, change: impl FnOnce(&mut Config)) -> Self {
        let simulator = Simulator::launch(options).expect("loopback has free ports");
        let rollcall = Rollcall::with(&simulator, |config| {
            config.map("role", "{ value: 25, write: on_create }");
            change(config);
        });
        Self {
            control: simulator.control(),
            rollcall,
            _simulator: simulator,
        }
    }

    /// Makes a load in which nothing goes wrong.
    #[track_caller]
    pub(crate) fn load(&self) -> Ended {
        let ended = self.rollcall.run().with_code(0);
        assert_eq!(self.rollcall.latest_state(), "completed");
        ended
    }

    /// Makes a load that ends with a code.
    #[track_caller]
    pub(crate) fn load_with_code(&self, code: i32) {
        let _ = self.rollcall.run().with_code(code);
    }

    /// Begins a ledger with a daemon that stops at once, so long ago; a load had completed before.
    #[track_caller]
    pub(crate) fn was_served_ago(&self, time: Duration) {
        self.rollcall.serve().stop();
        self.rollcall.was_loaded_once();
        self.rollcall.let_pass(time);
    }

    /// Demands that a load finds nothing to do and leaves Oomnitza alone.
    #[track_caller]
    pub(crate) fn next_load_sends_nothing(&self) {
        self.control.clear_requests();
        let portions = self.control.portions().len();
        self.load();
        assert_eq!(self.control.writes(), []);
        assert_eq!(self.control.portions().len(), portions);
        let run = self.rollcall.latest_run();
        assert_eq!(run["unchanged"], run["seen"], "{run:?}");
    }

    /// Demands that the latest run failed before anything was written, and says why.
    #[track_caller]
    pub(crate) fn failed_without_a_write(&self, ended: Ended) -> String {
        let ended = ended.with_code(1);
        assert_eq!(self.rollcall.latest_state(), "failed");
        assert_eq!(self.control.writes(), []);
        let error = self.rollcall.latest_run()["error"].clone();
        let error = error.as_str().expect("a failed run says why").to_owned();
        assert!(ended.stdout.contains(&error), "{}", ended.stdout);
        self.no_violations();
        error
    }

    /// Demands that every finished run has one outcome for each user.
    #[track_caller]
    pub(crate) fn sums_hold(&self) {
        let odd = self.rollcall.query(
            "SELECT * FROM v_runs WHERE seen <> created + updated + unchanged + skipped + failed
             OR finished_at IS NULL",
        );
        assert_eq!(odd, []);
    }

    /// Demands that no call broke a rule of the contracts.
    #[track_caller]
    pub(crate) fn no_violations(&self) {
        assert_eq!(self.control.violations(), [""; 0]);
    }

    /// Demands that every portion that was opened is finalized, once.
    #[track_caller]
    pub(crate) fn portions_are_finalized(&self) {
        for portion in self.control.portions() {
            assert_eq!(portion.finalized, 1, "{portion:?}");
        }
    }

    /// How many calls both systems got so far.
    pub(crate) fn calls(&self) -> usize {
        let calls =
            [System::SentinelOne, System::Oomnitza].map(|system| self.control.calls(system));
        usize::try_from(calls[0] + calls[1]).expect("not that many")
    }

    /// A count of the latest run.
    #[track_caller]
    pub(crate) fn count(&self, column: &str) -> usize {
        let count = self.rollcall.latest_run()[column].as_u64();
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.expect("a column of counts")
    }

    /// The addresses of users who are not in Oomnitza, in the order of the console.
    pub(crate) fn newcomers(&self) -> Vec<String> {
        self.emails(false)
    }

    /// The addresses of users who are in Oomnitza, in the order of the console.
    pub(crate) fn colleagues(&self) -> Vec<String> {
        self.emails(true)
    }

    fn emails(&self, in_oomnitza: bool) -> Vec<String> {
        let users = self.control.users();
        let emails = users.iter().filter_map(|user| user["email"].as_str());
        emails
            .filter(|email| self.control.person_by("email", email).is_some() == in_oomnitza)
            .map(str::to_owned)
            .collect()
    }

    /// The person with an address.
    #[track_caller]
    pub(crate) fn person(&self, email: &str) -> Value {
        let person = self.control.person_by("email", email);
        person.unwrap_or_else(|| panic!("{email} is not in Oomnitza"))
    }

    /// Sets fields of the person with an address, as somebody in Oomnitza would.
    #[track_caller]
    pub(crate) fn edit_person(&self, email: &str, changes: &Value) {
        let person = self.person(email);
        let id = person["user_id"].as_str().expect("ids are texts");
        assert!(self.control.edit_person(id, changes));
    }

    /// Sets fields of the user with an address.
    #[track_caller]
    pub(crate) fn edit_user(&self, email: &str, changes: &Value) {
        assert!(self.control.edit_user(&self.user_id(email), changes));
    }

    /// The id of the user with an address.
    #[track_caller]
    pub(crate) fn user_id(&self, email: &str) -> String {
        let users = self.control.users();
        let user = users.iter().find(|user| user["email"] == email);
        user.expect("a user")["id"]
            .as_str()
            .expect("ids are texts")
            .to_owned()
    }

    /// Everybody in Oomnitza by address, without what differs from one load to another.
    ///
    /// # Panics
    /// Somebody is there twice.
    #[track_caller]
    pub(crate) fn people(&self) -> BTreeMap<String, Value> {
        let mut people = BTreeMap::new();
        for mut person in self.control.people() {
            let email = person["email"]
                .as_str()
                .expect("plain people have one")
                .to_owned();
            let members = person.as_object_mut().expect("a person is an object");
            for own in [
                "user_id",
                "uid",
                "creation_date",
                "change_date",
                "created_by",
                "changed_by",
                "sentinelone_synced_at",
                "sentinelone_console",
            ] {
                members.remove(own);
            }
            let twice = people.insert(email, person);
            assert_eq!(twice, None, "somebody is there twice");
        }
        people
    }
}

/// Minutes as the list that `at` of a schedule takes.
pub(crate) fn at(minutes: &[Minute]) -> String {
    let times: Vec<_> = minutes
        .iter()
        .map(|minute| format!("\"{}\"", minute.time_of_day()))
        .collect();
    format!("at: [{}]", times.join(", "))
}

/// Tries all cases at the same time, for most of their time is spent waiting.
pub(crate) fn each<C: Send>(cases: impl IntoIterator<Item = C>, check: impl Fn(C) + Sync) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| check(case));
        }
    });
}
