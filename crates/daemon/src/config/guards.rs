//! The limits that a load must keep.

use load::{Guards, Limit};
use serde_json::{Value, json};

use super::fault::Report;
use super::spot::Spot;
use super::written::{self, Share};

/// Checks the section; `None` when there is a fault.
pub(super) fn check(
    written: Option<&written::Guards>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Guards> {
    let default = Guards::default();
    let Some(written) = written else {
        return Some(default);
    };
    let mut limit = |share: &Option<Share>, key, default| {
        check_limit(
            share.as_ref(),
            written.at_least,
            default,
            spot.at(key),
            report,
        )
    };
    let create = limit(&written.create, "create", default.create);
    let update = limit(&written.update, "update", default.update);
    let role_change = limit(&written.role_change, "role_change", default.role_change);
    let deactivate = limit(&written.deactivate, "deactivate", default.deactivate);
    let blank = limit(&written.blank, "blank", default.blank);
    let source_shrink = limit(
        &written.source_shrink,
        "source_shrink",
        default.source_shrink,
    );
    let failed = limit(&written.failed, "failed", default.failed);
    Some(Guards {
        create: create?,
        update: update?,
        role_change: role_change?,
        deactivate: deactivate?,
        blank: blank?,
        source_shrink: source_shrink?,
        failed: failed?,
        at_least: written.at_least.unwrap_or(default.at_least),
    })
}

/// Checks a limit; what lets fewer pass than `at_least` contradicts that.
fn check_limit(
    written: Option<&Share>,
    at_least: Option<u64>,
    default: Limit,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Limit> {
    let limit = match written {
        None => return Some(default),
        Some(Share::Users(number)) => Limit::Number(*number),
        Some(Share::Percent(text)) => {
            let Some(percent) = percent(text) else {
                report.fault(
                    spot.value,
                    format!("`{text}` is not a share; write `0%` to `100%`, or a number of users"),
                );
                return None;
            };
            Limit::Percent(percent)
        }
    };
    let at_least = at_least.unwrap_or_default();
    let most = match limit {
        Limit::Number(number) => number,
        Limit::Percent(0.0) => 0,
        Limit::Percent(_) => return Some(limit),
    };
    if most < at_least {
        report.fault(
            spot.value,
            format!(
                "`{limit}` lets {most} pass, and `at_least: {at_least}` says that as many always pass; \
                 write {at_least} or more here, or a smaller `at_least`"
            ),
        );
        return None;
    }
    Some(limit)
}

fn percent(text: &str) -> Option<f64> {
    let digits = text.strip_suffix('%')?;
    let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let number: f64 = digits.bytes().all(plain).then(|| digits.parse().ok())??;
    (number <= 100.0).then_some(number)
}

/// Writes the guards down, as they are in force.
pub(super) fn effective(guards: &Guards) -> Value {
    let limit = |limit: Limit| match limit {
        Limit::Percent(_) => json!(limit.to_string()),
        Limit::Number(number) => json!(number),
    };
    json!({
        "create": limit(guards.create),
        "update": limit(guards.update),
        "role_change": limit(guards.role_change),
        "deactivate": limit(guards.deactivate),
        "blank": limit(guards.blank),
        "source_shrink": limit(guards.source_shrink),
        "failed": limit(guards.failed),
        "at_least": guards.at_least,
    })
}
