//! Graphs and surveys that were answered, by their requests: what several panes look at is kept once, and is there at
//! once for those who look again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::graph::{Graph, GraphProblem, GraphRequest, Survey, SurveyRequest};
use crate::domain::time::Stamp;

/// Graphs that are kept; the one that was asked for longest ago goes first.
const MOST: usize = 96;

/// What is known of each request.
#[derive(Debug, Default)]
pub struct Graphs {
    graphs: HashMap<Arc<GraphRequest>, Graph>,
    surveys: HashMap<Arc<SurveyRequest>, Surveyed>,
    surveyed: u64,
}

/// How a survey stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surveyed {
    /// What was learnt, perhaps some time ago.
    pub survey: Option<Arc<Survey>>,
    /// Why the last question has no answer.
    pub problem: Option<GraphProblem>,
}

impl Graphs {
    /// The graph of a request; `None` until its first answer.
    pub fn get(&self, request: &GraphRequest) -> Option<&Graph> {
        self.graphs.get(request)
    }

    /// What is known of a survey.
    pub fn survey(&self, request: &SurveyRequest) -> Option<&Surveyed> {
        self.surveys.get(request)
    }

    /// Rises with every answer to a survey.
    pub fn surveyed(&self) -> u64 {
        self.surveyed
    }

    /// Takes an answer.
    pub fn take(&mut self, request: Arc<GraphRequest>, answer: Result<Graph, GraphProblem>, asked_at: Stamp) {
        self.graphs.entry(request).or_default().take(answer, asked_at);
        if self.graphs.len() > MOST {
            let oldest = self.graphs.iter().min_by_key(|(_, graph)| graph.asked_at);
            if let Some(oldest) = oldest.map(|(request, _)| Arc::clone(request)) {
                self.graphs.remove(&oldest);
            }
        }
    }

    /// Takes what was learnt.
    pub fn take_survey(&mut self, request: Arc<SurveyRequest>, answer: Result<Survey, GraphProblem>) {
        self.surveyed += 1;
        let known = self.surveys.entry(request).or_default();
        match answer {
            Ok(survey) => *known = Surveyed { survey: Some(Arc::new(survey)), problem: None },
            Err(problem) => known.problem = Some(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::upstream::{Access, Address, Server, Upstream};

    #[test]
    fn the_oldest_graph_makes_room() {
        let upstream = Arc::new(Upstream {
            server: Server::Prometheus,
            address: Address::Url("http://p".into()),
            access: Access::default(),
        });
        let request = |n: i64| Arc::new(GraphRequest::new(upstream.clone(), format!("m{n}"), 900, 60));
        let mut graphs = Graphs::default();
        for n in 0..i64::try_from(MOST).unwrap() + 1 {
            let graph = Graph { asked_at: Some(Stamp(n)), ..Graph::default() };
            graphs.take(request(n), Ok(graph), Stamp(n));
        }
        assert!(graphs.get(&request(0)).is_none() && graphs.get(&request(1)).is_some());
    }
}
