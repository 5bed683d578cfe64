//! The fields: of each its value, whether it was sent and why, and how the value came about.

use load::{ComparedAs, Explanation, FieldExplained, Rule, Why};

use super::{Page, shown};

impl Page<'_> {
    pub(super) fn fields(&mut self, explanation: &Explanation) {
        let fields = &explanation.fields;
        if fields.is_empty() {
            return;
        }
        let outcome = &explanation.outcome;
        let is_reached = |field: &&FieldExplained| field.why != Why::NotReached;
        if fields
            .iter()
            .any(|field| is_reached(&field) && field.why != Why::NotComputed)
        {
            self.title("Fields");
        } else {
            let reason = outcome.reason.as_deref().unwrap_or_default();
            let user = match outcome.outcome.as_str() {
                "skipped" => "was skipped",
                other => other,
            };
            self.title(&format!(
                "Fields: none is sent, as the user {user} ({reason})"
            ));
        }
        let state = explanation
            .request
            .as_ref()
            .map(|request| request.state.as_str());
        let sending = match state {
            Some("planned") => "to be sent",
            Some("withdrawn") => "was to be sent",
            _ => "sent",
        };
        for field in fields {
            match field.why {
                Why::LeftAlone => self.line(1, &field.field),
                _ => self.line(1, format!("{}: {}", field.field, shown(&field.value))),
            }
            let sent = if field.sent { sending } else { "not sent" };
            match why(field) {
                Some(why) => self.line(2, format!("{sent}: {why}")),
                None if field.had_known => self.line(2, had(field)),
                None => {}
            }
            if let Some(rule) = &field.rule {
                self.rule(rule, field);
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
            Some("otherwise") => "; the table has no entry for it, so `otherwise` is the value",
            Some(_) => "; the table has an entry for it",
            None => "",
        };
        let gave = match field.source.as_json() {
            Some(source) if rule.table => format!(", which gave {source}"),
            _ => String::new(),
        };
        self.line(
            2,
            format!("from `{}`{gave}{table}{options}", rule.expression),
        );
        // A bare path gives just what it finds.
        let is_path = matches!(field.inputs.as_slice(), [input] if input.name == rule.expression);
        if !is_path {
            self.inputs(3, &field.inputs);
        }
    }
}

fn had(field: &FieldExplained) -> String {
    format!("Oomnitza had {}", shown(&field.had))
}

/// Why a field was sent or not; `None`: it did not come to that, as the title says.
fn why(field: &FieldExplained) -> Option<String> {
    let had = if field.had_known {
        had(field)
    } else {
        "what Oomnitza had is not on record".to_owned()
    };
    Some(match field.why {
        Why::NotReached => return None,
        Why::New => "the person is new".to_owned(),
        Why::Differs => had,
        Why::RidesAlong => {
            format!("{had}; it makes no change alone, and goes along with the others")
        }
        Why::PutBack => format!("it is put back; {had}"),
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
        Why::NotComputed => match &field.issue {
            Some(issue) => issue.clone(),
            None => "its value could not be computed".to_owned(),
        },
        Why::NotOnRecord => {
            "it was equal, or not to be written over; which of them is not on record".to_owned()
        }
    })
}
