//! The state of both systems, behind locks.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::StatusCode;

use crate::exchange::{Answer, Asked, Refusal};
use crate::faults::{Effect, Faults};
use crate::oomnitza::{self, Instance, OomnitzaPeople, Schema, unknown_fields};
use crate::options::{Options, People, Users};
use crate::population::Population;
use crate::recording::{Recording, System, Token};
use crate::sentinelone::{self, Console, ConsoleUsers};

/// What the handlers and the controls look at together. Each part has its own lock, and none is held
/// while another is taken.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) tokens: [String; 2],
    pub(crate) console: Mutex<Console>,
    pub(crate) instance: Mutex<Instance>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) recording: Mutex<Recording>,
    paces: [Option<Mutex<Pace>>; 2],
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        let (population, users) = match &options.users {
            Users::Generated { count, oddities } => {
                let population = Population::new(options.seed, *count, *oddities);
                (population.clone(), ConsoleUsers::generated(population))
            }
            Users::Given(users) => (
                Population::new(options.seed, 0, false),
                ConsoleUsers::given(users),
            ),
        };
        let (numbers, given) = match &options.people {
            People::None => (Vec::new(), [].as_slice()),
            People::Matching { share } => {
                let numbers = 0..population.count();
                (
                    numbers
                        .filter(|number| population.has_person(*number, *share))
                        .collect(),
                    [].as_slice(),
                )
            }
            People::Given(people) => (Vec::new(), people.as_slice()),
        };
        let schema = Schema::new(&options, &unknown_fields(given));
        let mut people =
            OomnitzaPeople::generated(schema, options.letters, population, options.seed, numbers);
        for person in given {
            people.add(person);
        }
        let console = Console::new(&options, users);
        let instance = Instance::new(&options, people);
        Self {
            tokens: [console.token().to_owned(), instance.token().to_owned()],
            console: Mutex::new(console),
            instance: Mutex::new(instance),
            faults: Mutex::default(),
            recording: Mutex::new(Recording::new(options.record_requests)),
            paces: [options.sentinelone_rate, options.oomnitza_rate]
                .map(|rate| rate.map(|rate| Mutex::new(Pace::new(rate)))),
            options,
        }
    }

    pub(crate) fn is_too_fast(&self, system: System) -> bool {
        let pace = self.paces[system as usize].as_ref();
        pace.is_some_and(|pace| !lock(pace).allows())
    }

    pub(crate) fn token_of(&self, asked: &Asked) -> Token {
        match asked.system {
            System::SentinelOne => lock(&self.console).token_of(asked),
            System::Oomnitza => lock(&self.instance).token_of(asked),
        }
    }

    /// What the system itself says, without faults of transport.
    pub(crate) fn answer(&self, asked: &Asked, effect: Option<&Effect>) -> Answer {
        let (outcome, breaches) = match asked.system {
            System::SentinelOne => (lock(&self.console).answer(asked, effect), Vec::new()),
            System::Oomnitza => {
                let mut instance = lock(&self.instance);
                let outcome = instance.answer(asked, effect);
                (outcome, std::mem::take(&mut instance.bulk.breaches))
            }
        };
        for breach in breaches {
            lock(&self.recording).violation(asked, &breach);
        }
        outcome.unwrap_or_else(
            |Refusal {
                 status,
                 message,
                 breaks_rule,
             }| {
                if breaks_rule {
                    lock(&self.recording).violation(asked, &message);
                }
                error_body(asked.system, status, &message)
            },
        )
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A handler that panicked left its call undone; others go on.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The system's own way to say no.
pub(crate) fn error_body(system: System, status: StatusCode, message: &str) -> Answer {
    match system {
        System::SentinelOne => sentinelone::error_body(status, message),
        System::Oomnitza => oomnitza::error_body(status, message),
    }
}

/// Calls a second, with as many at once.
struct Pace {
    rate: f64,
    left: f64,
    last: Instant,
}

impl Pace {
    fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self {
            rate,
            left: rate,
            last: Instant::now(),
        }
    }

    fn allows(&mut self) -> bool {
        let now = Instant::now();
        let gained = now.duration_since(self.last).as_secs_f64() * self.rate;
        self.last = now;
        self.left = (self.left + gained).min(self.rate);
        let allowed = self.left >= 1.0;
        if allowed {
            self.left -= 1.0;
        }
        allowed
    }
}
