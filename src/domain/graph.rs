//! Graphs: what Prometheus is asked for again and again, and what it answered.
//!
//! Plain data. A [`GraphRequest`] says everything about a question, so that equal ones are one: whoever shows the same
//! graph shares one task and one answer. `fleet::queries` writes the PromQL, the sources ask, the panes draw.

use std::sync::Arc;

use super::id::Name;
use super::time::Stamp;
use super::upstream::Upstream;

/// A graph to be kept up to date while somebody looks at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GraphRequest {
    /// Who is asked.
    pub upstream: Arc<Upstream>,
    /// PromQL, the environment's matchers applied.
    pub query: Name,
    /// How far back it goes, in seconds.
    pub range: u32,
    /// Seconds from point to point; it is never asked more often than this.
    pub step: u32,
}

/// What is known of a graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Its lines, on one grid of times. Those of the last answer that could be read stay while questions fail.
    pub series: Vec<GraphSeries>,
    /// The time of the first point of every line.
    pub start: Stamp,
    /// Seconds from point to point.
    pub step: u32,
    /// Lines that the answer had besides, too many to keep.
    pub left_out: u32,
    /// Warnings and infos that came with the answer, such as those of a partial one.
    pub warnings: Vec<Name>,
    /// Why the last question could not be answered; `None` when it was.
    pub problem: Option<GraphProblem>,
    /// When it was asked the last time.
    pub asked_at: Option<Stamp>,
    /// When it was answered the last time.
    pub answered_at: Option<Stamp>,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphSeries {
    /// Its labels as the answer names them, without `__name__`, sorted.
    pub labels: Vec<(Name, Name)>,
    /// Its metric's name; empty when the query leaves none.
    pub metric: Name,
    /// One for each time of the grid, `None` where there is none. NaN and infinities are what the server said.
    pub points: Vec<Option<f64>>,
}

/// Why a graph could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphProblem {
    /// In words that are fit for the screen.
    pub words: String,
    /// Where in the query the mistake is: line and column, both from 1, as Prometheus counts them.
    pub position: Option<(u32, u32)>,
    /// Asking again will not help: the question itself is wrong.
    pub lasting: bool,
}
