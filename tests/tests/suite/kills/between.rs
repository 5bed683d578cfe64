//! Kills between two requests of the same change: the first has gone out, and the second never does.

use std::time::Duration;

use simulator::{Effect, Fault, Recorded, System};
use tests::Delivery;

use super::aftermath::{Outcome, demand_recovery};
use super::company;
use crate::company::each;

const USERS: u32 = 12;

/// A change of which the process dies on its way.
struct Case {
    what: &'static str,
    delivery: Delivery,
    /// The first request, and what becomes of it.
    first: Fault,
    /// A request that is held from then on, if the process is to die in it.
    held: Option<&'static str>,
    /// What is seen of the change when the process dies.
    seen: fn(&[Recorded]) -> bool,
}

fn is(call: &Recorded, method: &str, path: &str) -> bool {
    call.method == method && call.path == path
}

/// A person is being made, and a look at people follows.
fn is_looked_up(calls: &[Recorded]) -> bool {
    let mut calls = calls.iter();
    calls.any(|call| is(call, "POST", "/api/v3/users")) && calls.any(is_held)
}

/// A person was written, and is looked at again.
fn is_read_again(calls: &[Recorded]) -> bool {
    let mut calls = calls.iter();
    calls.any(|call| call.method == "PATCH") && calls.any(is_held)
}

fn is_held(call: &Recorded) -> bool {
    is(call, "GET", "/api/v3/users") && call.status.is_none()
}

fn cases() -> Vec<Case> {
    let once = |call: &str, effect| Fault::new(System::Oomnitza, call, effect).times(1);
    let create = "POST /api/v3/users";
    vec![
        Case {
            what: "a create was applied and its answer is lost; it is not looked up yet",
            delivery: Delivery::Rest,
            first: once(create, Effect::BadGatewayAfterApplying),
            held: None,
            seen: |calls| calls.iter().any(|call| call.status == Some(502)),
        },
        Case {
            what: "a create was applied and its answer is lost; it is being looked up",
            delivery: Delivery::Rest,
            first: once(create, Effect::ResetAfterApplying),
            held: Some("GET /api/v3/users"),
            seen: is_looked_up,
        },
        Case {
            what: "a create was not applied; it is being looked up before it is made again",
            delivery: Delivery::Rest,
            first: once(create, Effect::Reset),
            held: Some("GET /api/v3/users"),
            seen: is_looked_up,
        },
        Case {
            what: "an update was answered with nothing; it is being read again",
            delivery: Delivery::Rest,
            first: once("PATCH /api/v3/users/*", Effect::EmptyAnswer),
            held: Some("GET /api/v3/users"),
            seen: is_read_again,
        },
        Case {
            what: "a batch was refused; the first half of it is on its way",
            delivery: Delivery::Bulk,
            first: once("POST /api/v3/bulk", Effect::Status(400)),
            held: Some("POST /api/v3/bulk"),
            seen: |calls| {
                let batches = calls.iter().filter(|call| is(call, "POST", "/api/v3/bulk"));
                batches.count() > 1
            },
        },
        Case {
            what: "a finalize was applied and its answer is lost; it is not repeated yet",
            delivery: Delivery::Bulk,
            first: once(
                "POST /api/v3/bulk/*/finalize",
                Effect::BadGatewayAfterApplying,
            ),
            held: None,
            seen: |calls| calls.iter().any(|call| call.path.ends_with("/finalize")),
        },
    ]
}

#[test]
fn a_change_that_is_cut_off_between_two_requests_is_made_once() {
    let undisturbed = Outcome::undisturbed(USERS);
    each(cases(), |case| {
        let company = company(case.delivery, USERS);
        let first = case.first.matching.clone();
        company.control.order(case.first);
        // So that what is to be held can be named before it comes.
        let others = Effect::Slow {
            delay: Duration::from_millis(100),
        };
        company
            .control
            .order(Fault::new(System::Oomnitza, &first, others));
        let mut going = company.rollcall.start_run();
        if let Some(held) = case.held {
            let (method, path) = first.split_once(' ').expect("a method and a path");
            let folder = path.trim_end_matches("/*");
            going.wait_until(|| {
                let calls = company.control.requests();
                let mut calls = calls.iter();
                calls.any(|call| call.method == method && call.path.starts_with(folder))
            });
            company
                .control
                .order(Fault::new(System::Oomnitza, held, Effect::TimeOut));
        }
        going.wait_until(|| (case.seen)(&company.control.requests()));
        assert_eq!(going.kill().code, None, "{}: it was through", case.what);
        let of_bulk = usize::from(case.delivery == Delivery::Bulk);
        demand_recovery(&company, &undisturbed[of_bulk], case.what);
    });
}
