//! The demo's API server, spoken to in plain HTTP: one test for each behaviour that clients rely on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod client;
mod discovery;
mod faults;
mod patching;
mod pods;
mod reading;
mod seed;
mod tables;
mod watching;
mod writing;
