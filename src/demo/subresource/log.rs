//! Logs of a container: lines from the world's log source, once or followed until the container ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::demo::Fault;
use crate::demo::cluster::Cluster;
use crate::demo::error::ApiError;
use crate::demo::respond::{self, Answer};
use crate::demo::routes::Call;
use crate::demo::source::{LogLine, LogQuery};

/// How often those who follow are looked after.
const PULSE: Duration = Duration::from_millis(150);

/// The container that a call means, and its status; 400 in the words of the real server otherwise.
pub fn container<'a>(pod: &'a Value, wanted: &str) -> Result<(String, Option<&'a Value>), ApiError> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let names = |key: &str| -> Vec<&'a str> {
        let list = pod["spec"][key].as_array();
        list.into_iter().flatten().filter_map(|c| c["name"].as_str()).collect()
    };
    let (main, init) = (names("containers"), names("initContainers"));
    let chosen = match wanted {
        "" if main.len() == 1 => main[0],
        "" => {
            let choose = if init.is_empty() {
                format!("choose one of: [{}]", main.join(" "))
            } else {
                format!(
                    "choose one of: [{}] or one of the init containers: [{}]",
                    main.join(" "),
                    init.join(" ")
                )
            };
            let message = format!("a container name must be specified for pod {name}, {choose}");
            return Err(ApiError::bad_request(message));
        }
        wanted if main.contains(&wanted) || init.contains(&wanted) => wanted,
        wanted => {
            let message = format!("container {wanted} is not valid for pod {name}");
            return Err(ApiError::bad_request(message));
        }
    };
    let status = ["containerStatuses", "initContainerStatuses"]
        .iter()
        .find_map(|key| pod["status"][key].as_array()?.iter().find(|s| s["name"] == chosen));
    Ok((chosen.to_owned(), status))
}

/// Whether there are lines to be had; 400 otherwise.
fn check(pod: &Value, name: &str, status: Option<&Value>, previous: bool) -> Result<(), ApiError> {
    let title = pod["metadata"]["name"].as_str().unwrap_or_default();
    let none = &Value::Null;
    let status = status.unwrap_or(none);
    let ended_before = status["lastState"]["terminated"].is_object();
    if previous {
        if ended_before {
            return Ok(());
        }
        let message = format!("previous terminated container \"{name}\" in pod \"{title}\" not found");
        return Err(ApiError::bad_request(message));
    }
    let state = &status["state"];
    if state["running"].is_object() || state["terminated"].is_object() || ended_before {
        return Ok(());
    }
    let reason = state["waiting"]["reason"].as_str().unwrap_or("ContainerCreating");
    let why = match reason {
        "ImagePullBackOff" | "ErrImagePull" => "trying and failing to pull image".to_owned(),
        reason => reason.to_owned(),
    };
    let message = format!("container \"{name}\" in pod \"{title}\" is waiting to start: {why}");
    Err(ApiError::bad_request(message))
}

/// `GET .../log`.
pub fn answer(cluster: &Arc<Cluster>, call: &Call) -> Result<Answer, ApiError> {
    let (ns, name) = (call.ns(), call.name());
    let query = &call.query;
    let pod = cluster.store().get("pods", ns, name).ok_or_else(|| ApiError::not_found("pods", name))?;
    let (container, status) = container(&pod, query.get("container"))?;
    let previous = query.flag("previous");
    if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
        // There is no kubelet to ask yet, and that is no fault.
        return Ok(respond::text(200, ""));
    }
    check(&pod, &container, status, previous)?;
    let running = status.is_some_and(|s| s["state"]["running"].is_object());
    let now = Timestamp::now();
    let after = match (query.number("sinceSeconds"), query.get("sinceTime").parse::<Timestamp>()) {
        (Some(seconds), _) => now.checked_sub(SignedDuration::from_secs(seconds)).ok(),
        (None, Ok(time)) => Some(time),
        (None, Err(_)) => None,
    };
    let tail = query.number("tailLines").and_then(|n| usize::try_from(n).ok());
    let lines = cluster.setup.logs.lines(&LogQuery {
        pod: &pod,
        container: &container,
        previous,
        after,
        until: now,
        tail,
    });
    let last = lines.last().map_or(now, |line| line.at);
    let following = query.flag("follow") && !previous && running;
    let follow = Follow {
        cluster: cluster.clone(),
        ns: ns.to_owned(),
        name: name.to_owned(),
        uid: pod["metadata"]["uid"].clone(),
        restarts: status.map(|s| s["restartCount"].clone()).unwrap_or_default(),
        container,
        stamps: query.flag("timestamps"),
        left: query.number("limitBytes").and_then(|n| usize::try_from(n).ok()),
        pending: lines.into(),
        last,
        following,
    };
    let pieces = futures::stream::unfold(follow, |mut follow| async move {
        let piece = follow.next().await?;
        Some((piece, follow))
    });
    Ok(respond::stream("text/plain", pieces))
}

struct Follow {
    cluster: Arc<Cluster>,
    ns: String,
    name: String,
    uid: Value,
    restarts: Value,
    container: String,
    stamps: bool,
    /// Bytes that may still be sent.
    left: Option<usize>,
    pending: VecDeque<LogLine>,
    last: Timestamp,
    following: bool,
}

impl Follow {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.left == Some(0) {
                return None;
            }
            if !self.pending.is_empty() {
                return Some(self.piece());
            }
            if !self.following {
                return None;
            }
            tokio::time::sleep(PULSE).await;
            let mut faults = self.cluster.faults.subscribe();
            faults.wait_for(|faults| faults.present != Some(Fault::Hang)).await.ok()?;
            drop(faults);
            self.more();
        }
    }

    /// Lines written since; notices when the container has ended.
    fn more(&mut self) {
        let pod = self.cluster.store().get("pods", &self.ns, &self.name);
        let Some(pod) = pod.filter(|pod| pod["metadata"]["uid"] == self.uid) else {
            self.following = false;
            return;
        };
        let status = container(&pod, &self.container).ok().and_then(|(_, status)| status);
        let same =
            status.is_some_and(|s| s["state"]["running"].is_object() && s["restartCount"] == self.restarts);
        self.following = same;
        let lines = self.cluster.setup.logs.lines(&LogQuery {
            pod: &pod,
            container: &self.container,
            previous: false,
            after: Some(self.last),
            until: Timestamp::now(),
            tail: None,
        });
        if let Some(line) = lines.last() {
            self.last = line.at;
        }
        self.pending = lines.into();
    }

    fn piece(&mut self) -> Bytes {
        let mut piece = Vec::new();
        while let Some(line) = self.pending.pop_front() {
            if self.stamps {
                piece.extend_from_slice(format!("{:.9} ", line.at).as_bytes());
            }
            piece.extend_from_slice(line.text.as_bytes());
            piece.push(b'\n');
            if piece.len() > 64 << 10 {
                break;
            }
        }
        if let Some(left) = &mut self.left {
            piece.truncate(*left);
            *left -= piece.len();
        }
        Bytes::from(piece)
    }
}
