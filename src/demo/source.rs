//! What the API server asks the world for, since it is in no object: log lines and resource usage. The world
//! implements these; the log and metrics routes call them.

use jiff::Timestamp;
use serde_json::Value;

/// One line that a container wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// The line, without its end.
    pub text: String,
}

/// Which lines are wanted.
#[derive(Debug, Clone)]
pub struct LogQuery<'a> {
    /// The pod as it is now.
    pub pod: &'a Value,
    /// One of its containers.
    pub container: &'a str,
    /// Lines of the instance before the present one.
    pub previous: bool,
    /// Only lines later than this (exclusive).
    pub after: Option<Timestamp>,
    /// No line later than this: the time of asking.
    pub until: Timestamp,
    /// Only so many, the latest.
    pub tail: Option<usize>,
}

/// Where log lines come from. Called again and again with a moving `after` by those who follow, so the same time
/// must always give the same lines.
pub trait LogSource: Send + Sync {
    /// The lines, oldest first.
    fn lines(&self, query: &LogQuery<'_>) -> Vec<LogLine>;
}

/// CPU and memory in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Billionths of a core.
    pub cpu_nanocores: u64,
    /// Bytes of working set.
    pub memory_bytes: u64,
}

/// Where usage figures come from.
pub trait UsageSource: Send + Sync {
    /// Usage of each container of a pod by name; empty when there is none (not running, too young).
    fn pod(&self, pod: &Value) -> Vec<(String, Usage)>;
    /// Usage of a node; None when its metrics are missing (it is not ready).
    fn node(&self, node: &Value) -> Option<Usage>;
}
