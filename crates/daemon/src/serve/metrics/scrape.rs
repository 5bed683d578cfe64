//! A scrape: what is seen now, and what was counted.
//!
//! `docs/monitoring.md` explains every metric; a test compares.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;
use store::{Load, Loads};

use super::counters::Counters;
use super::exposition::Exposition;
use super::memory;
use super::view::View;
use crate::serve::driver::Surveyed;

/// Writes everything out.
pub(super) fn text(view: &View, counters: &Counters) -> String {
    let mut exposition = Exposition::default();
    daemon(&mut exposition, view);
    notices_and_tokens(&mut exposition, view);
    integrations(&mut exposition, view);
    loads(&mut exposition, view);
    calls(&mut exposition, counters);
    counters.write(&mut exposition);
    exposition.into_text()
}

fn daemon(exposition: &mut Exposition, view: &View) {
    let survey = &view.survey;
    exposition
        .gauge("rollcall_build_info", "The version that runs; always 1.")
        .series(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    exposition
        .gauge(
            "rollcall_start_time_seconds",
            "When the daemon was started, in Unix time.",
        )
        .series(&[], unix(survey.since));
    if let Some(bytes) = memory::resident() {
        exposition
            .gauge(
                "rollcall_resident_memory_bytes",
                "Resident memory of the daemon.",
            )
            .series(&[], bytes);
    }
    exposition
        .gauge(
            "rollcall_config_last_reload_successful",
            "1 if the configuration file is in force, 0 if its latest text was refused.",
        )
        .series(&[], u8::from(!survey.rejected));
    exposition
        .gauge(
            "rollcall_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was read, in Unix time.",
        )
        .series(&[], unix(survey.loaded_at));
    exposition
        .gauge(
            "rollcall_health_problems",
            "What is wrong with the daemon itself, counted; `rollcall status` says it.",
        )
        .series(&[], survey.problems + view.unanswered);
}

fn notices_and_tokens(exposition: &mut Exposition, view: &View) {
    let mut standing = BTreeMap::<&str, u64>::new();
    for notice in &view.notices {
        *standing.entry(&notice.notice.kind).or_default() += 1;
    }
    let mut notices = exposition.gauge("rollcall_notices", "Notices that stand, by kind.");
    for (kind, number) in standing {
        notices.series(&[("kind", kind)], number);
    }
    let mut days_left = exposition.gauge(
        "rollcall_token_days_left",
        "Days until a credential ends, as far as somebody says.",
    );
    for token in &view.tokens {
        if let Some(expires_at) = token.expires_at {
            let left = expires_at.duration_since(view.now).as_secs_f64() / 86_400.0;
            days_left.series(&[("credential", &token.credential)], left);
        }
    }
}

fn integrations(exposition: &mut Exposition, view: &View) {
    let mut each = |name, help, value: &dyn Fn(&Surveyed) -> Option<f64>| {
        let mut gauge = exposition.gauge(name, help);
        for integration in &view.survey.integrations {
            if let Some(value) = value(integration) {
                gauge.series(&[("integration", &integration.id)], value);
            }
        }
    };
    let truth = |is_so: bool| Some(f64::from(u8::from(is_so)));
    each("rollcall_running", "1 while a run goes on.", &|one| {
        truth(one.running)
    });
    each(
        "rollcall_paused",
        "1 while no scheduled runs are made.",
        &|one| truth(one.paused),
    );
    each(
        "rollcall_next_due_timestamp_seconds",
        "When the next run is due, in Unix time.",
        &|one| one.next.map(unix),
    );
    each(
        "rollcall_success_deadline_timestamp_seconds",
        "The second due time since the latest success, in Unix time: then there was none for twice the interval.",
        &|one| {
            let (_, second) = view.due_since_success(one).filter(|_| !one.paused)?;
            Some(unix(second))
        },
    );
}

fn loads(exposition: &mut Exposition, view: &View) {
    let known = || {
        let served = view.survey.integrations.iter();
        served.filter_map(|integration| view.loads.get(&integration.id))
    };
    let mut state = exposition.gauge(
        "rollcall_last_run_state",
        "The state of the latest load that is over; always 1.",
    );
    for loads in known() {
        if let Some(last) = &loads.last {
            let labels = [
                ("integration", loads.integration.as_str()),
                ("state", last.state.as_str()),
            ];
            state.series(&labels, 1);
        }
    }
    let mut each = |name, help, value: &dyn Fn(&Loads) -> Option<f64>| {
        let mut gauge = exposition.gauge(name, help);
        for loads in known() {
            if let Some(value) = value(loads) {
                gauge.series(&[("integration", &loads.integration)], value);
            }
        }
    };
    let ended = |load: &Load| unix(load.finished_at);
    let took = |load: &Load| {
        let took = load.finished_at.duration_since(load.started_at);
        took.as_secs_f64()
    };
    each(
        "rollcall_last_run_timestamp_seconds",
        "When the latest load ended, in Unix time.",
        &|loads| loads.last.as_ref().map(ended),
    );
    each(
        "rollcall_last_run_duration_seconds",
        "How long the latest load took.",
        &|loads| loads.last.as_ref().map(took),
    );
    each(
        "rollcall_last_success_timestamp_seconds",
        "When the latest load ended that came to its end, in Unix time.",
        &|loads| loads.succeeded_at.map(unix),
    );
    each(
        "rollcall_last_missed_slot_timestamp_seconds",
        "When it was noticed last that a due time was missed, in Unix time.",
        &|loads| loads.missed_at.map(unix),
    );
}

fn calls(exposition: &mut Exposition, counters: &Counters) {
    let meters = counters.meters();
    let readings = [
        ("oomnitza", meters.target.read()),
        ("sentinelone", meters.source.read()),
    ];
    let mut requests = exposition.counter(
        "rollcall_http_requests_total",
        "Requests sent, by the status of the answer; none: there was no answer.",
    );
    for (system, reading) in &readings {
        for (status, count) in &reading.answers {
            let status = status.as_ref().map_or("none", StatusCode::as_str);
            requests.series(&[("status", status), ("system", system)], count);
        }
    }
    let mut retries = exposition.counter(
        "rollcall_http_retries_total",
        "Requests that repeated an earlier one.",
    );
    for (system, reading) in &readings {
        retries.series(&[("system", system)], reading.retries);
    }
    let mut held_back = exposition.counter(
        "rollcall_http_held_back_seconds_total",
        "Time in which at least one request was held back, by the pace or by an answer with 429.",
    );
    for (system, reading) in &readings {
        for (by, time) in [("pace", reading.paced), ("429", reading.throttled)] {
            held_back.series(&[("by", by), ("system", system)], time.as_secs_f64());
        }
    }
}

fn unix(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
