//! What whoever watches the daemon sees of it over HTTP.

mod listening;
mod monitoring;
mod readiness;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use simulator::{Effect, Fault, System};
use tests::{Config, Database, INTEGRATION, ask};

use self::readiness::reason;
use crate::company::Company;
use crate::interruptions::Moment;

/// A company whose daemon is watched on any port.
fn watched(change: impl FnOnce(&mut Config)) -> Company {
    Company::with(10, 0.5, |config| {
        config.metrics = Some("127.0.0.1:0".to_owned());
        change(config);
    })
}

/// A series of the integration, with further labels.
fn of(name: &str, more: &str) -> String {
    format!("{name}{{integration=\"{INTEGRATION}\"{more}}}")
}

#[test]
fn three_paths_are_answered_and_nothing_else() {
    let company = watched(|_| {});
    let serving = company.rollcall.serve();
    let address = company.rollcall.metrics_address().unwrap();
    assert!(address.ip().is_loopback() && address.port() != 0);
    let metrics = ask(address, "GET", "/metrics");
    assert_eq!(
        metrics.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(ask(address, "GET", "/metrics?x=1").status, 200);
    let health = ask(address, "GET", "/healthz");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    let readiness = ask(address, "GET", "/readyz");
    assert_eq!(readiness.header("content-type"), Some("application/json"));
    assert_eq!(readiness.status, 200);
    for path in ["/", "/metrics/", "/Metrics", "/api", "/../etc/passwd"] {
        assert_eq!(ask(address, "GET", path).status, 404, "{path}");
    }
    for path in ["/metrics", "/healthz", "/readyz"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let answer = ask(address, method, path);
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.header("allow").unwrap().contains("GET"));
        }
    }
    let page = company.rollcall.command(&["status"]).with_code(0).stdout;
    assert!(
        page.contains(&format!("http://{address}/metrics")),
        "{page}"
    );
    serving.stop();
    assert!(TcpStream::connect(address).is_err());
    let logs = company.rollcall.logs();
    assert!(logs.contains(&address.to_string()), "{logs}");
}

#[test]
fn what_is_counted_is_what_is_on_record() {
    let company = watched(|config| config.scope = "email != 'nobody@acme.com'");
    let newcomers = company.newcomers();
    company.edit_user(&newcomers[0], &json!({ "email": null }));
    company.edit_user(&newcomers[1], &json!({ "email": "nobody@acme.com" }));
    let serving = company.rollcall.serve();
    let before = company.rollcall.scrape();
    for (name, label) in [
        ("rollcall_runs_total", ",state=\"failed\""),
        ("rollcall_slots_total", ",state=\"missed\""),
        (
            "rollcall_outcomes_total",
            ",outcome=\"failed\",reason=\"rejected\"",
        ),
    ] {
        // There before anything is counted, so that the first is an increase.
        assert_eq!(before.count(&of(name, label)), 0);
        assert_eq!(before.kinds[name], "counter");
    }
    assert_eq!(before.sum("rollcall_http_requests_total", ""), 0);

    let _ = company.rollcall.run_dry().with_code(3);
    let dry = company.rollcall.scrape();
    assert_eq!(dry.sum("rollcall_runs_total", ""), 0);
    assert!(!dry.has(&of("rollcall_last_success_timestamp_seconds", "")));
    for _ in 0..2 {
        let _ = company.rollcall.run().with_code(3);
    }
    let scrape = company.rollcall.scrape();
    let state = ",state=\"completed_with_errors\"";
    assert_eq!(scrape.count(&of("rollcall_runs_total", state)), 2);
    assert_eq!(scrape.sum("rollcall_runs_total", ""), 2);
    assert_eq!(scrape.count(&of("rollcall_last_run_state", state)), 1);
    let runs = company
        .rollcall
        .query("SELECT * FROM v_runs WHERE dry_run = 0");
    for outcome in ["created", "updated", "unchanged", "skipped", "failed"] {
        let expected: i64 = runs.iter().map(|run| run[outcome].as_i64().unwrap()).sum();
        let counted = scrape.sum("rollcall_outcomes_total", &format!("outcome=\"{outcome}\""));
        assert_eq!(counted, expected, "{outcome}");
        assert!(expected > 0, "{outcome}");
    }
    for (outcome, reason) in [("skipped", "out_of_scope"), ("failed", "mapping")] {
        let labels = format!(",outcome=\"{outcome}\",reason=\"{reason}\"");
        assert_eq!(scrape.count(&of("rollcall_outcomes_total", &labels)), 2);
    }
    let success = company
        .rollcall
        .value("SELECT unixepoch(max(finished_at), 'subsec') FROM v_runs WHERE dry_run = 0");
    let success = success.as_f64().unwrap();
    let shown = scrape.value(&of("rollcall_last_success_timestamp_seconds", ""));
    assert!((shown - success).abs() < 0.002, "{shown} {success}");
    for (system, name) in [
        (System::SentinelOne, "sentinelone"),
        (System::Oomnitza, "oomnitza"),
    ] {
        let label = format!("system=\"{name}\"");
        let counted = scrape.sum("rollcall_http_requests_total", &label);
        let sent = i64::try_from(company.control.calls(system)).unwrap();
        assert_eq!(counted, sent, "{name}");
    }
    serving.stop();

    // The next process counts from zero, and knows what is on record.
    let serving = company.rollcall.serve();
    let next = company.rollcall.scrape();
    assert_eq!(next.sum("rollcall_runs_total", ""), 0);
    assert_eq!(next.count(&of("rollcall_last_run_state", state)), 1);
    serving.stop();
}

#[test]
fn calls_are_counted_by_status_with_retries_and_what_held_them_back() {
    let company = watched(|config| config.requests_per_second = 20);
    let once = |system, call, effect| {
        let fault = Fault::new(system, call, effect).times(1);
        company.control.order(fault);
    };
    once(System::SentinelOne, "GET /users", Effect::BadGatewayHtml);
    once(
        System::Oomnitza,
        "GET /api/v3/users",
        Effect::TooMany {
            retry_after: Some("1".to_owned()),
        },
    );
    let serving = company.rollcall.serve();
    company.load();
    let scrape = company.rollcall.scrape();
    let calls = |labels: &str| scrape.count(&format!("rollcall_http_requests_total{{{labels}}}"));
    assert_eq!(calls("status=\"502\",system=\"sentinelone\""), 1);
    assert_eq!(calls("status=\"429\",system=\"oomnitza\""), 1);
    assert!(calls("status=\"200\",system=\"oomnitza\"") > 1);
    for system in ["sentinelone", "oomnitza"] {
        let series = format!("rollcall_http_retries_total{{system=\"{system}\"}}");
        assert_eq!(scrape.count(&series), 1);
    }
    let held_back = |by: &str, system: &str| {
        scrape.value(&format!(
            "rollcall_http_held_back_seconds_total{{by=\"{by}\",system=\"{system}\"}}"
        ))
    };
    assert!((0.9..30.0).contains(&held_back("429", "oomnitza")));
    assert!(held_back("429", "sentinelone") <= 0.0);
    assert!(held_back("pace", "oomnitza") > 0.0);
    serving.stop();
}

#[test]
fn a_run_that_goes_on_and_a_pause_are_shown_while_they_are() {
    let company = watched(|config| config.schedule = "every: 24h".to_owned());
    let mut serving = company.rollcall.serve();
    let scrape = company.rollcall.scrape();
    assert_eq!(scrape.count(&of("rollcall_running", "")), 0);
    assert_eq!(scrape.count(&of("rollcall_paused", "")), 0);
    let due = scrape.value(&of("rollcall_next_due_timestamp_seconds", ""));
    let next = company.rollcall.status()["integrations"][0]["next"]["due_at"].clone();
    let sql = format!("SELECT unixepoch('{}')", next.as_str().unwrap());
    assert!((due - company.rollcall.value(&sql).as_f64().unwrap()).abs() < 0.1);
    let deadline = scrape.value(&of("rollcall_success_deadline_timestamp_seconds", ""));
    assert!((deadline - due - 86_400.0).abs() < 0.1, "{deadline} {due}");

    company
        .control
        .order(Fault::new(System::SentinelOne, "GET /users", Effect::TimeOut).times(1));
    let run = company.rollcall.start_run();
    serving.wait_until(|| Moment::Reading.has_come(&company));
    let scrape = company.rollcall.scrape();
    assert_eq!(scrape.count(&of("rollcall_running", "")), 1);
    run.interrupt();
    let _ = run.end().with_code(6);
    assert_eq!(reason(&company), (false, "interrupted".to_owned()));
    let scrape = company.rollcall.scrape();
    assert_eq!(scrape.count(&of("rollcall_running", "")), 0);
    let interrupted = of("rollcall_runs_total", ",state=\"interrupted\"");
    assert_eq!(scrape.count(&interrupted), 1);

    let _ = company.rollcall.pause("the merger").with_code(0);
    let scrape = company.rollcall.scrape();
    assert_eq!(scrape.count(&of("rollcall_paused", "")), 1);
    for name in ["next_due", "success_deadline"] {
        let series = of(&format!("rollcall_{name}_timestamp_seconds"), "");
        assert!(!scrape.has(&series));
    }
    assert_eq!(reason(&company), (true, "paused".to_owned()));
    serving.stop();
}

#[test]
fn no_person_is_named() {
    let company = watched(|_| {});
    let users = company.control.users();
    company.edit_user(&company.newcomers()[0], &json!({ "email": null }));
    let serving = company.rollcall.serve();
    let _ = company.rollcall.run().with_code(3);
    company.control.order(Fault::new(
        System::Oomnitza,
        "GET /api/v3/users",
        Effect::Refuse {
            status: 403,
            message: "not for ada@acme.com".to_owned(),
        },
    ));
    let _ = company.rollcall.run().with_code(1);
    let said: String = ["/metrics", "/readyz", "/healthz", "/ada@acme.com"]
        .iter()
        .map(|path| company.rollcall.watch(path).body)
        .collect();
    assert!(!said.contains('@'), "{said}");
    for user in users {
        for key in ["email", "fullName", "id"] {
            let text = user[key].as_str().unwrap_or("nobody at all");
            assert!(!said.contains(text), "{text}");
        }
    }
    serving.stop();
}

/// How long a scrape of a hundred integrations takes, the least of some: others share the machine.
#[test]
fn a_scrape_of_a_hundred_integrations_is_quick() {
    let company = watched(|config| {
        config.others = (1..100).map(|number| format!("others-{number}")).collect();
        config.schedule = "cron: \"0 2 * * 1-5\", timezone: Europe/Dublin".to_owned();
    });
    let serving = company.rollcall.serve();
    // A year of daily runs and due times, in each of them.
    let mut database = Database::open_to_write(&company.rollcall.database_path());
    database.execute(
        "BEGIN;
         WITH RECURSIVE day (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM day WHERE n < 365)
         INSERT INTO runs (run_id, integration, trigger, state, dry_run, partial, started_at, finished_at, config_hash)
             SELECT integration || '-' || n, integration, 'schedule', iif(n < 10, 'completed', 'failed'), 0, 0,
                    (unixepoch() - 86400 * (366 - n)) * 1000, (unixepoch() - 86400 * (366 - n) + 60) * 1000, ''
             FROM day, integrations ORDER BY n;
         INSERT INTO slots (integration, due_at, noticed_at, state, settled)
             SELECT integration, started_at, started_at, 'ran', 1 FROM runs;
         COMMIT",
    );
    database.close();
    let address = company.rollcall.metrics_address().unwrap();
    let mut quickest = Duration::MAX;
    for _ in 0..30 {
        let began = Instant::now();
        let answer = ask(address, "GET", "/metrics");
        quickest = quickest.min(began.elapsed());
        assert_eq!(answer.status, 200);
    }
    let scrape = company.rollcall.scrape();
    let series = scrape.series.len();
    println!("a scrape of 100 integrations, {series} series: {quickest:?}");
    assert!(series > 3000, "{series}");
    // What is promised is promised of a release build.
    let longest = if cfg!(debug_assertions) { 100 } else { 5 };
    assert!(quickest <= Duration::from_millis(longest), "{quickest:?}");
    serving.stop();
}
