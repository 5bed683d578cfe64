//! What must hold after something was cut off and gone on with: nobody can tell that it was.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{BOTH, company};
use crate::company::Company;
use crate::saas;

/// What is compared: Oomnitza, record by record, and what is told of people and of whose their places are.
///
/// What was sent last of a place is not: what a death kept from the record is found equal by the next load.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    oomnitza: BTreeMap<String, Value>,
    places: BTreeMap<String, Value>,
    people: Vec<Map<String, Value>>,
    open: Vec<Map<String, Value>>,
    known_places: Vec<Map<String, Value>>,
}

impl Outcome {
    /// What a load by either delivery leaves in which nothing goes wrong.
    pub(crate) fn undisturbed(users: u32) -> [Self; 2] {
        BOTH.map(|delivery| {
            let company = company(delivery, users);
            company.load();
            Self::of(&company)
        })
    }

    pub(crate) fn of(company: &Company) -> Self {
        let latest = "SELECT source_id, last_reason, gone_since IS NOT NULL AS is_gone FROM v_people ORDER BY source_id";
        let open = "SELECT source_id, reason FROM v_open_errors ORDER BY source_id";
        let known = "SELECT email, assigned_by_rollcall, activity FROM v_saas_users ORDER BY email";
        Self {
            oomnitza: company.people(),
            places: saas::places(company),
            people: company.rollcall.query(latest),
            open: company.rollcall.query(open),
            known_places: company.rollcall.query(known),
        }
    }
}

/// Demands that the next load leaves everything as an undisturbed one would have.
pub(crate) fn demand_recovery(company: &Company, undisturbed: &Outcome, case: &str) {
    company.control.clear_faults();
    let ended = company.rollcall.run();
    assert_eq!(ended.code, Some(0), "{case}: {}", ended.talk());
    demand_as_undisturbed(company, undisturbed, case);
    company.next_load_sends_nothing();
}

/// Demands that everything is as it would be if nothing had been cut off, and that all of it is in order.
pub(crate) fn demand_as_undisturbed(company: &Company, undisturbed: &Outcome, case: &str) {
    assert_eq!(&Outcome::of(company), undisturbed, "{case}");
    demand_order(company, case);
}

/// Demands that every run has its sums, every user one outcome in each, every portion its finalize, that no rule of
/// the contracts was broken, and that the database is sound.
pub(crate) fn demand_order(company: &Company, case: &str) {
    company.sums_hold();
    // Who dies between a finalize and noting it finalizes once more: nobody can know better.
    let twice = |rule: &String| rule.ends_with("the portion is finalized already");
    let mut violations = company.control.violations();
    violations.retain(|rule| !twice(rule));
    assert_eq!(violations, [""; 0], "{case}");
    for portion in company.control.portions() {
        assert!(portion.finalized > 0, "{case}: {portion:?}");
    }
    for nothing in [
        // A user fails or is skipped once in a run.
        "SELECT run_id, source_id FROM v_errors GROUP BY 1, 2 HAVING count(*) > 1",
        // Of whom all is done neither fails nor is skipped.
        "SELECT run_id, source_id FROM v_changes GROUP BY 1, 2 HAVING min(state = 'done') = 1
         INTERSECT SELECT run_id, source_id FROM v_errors",
        // What is over has nothing under way.
        "SELECT c.run_id, c.source_id, c.state FROM v_changes c JOIN v_runs r USING (run_id)
         WHERE r.state IN ('completed', 'completed_with_errors', 'failed', 'interrupted', 'canceled')
           AND r.dry_run = 0 AND c.state IN ('planned', 'sent')",
        "PRAGMA foreign_key_check",
    ] {
        assert_eq!(company.rollcall.query(nothing), [], "{case}: {nothing}");
    }
    let sound = company.rollcall.value("PRAGMA integrity_check");
    assert_eq!(sound, "ok", "{case}");
}
