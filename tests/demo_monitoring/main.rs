//! The demo's Prometheus and Alertmanager over plain HTTP. What clients rely on is asked before two judges, from one
//! source: `demo::NAME` asks the demo's servers and `real::NAME` real ones that have the demo's rules and routes. Where the
//! answers differ, the demo is to be mended. What the demo's world tells (`story`) is its own.
//!
//! The real half is `#[ignore]`d: it needs `tests/real/build`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not seen as tests")]

/// Makes each function a test before the demo and one before the real servers.
macro_rules! judged {
    ($($name:ident),* $(,)?) => {
        mod demo {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(&crate::client::Servers::demo().await).await })*
        }
        mod real {
            $(#[tokio::test(flavor = "multi_thread")] #[ignore = "needs tests/real/build"]
            async fn $name() { super::$name(&crate::client::Servers::real().await).await })*
        }
    };
}

mod alertmanager;
mod client;
mod prometheus;
mod real;
mod refusals;
mod story;
