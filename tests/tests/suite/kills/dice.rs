//! Random cases: which are tried, what is random in them, and how many go on at a time.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use simulator::{Effect, Fault, System};

use super::Records;
use crate::company::{Company, each};

/// About the time that a call takes.
const A_CALL: Duration = Duration::from_millis(8);

/// What something takes that nothing happens to.
pub(crate) struct Whole {
    pub(crate) calls: usize,
    time: Duration,
}

impl Whole {
    /// Carries something out, and sees what it takes.
    pub(crate) fn of(company: &Company, carry_out: impl FnOnce()) -> Self {
        let (calls, began) = (company.calls(), Instant::now());
        carry_out();
        Self {
            calls: company.calls() - calls,
            time: began.elapsed(),
        }
    }
}

/// When something is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// After so many calls to both systems.
    Calls(usize),
    /// After this time: also before its first call, and after its last.
    Time(Duration),
}

impl When {
    /// Counts from now on; gives what says whether it has come.
    pub(crate) fn count(self, company: &Company) -> impl FnMut() -> bool {
        let (calls, began) = (company.calls(), Instant::now());
        move || match self {
            Self::Calls(more) => company.calls() >= calls + more,
            Self::Time(time) => began.elapsed() >= time,
        }
    }
}

/// Numbers that are the same for the same seed: `SplitMix64`.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end as u64).expect("it is below a usize")
    }

    /// One of some.
    pub(crate) fn of<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.below(some.len())]
    }

    /// An instant of something of which it is known what the whole of it takes.
    pub(crate) fn instant(&mut self, whole: &Whole) -> When {
        if self.below(2) == 0 {
            When::Calls(self.below(whole.calls + 2))
        } else {
            When::Time(self.time(whole.time))
        }
    }

    /// A pause of less than a call: what is killed after it is in the middle of one, or before the next.
    pub(crate) fn pause(&mut self) {
        let pause = self.time(A_CALL);
        #[expect(
            clippy::disallowed_methods,
            reason = "any instant will do, and the same for the same seed"
        )]
        thread::sleep(pause);
    }

    fn time(&mut self, shorter_than: Duration) -> Duration {
        let end = usize::try_from(shorter_than.as_micros()).expect("a short time");
        Duration::from_micros(self.below(end) as u64)
    }

    /// Orders at most two faults of Oomnitza for some of the writes of what is loaded.
    pub(crate) fn order_faults(&mut self, company: &Company, records: Records) {
        for _ in 0..self.below(3) {
            let effect = match self.below(5) {
                0 => Effect::Status(503),
                1 => Effect::Reset,
                2 => Effect::ResetAfterApplying,
                3 => Effect::BadGatewayAfterApplying,
                _ => Effect::EmptyAnswer,
            };
            let call = self.of(records.writes());
            let times = 1 + u32::try_from(self.below(3)).expect("a few");
            let fault = Fault::new(System::Oomnitza, call, effect).times(times);
            company.control.order(fault);
        }
    }
}

/// Tries the random cases that are asked for, `usual` of them when nobody does; each says how to have it again.
///
/// Gives how many they were.
pub(crate) fn random_cases(usual: u64, check: impl Fn(u64) + Sync) -> usize {
    let number = |name: &str| {
        let text = env::var(name).ok()?;
        Some(text.parse::<u64>().expect("a number"))
    };
    let seeds: Vec<u64> = match number("ROLLCALL_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("ROLLCALL_CASES").unwrap_or(usual)).collect(),
    };
    let tried = seeds.len();
    some_at_a_time(seeds, |seed| {
        println!("ROLLCALL_SEED={seed} makes this case again");
        check(seed);
    });
    tried
}

/// Checks cases, some at a time.
pub(crate) fn some_at_a_time<C: Send>(cases: Vec<C>, check: impl Fn(C) + Sync) {
    const AT_A_TIME: usize = 8;
    let mut cases = cases.into_iter().peekable();
    while cases.peek().is_some() {
        each(cases.by_ref().take(AT_A_TIME), &check);
    }
}
