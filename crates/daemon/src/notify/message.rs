//! What is said of a notice: as JSON for programs, as a paragraph for people.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use store::{Message, NoticeEvent, NoticeRow};

/// One message, in both forms.
#[derive(Debug, Clone)]
pub(super) struct Words {
    /// For programs.
    pub(super) json: Value,
    /// For people, as Slack reads it.
    pub(super) text: String,
}

impl Words {
    /// What is said of a message in the outbox; `details` says whether it may name people.
    pub(super) fn of(message: &Message, details: bool) -> Self {
        let row = &message.notice;
        let details = row.notice.details.as_deref().filter(|_| details);
        // The beginning of one that is over already is told as it was.
        let until = row.until.filter(|_| message.event == NoticeEvent::Ended);
        Self {
            json: json(message.event.as_str(), row, until, details),
            text: text(row, until, details),
        }
    }

    /// What is said when nothing happened.
    pub(super) fn of_a_test(now: Timestamp) -> Self {
        let sentence = "this is a test of `notify`; nothing is wrong";
        let row = NoticeRow {
            key: 0,
            notice: store::Notice::new("test", "", sentence),
            since: now,
            until: None,
        };
        let text = format!(":wave: Rollcall on {}: {sentence}", escaped(&host()));
        Self {
            json: json("test", &row, None, None),
            text,
        }
    }

    /// The message as Slack takes it.
    pub(super) fn slack(&self) -> Value {
        json!({ "text": self.text })
    }
}

fn json(event: &str, row: &NoticeRow, until: Option<Timestamp>, details: Option<&str>) -> Value {
    let notice = &row.notice;
    let mut message = Map::from_iter([
        ("event".to_owned(), json!(event)),
        ("kind".to_owned(), json!(notice.kind)),
        ("integration".to_owned(), json!(notice.integration)),
        ("subject".to_owned(), json!(notice.subject)),
        ("message".to_owned(), json!(notice.message)),
        ("hint".to_owned(), json!(notice.hint)),
        ("since".to_owned(), json!(instant(row.since))),
        ("until".to_owned(), json!(until.map(instant))),
    ]);
    if let Some(details) = details {
        message.insert("details".to_owned(), json!(details));
    }
    message.insert("host".to_owned(), json!(host()));
    message.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    Value::Object(message)
}

fn text(row: &NoticeRow, until: Option<Timestamp>, details: Option<&str>) -> String {
    let notice = &row.notice;
    let mut about = vec![notice.kind.as_str()];
    about.extend(Some(notice.subject.as_str()).filter(|subject| !subject.is_empty()));
    let sign = if until.is_some() {
        ":white_check_mark: Over:"
    } else {
        ":warning:"
    };
    let on = match &notice.integration {
        Some(integration) => format!("{integration} on {}", host()),
        None => host(),
    };
    let mut text = format!("{sign} {on}: {} ({})", notice.message, about.join(" "));
    // What to do is of no use any more when it is over.
    for more in [notice.hint.as_deref().filter(|_| until.is_none()), details]
        .into_iter()
        .flatten()
    {
        text.push_str(". ");
        text.push_str(more);
    }
    let since = row.since.strftime("%Y-%m-%d %H:%M UTC");
    let time = match until {
        Some(until) => format!("{since} to {}", until.strftime("%Y-%m-%d %H:%M UTC")),
        None => format!("since {since}"),
    };
    text = format!("{text} [{time}]");
    escaped(&text)
}

/// The three characters that mean something to Slack.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// An instant as the views of the database have it.
fn instant(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

/// The name of this machine.
pub(super) fn host() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use store::Notice;

    use super::*;

    fn message(event: NoticeEvent) -> Message {
        let mut notice = Notice::new("new_value", "role", "the role <Root & co> is new")
            .of("users")
            .with_hint("see who has it");
        notice.details = Some("ada@acme.com has it".to_owned());
        let since = "2026-11-23T02:00:00Z".parse().unwrap();
        Message {
            key: 1,
            channel: "c".to_owned(),
            event,
            notice: NoticeRow {
                key: 1,
                notice,
                since,
                until: Some("2026-11-24T02:00:00.5Z".parse().unwrap()),
            },
            tries: 0,
            next_try_at: since,
        }
    }

    fn shown(event: NoticeEvent, details: bool) -> (Value, String) {
        let words = Words::of(&message(event), details);
        let mut json = words.json;
        assert_eq!(json["host"], host());
        json["host"] = json!("h");
        (json, words.text.replace(&format!(" {}:", host()), " h:"))
    }

    #[test]
    fn programs_get_every_part_and_names_only_if_they_may() {
        let (began, _) = shown(NoticeEvent::Began, false);
        let mut expected = json!({
            "event": "began", "kind": "new_value", "integration": "users", "subject": "role",
            "message": "the role <Root & co> is new", "hint": "see who has it",
            "since": "2026-11-23T02:00:00.000Z", "until": null,
            "host": "h", "version": env!("CARGO_PKG_VERSION"),
        });
        assert_eq!(began, expected);
        expected["details"] = json!("ada@acme.com has it");
        assert_eq!(shown(NoticeEvent::Began, true).0, expected);
        let (ended, _) = shown(NoticeEvent::Ended, false);
        assert_eq!(ended["until"], "2026-11-24T02:00:00.500Z");
    }

    #[test]
    fn people_get_one_paragraph_in_which_nothing_means_more_than_it_says() {
        assert_eq!(
            shown(NoticeEvent::Began, false).1,
            ":warning: users on h: the role &lt;Root &amp; co&gt; is new (new_value role). see who has it \
             [since 2026-11-23 02:00 UTC]"
        );
        assert_eq!(
            shown(NoticeEvent::Ended, true).1,
            ":white_check_mark: Over: users on h: the role &lt;Root &amp; co&gt; is new (new_value role). \
             ada@acme.com has it [2026-11-23 02:00 UTC to 2026-11-24 02:00 UTC]"
        );
    }
}
