//! The supervisor of one cluster: its client, its heartbeat, and a task for each watched kind.
//!
//! It owns the truth about the connection (`ClusterMsg::Link`) and the gate that its tasks wait at. A
//! cluster that is away costs nothing but a try now and then; what it brought stays with whoever listens, and the
//! watches go on from where they were when it is back. It ends when it is told to, or when nobody listens.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use kube::api::ListParams;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::feed::{Board, Mouth, Outlet};
use super::gate::{Guest, Keeper, Line};
use super::watch::{End, Follower, Shared, list};
use super::{Clock, Timing, heartbeat, jittered, usage};
use crate::connect::client::{Access, client_for};
use crate::connect::contexts::ContextInfo;
use crate::connect::problem::Fault;
use crate::connect::reread;
use crate::domain::id::{ClusterId, Kind, Name};
use crate::domain::link::{Feed, Link, WATCHED};
use crate::msg::{ClusterMsg, Msg};
use crate::wire::{self, Wire};

/// How long before their end credentials are renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

/// What the runtime can tell a supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Try again now: cut a wait short, read the kubeconfig and run the credential plugin again, begin the watches anew.
    Retry,
    /// End.
    Stop,
}

/// What to watch, and how.
#[derive(Clone, Debug, Default)]
pub struct WatchPlan {
    /// The namespaces to fall back to for kinds that may not be watched on the whole cluster (from the configuration
    /// or the context).
    pub namespaces: Vec<Name>,
    /// Namespaces that the configuration names as those where objects of some kinds are kept (Argo CD's, Flux's,
    /// Velero's): these kinds are looked for there too.
    pub kept: Vec<(Name, &'static [Kind])>,
    /// Limits and intervals.
    pub timing: Timing,
}

impl WatchPlan {
    /// Where to look for a kind that may not be watched on the whole cluster, and how many of these namespaces are
    /// named for the kind itself; they come first.
    fn places(&self, kind: Kind) -> (Vec<Name>, usize) {
        let of_kind =
            self.kept.iter().filter(|(_, kinds)| kinds.contains(&kind)).map(|(name, _)| name.clone());
        let mut places: Vec<Name> = of_kind.collect();
        places.sort_unstable();
        places.dedup();
        let named = places.len();
        let others =
            self.namespaces.iter().filter(|name| !places.contains(name)).cloned().collect::<Vec<_>>();
        places.extend(others);
        (places, named)
    }
}

/// Runs a cluster until it is told to stop or nobody listens to `out` any more.
pub async fn run(
    cluster: ClusterId,
    info: ContextInfo,
    plan: WatchPlan,
    clock: Clock,
    line: Line,
    commands: mpsc::Receiver<Command>,
    out: mpsc::Sender<Msg>,
) {
    let keeper = Keeper::new(&line);
    let mut supervisor = Supervisor {
        mouth: Mouth::new(cluster, clock, out.clone()),
        backoff: Box::new(plan.timing.backoff()),
        info,
        plan: Arc::new(plan),
        keeper: keeper.clone(),
        commands,
        tasks: JoinSet::new(),
        link: Link::Dim,
        version: None,
        attempt: 0,
        renewed: false,
        built: false,
        earlier: None,
        moved: false,
    };
    tokio::select! {
        () = supervisor.supervise() => {}
        () = out.closed() => {}
    }
    keeper.leave();
}

struct Supervisor {
    mouth: Mouth,
    info: ContextInfo,
    plan: Arc<WatchPlan>,
    keeper: Keeper,
    commands: mpsc::Receiver<Command>,
    tasks: JoinSet<()>,
    /// As it was last told.
    link: Link,
    /// As it was last told.
    version: Option<String>,
    /// Tries that failed in a row.
    attempt: u32,
    backoff: Box<dyn Iterator<Item = Duration> + Send>,
    /// The credentials were renewed since the last success, so that a further 401 is final.
    renewed: bool,
    /// A client was asked for before, so that the kubeconfig may have changed since.
    built: bool,
    /// Why an earlier copy of the kubeconfig is used, if it is.
    earlier: Option<String>,
    /// The context leads to another server than before: nothing of what is known holds there.
    moved: bool,
}

/// The supervisor was told to stop.
struct Stopped;

impl Supervisor {
    async fn supervise(&mut self) {
        // Ends only by being stopped, which is no error.
        let Err(Stopped) = self.connect_for_ever().await;
    }

    async fn connect_for_ever(&mut self) -> Result<std::convert::Infallible, Stopped> {
        // A client whose credentials are still good while new ones are asked for ahead of their end.
        let mut good: Option<Access> = None;
        loop {
            if self.link != Link::Live {
                self.tell(Link::Connecting).await;
            }
            if std::mem::replace(&mut self.built, true) {
                self.read_again().await?;
            }
            let info = self.info.clone();
            match self.unless_stopped(client_for(&info)).await? {
                Ok(access) => {
                    self.keeper.admit(access.clone());
                    good = self.keep(&access).await?.then_some(access);
                }
                // No reason to ask for a person yet: the network may be away for a moment. They serve until the
                // server refuses them; the plugin runs again only then, since some open a browser each time.
                Err(link) => match good.take().filter(|_| !self.moved) {
                    Some(access) => {
                        tracing::warn!(
                            context = &*self.info.name,
                            "no new credentials ahead of time: {link:?}"
                        );
                        self.keep(&Access { expires: None, ..access }).await?;
                    }
                    None => self.wait_for_a_person(link).await?,
                },
            }
        }
    }

    /// Reads the kubeconfig again: a login may have rewritten it.
    async fn read_again(&mut self) -> Result<(), Stopped> {
        let old = self.info.clone();
        let info = match self.unless_stopped(reread::again(&old)).await? {
            Ok(info) => info,
            Err(why) => {
                tracing::warn!(context = &*old.name, "{why}");
                self.earlier = Some(why);
                return Ok(());
            }
        };
        self.earlier = None;
        if info.server != old.server {
            self.keeper.close();
            self.tasks = JoinSet::new();
            self.version = None;
            self.moved = true;
            self.tell(Link::Connecting).await;
            // As soon as the other server answers, rows of this one must not look like its own.
            for kind in WATCHED {
                self.mouth.say(ClusterMsg::Feed(kind, Feed::Loading)).await;
            }
        }
        if (&info.cluster_name, &info.user, &info.server) != (&old.cluster_name, &old.user, &old.server) {
            let message = ClusterMsg::Context {
                cluster_name: info.cluster_name.clone(),
                user: info.user.clone(),
                server: info.server.clone(),
            };
            self.mouth.say(message).await;
        }
        self.info = info;
        Ok(())
    }

    /// Beats until a new client is needed. True when the old one would still do.
    async fn keep(&mut self, access: &Access) -> Result<bool, Stopped> {
        let client = access.client.clone();
        let limit = self.plan.timing.heartbeat_limit;
        let mut expiry = std::pin::pin!(until_expiry(access));
        loop {
            let began = self.mouth.clock.wall();
            let beat = heartbeat::version(&client, limit);
            match self.unless_stopped(beat).await? {
                Ok(version) => self.alive(access, version).await?,
                // Busy is not away.
                Err(Fault::Throttled { .. }) if self.link == Link::Live => {}
                // The heartbeat was lost in a queue while watches brought news.
                Err(Fault::Unreachable(_))
                    if self.link == Link::Live && self.mouth.last_heard() > began.0 => {}
                Err(Fault::Forbidden(message)) => {
                    let plan = Arc::clone(&self.plan);
                    let may = heartbeat::may_read(&client, &plan.namespaces, limit);
                    if self.unless_stopped(may).await? {
                        self.alive(access, String::new()).await?;
                    } else {
                        self.tell(Link::Forbidden { message: message.into() }).await;
                    }
                }
                Err(Fault::Unauthorized(message)) => {
                    // Nobody asks with credentials that are known to be refused.
                    self.keeper.close();
                    if std::mem::replace(&mut self.renewed, true) {
                        let link = Link::LoginNeeded {
                            command: access.login.as_str().into(),
                            message: message.into(),
                        };
                        self.wait_for_a_person(link).await?;
                    }
                    return Ok(false);
                }
                Err(Fault::Broken(message)) => {
                    self.wait_for_a_person(Link::Broken { message: message.into() }).await?;
                    return Ok(false);
                }
                Err(fault) => {
                    if self.away(fault.words()).await? {
                        return Ok(false);
                    }
                    continue;
                }
            }
            if self.rest(expiry.as_mut()).await? {
                return Ok(true);
            }
        }
    }

    /// The cluster answered.
    async fn alive(&mut self, access: &Access, version: String) -> Result<(), Stopped> {
        let was_away = self.attempt > 0;
        self.attempt = 0;
        self.renewed = false;
        self.backoff = Box::new(self.plan.timing.backoff());
        self.mouth.heard().await;
        self.tell(Link::Live).await;
        self.keeper.open();
        if was_away {
            self.keeper.renew();
        }
        self.mend_watches();
        if self.version.as_deref() != Some(&*version) {
            let limit = self.plan.timing.heartbeat_limit;
            let client = access.client.clone();
            // It may not be readable, which is no fault.
            let uid = self.unless_stopped(heartbeat::cluster_uid(&client, limit)).await?.unwrap_or_default();
            let message = ClusterMsg::Identity { version: version.as_str().into(), cluster_uid: uid.into() };
            self.mouth.say(message).await;
            self.version = Some(version);
        }
        Ok(())
    }

    /// The cluster does not answer: says so and waits for the next try. True when a new client is needed.
    async fn away(&mut self, reason: &str) -> Result<bool, Stopped> {
        self.keeper.close();
        self.attempt = self.attempt.saturating_add(1);
        let wait = self.backoff.next().unwrap_or(self.plan.timing.backoff_last);
        let retry_at = self.mouth.clock.mono() + wait;
        self.tell(Link::Unreachable { reason: reason.into(), retry_at, attempt: self.attempt }).await;
        tokio::select! {
            () = sleep(wait) => Ok(false),
            command = self.commands.recv() => stop_or_go(command).map(|()| true),
        }
    }

    /// Waits for the next heartbeat. True when a new client is needed.
    async fn rest(&mut self, expiry: Pin<&mut impl Future<Output = ()>>) -> Result<bool, Stopped> {
        let keeper = self.keeper.clone();
        tokio::select! {
            () = sleep(self.plan.timing.heartbeat) => Ok(false),
            () = keeper.told_unauthorized() => Ok(false),
            () = expiry => Ok(true),
            command = self.commands.recv() => {
                stop_or_go(command)?;
                self.keeper.renew();
                Ok(true)
            }
        }
    }

    /// Nothing helps but a person who then says so.
    async fn wait_for_a_person(&mut self, link: Link) -> Result<(), Stopped> {
        self.keeper.close();
        self.tell(link).await;
        stop_or_go(self.commands.recv().await)?;
        self.renewed = false;
        // Whoever comes back from here was away.
        self.attempt = self.attempt.max(1);
        Ok(())
    }

    /// Runs something unless a stop comes first. A retry is no reason to give up what is under way, but those who wait
    /// hear of it.
    async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                command = self.commands.recv() => {
                    stop_or_go(command)?;
                    self.keeper.renew();
                }
            }
        }
    }

    async fn tell(&mut self, link: Link) {
        let link = match &self.earlier {
            Some(why) => with_reason(link, why),
            None => link,
        };
        if self.link != link {
            self.link = link.clone();
            self.mouth.say(ClusterMsg::Link(link)).await;
        }
    }

    /// Starts the watches, again when one has fallen over: a decoder that panics must not leave a pane that is silently
    /// out of date.
    fn mend_watches(&mut self) {
        let mut fallen = false;
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!("a watch fell over and is begun anew: {error}");
                fallen = true;
            }
        }
        if fallen {
            self.tasks.abort_all();
            self.tasks = JoinSet::new();
        }
        if self.tasks.is_empty() {
            self.start_watches();
        }
    }

    fn start_watches(&mut self) {
        let shared = Shared {
            timing: self.plan.timing,
            paged: Arc::default(),
            misfits: Arc::default(),
            older: Arc::default(),
        };
        for (place, kind) in WATCHED.into_iter().enumerate() {
            let place = u32::try_from(place).unwrap_or(0);
            let watch = Watch {
                shared: shared.clone(),
                guest: self.keeper.guest(),
                mouth: self.mouth.clone(),
                plan: Arc::clone(&self.plan),
                delay: self.plan.timing.stagger * place,
                afresh: self.moved,
            };
            watch.start(kind, &mut self.tasks);
        }
        self.moved = false;
        let poll = usage::poll(self.keeper.guest(), self.mouth.clone(), Arc::clone(&self.plan));
        self.tasks.spawn(poll);
    }
}

/// Trouble with one more thing to know of it.
fn with_reason(link: Link, why: &str) -> Link {
    let and = |words: Name| Name::from(format!("{words}; {why}"));
    match link {
        Link::LoginNeeded { command, message } => Link::LoginNeeded { command, message: and(message) },
        Link::Forbidden { message } => Link::Forbidden { message: and(message) },
        Link::Unreachable { reason, retry_at, attempt } => {
            Link::Unreachable { reason: and(reason), retry_at, attempt }
        }
        Link::Broken { message } => Link::Broken { message: and(message) },
        link @ (Link::Dim | Link::Connecting | Link::Live) => link,
    }
}

fn stop_or_go(command: Option<Command>) -> Result<(), Stopped> {
    match command {
        Some(Command::Retry) => Ok(()),
        Some(Command::Stop) | None => Err(Stopped),
    }
}

async fn until_expiry(access: &Access) {
    let Some(expires) = access.expires else {
        return std::future::pending().await;
    };
    let left = jiff::Timestamp::now().duration_until(expires);
    let left = Duration::try_from(left).unwrap_or_default().saturating_sub(RENEW_BEFORE);
    // A plugin that hands out credentials that are nearly over is not run again and again.
    sleep(left.max(Duration::from_secs(5))).await;
}

/// What one watch task is made of.
struct Watch {
    shared: Shared,
    guest: Guest,
    mouth: Mouth,
    plan: Arc<WatchPlan>,
    delay: Duration,
    /// What is there of this kind is of another cluster.
    afresh: bool,
}

impl Watch {
    fn start(self, kind: Kind, tasks: &mut JoinSet<()>) {
        match kind {
            Kind::Pod => tasks.spawn(self.run::<wire::pod::WirePod>()),
            Kind::Deployment => tasks.spawn(self.run::<wire::workload::WireDeployment>()),
            Kind::StatefulSet => tasks.spawn(self.run::<wire::workload::WireStatefulSet>()),
            Kind::DaemonSet => tasks.spawn(self.run::<wire::workload::WireDaemonSet>()),
            Kind::ReplicaSet => tasks.spawn(self.run::<wire::replicas::WireReplicaSet>()),
            Kind::Job => tasks.spawn(self.run::<wire::workload::WireJob>()),
            Kind::CronJob => tasks.spawn(self.run::<wire::workload::WireCronJob>()),
            Kind::Rollout => tasks.spawn(self.run::<wire::rollout::WireRollout>()),
            Kind::Service => tasks.spawn(self.run::<wire::network::WireService>()),
            Kind::Ingress => tasks.spawn(self.run::<wire::network::WireIngress>()),
            Kind::EndpointSlice => tasks.spawn(self.run::<wire::network::WireEndpointSlice>()),
            Kind::Node => tasks.spawn(self.run::<wire::node::WireNode>()),
            Kind::Namespace => tasks.spawn(self.run::<wire::node::WireNamespace>()),
            Kind::ResourceQuota => tasks.spawn(self.run::<wire::node::WireQuota>()),
            Kind::HorizontalPodAutoscaler => tasks.spawn(self.run::<wire::node::WireAutoscaler>()),
            Kind::Application => tasks.spawn(self.run::<wire::argocd::WireApplication>()),
            Kind::Kustomization => tasks.spawn(self.run::<wire::flux::WireKustomization>()),
            Kind::HelmRelease => tasks.spawn(self.run::<wire::flux::WireHelmRelease>()),
            Kind::GitRepository => tasks.spawn(self.run::<wire::flux::WireGitRepository>()),
            Kind::OciRepository => tasks.spawn(self.run::<wire::flux::WireOciRepository>()),
            Kind::HelmRepository => tasks.spawn(self.run::<wire::flux::WireHelmRepository>()),
            Kind::HelmChart => tasks.spawn(self.run::<wire::flux::WireHelmChart>()),
            Kind::Bucket => tasks.spawn(self.run::<wire::flux::WireBucket>()),
            Kind::Backup => tasks.spawn(self.run::<wire::velero::WireBackup>()),
            Kind::Schedule => tasks.spawn(self.run::<wire::velero::WireSchedule>()),
            Kind::Restore => tasks.spawn(self.run::<wire::velero::WireRestore>()),
            Kind::BackupStorageLocation => tasks.spawn(self.run::<wire::velero::WireLocation>()),
            Kind::Prometheus => tasks.spawn(self.run::<wire::operated::WirePrometheus>()),
            Kind::Alertmanager => tasks.spawn(self.run::<wire::operated::WireAlertmanager>()),
            // Read one at a time, never watched: Secrets and ConfigMaps may be many and hold what is nobody's business.
            _ => return,
        };
    }

    /// Follows a kind for as long as the program runs, whatever the server thinks of it.
    async fn run<K: Wire>(self) {
        sleep(self.delay).await;
        let timing = self.shared.timing;
        let mut whole = self.follower::<K>(Board::whole(K::KIND), 0, None);
        if self.afresh {
            whole.clear().await;
            whole.state(Feed::Loading).await;
        }
        loop {
            match whole.follow().await {
                End::Deserted => return,
                End::Absent => {
                    whole.clear().await;
                    whole.state(Feed::Absent).await;
                    whole.pause(timing.absent).await;
                }
                End::Forbidden(_) if K::KIND.namespaced() && !self.plan.places(K::KIND).0.is_empty() => {
                    // Of the namespaces that nobody follows now, nothing may be left that looks like the present.
                    whole.take_back().await;
                    if self.follow_namespaces::<K>().await.is_none() {
                        return;
                    }
                    // What was told of the kind was told by others meanwhile.
                    whole = self.follower::<K>(Board::whole(K::KIND), 0, None);
                }
                End::Forbidden(message) => {
                    whole.state(Feed::Forbidden(message.into())).await;
                    whole.pause(timing.forbidden).await;
                }
            }
        }
    }

    /// Follows the kind in each of the plan's namespaces, until it may be listed on the whole cluster. `None` when
    /// nobody listens any more.
    async fn follow_namespaces<K: Wire>(&self) -> Option<()> {
        let (places, named) = self.plan.places(K::KIND);
        let board = Board::namespaces(K::KIND, &places);
        let each = places.iter().enumerate().map(|(place, namespace)| {
            // Where it is said where such objects are kept, nobody misses those of other namespaces.
            let missed = named == 0 || place < named;
            let follower = self.follower::<K>(Arc::clone(&board), place, Some(namespace.clone()));
            self.follow_namespace(follower, missed)
        });
        tokio::select! {
            _ = join_all(each) => None,
            allowed = self.until_allowed::<K>() => allowed,
        }
    }

    /// Follows one namespace until nobody listens. One that is refused is asked again now and then, for rights are
    /// granted while the program runs; that it is refused is told where its objects are missed.
    async fn follow_namespace<K: Wire>(&self, mut follower: Follower<K>, missed: bool) {
        loop {
            let (feed, wait) = match follower.follow().await {
                End::Deserted => return,
                End::Absent => (Feed::Absent, self.shared.timing.absent),
                End::Forbidden(_) if !missed => (Feed::Absent, self.shared.timing.forbidden),
                End::Forbidden(message) => (Feed::Forbidden(message.into()), self.shared.timing.forbidden),
            };
            follower.take_back().await;
            follower.state(feed).await;
            follower.pause(wait).await;
        }
    }

    /// Asks now and then whether the kind may be listed on the whole cluster; ends when it may. `None` when the
    /// supervisor is gone.
    async fn until_allowed<K: Wire>(&self) -> Option<()> {
        let timing = self.shared.timing;
        let mut guest = self.guest.clone();
        loop {
            guest.pause(jittered(timing.forbidden)).await?;
            let (access, _) = guest.enter().await?;
            let one = ListParams { limit: Some(1), ..ListParams::default() };
            let request = self.shared.request(K::KIND, None);
            let asked = list::<K>(&access.client, &request, &one);
            if let Ok(Ok(_)) = timeout(timing.answer_limit, asked).await {
                return Some(());
            }
        }
    }

    fn follower<K: Wire>(&self, board: Arc<Board>, place: usize, scope: Option<Name>) -> Follower<K> {
        let outlet = Outlet::new(self.mouth.clone(), board, place, self.shared.timing.batch);
        Follower::new(self.shared.clone(), self.guest.clone(), outlet, scope)
    }
}
