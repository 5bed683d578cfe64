//! The fields: of each its value, whether it was sent and why, and how the value came about.

use load::{ComparedAs, Explanation, FieldExplained, OutcomeExplained, Rule, Why};

use super::{Page, shown};

impl Page<'_> {
    pub(super) fn fields(&mut self, explanation: &Explanation) {
        if explanation.fields.is_empty() {
            return;
        }
        self.title("Fields");
        for field in &explanation.fields {
            let sent = if field.sent { "sent" } else { "not sent" };
            let why = why(field, &explanation.outcome);
            let value = match field.why {
                Why::LeftAlone => String::new(),
                _ => format!(" {}", shown(&field.value)),
            };
            self.line(1, format!("{}{value} \u{2014} {sent}: {why}", field.field));
            if let Some(rule) = &field.rule {
                self.rule(rule, field);
            }
            if let Some(issue) = &field.issue {
                self.line(2, issue);
            }
        }
    }

    fn rule(&mut self, rule: &Rule, field: &FieldExplained) {
        let mut options = Vec::new();
        if rule.write != "always" {
            options.push(format!("write: {}", rule.write));
        }
        if rule.empty != "keep" {
            options.push(format!("empty: {}", rule.empty));
        }
        if rule.volatile {
            options.push("volatile".to_owned());
        }
        let options = match options.join(", ") {
            none if none.is_empty() => none,
            some => format!(" ({some})"),
        };
        if rule.constant {
            self.line(2, format!("a constant{options}"));
            return;
        }
        let table = match field.lookup {
            Some("otherwise") => format!(
                ", of which the table has no entry and gives `otherwise`: {}",
                shown(&field.value)
            ),
            Some(_) => format!(", of which the table makes {}", shown(&field.value)),
            None => String::new(),
        };
        let gave = match field.issue {
            // It says it itself.
            Some(_) => String::new(),
            None => match field.source.as_json() {
                None if field.inputs.is_empty() => String::new(),
                _ => format!(" gave {}", shown(&field.source)),
            },
        };
        self.line(2, format!("`{}`{gave}{table}{options}", rule.expression));
        // A bare path gives just what it finds.
        let is_path = matches!(field.inputs.as_slice(), [input] if input.name == rule.expression);
        if !is_path {
            self.inputs(3, &field.inputs);
        }
    }
}

/// Why a field was sent or not.
fn why(field: &FieldExplained, outcome: &OutcomeExplained) -> String {
    let had = if field.had_known {
        format!("Oomnitza had {}", shown(&field.had))
    } else {
        "what Oomnitza had is not on record".to_owned()
    };
    match field.why {
        Why::New => "the person is new".to_owned(),
        Why::Differs => had,
        Why::RidesAlong => format!("{had}; it goes along with the others"),
        Why::PutBack => format!("put back, {had}"),
        Why::LeftAlone => format!("somebody has changed it since, to {}", shown(&field.had)),
        Why::Equal => match field.compared {
            Some(ComparedAs::Address) => {
                "Oomnitza had the same, compared without case and white space around".to_owned()
            }
            Some(ComparedAs::Instant) => "Oomnitza had the same instant, to the second".to_owned(),
            Some(ComparedAs::Value) | None => "Oomnitza had the same".to_owned(),
        },
        Why::AnotherForm => format!("{had}, which is how it shows the value that was sent before"),
        Why::OnCreate => format!("`write: on_create`, and the person was there; {had}"),
        Why::HasValue => format!("`write: if_empty`, and {had}"),
        Why::NoValue if field.had_known => {
            format!("there is no value, and `empty: keep` leaves the field alone; {had}")
        }
        Why::NoValue => "there is no value".to_owned(),
        Why::NoChangeAlone => "it uses `connector_sync_time`, and makes no change alone".to_owned(),
        Why::NotComputed => "its value could not be computed".to_owned(),
        Why::NotReached => {
            let reason = outcome.reason.as_deref().unwrap_or_default();
            let had = if field.had_known {
                format!("; {had}")
            } else {
                String::new()
            };
            format!("the user was {} ({reason}){had}", outcome.outcome)
        }
        Why::NotOnRecord => {
            "equal, or not to be written over: which of them is not on record".to_owned()
        }
    }
}
