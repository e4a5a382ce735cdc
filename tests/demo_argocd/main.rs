//! What Argo CD's application controller does, before two judges, from one source: `demo::NAME` asks the demo's and
//! `real::NAME` a real one, which delivers the demo's own repository by the demo's own Applications. Where they differ, the
//! demo is to be mended.
//!
//! The real half is `#[ignore]`d: it needs `tests/real/build`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not seen as tests")]

/// Makes each function a test before the demo and one before the real controllers.
macro_rules! judged {
    ($($name:ident),* $(,)?) => {
        mod demo {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(&crate::place::Place::demo().await).await })*
        }
        mod real {
            $(#[tokio::test(flavor = "multi_thread")] #[ignore = "needs tests/real/build"]
            async fn $name() { super::$name(&crate::place::Place::real().await).await })*
        }
    };
}

mod delivering;
mod operations;
mod place;
mod real;
mod rendering;
