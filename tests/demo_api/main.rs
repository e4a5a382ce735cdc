//! An API server, spoken to in plain HTTP: one test for each behaviour that clients rely on, before two judges.
//!
//! `demo::NAME` asks the demo's server and `real::NAME` a real one the same questions; where the answers differ, the demo
//! is to be mended. What stands without a second judge is the demo's alone: its faults, its door, and what needs kubelets
//! or metrics. The real half is `#[ignore]`d: it needs `tests/real/build`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

/// Makes each function a test before the demo and one before a real API server.
macro_rules! judged {
    ($($name:ident),* $(,)?) => {
        mod demo {
            $(#[tokio::test] async fn $name() { super::$name(&crate::client::Api::demo().await).await })*
        }
        mod real {
            $(#[tokio::test] #[ignore = "needs tests/real/build"]
            async fn $name() { super::$name(&crate::client::Api::real().await).await })*
        }
    };
}

mod client;
mod discovery;
mod faults;
mod patching;
mod pods;
mod reading;
mod real;
mod seed;
mod tables;
mod watching;
mod writing;
