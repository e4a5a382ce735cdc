//! Logs of one pod or of all that match a selector, followed through restarts, cuts and new pods.
//!
//! A watch (the client library's own; here it has all that is needed) says which pods there are; each container gets
//! a task that reads its log with the kubelet's timestamps. After a cut it reads on from the last second it saw and
//! passes over what it had delivered, so that nothing is lost or doubled. A log is read for longer than credentials
//! last, so each request is made with the client that the line has by then. Lines go out as they came, to be cleaned
//! by the view; nothing is kept here.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use kube::api::ListParams;
use kube::runtime::watcher;
use kube::{Api, Client};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::log_lines::{Position, Splitter};
use super::log_patience::Patience;
use super::object::selector_text;
use super::{Line, Timing, fetch};
use crate::connect::client::get;
use crate::connect::problem::Fault;
use crate::domain::id::Uid;
use crate::effect::{LogPods, LogRequest};
use crate::msg::{Answer, LogLine, LogMsg, Msg, RequestId};
use crate::text::clean;
use crate::wire::pod::{ContainerPhase, WirePod};

/// Streams of one request at most: each is a connection of its own.
const STREAMS: usize = 64;
/// Lines sent together at most.
const BATCH: usize = 500;
/// A stream that is silent for so long is begun anew: it may be dead, and going on costs nothing.
const SILENCE: Duration = Duration::from_secs(300);

/// Reads logs until they end (or, when followed, until the task is dropped).
pub(super) async fn read(line: Line, request: LogRequest, timing: Timing, answer: Answers) {
    let mut reader = Reader {
        line,
        request: Arc::new(request),
        timing,
        answer,
        streams: JoinSet::new(),
        known: HashSet::new(),
    };
    if let Err(fault) = reader.find_pods().await {
        reader.answer.failed(fault.words()).await;
        return;
    }
    while reader.streams.join_next().await.is_some() {}
}

/// The way back to whoever asked.
#[derive(Clone)]
pub(super) struct Answers {
    pub(super) request: RequestId,
    pub(super) out: mpsc::Sender<Msg>,
}

impl Answers {
    pub(super) async fn give(&self, answer: Answer) {
        // Nobody listens when the program ends.
        let _ = self.out.send(Msg::Answer(self.request, answer)).await;
    }

    pub(super) async fn failed(&self, words: &str) {
        self.give(Answer::Failed(words.to_owned())).await;
    }

    pub(super) async fn log(&self, message: LogMsg) {
        self.give(Answer::Log(message)).await;
    }
}

struct Reader {
    line: Line,
    request: Arc<LogRequest>,
    timing: Timing,
    answer: Answers,
    streams: JoinSet<()>,
    /// The containers that have a stream, by pod uid and name.
    known: HashSet<(Uid, String)>,
}

impl Reader {
    fn pods(&self, client: Client) -> (Api<WirePod>, watcher::Config) {
        let api = Api::namespaced(client, &self.request.namespace);
        let config = watcher::Config::default();
        let config = match &self.request.pods {
            LogPods::One(name) => config.fields(&format!("metadata.name={name}")),
            LogPods::Selected(selector) => config.labels(&selector_text(selector)),
        };
        (api, config)
    }

    /// Starts a stream for every container that there is and, when following, for those that come. Ends when no
    /// more can come.
    async fn find_pods(&mut self) -> Result<(), Fault> {
        if self.request.follow {
            return self.follow_pods().await;
        }
        let client = self.line.client().ok_or_else(gone)?;
        let (api, config) = self.pods(client);
        let params = ListParams {
            label_selector: config.label_selector,
            field_selector: config.field_selector,
            ..ListParams::default()
        };
        let list = timeout(self.timing.answer_limit, api.list(&params))
            .await
            .map_err(|_| Fault::timed_out(self.timing.answer_limit))?
            .map_err(|error| Fault::of(&error))?;
        if list.items.is_empty() {
            return Err(Fault::NotFound("there is no such pod".to_owned()));
        }
        for pod in &list.items {
            self.join(pod).await;
        }
        Ok(())
    }

    async fn follow_pods(&mut self) -> Result<(), Fault> {
        let mut patience = Patience::new(self.line.clone(), self.answer.clone(), None, self.timing);
        let fault = self.watch_pods(&mut patience).await;
        if self.known.is_empty() {
            return Err(fault);
        }
        // What is there now can still be read.
        if let LogPods::Selected(_) = &self.request.pods {
            patience.say(format!("new pods are not found any more: {}", fault.words())).await;
        }
        Ok(())
    }

    /// Lets the pods join that come. Ends when none can be seen any more.
    async fn watch_pods(&mut self, patience: &mut Patience) -> Fault {
        let mut backoff = self.timing.backoff();
        let mut seen = false;
        loop {
            let Some((client, number)) = self.line.numbered() else { return gone() };
            let (api, config) = self.pods(client);
            let mut events = pin!(watcher(api, config));
            // Until another client is needed.
            while let Some(event) = events.next().await {
                match event {
                    Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) => {
                        seen = true;
                        backoff = self.timing.backoff();
                        patience.taken().await;
                        self.join(&pod).await;
                    }
                    Ok(watcher::Event::InitDone) if !seen && matches!(self.request.pods, LogPods::One(_)) => {
                        return Fault::NotFound("there is no such pod".to_owned());
                    }
                    // The request has yet to be made.
                    Ok(watcher::Event::Init) => {}
                    Ok(watcher::Event::InitDone | watcher::Event::Delete(_)) => patience.taken().await,
                    Err(error) => match fault_of(&error) {
                        fault @ Fault::Forbidden(_) => return fault,
                        fault @ Fault::Unauthorized(_) => {
                            if !patience.wait(number, &fault).await {
                                return fault;
                            }
                            break;
                        }
                        _ => {
                            sleep(backoff.next().unwrap_or_default()).await;
                            if self.line.numbered().is_none_or(|(_, now)| now != number) {
                                break;
                            }
                        }
                    },
                }
            }
        }
    }

    async fn join(&mut self, pod: &WirePod) {
        let Some(uid) = pod.uid() else { return };
        for container in pod.container_names() {
            let wanted = self.request.container.as_deref().is_none_or(|wanted| wanted == container);
            let number = self.known.len();
            if !wanted || !self.known.insert((uid, container.clone())) {
                continue;
            }
            let Ok(source) = u16::try_from(number) else { return };
            let joined =
                LogMsg::Joined { source, pod: clean(pod.name()).into(), container: clean(&container).into() };
            self.answer.log(joined).await;
            // Those that have ended do not count.
            while self.streams.try_join_next().is_some() {}
            if self.streams.len() >= STREAMS {
                let reason = format!("not read: {STREAMS} containers at once are the most");
                self.answer.log(LogMsg::Ended { source, reason }).await;
                continue;
            }
            let stream = Stream {
                patience: Patience::new(self.line.clone(), self.answer.clone(), Some(source), self.timing),
                line: self.line.clone(),
                request: Arc::clone(&self.request),
                timing: self.timing,
                answer: self.answer.clone(),
                source,
                pod: pod.name().to_owned(),
                uid,
                container,
                position: Position::default(),
            };
            self.streams.spawn(stream.run());
        }
    }
}

fn gone() -> Fault {
    Fault::Unreachable("this cluster is not connected any more".to_owned())
}

fn fault_of(error: &watcher::Error) -> Fault {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Fault::of(error),
        watcher::Error::WatchError(status) => Fault::of_status(status),
        watcher::Error::NoResourceVersion => Fault::Garbled(error.to_string()),
    }
}

/// The log of one container.
struct Stream {
    line: Line,
    patience: Patience,
    request: Arc<LogRequest>,
    timing: Timing,
    answer: Answers,
    source: u16,
    pod: String,
    uid: Uid,
    container: String,
    position: Position,
}

impl Stream {
    async fn run(mut self) {
        let mut backoff = self.timing.backoff();
        let reason = loop {
            let Some((client, number)) = self.line.numbered() else { break gone().words().to_owned() };
            let before = self.position.clone();
            let ended = self.attach(&client).await;
            if self.position != before {
                backoff = self.timing.backoff();
            }
            if !self.request.follow || self.request.previous {
                break ended.err().map(|fault| fault.words().to_owned()).unwrap_or_default();
            }
            match ended {
                Err(Fault::Forbidden(words)) => break words,
                Err(fault @ Fault::Unauthorized(_)) => {
                    if self.patience.wait(number, &fault).await {
                        continue;
                    }
                    break fault.words().to_owned();
                }
                _ => {}
            }
            if let Some(reason) = self.is_over(&client).await {
                break reason;
            }
            sleep(backoff.next().unwrap_or_default()).await;
        };
        self.answer.log(LogMsg::Ended { source: self.source, reason }).await;
    }

    fn path(&self) -> String {
        let request = &self.request;
        let mut path = format!(
            "/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true",
            request.namespace, self.pod, self.container
        );
        if request.previous {
            path.push_str("&previous=true");
        } else if request.follow {
            path.push_str("&follow=true");
        }
        match self.position.since() {
            Some(since) => path.push_str(&format!("&sinceTime={since}")),
            None => path.push_str(&format!("&tailLines={}", request.tail)),
        }
        path
    }

    /// Reads until the stream ends.
    async fn attach(&mut self, client: &Client) -> Result<(), Fault> {
        let limit = self.timing.answer_limit;
        let sent = timeout(limit, client.send(get(&self.path())?)).await;
        let response = sent.map_err(|_| Fault::timed_out(limit))?.map_err(|error| Fault::of(&error))?;
        if !response.status().is_success() {
            return Err(fetch::refusal(response, limit).await);
        }
        self.patience.taken().await;
        self.position.attached();
        let mut chunks = response.into_body().into_data_stream().map_err(|error| Fault::of(&error));
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        loop {
            // What has come goes out when nothing follows at once.
            let wait = if lines.is_empty() { SILENCE } else { self.timing.batch };
            match timeout(wait, chunks.try_next()).await {
                Ok(Ok(Some(chunk))) => {
                    for line in splitter.feed(&chunk) {
                        self.take(&line, &mut lines);
                        if lines.len() >= BATCH {
                            self.send(&mut lines).await;
                        }
                    }
                }
                Ok(Ok(None)) => {
                    if let Some(rest) = splitter.rest() {
                        self.take(&rest, &mut lines);
                    }
                    self.send(&mut lines).await;
                    return Ok(());
                }
                // Half a line is read again after the cut.
                Ok(Err(fault)) => {
                    self.send(&mut lines).await;
                    return Err(fault);
                }
                Err(_) if lines.is_empty() => return Err(Fault::timed_out(SILENCE)),
                Err(_) => self.send(&mut lines).await,
            }
        }
    }

    fn take(&mut self, line: &[u8], lines: &mut Vec<LogLine>) {
        if let Some((at_nanos, text)) = self.position.accept(line) {
            lines.push(LogLine { source: self.source, at_nanos, text: text.into() });
        }
    }

    async fn send(&self, lines: &mut Vec<LogLine>) {
        if !lines.is_empty() {
            self.answer.log(LogMsg::Lines(std::mem::take(lines))).await;
        }
    }

    /// Whether nothing more can come, and why. `None` while the container runs, waits or may be started again.
    async fn is_over(&self, client: &Client) -> Option<String> {
        let path = format!("/api/v1/namespaces/{}/pods/{}", self.request.namespace, self.pod);
        match fetch::fetch::<WirePod>(client, &path, self.timing.answer_limit).await {
            Ok(pod) if pod.uid() != Some(self.uid) => Some("the pod is gone".to_owned()),
            Ok(pod) => match pod.container_phase(&self.container) {
                ContainerPhase::Over(reason) => Some(clean(&reason).into_owned()),
                ContainerPhase::Open => None,
            },
            Err(Fault::NotFound(_)) => Some("the pod is gone".to_owned()),
            // The next try tells.
            Err(_) => None,
        }
    }
}
