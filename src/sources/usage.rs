//! What pods and nodes use: metrics.k8s.io, asked now and then, for it cannot be watched.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::time::sleep;

use super::cluster::WatchPlan;
use super::feed::Mouth;
use super::fetch::{fetch_bytes, fetch_parts};
use super::gate::Guest;
use crate::connect::problem::Fault;
use crate::domain::link::Feed;
use crate::domain::meta::Interner;
use crate::msg::{ClusterMsg, Usage};
use crate::wire::usage::{self, PodUse, PodsReader};

const BASE: &str = "/apis/metrics.k8s.io/v1beta1";

/// Polls for ever. Failures are told in the usage's own feed and cost nothing else.
pub(super) async fn poll(mut guest: Guest, mouth: Mouth, plan: Arc<WatchPlan>) {
    let mut interner = Interner::new();
    loop {
        let Some((access, generation)) = guest.enter().await else { return };
        let usage = ask(&access.client, &plan, &mut interner).await;
        let wait = match (&usage.feed, &usage.node_feed) {
            (Feed::Live | Feed::Partly { .. }, _) | (_, Feed::Live) => {
                plan.timing.usage * longer(usage.pods.len())
            }
            // What is not served, or refused, is looked at less often.
            _ => plan.timing.absent,
        };
        mouth.say(ClusterMsg::Usage(usage)).await;
        tokio::select! {
            () = sleep(wait) => {}
            () = guest.renewed(generation) => {}
        }
    }
}

/// How many times longer is waited after so many pods: the answer cannot be had in pages, and reading it must not be
/// what keeps a quiet screen busy. A minute at most, by default: the metrics-server itself is told every 15 s.
fn longer(pods: usize) -> u32 {
    const OFTEN: usize = 2_500;
    u32::try_from(pods.div_ceil(OFTEN)).unwrap_or(u32::MAX).clamp(1, 4)
}

async fn ask(client: &Client, plan: &WatchPlan, interner: &mut Interner) -> Usage {
    let mut usage = Usage { feed: Feed::Live, node_feed: Feed::Live, pods: Vec::new(), nodes: Vec::new() };
    let limit = plan.timing.answer_limit;
    match pods(client, &format!("{BASE}/pods"), limit, interner).await {
        Ok(pods) => usage.pods = pods,
        Err(Fault::Forbidden(message)) => {
            let (mut refused, mut failed) = (Vec::new(), None);
            for namespace in &plan.namespaces {
                let path = format!("{BASE}/namespaces/{namespace}/pods");
                match pods(client, &path, limit, interner).await {
                    Ok(pods) => usage.pods.extend(pods),
                    Err(Fault::Forbidden(_)) => refused.push(namespace.clone()),
                    Err(fault) => failed = Some(fault),
                }
            }
            if let Some(fault) = failed {
                usage.feed = feed_of(&fault);
            } else if refused.len() == plan.namespaces.len() {
                usage.feed = Feed::Forbidden(message.into());
            } else if !refused.is_empty() {
                usage.feed = Feed::Partly { refused: refused.into(), message: message.into() };
            }
            usage.pods.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        }
        Err(fault) => usage.feed = feed_of(&fault),
    }
    // Nodes may be refused to those who may see pods, and the other way round; what is not served, or does not answer,
    // is not asked a second time.
    usage.node_feed = match &usage.feed {
        Feed::Absent | Feed::Failed(_) => usage.feed.clone(),
        _ => match fetch_bytes(client, &format!("{BASE}/nodes"), limit).await {
            Ok(body) => match usage::nodes(&body, interner) {
                Ok(nodes) => {
                    usage.nodes = nodes;
                    Feed::Live
                }
                Err(error) => feed_of(&Fault::of(&kube::Error::SerdeError(error))),
            },
            Err(fault) => feed_of(&fault),
        },
    };
    usage
}

async fn pods(
    client: &Client,
    path: &str,
    limit: Duration,
    interner: &mut Interner,
) -> Result<Vec<PodUse>, Fault> {
    let mut reader = PodsReader::default();
    fetch_parts(client, path, limit, |part| reader.feed(part, interner)).await?;
    reader.end(interner).map_err(|error| Fault::of(&kube::Error::SerdeError(error)))
}

fn feed_of(fault: &Fault) -> Feed {
    match fault {
        Fault::NotFound(_) => Feed::Absent,
        Fault::Forbidden(message) => Feed::Forbidden(message.as_str().into()),
        other => Feed::Failed(other.words().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_pods_are_asked_less_often() {
        assert_eq!([0, 1, 2_500, 2_501, 5_000, 10_000, 50_000].map(longer), [1, 1, 1, 2, 2, 4, 4]);
    }
}
