//! A scrape: what is seen now, and what was counted, in the text format of Prometheus.
//!
//! The gauges are made anew each time, so that what is gone leaves nothing behind.
//! `docs/monitoring.md` explains every one; a test compares.

use http::StatusCode;
use jiff::Timestamp;
use prometheus::core::Collector;
use prometheus::{CounterVec, GaugeVec, IntCounterVec, Opts, Registry, TextEncoder};
use transport::Reading;

use super::counters::Counters;
use super::memory;
use super::view::View;

/// Writes everything out.
pub(super) fn text(view: &View, counters: &Counters) -> String {
    let sheet = Sheet(Registry::new());
    daemon(&sheet, view);
    integrations(&sheet, view);
    loads(&sheet, view);
    let meters = counters.meters();
    calls(
        &sheet,
        [
            ("sentinelone", &meters.source.read()),
            ("oomnitza", &meters.target.read()),
        ],
    );
    let mut families = sheet.0.gather();
    families.extend(counters.registry.gather());
    let mut text = String::new();
    // Families that are there have samples, and a string takes everything.
    let _ = TextEncoder::new().encode_utf8(&families, &mut text);
    text
}

/// The gauges of one scrape.
struct Sheet(Registry);

impl Sheet {
    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.enter(GaugeVec::new(Opts::new(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str, value: f64) {
        self.gauges(name, help, &[])
            .with_label_values::<&str>(&[])
            .set(value);
    }

    fn enter<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let made = made.expect("names and labels are constants that Prometheus allows");
        self.0
            .register(Box::new(made.clone()))
            .expect("no two have the same name");
        made
    }
}

fn daemon(sheet: &Sheet, view: &View) {
    let survey = &view.survey;
    sheet
        .gauges(
            "rollcall_build_info",
            "The version that runs; always 1.",
            &["version"],
        )
        .with_label_values(&[env!("CARGO_PKG_VERSION")])
        .set(1.0);
    sheet.gauge(
        "rollcall_start_time_seconds",
        "When the daemon was started, in Unix time.",
        unix(survey.since),
    );
    if let Some(bytes) = memory::resident() {
        sheet.gauge(
            "rollcall_resident_memory_bytes",
            "Resident memory of the daemon.",
            number(bytes),
        );
    }
    sheet.gauge(
        "rollcall_config_last_reload_successful",
        "1 if the configuration file is in force, 0 if its latest text was refused.",
        truth(!survey.rejected),
    );
    sheet.gauge(
        "rollcall_config_last_reload_success_timestamp_seconds",
        "When the configuration in force was read, in Unix time.",
        unix(survey.loaded_at),
    );
    let problems = survey.problems + view.unanswered;
    sheet.gauge(
        "rollcall_health_problems",
        "What is wrong with the daemon itself, counted; `rollcall status` says it.",
        number(problems as u64),
    );
    let notices = sheet.gauges(
        "rollcall_notices",
        "Notices that stand, by kind.",
        &["kind"],
    );
    for notice in &view.notices {
        notices.with_label_values(&[&notice.notice.kind]).inc();
    }
    let days_left = sheet.gauges(
        "rollcall_token_days_left",
        "Days until a credential ends, as far as somebody says.",
        &["credential"],
    );
    for token in &view.tokens {
        if let Some(expires_at) = token.expires_at {
            let left = expires_at.duration_since(view.now).as_secs_f64() / 86_400.0;
            days_left.with_label_values(&[&token.credential]).set(left);
        }
    }
}

fn integrations(sheet: &Sheet, view: &View) {
    let by_integration = |name, help| sheet.gauges(name, help, &["integration"]);
    let running = by_integration("rollcall_running", "1 while a run goes on.");
    let paused = by_integration("rollcall_paused", "1 while no scheduled runs are made.");
    let next = by_integration(
        "rollcall_next_due_timestamp_seconds",
        "When the next run is due, in Unix time.",
    );
    let deadline = by_integration(
        "rollcall_success_deadline_timestamp_seconds",
        "The second due time since the latest success, in Unix time: then there was none for twice the interval.",
    );
    for integration in &view.survey.integrations {
        let labels = [&integration.id];
        running
            .with_label_values(&labels)
            .set(truth(integration.running));
        paused
            .with_label_values(&labels)
            .set(truth(integration.paused));
        if let Some(due_at) = integration.next {
            next.with_label_values(&labels).set(unix(due_at));
        }
        if let (false, Some((_, second))) =
            (integration.paused, view.due_since_success(integration))
        {
            deadline.with_label_values(&labels).set(unix(second));
        }
    }
}

fn loads(sheet: &Sheet, view: &View) {
    let by_integration = |name, help| sheet.gauges(name, help, &["integration"]);
    let success = by_integration(
        "rollcall_last_success_timestamp_seconds",
        "When the latest load ended that came to its end, in Unix time.",
    );
    let state = sheet.gauges(
        "rollcall_last_run_state",
        "The state of the latest load that is over; always 1.",
        &["integration", "state"],
    );
    let ended = by_integration(
        "rollcall_last_run_timestamp_seconds",
        "When the latest load ended, in Unix time.",
    );
    let duration = by_integration(
        "rollcall_last_run_duration_seconds",
        "How long the latest load took.",
    );
    let missed = by_integration(
        "rollcall_last_missed_slot_timestamp_seconds",
        "When it was noticed last that a due time was missed, in Unix time.",
    );
    for integration in &view.survey.integrations {
        let id = integration.id.as_str();
        let Some(loads) = view.loads.get(id) else {
            continue;
        };
        if let Some(succeeded_at) = loads.succeeded_at {
            success.with_label_values(&[id]).set(unix(succeeded_at));
        }
        if let Some(missed_at) = loads.missed_at {
            missed.with_label_values(&[id]).set(unix(missed_at));
        }
        if let Some(last) = &loads.last {
            state.with_label_values(&[id, last.state.as_str()]).set(1.0);
            ended.with_label_values(&[id]).set(unix(last.finished_at));
            let took = last.finished_at.duration_since(last.started_at);
            duration.with_label_values(&[id]).set(took.as_secs_f64());
        }
    }
}

fn calls(sheet: &Sheet, systems: [(&str, &Reading); 2]) {
    let requests = sheet.enter(IntCounterVec::new(
        Opts::new(
            "rollcall_http_requests_total",
            "Requests sent, by the status of the answer; none: there was no answer.",
        ),
        &["system", "status"],
    ));
    let retries = sheet.enter(IntCounterVec::new(
        Opts::new(
            "rollcall_http_retries_total",
            "Requests that repeated an earlier one.",
        ),
        &["system"],
    ));
    let held_back = sheet.enter(CounterVec::new(
        Opts::new(
            "rollcall_http_held_back_seconds_total",
            "Time in which at least one request was held back, by the pace or by an answer with 429.",
        ),
        &["system", "by"],
    ));
    for (system, reading) in systems {
        for (status, count) in &reading.answers {
            let status = status.as_ref().map_or("none", StatusCode::as_str);
            requests.with_label_values(&[system, status]).inc_by(*count);
        }
        retries.with_label_values(&[system]).inc_by(reading.retries);
        for (by, time) in [("pace", reading.paced), ("429", reading.throttled)] {
            held_back
                .with_label_values(&[system, by])
                .inc_by(time.as_secs_f64());
        }
    }
}

fn unix(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

fn truth(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "what is counted here is far below 2^53"
)]
fn number(count: u64) -> f64 {
    count as f64
}
