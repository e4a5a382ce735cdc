//! One kind followed on one cluster (or in one namespace of it): list, then watch, for ever.
//!
//! Why this is not `kube::runtime::watcher`: that one hides bookmarks, so that a dead connection cannot be told from
//! a quiet kind; it cannot be asked to take up its version again when a lost cluster is back; it never leaves a
//! watch whose start is answered with HTTP 410 or "version too large"; and it has no way back from streaming lists on
//! servers without them. The requests and the decoding of the stream are the client library's own.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::Client;
use kube::api::{ListParams, WatchParams};
use kube::core::{ObjectList, Request, WatchEvent};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::feed::Outlet;
use super::gate::Guest;
use super::object::collection_of;
use super::{Timing, jittered, served};
use crate::connect::client::Access;
use crate::connect::problem::Fault;
use crate::domain::id::{Kind, Name};
use crate::domain::link::Feed;
use crate::domain::meta::Interner;
use crate::msg::Delta;
use crate::wire::Wire;

/// Objects of one page when lists are not streamed.
const PAGE: u32 = 500;

/// What all watches of a cluster share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) timing: Timing,
    /// The server does not stream lists; found out once, remembered for all kinds.
    pub(super) paged: Arc<AtomicBool>,
    /// Objects that could not be read, for the log.
    pub(super) misfits: Arc<AtomicU64>,
    /// Kinds that are served in an older version only; found out once, remembered for all namespaces.
    pub(super) older: Arc<Mutex<HashMap<Kind, &'static str>>>,
}

impl Shared {
    /// The version of a kind's API to ask for.
    pub(super) fn version(&self, kind: Kind) -> &'static str {
        let older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        older.get(&kind).copied().unwrap_or(kind.api().1)
    }

    fn remember(&self, kind: Kind, version: &'static str) {
        self.older.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, version);
    }

    /// Where a kind is asked for.
    pub(super) fn request(&self, kind: Kind, namespace: Option<&str>) -> Request {
        Request::new(collection_of(kind, self.version(kind), namespace.unwrap_or_default()))
    }
}

/// One page of a list.
///
/// # Errors
/// What the client tells.
pub(super) async fn list<K: Wire>(
    client: &Client,
    request: &Request,
    params: &ListParams,
) -> kube::Result<ObjectList<K>> {
    let request = request.list(params).map_err(kube::Error::BuildRequest)?;
    client.request(request).await
}

/// Why following ended.
#[derive(Debug)]
pub(super) enum End {
    /// The server refuses this kind here.
    Forbidden(String),
    /// The server does not serve this kind.
    Absent,
    /// Nobody listens any more.
    Deserted,
}

/// How a kind that is refused or not found is served.
enum Served {
    /// In the version that was asked for, or nobody knows: the answer stands.
    Here,
    /// In another version, which is asked for from now on.
    Elsewhere,
    /// Not at all.
    Nowhere,
}

/// How one connection of a watch ended without a failure.
enum Ended {
    /// The server ended it.
    Served,
    /// The supervisor wants it begun anew.
    Renewed,
}

/// What follows a failure.
enum Next {
    Stop(End),
    Now,
    /// At least after this long.
    After(Duration),
}

/// A kind that is followed.
pub(super) struct Follower<K: Wire> {
    shared: Shared,
    guest: Guest,
    outlet: Outlet<K>,
    scope: Option<Name>,
    interner: Interner,
    /// The version to go on from; `None` when a list is needed.
    version: Option<String>,
    /// Failures since the last success.
    failures: u32,
    /// Rows were put since it was last cleared.
    brought: bool,
}

impl<K: Wire> Follower<K> {
    pub(super) fn new(shared: Shared, guest: Guest, outlet: Outlet<K>, scope: Option<Name>) -> Follower<K> {
        Follower {
            shared,
            guest,
            outlet,
            scope,
            interner: Interner::new(),
            version: None,
            failures: 0,
            brought: false,
        }
    }

    /// Follows until it makes no sense any more. Every failure that may pass is waited out here.
    pub(super) async fn follow(&mut self) -> End {
        let timing = self.shared.timing;
        let mut backoff = timing.backoff();
        loop {
            let Some((access, generation)) = self.guest.enter().await else {
                return End::Deserted;
            };
            let began = Instant::now();
            let ended = self.round(&access, generation).await;
            if self.outlet.deserted() {
                return End::Deserted;
            }
            let lasted = began.elapsed();
            if lasted >= timing.backoff_first && self.failures == 0 {
                backoff = timing.backoff();
            }
            let wait = match ended {
                Ok(Ended::Renewed) => continue,
                // Servers end watches as a matter of course; one that ends them at once is not pressed.
                Ok(Ended::Served) if lasted >= timing.backoff_first => continue,
                Ok(Ended::Served) => Duration::ZERO,
                Err(fault) => match self.interrupted(&fault).await {
                    Next::Stop(end) => match self.served(&access, &end).await {
                        Served::Elsewhere => continue,
                        Served::Nowhere => return End::Absent,
                        Served::Here => return end,
                    },
                    Next::Now => continue,
                    Next::After(asked) => asked,
                },
            };
            let wait = backoff.next().unwrap_or_default().max(wait).max(access.throttle.remaining());
            tokio::select! {
                () = sleep(wait) => {}
                () = self.guest.renewed(generation) => {}
            }
        }
    }

    /// How a kind that is refused or not found is served. An API server asks for rights before it looks whether there
    /// is such a kind, so it refuses what is not installed too; what is installed it tells everybody. And it may be
    /// installed in a version of some years ago.
    async fn served(&mut self, access: &Access, end: &End) -> Served {
        match end {
            End::Absent if K::KIND.older_versions().is_empty() => return Served::Nowhere,
            End::Forbidden(_) if !K::KIND.is_custom() => return Served::Here,
            End::Absent | End::Forbidden(_) => {}
            End::Deserted => return Served::Here,
        }
        match served::version(&access.client, K::KIND, self.shared.timing.answer_limit).await {
            Ok(None) => Served::Nowhere,
            Ok(Some(version)) if version != self.shared.version(K::KIND) => {
                debug!(kind = K::KIND.word(), version, "another version is served");
                self.shared.remember(K::KIND, version);
                self.version = None;
                Served::Elsewhere
            }
            // Served where it was not found, or nobody knows: it is asked for again in a while.
            Ok(Some(_)) | Err(_) => Served::Here,
        }
    }

    /// Takes note of a failure.
    async fn interrupted(&mut self, fault: &Fault) -> Next {
        debug!(kind = K::KIND.word(), scope = self.scope.as_deref(), ?fault, "watch interrupted");
        match fault {
            Fault::Forbidden(message) => return Next::Stop(End::Forbidden(message.clone())),
            Fault::NotFound(_) => return Next::Stop(End::Absent),
            Fault::Expired(_) if self.version.take().is_some() => return Next::Now,
            Fault::Invalid(_) if self.version.is_none() && !self.shared.paged.load(Ordering::Relaxed) => {
                // The server does not know streaming lists: list in pages at once, here and for all kinds.
                self.shared.paged.store(true, Ordering::Relaxed);
                return Next::Now;
            }
            Fault::Unauthorized(_) => self.guest.ring_unauthorized(),
            _ => {}
        }
        self.failures = self.failures.saturating_add(1);
        // One interruption is ordinary (a server restarts, a proxy gives up); two in a row are news.
        if self.failures > 1 {
            self.outlet.state(Feed::Failed(fault.words().into())).await;
        }
        match fault {
            Fault::Throttled { after: Some(after), .. } => Next::After(*after),
            _ => Next::After(Duration::ZERO),
        }
    }

    /// One connection's life. `Ok` when it ended as connections do.
    async fn round(&mut self, access: &Access, generation: u64) -> Result<Ended, Fault> {
        let api = self.shared.request(K::KIND, self.scope.as_deref());
        if self.version.is_none() && self.shared.paged.load(Ordering::Relaxed) {
            self.list(&access.client, &api).await?;
        }
        // The server ends the watch by itself after a while, well beyond several bookmarks.
        let seconds = u32::try_from(self.shared.timing.silence.as_secs()).unwrap_or(u32::MAX);
        let params = WatchParams { timeout: Some(seconds.max(1) * 2), ..WatchParams::default() };
        let (params, from) = match &self.version {
            Some(version) => (params, version.clone()),
            None => (WatchParams { send_initial_events: true, ..params }, String::from("0")),
        };
        let limit = self.shared.timing.answer_limit;
        let request =
            api.watch(&params, &from).map_err(|error| Fault::of(&kube::Error::BuildRequest(error)))?;
        let stream = match timeout(limit, access.client.request_events::<K>(request)).await {
            Ok(started) => started.map_err(|error| Fault::of(&error))?,
            Err(_) => return Err(Fault::timed_out(limit)),
        };
        if self.version.is_none() {
            self.outlet.push(Delta::Begin(self.scope.clone())).await;
        } else {
            self.succeeded().await;
        }
        let mut guest = self.guest.clone();
        tokio::select! {
            ended = self.read(stream) => ended.map(|()| Ended::Served),
            () = guest.renewed(generation) => Ok(Ended::Renewed),
        }
    }

    /// Takes a whole list in pages.
    async fn list(&mut self, client: &Client, api: &Request) -> Result<(), Fault> {
        let limit = self.shared.timing.answer_limit;
        let mut params = ListParams { limit: Some(PAGE), ..ListParams::default() };
        loop {
            let page = match timeout(limit, list::<K>(client, api, &params)).await {
                Ok(page) => page.map_err(|error| Fault::of(&error))?,
                Err(_) => return Err(Fault::timed_out(limit)),
            };
            // Not before: a list that is refused would stay open with whoever listens.
            if params.continue_token.is_none() {
                self.outlet.push(Delta::Begin(self.scope.clone())).await;
            }
            for object in page.items {
                self.put(object).await;
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => {
                    self.version = page.metadata.resource_version.filter(|version| !version.is_empty());
                    break;
                }
            }
        }
        if self.version.is_none() {
            return Err(Fault::Garbled("the list names no version to watch from".to_owned()));
        }
        self.complete().await;
        Ok(())
    }

    /// Reads a stream to its end.
    async fn read(&mut self, stream: impl Stream<Item = kube::Result<WatchEvent<K>>>) -> Result<(), Fault> {
        let mut stream = pin!(stream);
        let Timing { silence, answer_limit, .. } = self.shared.timing;
        loop {
            // A list that has begun flows; only afterwards there may be nothing to say.
            let silence = if self.version.is_some() { silence } else { answer_limit };
            let next = tokio::select! {
                biased;
                next = timeout(silence, stream.next()) => next,
                () = self.outlet.due() => {
                    self.outlet.flush().await;
                    continue;
                }
            };
            let event = match next {
                Ok(Some(event)) => event,
                // An orderly end, or one that cannot be told from it: go on from the version.
                Ok(None) => return Ok(()),
                Err(_) => return Err(Fault::timed_out(silence)),
            };
            match event {
                Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    self.advance(object.slim_meta());
                    self.put(object).await;
                }
                Ok(WatchEvent::Deleted(object)) => {
                    self.advance(object.slim_meta());
                    if let Some(uid) = object.slim_meta().uid() {
                        self.outlet.push(Delta::Gone(uid)).await;
                    }
                }
                Ok(WatchEvent::Bookmark(mark)) => {
                    let initial_end = mark.metadata.annotations.contains_key("k8s.io/initial-events-end");
                    if self.version.is_some() || initial_end {
                        self.version = Some(mark.metadata.resource_version);
                    }
                    if initial_end {
                        self.complete().await;
                    }
                    self.outlet.heard().await;
                }
                Ok(WatchEvent::Error(status)) => return Err(Fault::of_status(&status)),
                Err(error) => match Fault::of(&error) {
                    // A line that cannot be read: the ones after it can.
                    Fault::Garbled(words) => self.misfit(&words),
                    fault => return Err(fault),
                },
            }
            if self.outlet.deserted() {
                return Ok(());
            }
        }
    }

    /// Remembers how far we are, once the first list is whole.
    fn advance(&mut self, meta: &crate::wire::meta::Meta) {
        if self.version.is_some() && !meta.version().is_empty() {
            self.version = Some(meta.version().to_owned());
        }
    }

    async fn put(&mut self, object: K) {
        match object.row(&mut self.interner) {
            Ok(row) => {
                self.brought = true;
                self.outlet.push(Delta::Put(row)).await;
            }
            Err(misfit) => self.misfit(&misfit.to_string()),
        }
    }

    fn misfit(&self, words: &str) {
        let count = self.shared.misfits.fetch_add(1, Ordering::Relaxed) + 1;
        warn!(kind = K::KIND.word(), count, "object passed over: {words}");
    }

    async fn complete(&mut self) {
        self.outlet.push(Delta::End(self.scope.clone())).await;
        self.succeeded().await;
    }

    async fn succeeded(&mut self) {
        self.failures = 0;
        self.outlet.state(Feed::Live).await;
    }

    /// Tells that nothing of this scope is there, whoever brought it.
    pub(super) async fn clear(&mut self) {
        self.version = None;
        self.brought = false;
        self.outlet.push(Delta::Begin(self.scope.clone())).await;
        self.outlet.push(Delta::End(self.scope.clone())).await;
        self.outlet.flush().await;
    }

    /// Takes back what this brought: it is refused from now on. What others brought in this scope stays.
    pub(super) async fn take_back(&mut self) {
        if self.brought {
            self.clear().await;
        }
        self.version = None;
    }

    /// Changes the state that is shown for this scope.
    pub(super) async fn state(&mut self, feed: Feed) {
        self.outlet.state(feed).await;
    }

    /// Waits for about so long, or until the supervisor says that asking anew makes sense.
    pub(super) async fn pause(&mut self, wait: Duration) {
        // A supervisor that is gone takes its tasks with it.
        let _ = self.guest.pause(jittered(wait)).await;
    }
}
