//! A task of the runtime, which is told of even when it panics: whoever waits for it on the screen must not wait for
//! ever.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::domain::id::ClusterId;
use crate::msg::RequestId;

/// What a task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// A cluster's connection.
    Cluster(ClusterId),
    /// A question.
    Question(RequestId),
    /// Something that is being changed.
    Change(RequestId),
    /// Something that is asked again and again.
    Follow,
    /// Something that leaves nothing behind.
    Chore,
}

/// A task ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// What it belonged to.
    pub(super) of: Of,
    /// The message of its panic; `None` when it came to its end.
    pub(super) fell: Option<String>,
}

/// Runs a task to its end, good or bad.
pub(super) async fn run(of: Of, work: impl Future<Output = ()>) -> Ended {
    // Nothing of the work is looked at after a panic, so it cannot be seen half done.
    let fell = AssertUnwindSafe(work).catch_unwind().await.err().map(|panic| words(&*panic));
    if let Some(why) = &fell {
        tracing::error!(?of, "a task panicked: {why}");
    }
    Ended { of, fell }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(ToString::to_string);
    literal.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
