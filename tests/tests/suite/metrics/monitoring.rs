//! What docs/monitoring.md and deploy/prometheus promise, held against a real scrape.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use simulator::{Effect, Fault, System};
use tests::{Database, HOUR, Scrape};

use crate::company::Company;
use crate::documents::{document, root};

const RULES: &str = "deploy/prometheus/rollcall.rules.yml";

/// A scrape in which every metric shows something.
fn eventful() -> Scrape {
    let company = Company::with(4, 0.5, |config| {
        config.metrics = Some("127.0.0.1:0".to_owned());
        config.schedule = "every: 1h, catch_up: 0s".to_owned();
    });
    company.was_served_ago(3 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    company.load();
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::Status(403),
    ));
    let _ = company.rollcall.run().with_code(1);
    Database::open_to_write(&company.rollcall.database_path()).execute(
        "INSERT INTO notices (integration, kind, message, since)
             SELECT integration, 'unverified', 'the run log did not say in time', unixepoch() * 1000 FROM integrations;
         INSERT OR REPLACE INTO tokens (credential, expires_at, read_at) VALUES ('sentinelone', (unixepoch() + 5 * 86400) * 1000, unixepoch() * 1000)",
    );
    let scrape = company.rollcall.scrape();
    let days = scrape.value("rollcall_token_days_left{credential=\"sentinelone\"}");
    assert!((4.9..=5.0).contains(&days), "{days}");
    assert_eq!(scrape.count("rollcall_notices{kind=\"unverified\"}"), 1);
    serving.stop();
    scrape
}

/// The metrics of the table in docs/monitoring.md: the kind and the labels of each.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut metrics = BTreeMap::new();
    for line in document("docs/monitoring.md").lines() {
        let Some(row) = line.strip_prefix("| `rollcall_") else {
            continue;
        };
        let cells: Vec<&str> = row
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let [name, kind, labels, meaning] = cells.as_slice() else {
            panic!("a row of four cells: {line}");
        };
        assert!(!meaning.is_empty(), "{line}");
        let labels = labels.split(", ").map(|label| label.trim_matches('`'));
        let labels = labels.filter(|label| !label.is_empty()).map(str::to_owned);
        let name = format!("rollcall_{}", name.trim_end_matches('`'));
        let twice = metrics.insert(name, ((*kind).to_owned(), labels.collect()));
        assert_eq!(twice, None, "{line}");
    }
    metrics
}

/// The names of the labels of a series, as they stand between its braces.
fn labels(series: &str) -> BTreeSet<String> {
    let Some((_, labels)) = series.trim_end_matches('}').split_once('{') else {
        return BTreeSet::new();
    };
    let names = labels.split("\",").map(|label| label.split('=').next());
    names.map(|name| name.unwrap().to_owned()).collect()
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_there() {
    let scrape = eventful();
    let documented = documented();
    let names: Vec<_> = documented.keys().collect();
    assert_eq!(scrape.kinds.keys().collect::<Vec<_>>(), names);
    for series in scrape.series.keys() {
        let name = series.split('{').next().unwrap();
        let (kind, expected) = &documented[name];
        assert_eq!(&scrape.kinds[name], kind, "{name}");
        assert_eq!(&labels(series), expected, "{series}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
    }
    for name in names {
        let shown = scrape.series.keys();
        let mut shown = shown.filter(|series| series.split('{').next() == Some(name));
        assert!(shown.next().is_some(), "{name} shows nothing");
    }
}

#[test]
fn the_rules_ask_only_for_what_there_is() {
    let scrape = eventful();
    let rules = document(RULES);
    let words = rules.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let asked: BTreeSet<&str> = words.filter(|word| word.starts_with("rollcall_")).collect();
    assert!(asked.len() >= 7, "{asked:?}");
    for name in asked {
        assert!(scrape.kinds.contains_key(name), "{name}");
    }
}

#[test]
fn the_rules_in_the_document_are_those_that_are_tried() {
    let text = document("docs/monitoring.md");
    let block = text
        .split("```yaml\n")
        .find(|part| part.starts_with("groups:"));
    let block = block.and_then(|part| part.split("```").next()).unwrap();
    let rules = document(RULES);
    let rules = &rules[rules.find("groups:").unwrap()..];
    assert_eq!(block, rules);
    for alert in rules.split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap();
        let tried = document("deploy/prometheus/rollcall.rules.test.yml");
        let fires = format!("alertname: {name}\n");
        assert!(tried.matches(&fires).count() >= 2, "{name}");
    }
}

#[test]
fn promtool_accepts_the_rules_what_they_say_and_a_scrape() {
    let promtool = |arguments: &[&str]| {
        Command::new("promtool")
            .args(arguments)
            .current_dir(root().join("deploy/prometheus"))
            .output()
    };
    if promtool(&["--version"]).is_err() {
        println!("skipped: there is no promtool here");
        return;
    }
    for arguments in [
        ["check", "rules", "rollcall.rules.yml"],
        ["test", "rules", "rollcall.rules.test.yml"],
    ] {
        let ended = promtool(&arguments).unwrap();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned()
            + &String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{arguments:?}: {said}");
    }
    let mut reading = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut scraped = reading.stdin.take().unwrap();
    scraped.write_all(eventful().text.as_bytes()).unwrap();
    drop(scraped);
    let ended = reading.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    // It has advice on names alone, and days are what people count tokens in.
    let mut advice = said.lines().filter(|line| !line.is_empty());
    let days = "rollcall_token_days_left use base unit \"seconds\" instead of \"days\"";
    assert!(advice.all(|line| line == days), "{said}");
}
