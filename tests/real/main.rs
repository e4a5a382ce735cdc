//! Against real servers: the judge of what the rest of the tests believe.
//!
//! Everything here is `#[ignore]`d for plain `cargo test`, which needs no servers; run it with
//! `tests/real/build && cargo test --test real -- --include-ignored`. A server that is missing or does not start fails
//! the test that wants it. README.md beside this file says what there is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not seen as tests")]

mod alerts;
mod backups;
mod bridge;
mod changing;
mod common;
mod connecting;
mod graphs;
mod harness_itself;
mod kubectl;
mod ledger;
mod load;
mod outages;
#[path = "../person/mod.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts")]
mod person;
mod promoting;
mod promql;
mod switching;
mod upstreams;
mod wire;
mod worlds;
