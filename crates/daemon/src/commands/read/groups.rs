//! The groups of the error log for people: what is wrong, who for example, what mends it.

use std::fmt::Write as _;

use serde_json::Value;
use store::Rows;

use crate::output;

/// Writes the groups, one paragraph each; says on stderr where there are none.
pub(super) fn text(rows: &Rows) -> String {
    let groups = output::objects(rows);
    if groups.is_empty() {
        output::talk!("no user was skipped or failed");
    }
    groups.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

fn paragraph(group: &Value) -> String {
    let lines = |name: &str| group[name].as_str().unwrap_or_default();
    let word = |name: &str| output::on_one_line(lines(name));
    let users = group["users"].as_u64().unwrap_or_default();
    let noun = if users == 1 { "user" } else { "users" };
    let mut text = format!("{users} {noun}: {}\n", word("cause"));
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "  {}, {} ({})",
        word("integration"),
        word("outcome"),
        word("reason")
    );
    if let Some(open) = group["open"].as_u64() {
        let _ = write!(text, ", {open} still open");
    }
    text.push('\n');
    let examples: Vec<String> = group["examples"]
        .as_array()
        .into_iter()
        .flatten()
        .map(example)
        .collect();
    if !examples.is_empty() {
        let _ = writeln!(text, "  for example: {}", examples.join(", "));
    }
    if !word("hint").is_empty() {
        let _ = writeln!(text, "  {}", word("hint"));
    }
    for line in lines("yaml").lines() {
        let _ = writeln!(text, "    {}", output::line_of_yaml(line));
    }
    text
}

/// A user by its address, or by its id where it has none.
fn example(user: &Value) -> String {
    let id = user["source_id"].as_str().unwrap_or_default();
    match user["email"].as_str() {
        Some(email) => output::on_one_line(email).into_owned(),
        None => format!("user {id}"),
    }
}

#[cfg(test)]
mod tests {
    use store::Cell;

    use super::*;

    #[test]
    fn a_group_is_a_paragraph_with_examples_and_the_yaml_that_mends_it() {
        let cell = |text: &str| Cell::Text(text.to_owned());
        let columns = [
            "integration",
            "outcome",
            "reason",
            "cause",
            "users",
            "examples",
            "hint",
            "yaml",
        ];
        let rows = Rows {
            columns: columns.map(str::to_owned).to_vec(),
            rows: vec![vec![
                cell("users"),
                cell("failed"),
                cell("unknown_value"),
                cell("role `SOC L2` has no entry in the table of `role`"),
                Cell::Integer(37),
                cell(
                    r#"[{"source_id":"1","email":"ada@acme.com"},{"source_id":"2","email":null}]"#,
                ),
                cell("add it to the table"),
                cell("integrations:\n  users:"),
            ]],
        };
        assert_eq!(
            text(&rows),
            "37 users: role `SOC L2` has no entry in the table of `role`\n  \
             users, failed (unknown_value)\n  \
             for example: ada@acme.com, user 2\n  \
             add it to the table\n    \
             integrations:\n      users:\n"
        );
    }
}
