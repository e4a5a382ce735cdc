//! What Prometheus is asked about the colours of pairs, where it can tell them apart; and what it answered.

use std::sync::Arc;

use crate::domain::graph::{GraphRequest, SurveyRequest};
use crate::domain::id::{EnvId, Name, ObjectRef};
use crate::domain::upstream::{Missing, Server, Upstream};
use crate::fleet::queries::{self, Place, Target, aims, survey_request};
use crate::shared::Shared;

/// Seconds that the numbers of a colour are kept for, and points in them.
const RANGE: (u32, u32) = (900, 60);

/// What a colour is asked about.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Requests a second.
    pub requests: Arc<GraphRequest>,
    /// The share that fails.
    pub errors: Option<Arc<GraphRequest>>,
    /// The 99th percentile of the latency.
    pub latency: Option<Arc<GraphRequest>>,
}

/// What is to be asked about one colour.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What has to be known first.
    pub survey: Option<Arc<SurveyRequest>>,
    /// The questions, or why there are none.
    pub asked: Option<Result<Asked, String>>,
}

/// Who is asked about a colour, and what.
#[derive(Clone, Debug)]
pub struct Questions {
    /// The Prometheus.
    pub upstream: Arc<Upstream>,
    /// The questions.
    pub gauges: queries::Gauges,
}

/// The Prometheus of an environment with what it is known to have, and what to ask it about some workloads.
///
/// # Errors
/// Why there is nothing to ask.
pub fn questions(
    shared: &Shared,
    env: EnvId,
    workloads: &[ObjectRef],
) -> (Option<Arc<SurveyRequest>>, Result<Questions, String>) {
    let assigned = match shared.upstreams.of(Server::Prometheus, env) {
        Ok(assigned) => assigned,
        Err(Missing { why, .. }) => {
            let why = if why.is_empty() { "looking for a Prometheus".to_owned() } else { why.clone() };
            return (None, Err(why));
        }
    };
    let own = &shared.wanted.families;
    let request = Arc::new(survey_request(assigned, own));
    let surveyed = shared.graphs.survey(&request);
    let survey = surveyed.and_then(|surveyed| surveyed.survey.as_deref());
    let problem =
        surveyed.and_then(|surveyed| surveyed.problem.as_ref()).map(|problem| problem.words.clone());
    let environment = shared.environments.get(env);
    let place = Place {
        matchers: &assigned.matchers,
        namespaces: environment.map(|env| env.scope.namespaces()).unwrap_or_default(),
        survey,
        own,
    };
    let target = Target::Workloads(aims(&shared.world, workloads));
    let gauges = queries::gauges(&target, &place);
    let questions = gauges
        .map(|gauges| Questions { upstream: Arc::clone(&assigned.upstream), gauges })
        .map_err(|why| problem.filter(|_| survey.is_none()).unwrap_or(why));
    (Some(request), questions)
}

/// What is to be asked about some workloads.
pub fn wanted(shared: &Shared, env: EnvId, workloads: &[ObjectRef]) -> Wanted {
    let (survey, questions) = questions(shared, env, workloads);
    let asked = questions.map(|Questions { upstream, gauges }| {
        let request = |query: &Name| {
            Arc::new(GraphRequest::new(Arc::clone(&upstream), query.clone(), RANGE.0, RANGE.1))
        };
        Asked {
            requests: request(&gauges.requests),
            errors: gauges.errors.as_ref().ok().map(request),
            latency: gauges.latency.as_ref().ok().map(request),
        }
    });
    Wanted { survey, asked: Some(asked) }
}

/// The newest number of a graph; `None` while there is none. A graph whose last question failed is no news.
pub fn newest(shared: &Shared, request: Option<&Arc<GraphRequest>>) -> Option<f64> {
    let graph = shared.graphs.get(request?).filter(|graph| graph.problem.is_none())?;
    let points = &graph.series.first()?.points;
    // The very last point may not be scraped yet.
    points.iter().rev().take(2).find_map(|point| *point).filter(|number| number.is_finite())
}
