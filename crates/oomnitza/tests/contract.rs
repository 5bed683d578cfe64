//! What the client sends to an instance and makes of its answers, held against the contract.
#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may unwrap as the test itself does"
)]

#[path = "contract/instance.rs"]
mod instance;
#[path = "contract/listing.rs"]
mod listing;
#[path = "contract/lookup.rs"]
mod lookup;
#[path = "contract/portion.rs"]
mod portion;
#[path = "contract/run_log.rs"]
mod run_log;
#[path = "contract/saas.rs"]
mod saas;
#[path = "contract/writes.rs"]
mod writes;
