//! Graphs: what Prometheus is asked for again and again, and what it answered.
//!
//! Plain data. A [`GraphRequest`] says everything about a question, so that equal ones are one: whoever shows the same
//! graph shares one task and one answer. `fleet::queries` writes the PromQL, the sources ask, the panes draw.

use std::sync::Arc;

use super::id::Name;
use super::time::Stamp;
use super::upstream::Upstream;

/// Points that a Prometheus gives at most for one series; more is an error of the server.
pub const MOST_POINTS: u32 = 11_000;

/// Series of an answer that are kept: those with the largest last values. A chart of more is unreadable.
pub const MOST_SERIES: usize = 100;

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
    /// The query could not be read here, for this reason, so that no matchers could be added: the server is only asked
    /// what is wrong with it (and where), never for data.
    pub unread: Option<Name>,
    /// What a person typed, where `query` is more than that: mistakes are to be shown in it.
    pub typed: Option<Name>,
}

impl GraphRequest {
    /// A graph of at most so many points.
    #[must_use]
    pub fn new(upstream: Arc<Upstream>, query: impl Into<Name>, range: u32, points: u32) -> GraphRequest {
        GraphRequest {
            upstream,
            query: query.into(),
            range,
            step: step(range, points),
            unread: None,
            typed: None,
        }
    }
}

/// The least step, a round one, at which a range has no more than so many points. Graphs that are about as wide have
/// the same one and share their question.
#[must_use]
pub fn step(range: u32, points: u32) -> u32 {
    const ROUND: [u32; 14] = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200];
    let points = points.clamp(1, MOST_POINTS - 1);
    let least = range.div_ceil(points);
    ROUND
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or_else(|| least.div_ceil(86_400).saturating_mul(86_400))
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
    /// Seconds by which the server's clock, of which all times here are, is ahead of ours; 0 for less than a minute.
    pub skew: i64,
    /// Why the last question could not be answered; `None` when it was.
    pub problem: Option<GraphProblem>,
    /// When it was asked the last time.
    pub asked_at: Option<Stamp>,
    /// When it was answered the last time.
    pub answered_at: Option<Stamp>,
}

impl Graph {
    /// Takes an answer, good or bad: a bad one leaves the series.
    pub fn take(&mut self, answer: Result<Graph, GraphProblem>, asked_at: Stamp) {
        match answer {
            Ok(graph) => *self = graph,
            Err(problem) => {
                self.problem = Some(problem);
                self.asked_at = Some(asked_at);
            }
        }
    }
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

/// A question for what a Prometheus has of the families that graphs are made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SurveyRequest {
    /// Who is asked.
    pub upstream: Arc<Upstream>,
    /// A selector without its name, `{cluster="eu",namespace=~"a|b"}`: the environment's share.
    pub selector: Name,
    /// Names of series that are looked for, sorted.
    pub names: Arc<[Name]>,
}

/// What a Prometheus has of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Names that have series, with the names of their labels, sorted; no labels where they were not looked up.
    pub families: Vec<(Name, Arc<[Name]>)>,
    /// Seconds between two scrapes, as far as it can be told.
    pub interval: Option<u32>,
}

impl Survey {
    /// Whether there are series of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The labels of a name's series; `None` when it has none, or they were not looked up.
    #[must_use]
    pub fn labels(&self, name: &str) -> Option<&[Name]> {
        self.find(name).filter(|labels| !labels.is_empty())
    }

    fn find(&self, name: &str) -> Option<&[Name]> {
        let at = self.families.binary_search_by(|(family, _)| (**family).cmp(name)).ok()?;
        self.families.get(at).map(|(_, labels)| &**labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_points_are_few() {
        let cases =
            [(900, 200, 5), (900, 60, 15), (3_600, 200, 30), (86_400, 200, 600), (30 * 86_400, 200, 14_400)];
        for (range, points, expected) in cases {
            assert_eq!(step(range, points), expected, "{range} s in {points} points");
        }
        assert!(u32::MAX / step(u32::MAX, u32::MAX) < MOST_POINTS);
        assert_eq!(step(900, 0), 900);
    }

    #[test]
    fn a_bad_answer_leaves_the_series() {
        let old = Graph { series: vec![GraphSeries::default()], ..Graph::default() };
        let mut graph = old;
        let problem = GraphProblem { words: "late".into(), position: None, lasting: false };
        graph.take(Err(problem), Stamp(9));
        assert!(graph.problem.is_some() && graph.series.len() == 1 && graph.asked_at == Some(Stamp(9)));
        graph.take(Ok(Graph::default()), Stamp(10));
        assert!(graph.problem.is_none());
    }
}
