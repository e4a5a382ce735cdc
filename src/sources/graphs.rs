//! Graphs from a Prometheus: a task for each request asks at once and then once a step, and says what came as
//! [`Msg::Graph`].
//!
//! A failure is told and waited for, longer with each one; the state keeps the last good answer beside it. What a
//! Prometheus has at all is surveyed now and then ([`survey`]). `decode` turns bytes into points.

mod decode;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep};

use super::{Clock, Timing, jittered};
use crate::connect::problem::Fault;
use crate::connect::upstream::{Client, Reply};
use crate::domain::graph::{Graph, GraphRequest, MOST_POINTS, Survey, SurveyRequest};
use crate::domain::id::Name;
use crate::domain::time::Stamp;
use crate::msg::Msg;
pub(crate) use decode::{Sort, Trouble};

/// Questions that one server is asked at the same time.
const AT_ONCE: usize = 4;
/// Between two surveys.
const SURVEY: Duration = Duration::from_secs(600);
/// Seconds by which two clocks may differ and count as one: an answer takes its time too.
const SKEW: u64 = 60;
/// Seconds between two scrapes of a job that is slow: a rate over four of them looks back five minutes.
const SLOW: u32 = 75;
/// Until a wrong query is asked again: what is wrong with it seldom goes away.
const WRONG: Duration = Duration::from_secs(300);
/// A failed question is not asked again sooner than a step, but a step may be hours.
const LONGEST_STEP: Duration = Duration::from_secs(60);
/// Names whose labels are looked up in a survey: all of a platform and of a few families of requests. Of the others the
/// labels are not known.
const LOOKED_UP: usize = 32;

/// Asks an upstream, a few questions at a time.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    turn: Arc<Semaphore>,
}

impl Caller {
    /// A caller with a queue of its own; clones stand in the same one.
    #[must_use]
    pub fn new(client: Client) -> Caller {
        Caller { client, turn: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The same way with a queue of its own: what must not wait behind slow graphs.
    #[must_use]
    pub fn apart(&self) -> Caller {
        Caller { client: self.client.clone(), turn: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Whether the API server chooses who answers, of several that may.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        self.client.upstream().address.cluster().is_some()
    }

    /// Reads, when it is our turn.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Reply, Fault> {
        let _turn = self.turn.acquire().await;
        self.client.get(path, query).await
    }

    /// Asks with a form, when it is our turn.
    ///
    /// # Errors
    /// As [`Client::post_form`].
    pub async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Result<Reply, Fault> {
        let _turn = self.turn.acquire().await;
        self.client.post_form(path, form).await
    }
}

/// Follows a graph until it is dropped. Waits so long before the first question.
pub async fn follow(
    caller: Caller,
    request: Arc<GraphRequest>,
    first: Duration,
    clock: Clock,
    out: mpsc::Sender<Msg>,
) {
    sleep(first).await;
    let mut backoff = Timing::default().backoff();
    let step = Duration::from_secs(u64::from(request.step.max(1)));
    let mut skew = 0;
    loop {
        let (asked_at, asked) = (clock.wall(), Instant::now());
        let answer = ask(&caller, &request, asked_at, &mut skew).await;
        let wait = match &answer {
            Ok(_) => {
                backoff = Timing::default().backoff();
                step
            }
            Err(trouble) if trouble.sort.is_lasting() => WRONG.max(step),
            Err(_) => backoff.next().unwrap_or(LONGEST_STEP).max(step.min(LONGEST_STEP)),
        };
        let answer = answer.map(Box::new).map_err(Into::into);
        if out.send(Msg::Graph(Arc::clone(&request), asked_at, answer)).await.is_err() {
            return;
        }
        // Graphs that began together stay together, whoever of them is answered first, and are drawn in one frame. A
        // server that needs long has its rest all the same.
        let took = asked.elapsed();
        sleep(if took < wait / 2 { wait - took } else { wait }).await;
    }
}

/// Asks, and once more where the answer says that the server's clock is another one than was thought: the newest points
/// are elsewhere then. `skew` is how far it is ahead of ours, in seconds, as far as it is known.
async fn ask(caller: &Caller, request: &GraphRequest, now: Stamp, skew: &mut i64) -> Result<Graph, Trouble> {
    if let Some(why) = &request.unread {
        return Err(explain(caller, &request.query, why).await);
    }
    let thought = *skew;
    let graph = match (ask_once(caller, request, now, skew).await, &request.typed) {
        (Err(wrong), Some(typed)) if wrong.sort == Sort::Query => {
            return Err(placed(caller, typed, wrong).await);
        }
        (answer, _) => answer?,
    };
    if skew.abs_diff(thought) <= SKEW {
        return Ok(graph);
    }
    ask_once(caller, request, now, skew).await
}

/// A mistake in a query that was typed: the place that was told is one in the query with the environment's labels.
async fn placed(caller: &Caller, typed: &str, wrong: Trouble) -> Trouble {
    let reply = caller.get("/api/v1/format_query", &[("query", typed)]).await;
    match reply.map(|reply| (reply.is_good(), decode::refusal(&reply))) {
        Ok((false, own)) if own.sort == Sort::Query => own,
        _ => Trouble { at: None, ..wrong },
    }
}

async fn ask_once(
    caller: &Caller,
    request: &GraphRequest,
    now: Stamp,
    skew: &mut i64,
) -> Result<Graph, Trouble> {
    let step = i64::from(request.step.max(1));
    let end = now.plus(*skew).0.div_euclid(step) * step;
    let steps = (i64::from(request.range) / step).min(i64::from(MOST_POINTS) - 1);
    let start = end - steps * step;
    let (from, to, width) = (start.to_string(), end.to_string(), step.to_string());
    let form =
        [("query", &*request.query), ("start", &from), ("end", &to), ("step", &width), ("timeout", "25s")];
    // Many proxies take no URL beyond some 8,000 bytes.
    let long = request.query.len() > 2_000;
    let reply = match long {
        true => caller.post_form("/api/v1/query_range", &form).await,
        false => caller.get("/api/v1/query_range", &form).await,
    };
    let count = usize::try_from(steps).unwrap_or(0) + 1;
    let reply = reply.map_err(|fault| decode::trouble_of_graph(&fault, count))?;
    let mut graph = decode::graph(&reply, start, request.step.max(1), count)?;
    if let Some(date) = reply.date {
        let ahead = date.0.saturating_sub(now.0);
        *skew = if ahead.unsigned_abs() > SKEW { ahead } else { 0 };
        graph.skew = *skew;
        if *skew != 0 {
            let minutes = crate::text::duration_words(skew.unsigned_abs());
            let side = if *skew > 0 { "ahead of" } else { "behind" };
            graph.warnings.push(format!("the server's clock is {minutes} {side} ours").into());
        }
    }
    graph.asked_at = Some(now);
    graph.answered_at = Some(now);
    Ok(graph)
}

/// Lets the server say what is wrong with a query that could not be read here; no data is asked for.
async fn explain(caller: &Caller, query: &str, why: &str) -> Trouble {
    let ours = |text: String| Trouble { sort: Sort::Query, text, at: decode::position(why) };
    match caller.get("/api/v1/format_query", &[("query", query)]).await {
        Ok(reply) if reply.is_good() => ours(format!(
            "the server reads this query, but pilothouse cannot add the environment's labels to it: {why}"
        )),
        Ok(reply) => match decode::refusal(&reply) {
            trouble if trouble.sort == Sort::Query => trouble,
            _ => ours(why.to_owned()),
        },
        Err(fault) => decode::trouble(&fault),
    }
}

/// Surveys what the server has until it is dropped; for the first time after `wait`.
pub async fn survey(
    caller: Caller,
    request: Arc<SurveyRequest>,
    wait: Duration,
    clock: Clock,
    out: mpsc::Sender<Msg>,
) {
    sleep(wait).await;
    let mut backoff = Timing::default().backoff();
    let mut is_first = true;
    loop {
        let answer = survey_once(&caller, &request, clock.wall()).await;
        let wait = match &answer {
            Ok(survey) => {
                backoff = Timing::default().backoff();
                // A server that was begun a moment ago has little yet, and what it has tells little of its scrapes.
                let is_early = std::mem::take(&mut is_first) || survey.families.is_empty();
                if is_early { SURVEY / 10 } else { SURVEY }
            }
            Err(_) => backoff.next().unwrap_or(SURVEY),
        };
        if out.send(Msg::Survey(Arc::clone(&request), answer.map_err(Into::into))).await.is_err() {
            return;
        }
        sleep(jittered(wait)).await;
    }
}

/// Which of the names have series of late, their labels, and how often they are scraped.
pub(crate) async fn survey_once(
    caller: &Caller,
    request: &SurveyRequest,
    now: Stamp,
) -> Result<Survey, Trouble> {
    let (from, to) = (now.plus(-3_600).0.to_string(), now.plus(60).0.to_string());
    let inner = request.selector.trim_start_matches('{').trim_end_matches('}');
    let among = |name: &str| match inner {
        "" => format!("{{__name__=~\"{name}\"}}"),
        _ => format!("{{__name__=~\"{name}\",{inner}}}"),
    };
    let strings = async |path: &str, selector: &str| {
        let query = [("match[]", selector), ("start", from.as_str()), ("end", to.as_str())];
        let reply = caller.get(path, &query).await.map_err(|fault| decode::trouble(&fault))?;
        decode::names(&reply)
    };
    let mut found = strings("/api/v1/label/__name__/values", &among(&request.names.join("|"))).await?;
    // Servers that do not filter label values by a selector give all.
    found.retain(|name| request.names.binary_search(name).is_ok());
    let mut families: Vec<(Name, Arc<[Name]>)> = Vec::new();
    for name in found {
        let labels = match families.len() < LOOKED_UP {
            true => match strings("/api/v1/labels", &among(&name)).await {
                // Of one among others that cannot be looked up nothing is known.
                Err(_) if !families.is_empty() => Vec::new(),
                looked => looked?,
            },
            false => Vec::new(),
        };
        families.push((name, labels.into()));
    }
    families.sort();
    // A server that was begun a moment ago has not filled the long looks yet; the short ones see no slow scrapes.
    let mut intervals: BTreeMap<String, u32> = BTreeMap::new();
    for (range, seconds) in [("10s", 10.0), ("1m", 60.0), ("10m", 600.0)] {
        let over = format!("max by (job) (count_over_time(up{}[{range}]))", request.selector);
        let reply = caller.get("/api/v1/query", &[("query", over.as_str())]).await;
        let scrapes = reply.map(|reply| decode::values_by("job", &reply)).unwrap_or_default();
        for (job, count) in scrapes.into_iter().filter(|(_, count)| *count >= 2.0) {
            let found = whole_seconds(seconds / count);
            let known = intervals.entry(job).or_insert(found);
            *known = found.min(*known);
        }
    }
    Ok(Survey { families, interval: interval(&intervals) })
}

/// Of jobs that are scraped at different paces the slowest counts, or its rates would have a scrape too few; but one that comes
/// every few minutes does not slow the others down.
fn interval(jobs: &BTreeMap<String, u32>) -> Option<u32> {
    let (fastest, slowest) = (jobs.values().min()?, jobs.values().max()?);
    Some((*slowest).min((*fastest).max(SLOW)))
}

/// Rounds to seconds, at least one.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 600")]
fn whole_seconds(seconds: f64) -> u32 {
    seconds.round().clamp(1.0, 600.0) as u32
}
