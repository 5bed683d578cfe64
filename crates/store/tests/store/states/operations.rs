//! What may happen, drawn at random.

use proptest::prelude::*;

use super::model::{USERS, User, What};

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Deliver,
    Plan,
    DryRun,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Finish,
    Park,
    Fail,
    Cancel,
}

/// What becomes of a change that was sent, or is not to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    Failed,
    Withdrawn,
}

/// One operation; what makes no sense when its turn comes is passed over, or must be refused.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// A run begins, after what dead processes left is closed.
    Begin {
        intent: Intent,
        partial: bool,
    },
    /// A chunk of users is read and decided about.
    Read(Vec<(User, What)>),
    /// The plan is complete, of the usual population or of another.
    Complete {
        population: &'static str,
    },
    /// So many changes are marked as sent.
    Send(u32),
    /// What was sent is answered, these ways in turn.
    Settle(Vec<Answer>),
    End(End),
    /// The process dies, and another opens the database.
    Die,
    /// A plan is carried out that was made before; it has to wait as what is said.
    TakeUp {
        run: usize,
        parked: bool,
    },
    Discard {
        run: usize,
    },
    Forget(User),
    /// Somebody ends a run with counts that do not add up.
    EndWrongly,
    /// Somebody settles a change that is not there, together with some that are.
    SettleNothing,
}

/// A sequence of operations.
pub(super) fn sequence() -> impl Strategy<Value = Vec<Operation>> {
    // A run from its beginning on is drawn as a whole, or nearly nothing would come to an end.
    let run = (
        begin(),
        prop::collection::vec(read(), 1..3),
        complete(),
        prop::collection::vec(step(), 0..4),
        end(),
    )
        .prop_map(|(begin, reads, complete, steps, end)| {
            let mut run = vec![begin];
            run.extend(reads);
            run.push(complete);
            run.extend(steps);
            run.push(end);
            run
        });
    let taken_up = (take_up(), prop::collection::vec(step(), 0..4), end()).prop_map(
        |(take_up, steps, end)| {
            let mut run = vec![take_up];
            run.extend(steps);
            run.push(end);
            run
        },
    );
    let part =
        prop_oneof![4 => run, 2 => taken_up, 2 => prop::collection::vec(any_operation(), 1..4)];
    prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
}

fn begin() -> impl Strategy<Value = Operation> {
    let intent =
        prop_oneof![4 => Just(Intent::Deliver), 2 => Just(Intent::Plan), 1 => Just(Intent::DryRun)];
    (intent, prop::bool::weighted(0.25))
        .prop_map(|(intent, partial)| Operation::Begin { intent, partial })
}

fn read() -> impl Strategy<Value = Operation> {
    let what = prop_oneof![
        2 => Just(What::Unchanged),
        2 => Just(What::Create),
        3 => Just(What::Update),
        1 => Just(What::Skip("out_of_scope")),
        1 => Just(What::Skip("not_in_oomnitza")),
        1 => Just(What::Fail("mapping")),
    ];
    prop::collection::vec((0..USERS, what), 0..4).prop_map(Operation::Read)
}

fn complete() -> impl Strategy<Value = Operation> {
    let population = prop_oneof![4 => Just("here"), 2 => Just("there")];
    population.prop_map(|population| Operation::Complete { population })
}

fn step() -> impl Strategy<Value = Operation> {
    let answer = prop_oneof![3 => Just(Answer::Done), 1 => Just(Answer::Failed), 1 => Just(Answer::Withdrawn)];
    prop_oneof![
        3 => (1_u32..4).prop_map(Operation::Send),
        3 => prop::collection::vec(answer, 1..4).prop_map(Operation::Settle),
        1 => Just(Operation::Die),
        1 => Just(Operation::EndWrongly),
        1 => Just(Operation::SettleNothing),
    ]
}

fn end() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => Just(End::Finish),
        2 => Just(End::Park),
        1 => Just(End::Fail),
        1 => Just(End::Cancel),
    ]
    .prop_map(Operation::End)
}

fn take_up() -> impl Strategy<Value = Operation> {
    (0_usize..6, any::<bool>()).prop_map(|(run, parked)| Operation::TakeUp { run, parked })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        begin(),
        read(),
        complete(),
        step(),
        end(),
        take_up(),
        (0_usize..6).prop_map(|run| Operation::Discard { run }),
        (0..USERS).prop_map(Operation::Forget),
    ]
}
