//! Tokens that end.

use jiff::Timestamp;
use store::Notice;

use crate::watch::{Facts, System, TokenEnd};

/// A token that works for as many days or less is told of, and told of again at the next of them.
const DAYS: [i64; 4] = [1, 3, 7, 14];

pub(super) fn notices(facts: &Facts) -> Vec<Notice> {
    facts
        .tokens
        .iter()
        .filter_map(|token| notice(token, facts.now))
        .collect()
}

fn notice(token: &TokenEnd, now: Timestamp) -> Option<Notice> {
    let at = token.at?;
    let left = at.duration_since(now);
    let stage = if left.is_positive() {
        DAYS.into_iter()
            .find(|days| left.as_secs() <= days * 24 * 60 * 60)?
    } else {
        0
    };
    let TokenEnd {
        credential,
        system,
        source,
        ..
    } = token;
    let when = at.strftime("%Y-%m-%d %H:%M UTC");
    let whose = match &token.owner_id {
        Some(id) => format!(", of the console's user {id},"),
        None => String::new(),
    };
    let system = system.name();
    let message = match stage {
        0 => format!(
            "the token `{credential}`{whose} for {system} ended at {when} ({source}): loads that need it fail"
        ),
        1 => format!(
            "the token `{credential}`{whose} for {system} ends within a day, at {when} ({source})"
        ),
        days => format!(
            "the token `{credential}`{whose} for {system} ends within {days} days, at {when} ({source})"
        ),
    };
    let mut notice = Notice::new("token_expiring", credential, message)
        .in_stage(stage.to_string())
        .with_hint(hint(token));
    notice.details = token
        .owner
        .as_ref()
        .map(|owner| format!("it belongs to {owner}"));
    Some(notice)
}

fn hint(token: &TokenEnd) -> String {
    let url = &token.url;
    let new = match token.system {
        System::SentinelOne => format!(
            "make a new one at {url} under Settings, Users (of a service user: Service Users); \
             a new token of a person ends the old one at once"
        ),
        System::Oomnitza => {
            format!("make a new one at {url} in the settings of that user, under API tokens")
        }
    };
    let renewed = if token.source == "`expires` in the YAML" {
        ", and change `expires` of the credential"
    } else {
        ""
    };
    format!(
        "{new}; put it where `secret` of the credential `{}` says{renewed}",
        token.credential
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn stage(now: &str) -> Option<String> {
        let token = TokenEnd {
            credential: "console".to_owned(),
            system: System::SentinelOne,
            url: "https://acme.sentinelone.net".to_owned(),
            at: Some(at("2026-12-15T12:00:00Z")),
            source: "the console says",
            owner_id: Some("225".to_owned()),
            owner: Some("Anna <anna@acme.com>".to_owned()),
        };
        notice(&token, at(now)).map(|notice| {
            assert!(!notice.message.contains("anna"), "{}", notice.message);
            assert_eq!(
                notice.details.as_deref(),
                Some("it belongs to Anna <anna@acme.com>")
            );
            notice.stage
        })
    }

    #[test]
    fn a_token_is_told_of_at_14_7_3_and_1_days_and_once_it_has_ended() {
        for (now, expected) in [
            ("2026-12-01T11:59:59Z", None),
            ("2026-12-01T12:00:00Z", Some("14")),
            ("2026-12-08T11:59:59Z", Some("14")),
            ("2026-12-08T12:00:00Z", Some("7")),
            ("2026-12-12T12:00:00Z", Some("3")),
            ("2026-12-14T12:00:00Z", Some("1")),
            ("2026-12-15T11:59:59Z", Some("1")),
            ("2026-12-15T12:00:00Z", Some("0")),
            ("2027-12-15T12:00:00Z", Some("0")),
        ] {
            assert_eq!(stage(now).as_deref(), expected, "{now}");
        }
    }
}
