//! The properties, tried on the seeds of the fuzz targets and on damaged seeds.
//!
//! `ROLLCALL_CASES=100000` tries so many damaged seeds of each, `ROLLCALL_SEED=N` one of them again.

use std::path::Path;
use std::{env, fs, thread};

use properties::{Dice, Property};

/// Damaged seeds that are tried when nobody asks for more: of what takes long, fewer.
fn usual_cases(name: &str) -> u64 {
    match name {
        "mapping" | "yaml" => 300,
        "misplaced_secret" => 150,
        _ => 2000,
    }
}

/// Says how a case is made again, if it fails.
struct Case<'c> {
    name: &'c str,
    seed: Option<u64>,
    input: &'c [u8],
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let shown = properties::shown(self.input);
            eprintln!("{}({shown}) does not hold", self.name);
            if let Some(seed) = self.seed {
                eprintln!("ROLLCALL_SEED={seed} makes this case again");
            }
        }
    }
}

fn check(name: &str, seed: Option<u64>, input: &[u8], property: Property) {
    let _case = Case { name, seed, input };
    property(input);
}

/// Tries a property on all seeds, and on damaged ones.
fn holds(name: &str) {
    let (_, property) = properties::ALL
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect("it is on the list");
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds = properties::seeds(name);
    assert!(seeds.len() > 10, "{} seeds", seeds.len());
    let damaged = |seed| check(name, Some(seed), &Dice::new(seed).damaged(&seeds), property);
    if let Some(seed) = number("ROLLCALL_SEED") {
        return damaged(seed);
    }
    for input in &seeds {
        check(name, None, input, property);
    }
    (0..number("ROLLCALL_CASES").unwrap_or_else(|| usual_cases(name))).for_each(damaged);
}

#[test]
fn the_reader_of_the_configuration_answers_every_text_with_reasons() {
    holds("yaml");
}

#[test]
fn a_secret_in_a_wrong_place_of_the_configuration_is_not_repeated() {
    holds("misplaced_secret");
}

#[test]
fn every_mapping_is_refused_or_makes_the_same_sound_record_in_bounded_time() {
    holds("mapping");
}

#[test]
fn every_time_and_address_equals_itself_in_its_canonical_form() {
    holds("dates");
}

#[test]
fn no_retry_after_is_waited_for_beyond_the_bound_or_not_at_all() {
    holds("retry_after");
}

#[test]
fn every_answer_of_a_console_is_read_or_told_of() {
    holds("sentinelone");
}

#[test]
fn every_answer_of_an_instance_is_read_or_told_of() {
    holds("oomnitza");
}

#[test]
fn every_property_has_a_fuzz_target_and_seeds() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in properties::ALL {
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            target.contains(&format!("properties::{name}(data)")),
            "{name}"
        );
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    let targets = fs::read_dir(fuzz.join("fuzz_targets")).unwrap();
    assert_eq!(targets.count(), properties::ALL.len());
    let corpora = fs::read_dir(fuzz.join("corpus")).unwrap();
    assert_eq!(corpora.count(), properties::ALL.len());
}
