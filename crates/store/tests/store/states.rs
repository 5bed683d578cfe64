//! The states of runs, and what they mean for changes, errors and people: random operations as `load` makes them, legal
//! ones and others, against a model.
//!
//! `ROLLCALL_CASES=5000` tries so many sequences.

mod model;
mod operations;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use model::Shown;
use world::World;

/// Sequences of operations that are tried when nobody asks for more.
const CASES: u32 = 64;

/// A minute as the views show it.
fn minute_text(minutes: i64) -> String {
    match crate::support::at_text(minutes) {
        store::Cell::Text(text) => text,
        other => panic!("{other:?} is no text"),
    }
}

#[test]
fn the_views_show_what_a_simple_model_reckons_after_every_operation() {
    let cases = std::env::var("ROLLCALL_CASES").ok();
    let cases = cases.and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&operations::sequence(), |operations| {
        runtime.block_on(async {
            let mut world = World::new().await;
            for operation in &operations {
                world.carry_out(operation).await;
                let (shown, expected): (Shown, Shown) = (world.shown().await, world.model.shown());
                prop_assert_eq!(shown, expected, "after {:?}", operation);
            }
            prop_assert!(world.is_sound().await);
            Ok(())
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
