//! An explanation for people: one section after another, in the order in which a run goes.

mod fields;
mod history;

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use load::{At, Explanation, InputExplained, Looked, Raw};
use mapping::Subject;

use crate::output;

/// Writes an explanation.
pub(super) fn text(explanation: &Explanation, zone: &TimeZone) -> String {
    let mut page = Page {
        text: String::new(),
        zone,
    };
    page.head(explanation);
    page.run(explanation);
    page.user(explanation);
    page.scope(explanation);
    page.keys(explanation);
    page.fields(explanation);
    page.request(explanation);
    page.saas_user(explanation);
    if !explanation.notes.is_empty() {
        page.title("Not told");
        for note in &explanation.notes {
            page.line(1, note);
        }
    }
    page.history(&explanation.history);
    page.text
}

/// A text that grows line by line.
struct Page<'a> {
    text: String,
    zone: &'a TimeZone,
}

impl Page<'_> {
    fn title(&mut self, title: &str) {
        self.text.push('\n');
        self.line(0, title);
    }

    fn line(&mut self, depth: usize, line: impl AsRef<str>) {
        let indent = "  ".repeat(depth);
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{indent}{}", output::on_one_line(line.as_ref()));
    }

    fn at(&self, at: At) -> String {
        output::instant(at.0, self.zone)
    }

    fn head(&mut self, explanation: &Explanation) {
        let names = [&explanation.email, &explanation.full_name];
        let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
        let who = format!(
            "user {} of {}",
            explanation.source_id, explanation.integration
        );
        match names.join(", ") {
            none if none.is_empty() => self.line(0, who),
            names => self.line(0, format!("{names}: {who}")),
        }
        let (first, last) = (
            self.at(explanation.first_seen_at),
            self.at(explanation.last_seen_at),
        );
        let gone = explanation
            .gone_since
            .map(|gone| format!("; gone since {}", self.at(gone)));
        self.line(
            1,
            format!(
                "first seen {first}, last seen {last}{}",
                gone.unwrap_or_default()
            ),
        );
    }

    fn run(&mut self, explanation: &Explanation) {
        let run = &explanation.run;
        let outcome = &explanation.outcome;
        self.title(&format!(
            "Run {} of {}",
            run.run_id,
            self.at(run.started_at)
        ));
        let mut what = format!("{} ({})", run.kind, run.trigger);
        if let Some(of) = &run.of_run_id {
            let _ = write!(what, " of run {of}");
        }
        if run.dry_run {
            what.push_str(", a dry run");
        } else if run.partial && run.kind == "load" {
            what.push_str(", of some users alone");
        }
        let state = run.state.replace('_', " ");
        self.line(1, format!("{what}: {state}"));
        if let (Some(decision), Some(by), Some(at)) =
            (&run.decision, &run.decided_by, run.decided_at)
        {
            let reason = run
                .decision_reason
                .as_ref()
                .map(|reason| format!(": {reason}"));
            self.line(
                1,
                format!(
                    "{decision} by {by}, {}{}",
                    self.at(at),
                    reason.unwrap_or_default()
                ),
            );
        }
        let intended = if outcome.intended {
            " (intended: not done)"
        } else {
            ""
        };
        let reason = outcome.reason.as_ref().map(|reason| format!(": {reason}"));
        self.line(
            1,
            format!(
                "the user: {}{}{intended}",
                outcome.outcome,
                reason.unwrap_or_default()
            ),
        );
        for words in [&outcome.message, &outcome.hint].into_iter().flatten() {
            self.line(2, words);
        }
        if let Some(at) = outcome.resolved_at {
            self.line(2, format!("resolved {}", self.at(at)));
        }
    }

    fn user(&mut self, explanation: &Explanation) {
        let user = &explanation.user;
        let since = match (user.since, &user.since_run_id) {
            (Some(at), Some(run_id)) => format!(", so since {} (run {run_id})", self.at(at)),
            _ => String::new(),
        };
        self.title(&format!("The user as it came{since}"));
        let Some(json) = user.json.as_json() else {
            self.line(1, "it is not on record");
            return;
        };
        match Subject::new(json) {
            Ok(subject) => {
                for (name, value) in subject.fields() {
                    self.line(1, format!("{name}: {value}"));
                }
            }
            Err(_) => self.line(1, json),
        }
    }

    fn scope(&mut self, explanation: &Explanation) {
        let scope = &explanation.scope;
        let is = match scope.in_scope {
            Some(true) => "in scope",
            Some(false) => "out of scope",
            None if explanation.run.kind == "undo" => "not asked for by what takes back",
            None => "it cannot be told",
        };
        self.title(&format!("Scope: {is}"));
        match &scope.expression {
            Some(expression) => self.line(1, format!("where: {expression}")),
            // Of a configuration that is not on record, nothing is known.
            None if explanation.run.preference.is_some() && scope.in_scope == Some(true) => {
                self.line(1, "there is no `where`");
            }
            None => {}
        }
        self.inputs(2, &scope.inputs);
    }

    fn inputs(&mut self, depth: usize, inputs: &[InputExplained]) {
        for input in inputs {
            self.line(depth, format!("{} is {}", input.name, shown(&input.value)));
        }
    }

    fn keys(&mut self, explanation: &Explanation) {
        let matched = &explanation.matched;
        let id = |id: &Option<String>| id.clone().unwrap_or_default();
        let found = match matched.looked {
            Looked::Nobody => "they found nobody".to_owned(),
            Looked::One => match &matched.key_field {
                Some(key) => format!("they found user_id {}, by {key}", id(&matched.oomnitza_id)),
                None => format!("they found user_id {}", id(&matched.oomnitza_id)),
            },
            Looked::Ambiguous => format!(
                "they found several: user_id {}",
                matched.found.join(", user_id ")
            ),
            Looked::Duplicate => format!("user {} goes before", id(&matched.behind)),
            Looked::NotLookedUp => "nobody was looked up".to_owned(),
            Looked::NotOnRecord => match &matched.oomnitza_id {
                Some(id) => format!("user_id {id} was found"),
                None => "what they found is not on record".to_owned(),
            },
        };
        self.title(&format!("Sync keys: {found}"));
        for key in &explanation.sync_keys {
            let found = match key.found.as_deref() {
                None => String::new(),
                Some([]) => ": nobody".to_owned(),
                Some(found) => format!(": user_id {}", found.join(", user_id ")),
            };
            self.line(1, format!("{} {}{found}", key.field, shown(&key.value)));
        }
    }

    fn request(&mut self, explanation: &Explanation) {
        let Some(request) = &explanation.request else {
            self.title("Request: none");
            return;
        };
        self.title(&format!("Request: {} {}", request.method, request.path));
        if let Some(key) = &request.sync_field {
            self.line(1, format!("a record that finds its person by {key}"));
        }
        if let Some(portion) = &request.portion {
            self.line(1, format!("in portion {portion}"));
        }
        self.line(1, shown(&request.body));
        let answer = answer(&request.state, request.status);
        let made = request
            .oomnitza_id
            .as_ref()
            .filter(|_| request.action == "create");
        let made = made.map(|id| format!(", as user_id {id}"));
        self.line(1, format!("{answer}{}", made.unwrap_or_default()));
    }

    fn saas_user(&mut self, explanation: &Explanation) {
        let Some(place) = &explanation.saas_user else {
            return;
        };
        self.title(&format!("SaaS user: {}", place.action));
        self.line(
            1,
            format!(
                "{} instead of {}",
                shown(&place.after),
                shown(&place.before)
            ),
        );
        let mut answer = answer(&place.state, place.status);
        if let Some(error) = &place.error {
            let _ = write!(answer, ": {error}");
        }
        self.line(1, answer);
    }
}

/// What was answered to a write.
fn answer(state: &str, status: Option<u16>) -> String {
    match (state, status) {
        ("planned", _) => "it was not sent".to_owned(),
        ("withdrawn", _) => "it was not sent, and will not be".to_owned(),
        ("sent", _) => "it was sent, and the answer is not known".to_owned(),
        ("done", Some(status)) => format!("Oomnitza answered {status}: done"),
        ("done", None) => "Oomnitza has it".to_owned(),
        (_, Some(status)) => format!("Oomnitza answered {status}: it does not have it"),
        (_, None) => "Oomnitza does not have it".to_owned(),
    }
}

/// A value for people: its JSON, and `empty` where there is none.
fn shown(value: &Raw) -> &str {
    value.as_json().unwrap_or("empty")
}

#[cfg(test)]
mod tests;
