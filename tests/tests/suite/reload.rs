//! Reloads: another text of the configuration while the daemon runs.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use simulator::{Effect, Fault, System};
use tests::{HOUR, INTEGRATION, Minute, Serving};

use crate::company::{Company, at, each};
use crate::interruptions::Moment;

/// How a file is changed, and how the daemon comes to know.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// SIGHUP: the text is in place already.
    HangUp,
    /// An editor that writes another file and puts it in its place.
    Rename,
    /// An editor that writes into the file.
    InPlace,
}

const WAYS: [Way; 3] = [Way::HangUp, Way::Rename, Way::InPlace];

/// Edits the configuration and waits until the daemon has looked at it.
#[track_caller]
fn edit(company: &Company, serving: &mut Serving, way: Way, text: &str) {
    let told = serving.systemd().told().len();
    let path = company.rollcall.config_path();
    match way {
        Way::Rename => {
            let other = company.rollcall.folder().join(".rollcall.yaml.swp");
            fs::write(&other, text).unwrap();
            fs::rename(other, path).unwrap();
        }
        Way::InPlace => fs::write(path, text).unwrap(),
        Way::HangUp => {
            fs::write(path, text).unwrap();
            serving.hang_up();
        }
    }
    serving.wait_until_told_after(told, "RELOADING=1");
    serving.wait_until_told_after(told, "READY=1");
}

fn texts(value: &Value) -> Vec<String> {
    let texts = value.as_array().unwrap();
    texts
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_good_text_is_in_force_and_what_changed_is_logged() {
    each(WAYS, |way| {
        let company = Company::with(5, 0.5, |config| {
            config.schedule = "at: \"02:00\"".to_owned();
        });
        let mut serving = company.rollcall.serve();
        let before = company.rollcall.status();
        let text = company.rollcall.yaml().replace("02:00", "03:30");
        edit(&company, &mut serving, way, &text);
        let after = company.rollcall.status();
        assert_ne!(after["config"]["hash"], before["config"]["hash"], "{way:?}");
        assert_eq!(after["config"]["faults"], Value::Array(Vec::new()));
        assert_eq!(after["integrations"][0]["schedule"], "at 03:30 (UTC)");
        let next = after["integrations"][0]["next"]["due_at"].as_str().unwrap();
        assert!(next.contains("T03:30:00"), "{next}");
        let hashes: Vec<_> = [&before, &after]
            .map(|status| status["integrations"][0]["config_hash"].clone())
            .into();
        let kept = company
            .rollcall
            .query("SELECT config_hash, text FROM v_configurations ORDER BY since");
        let kept_hashes: Vec<_> = kept.iter().map(|row| row["config_hash"].clone()).collect();
        assert_eq!(kept_hashes, hashes, "{way:?}");
        assert!(kept[0]["text"].as_str().unwrap().contains("02:00"));
        assert!(kept[1]["text"].as_str().unwrap().contains("03:30"));
        serving.stop();
        let logs = company.rollcall.logs();
        let line = logs
            .lines()
            .find(|line| line.contains("02:00") && line.contains("03:30"));
        let line = line.unwrap_or_else(|| panic!("{way:?}: {logs}"));
        assert!(line.contains(INTEGRATION), "{line}");
    });
}

#[test]
fn a_text_with_faults_leaves_the_one_before_in_force() {
    each(WAYS, |way| {
        let company = Company::with(5, 0.5, |config| {
            config.schedule = "at: \"02:00\"".to_owned();
        });
        let mut serving = company.rollcall.serve();
        let before = company.rollcall.status();
        let good = company.rollcall.yaml();
        let bad = good
            .replace("02:00", "25:00")
            .replace("update_only", "nothing")
            .replace("delivery: rest", "delivery: pigeon");
        edit(&company, &mut serving, way, &bad);
        let after = company.rollcall.status();
        assert_eq!(after["config"]["hash"], before["config"]["hash"], "{way:?}");
        let faults = texts(&after["config"]["faults"]);
        assert!(faults.len() >= 2, "{faults:?}");
        assert!(
            faults.iter().all(|fault| fault.contains("rollcall.yaml:")),
            "{faults:?}"
        );
        assert!(
            serving.systemd().status().contains("not in force"),
            "{}",
            serving.systemd().status()
        );
        let page = company.rollcall.command(&["status"]).with_code(0).stdout;
        assert!(page.contains(&faults[0]), "{page}");

        edit(&company, &mut serving, way, &good);
        let mended = company.rollcall.status();
        assert_eq!(mended["config"]["faults"], Value::Array(Vec::new()));
        assert!(!serving.systemd().status().contains("not in force"));
        company.load();
        serving.stop();
        let logs = company.rollcall.logs();
        for fault in faults {
            let words = fault.split(": ").nth(1).unwrap();
            assert!(
                logs.contains(words.split('`').next().unwrap()),
                "{fault}\n{logs}"
            );
        }
    });
}

#[test]
fn a_file_that_vanishes_changes_nothing() {
    let company = Company::plain(5, 0.5);
    let mut serving = company.rollcall.serve();
    // It is gone while an operator looks at it with a copy, since a command must know where the state is.
    let copy = company
        .rollcall
        .folder()
        .join("copy.yaml")
        .display()
        .to_string();
    fs::copy(company.rollcall.config_path(), &copy).unwrap();
    let text = company.rollcall.yaml();
    let told = serving.systemd().told().len();
    fs::remove_file(company.rollcall.config_path()).unwrap();
    serving.wait_until_told_after(told, "READY=1");
    let ended = company
        .rollcall
        .command(&["--config", &copy, "status", "--json"])
        .with_code(0);
    let faults = texts(&ended.json()["config"]["faults"]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("rollcall.yaml"), "{faults:?}");
    let _ = company
        .rollcall
        .command(&["--config", &copy, "run", INTEGRATION])
        .with_code(0);

    edit(&company, &mut serving, Way::Rename, &text);
    assert_eq!(
        company.rollcall.status()["config"]["faults"],
        Value::Array(Vec::new())
    );
    serving.stop();
}

#[test]
fn another_state_dir_waits_for_a_restart_and_is_told() {
    let company = Company::plain(5, 0.5);
    let mut serving = company.rollcall.serve();
    let text = company
        .rollcall
        .yaml()
        .replace("state_dir: state", "state_dir: elsewhere");
    edit(&company, &mut serving, Way::Rename, &text);
    assert!(!company.rollcall.folder().join("elsewhere").exists());
    let _ = company.rollcall.command(&["status"]).with_code(1);
    fs::write(company.rollcall.config_path(), company.rollcall.yaml()).unwrap();
    let logs = company.rollcall.logs();
    assert!(
        logs.contains("state_dir") && logs.contains("restart"),
        "{logs}"
    );
    serving.stop();
}

#[test]
fn integrations_come_and_go() {
    let company = Company::with(6, 1.0, |config| {
        config.schedule = at(&[Minute::now().before(30)]);
        config.others = vec!["others".to_owned()];
    });
    company.was_served_ago(HOUR);
    let mut rollcall = company.rollcall;
    let slow = Effect::Slow {
        delay: Duration::from_millis(500),
    };
    company
        .control
        .order(Fault::new(System::SentinelOne, "GET /users", slow));
    let mut serving = rollcall.serve();
    // Both run under the old text, and one of them is taken out.
    serving.wait_for("SELECT count(*) FROM v_runs WHERE state = 'running'", 2);
    let told = serving.systemd().told().len();
    rollcall.configure(|config| config.others = vec!["newcomers".to_owned()]);
    serving.wait_until_told_after(told, "READY=1");
    let status = rollcall.status();
    let ids: Vec<_> = status["integrations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["id"])
        .collect();
    assert_eq!(ids, [INTEGRATION, "newcomers"]);
    serving.wait_until_settled();
    assert_eq!(rollcall.run_states(), ["completed"; 2]);
    let slots = rollcall.slots_of("others");
    assert_eq!(slots[0].state, "late", "{slots:?}");
    // A newcomer's due times count from now on.
    assert_eq!(rollcall.slots_of("newcomers"), []);
    let _ = rollcall.command(&["run", "newcomers"]).with_code(0);
    let _ = rollcall.command(&["run", "others"]).with_code(2);
    serving.stop();
    let logs = rollcall.logs();
    assert!(
        logs.contains("`newcomers` added") && logs.contains("`others` removed"),
        "{logs}"
    );
}

#[test]
fn an_integration_taken_out_and_put_back_during_its_run_keeps_its_run_and_slot() {
    let company = Company::with(30, 0.5, |config| {
        config.schedule = at(&[Minute::now().before(30)]);
        config.others = vec!["others".to_owned()];
    });
    company.was_served_ago(HOUR);
    let mut rollcall = company.rollcall;
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::TimeOut,
    ));
    let mut serving = rollcall.serve();
    serving.wait_for("SELECT count(*) FROM v_runs WHERE state = 'running'", 2);
    for others in [vec![], vec!["others".to_owned()]] {
        let told = serving.systemd().told().len();
        rollcall.configure(|config| config.others = others);
        serving.wait_until_told_after(told, "READY=1");
    }
    let status = rollcall.status();
    let running = &status["integrations"][1]["running"];
    assert!(
        !running.is_null(),
        "its run goes on and is not shown: {status}"
    );
    let run_id = running["run_id"].as_str().unwrap().to_owned();
    let _ = rollcall.command(&["run", "others"]).with_code(5);
    let _ = rollcall.cancel(&run_id).with_code(0);
    let first = status["integrations"][0]["running"]["run_id"]
        .as_str()
        .unwrap();
    let _ = rollcall.cancel(first).with_code(0);
    serving.wait_until_settled();
    assert_eq!(rollcall.run_states(), ["canceled"; 2]);
    serving.stop();
}

#[test]
fn a_run_goes_on_under_the_text_that_it_began_with() {
    let company = Company::plain(30, 0.5);
    let slow = Effect::Slow {
        delay: Duration::from_millis(80),
    };
    company
        .control
        .order(Fault::new(System::Oomnitza, "* /api/v3/users/*", slow));
    let mut serving = company.rollcall.serve();
    let under = company.rollcall.status()["integrations"][0]["config_hash"].clone();
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Writes(2).has_come(&company));
    let text = company.rollcall.yaml().replace(
        "position: { value: Console user",
        "position: { value: Somebody",
    );
    assert_ne!(text, company.rollcall.yaml());
    edit(&company, &mut serving, Way::Rename, &text);
    let _ = going.end().with_code(0);
    assert_eq!(company.rollcall.latest_run()["config_hash"], under);
    let now = company.rollcall.status()["integrations"][0]["config_hash"].clone();
    assert_ne!(now, under);
    assert!(
        company
            .people()
            .values()
            .all(|person| person["position"] != "Somebody")
    );
    let _ = company.rollcall.run().with_code(0);
    assert_eq!(company.rollcall.latest_run()["config_hash"], now);
    // Each run can show what it was made under.
    let shown = |run: &str| {
        company
            .rollcall
            .command(&["runs", "--configuration", run])
            .with_code(0)
            .stdout
    };
    let runs = company
        .rollcall
        .query("SELECT run_id FROM v_runs ORDER BY run_id");
    let shown: Vec<_> = runs
        .iter()
        .map(|run| shown(run["run_id"].as_str().unwrap()))
        .collect();
    assert!(
        shown[0].contains("Console user") && !shown[0].contains("Somebody"),
        "{}",
        shown[0]
    );
    assert!(shown[1].contains("Somebody"), "{}", shown[1]);
    serving.stop();
}

#[test]
fn an_order_brings_a_text_in_force_that_was_edited_a_moment_ago() {
    let mut company = Company::plain(6, 0.5);
    let serving = company.rollcall.serve();
    company
        .rollcall
        .configure(|config| config.preference = "update_only");
    let _ = company.rollcall.run().with_code(0);
    assert_eq!(company.count("created"), 0);
    serving.stop();
}

#[test]
fn secrets_in_files_are_read_anew_for_each_run() {
    let company = Company::plain(6, 0.5);
    let token = fs::read_to_string(company.rollcall.folder().join("sentinelone.token")).unwrap();
    company
        .rollcall
        .write_token("sentinelone.token", "one-that-is-not-valid-any-more-0123");
    let serving = company.rollcall.serve();
    let _ = company.rollcall.run().with_code(1);
    company
        .rollcall
        .write_token("sentinelone.token", token.trim());
    company.load();
    serving.stop();
}

#[test]
fn the_level_of_the_log_changes() {
    let company = Company::plain(6, 0.5);
    let mut serving = company.rollcall.serve();
    company.load();
    assert!(!company.rollcall.logs().contains("\"DEBUG\""));
    let text = company.rollcall.yaml().replace(
        "level: info",
        "level: \"info,load=debug,store=debug,sentinelone=debug,oomnitza=debug,transport=debug\"",
    );
    edit(&company, &mut serving, Way::Rename, &text);
    let _ = company.rollcall.run().with_code(0);
    serving.stop();
    assert!(
        company.rollcall.logs().contains("\"DEBUG\""),
        "{}",
        company.rollcall.logs()
    );
}

#[test]
fn a_slot_that_waits_is_settled_when_its_integration_is_taken_out() {
    let company = Company::with(6, 1.0, |config| {
        config.schedule = format!(
            "{}, retry: {{ times: 1, after: 1h }}",
            at(&[Minute::now().before(30)])
        );
        config.others = vec!["others".to_owned()];
    });
    company.was_served_ago(HOUR);
    let mut rollcall = company.rollcall;
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::Status(401),
    ));
    let mut serving = rollcall.serve();
    serving.wait_for(
        "SELECT count(*) FROM slots WHERE next_try_at IS NOT NULL",
        2,
    );
    let told = serving.systemd().told().len();
    rollcall.configure(|config| config.others = Vec::new());
    serving.wait_until_told_after(told, "READY=1");
    serving.wait_for("SELECT count(*) FROM slots WHERE settled = 0", 1);
    let slots = rollcall.slots_of("others");
    assert_eq!(slots[0].state, "late");
    assert!(
        slots[0].note.contains("taken out of the configuration"),
        "{slots:?}"
    );
    serving.stop();
}
