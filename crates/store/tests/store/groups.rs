//! The error log in groups: who stands together, what would mend it, and that one run is found without the others.

use store::Verdict::{self, Unchanged};
use store::{Cell, Severity};

use crate::support::{Seen, bed, fail, fault, seen, skip, text};

const GROUPS: &str = "SELECT reason, cause, users, open FROM v_error_groups";

/// A user whose role the table lacks.
fn lacks(id: &'static str, value: &str) -> Seen {
    let mut lacking = fault(Severity::Failed, "unknown_value");
    lacking.field = Some("role".to_owned());
    lacking.message = format!("the table of `role` lacks `{value}`, as user {id} shows");
    lacking.cause = Some(format!(
        "role `{value}` has no entry in the table of `role`"
    ));
    lacking.value = Some(value.to_owned());
    lacking.hint = Some("add it".to_owned());
    seen(id, Verdict::Fault(Box::new(lacking)))
}

#[tokio::test]
async fn those_with_one_cause_stand_together_with_examples_and_the_yaml_that_mends_it() {
    let bed = bed().await;
    let users = [
        lacks("1", "SOC L2"),
        lacks("2", "a: \"b\""),
        lacks("3", "SOC L2"),
        lacks("4", "SOC L2"),
        lacks("5", "SOC L2"),
        seen("6", skip("not_in_oomnitza")),
        seen("7", fail("rejected")),
    ];
    bed.run(&users, 0).await;
    assert_eq!(
        bed.lines(&format!("{GROUPS} ORDER BY users DESC, cause"))
            .await,
        [
            "unknown_value|role `SOC L2` has no entry in the table of `role`|4|4",
            "unknown_value|role `a: \"b\"` has no entry in the table of `role`|1|1",
            "not_in_oomnitza|the user is not_in_oomnitza|1|1",
            "rejected|the user is rejected|1|1",
        ]
    );
    let open =
        "SELECT cause, users, examples, yaml, hint FROM v_open_error_groups WHERE value = 'SOC L2'";
    assert_eq!(
        bed.rows(open).await,
        [[
            text("role `SOC L2` has no entry in the table of `role`"),
            Cell::Integer(4),
            text(
                r#"[{"source_id":"1","email":"1@acme.com"},{"source_id":"3","email":"3@acme.com"},{"source_id":"4","email":"4@acme.com"}]"#
            ),
            text(
                "integrations:\n  sentinelone-users:\n    mapping:\n      role:\n        table:\n          \"SOC L2\": … # write what Oomnitza has for it"
            ),
            text("add it"),
        ]]
    );
    assert_eq!(
        bed.lines(
            "SELECT yaml FROM v_error_groups WHERE reason <> 'unknown_value' ORDER BY reason"
        )
        .await,
        [
            "integrations:\n  sentinelone-users:\n    preference: create_and_update",
            ""
        ]
    );
    let quoted = bed
        .lines("SELECT yaml FROM v_error_groups WHERE value LIKE 'a%'")
        .await;
    assert!(quoted[0].contains(r#""a: \"b\"": …"#), "{quoted:?}");
}

/// The roles of a `SaaS` user are written under `target`; a user whose roles have a fault.
fn roles(id: &'static str, reason: &'static str, value: Option<&str>) -> Seen {
    let mut fault = fault(Severity::Failed, reason);
    fault.field = Some("saas.roles".to_owned());
    fault.value = value.map(str::to_owned);
    seen(id, Verdict::Fault(Box::new(fault)))
}

#[tokio::test]
async fn the_yaml_for_roles_of_saas_users_stands_where_they_are_written() {
    let bed = bed().await;
    let users = [
        roles("1", "unknown_value", Some("SOC")),
        roles("2", "mapping", None),
    ];
    bed.run(&users, 0).await;
    let above = "integrations:\n  sentinelone-users:\n    target:\n      saas:\n        roles:";
    for view in ["v_error_groups", "v_open_error_groups"] {
        assert_eq!(
            bed.lines(&format!("SELECT yaml FROM {view} ORDER BY reason"))
                .await,
            [
                format!("{above} … # write what has a value for these users"),
                format!(
                    "{above}\n          table:\n            \"SOC\": … # write what Oomnitza has for it"
                ),
            ]
        );
    }
}

#[tokio::test]
async fn what_is_resolved_is_open_in_no_group() {
    let bed = bed().await;
    bed.run(&[lacks("1", "L2"), lacks("2", "L2")], 0).await;
    bed.run(&[lacks("1", "L2"), seen("2", Unchanged)], 1).await;
    assert_eq!(
        bed.lines("SELECT users, open FROM v_error_groups ORDER BY run_id")
            .await,
        ["2|0", "1|1"]
    );
    assert_eq!(
        bed.lines("SELECT users, since, runs FROM v_open_error_groups")
            .await,
        ["1|2026-11-23T00:00:00.000Z|2"]
    );
}

#[tokio::test]
async fn those_who_have_no_id_count_and_are_no_examples() {
    let bed = bed().await;
    bed.run(&[seen("", fail("mapping")), seen("", fail("mapping"))], 0)
        .await;
    let shown = "SELECT users, open, examples FROM v_error_groups";
    assert_eq!(bed.lines(shown).await, ["2|2|[]"]);
}

#[tokio::test]
async fn the_groups_of_one_run_are_found_without_the_errors_of_others() {
    let bed = bed().await;
    let plan = bed
        .rows("EXPLAIN QUERY PLAN SELECT * FROM v_error_groups WHERE run_id = 'x' AND reason = 'mapping'")
        .await;
    let plan = format!("{plan:?}");
    assert!(
        plan.contains("SEARCH e USING INDEX errors_by_run (run=?)"),
        "{plan}"
    );
    assert!(plan.contains("SEARCH r USING INDEX"), "{plan}");
    let plan = bed
        .rows("EXPLAIN QUERY PLAN SELECT * FROM v_open_error_groups")
        .await;
    let plan = format!("{plan:?}");
    assert!(
        plan.contains("SEARCH e USING INTEGER PRIMARY KEY"),
        "{plan}"
    );
}
