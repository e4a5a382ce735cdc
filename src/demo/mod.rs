//! The embedded demo: clusters that speak the Kubernetes API over HTTP on a loopback port, for people without a
//! cluster and for tests. It shares no code with the client side and imports no other room, so that agreement between
//! the two means something. `store` holds a cluster's objects; the API serves them; the world and its controllers give
//! them life.

mod accept;
mod access;
pub mod clock;
mod cluster;
pub mod controllers;
mod defaults;
pub mod delivery;
mod discovery;
pub mod error;
pub mod json;
mod kinds;
mod kubeconfig;
mod list;
pub mod logs;
mod metrics;
pub mod monitoring;
mod openapi;
mod patch;
mod protobuf;
mod query;
mod respond;
mod routes;
pub mod seed;
mod selector;
mod server;
pub mod source;
pub mod store;
pub mod story;
mod subresource;
mod table;
pub mod usage;
mod validate;
pub mod velero;
mod watch;
pub mod world;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::cluster::Cluster;
pub use self::cluster::ClusterSetup;
use self::kubeconfig::Door;
use self::monitoring::proxy;
use self::server::Tasks;
use self::store::Store;
use self::story::StoryHandle;
use self::world::crowd::Crowd;

/// What a demo is started with.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Names, ages, digests and usage derive from it: two runs with one seed look alike.
    pub seed: u64,
    /// How many times faster than the clock the story runs.
    pub speed: f64,
    /// Extra pods on the first cluster, for load.
    pub pods: Option<usize>,
    /// Changes of such pods a second.
    pub churn: f64,
    /// Extra Applications and Backups on the first cluster, for load.
    pub crowd: world::crowd::Crowd,
    /// Extra alerts there.
    pub alerts: usize,
    /// Whether the story unfolds; without it the world rests.
    pub story: bool,
    /// Story time already elapsed at the start.
    pub start_at: Duration,
    /// Where the kubeconfigs go; a temporary folder when None.
    pub dir: Option<PathBuf>,
    /// Where the Git repository is to be on disk (a folder that is not there yet), for people who want to push to it.
    /// None: it is kept in memory, which is quicker and gives the same ids each time.
    pub repository: Option<PathBuf>,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            speed: 1.0,
            pods: None,
            churn: 0.0,
            crowd: Crowd::default(),
            alerts: 0,
            story: true,
            start_at: Duration::ZERO,
            dir: None,
            repository: None,
        }
    }
}

/// Makes the world, serves it, and lets the story run on the current tokio runtime, all until the server is dropped.
/// Fails when no loopback port can be had or the kubeconfigs cannot be written.
pub async fn start(options: DemoOptions) -> std::io::Result<DemoServer> {
    let dir = options.dir.clone();
    let (pods, churn, alerts) = (options.pods.unwrap_or(0), options.churn, options.alerts);
    let seed = seed::Seed::new(options.seed);
    let made = tokio::task::spawn_blocking(move || {
        let number = |n: u64| options.seed.wrapping_mul(2).wrapping_add(n);
        let stores = [Store::new(number(0)), Store::new(number(1))];
        let story = story::begin(&stores, &options);
        let load = pods > 0 || options.crowd != Crowd::default();
        let bulk = load.then(|| world::bulk::Bulk::plan(stores[0].clone(), seed, pods));
        if let Some(bulk) = &bulk {
            story.ignore(0, bulk.namespaces.iter().cloned().chain([world::crowd::BACKUPS.to_owned()]));
            bulk.fill();
            world::crowd::fill(&stores[0], seed.of("crowd"), options.crowd, &bulk.namespaces);
        }
        let faults: monitoring::Faults = match &bulk {
            Some(bulk) => {
                let keys = stores[0].keys("pods").into_iter();
                keys.filter(|(ns, _)| bulk.namespaces.contains(ns)).step_by(17).take(alerts).collect()
            }
            None => monitoring::Faults::default(),
        };
        (stores, story, bulk, faults)
    });
    let (stores, story, bulk, faults) = made.await.map_err(std::io::Error::other)?;
    let setup = |(site, store): (&world::clusters::Site, &Store)| ClusterSetup {
        name: site.name.to_owned(),
        version: site.version.to_owned(),
        store: store.clone(),
        logs: Arc::new(logs::ClusterLogs::new(seed.of(site.name))),
        usage: Arc::new(usage::ClusterUsage::new(story.load(), store.clone())),
        monitoring: None,
    };
    let mut setups: Vec<ClusterSetup> = world::clusters::SITES.iter().zip(&stores).map(setup).collect();
    let now = jiff::Timestamp::now().as_millisecond();
    let faults = [faults, monitoring::Faults::default()];
    let sites = world::clusters::SITES.iter().zip(faults);
    for (((site, faults), setup), history) in sites.zip(&mut setups).zip(story.histories()) {
        let (store, load) = (setup.store.clone(), story.load());
        let monitoring =
            monitoring::Monitoring::new(site.name, store, history, load, now).with_faults(faults);
        setup.monitoring = Some(Arc::new(monitoring));
    }
    let mut server = DemoServer::serve(setups, dir.as_deref()).await?;
    server.story = story;
    server.spawn(server.story.clone().run(stores.to_vec()));
    if let Some(bulk) = bulk.filter(|_| pods > 0) {
        server.spawn(world::bulk::churn(bulk, churn));
    }
    Ok(server)
}

/// A way for a cluster to be unwell, for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Connections are closed at once, open ones are cut.
    Down,
    /// Requests are taken and never answered.
    Hang,
    /// Every request is answered with this code; 429 and 503 with `Retry-After: 1`.
    Status(u16),
    /// 401 for all.
    Unauthorized,
    /// 403 on get, list and watch of one resource (`pods`, `deployments.apps`).
    Forbidden {
        /// Resource key.
        resource: String,
    },
    /// Every open watch is told 410, and so is the next watch from a version before now.
    Gone,
    /// Answers come this much later.
    Slow(Duration),
    /// All watch connections end, once.
    CutWatches,
    /// `sendInitialEvents` is refused with 422, as by a server without streaming lists.
    NoWatchList,
}

/// One served cluster, as its users see it.
#[derive(Debug, Clone)]
pub struct DemoCluster {
    /// Name of its context.
    pub name: String,
    /// Where it listens: `http://127.0.0.1:port`.
    pub url: String,
    /// Its objects.
    pub store: Store,
}

/// Running clusters; all ends when it is dropped.
pub struct DemoServer {
    clusters: Vec<DemoCluster>,
    served: Vec<Arc<Cluster>>,
    monitoring: Vec<(String, String, String)>,
    kubeconfig: PathBuf,
    restricted: PathBuf,
    story: StoryHandle,
    tasks: Tasks,
    /// Kept for its drop, which removes the folder.
    _dir: Option<tempfile::TempDir>,
}

impl std::fmt::Debug for DemoServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DemoServer").field("clusters", &self.clusters).finish_non_exhaustive()
    }
}

impl DemoServer {
    /// Serves clusters, each on a free loopback port of its own, and writes the kubeconfigs into `dir` (None: a
    /// temporary folder, removed at the end). The last cluster is the current context.
    pub async fn serve(setups: Vec<ClusterSetup>, dir: Option<&Path>) -> std::io::Result<Self> {
        let temporary = match dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("pilothouse-demo-").tempdir()?),
        };
        let folder = match (dir, &temporary) {
            (Some(dir), _) => dir.to_owned(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => PathBuf::from("."),
        };
        std::fs::create_dir_all(&folder)?;
        let tasks = Tasks::default();
        let (mut clusters, mut served, mut urls) = (Vec::new(), Vec::new(), Vec::new());
        for setup in setups {
            let cluster = Arc::new(Cluster::new(setup));
            let address = server::listen(cluster.clone(), &tasks).await?;
            clusters.push(DemoCluster {
                name: cluster.setup.name.clone(),
                url: format!("http://{address}"),
                store: cluster.store().clone(),
            });
            if let Some(monitoring) = &cluster.setup.monitoring {
                let mut at = Vec::new();
                for which in [proxy::Server::Prometheus, proxy::Server::Alertmanager] {
                    let address = server::listen_monitoring(monitoring.clone(), which, &tasks).await?;
                    at.push(format!("http://{address}"));
                }
                if let [prometheus, alertmanager] = at.as_slice() {
                    let name = cluster.setup.name.clone();
                    urls.push((name, prometheus.clone(), alertmanager.clone()));
                }
            }
            served.push(cluster);
        }
        let doors = |user: usize| -> Vec<Door> {
            let door = |(shown, cluster): (&DemoCluster, &Arc<Cluster>)| Door {
                name: shown.name.clone(),
                url: format!("{}{}{}", shown.url, server::DOOR, cluster.users[user].token),
                token: cluster.users[user].token.clone(),
                namespace: None,
            };
            clusters.iter().zip(&served).map(door).collect()
        };
        let current = clusters.last().map(|c| c.name.clone()).unwrap_or_default();
        let kubeconfig = kubeconfig::write(&folder, "kubeconfig.yaml", &doors(0), &current)?;
        let restricted = kubeconfig::write(&folder, "restricted.yaml", &doors(1), &current)?;
        let story = StoryHandle::empty();
        Ok(Self { clusters, served, monitoring: urls, kubeconfig, restricted, story, tasks, _dir: temporary })
    }

    /// The administrator's kubeconfig: a context for each cluster.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The kubeconfig of a user who may only read shop-prod and shop-staging (everything else is 403).
    pub fn restricted_kubeconfig(&self) -> &Path {
        &self.restricted
    }

    /// The clusters, in the order of the kubeconfig.
    pub fn clusters(&self) -> &[DemoCluster] {
        &self.clusters
    }

    /// URLs at which monitoring answers beside the service proxy: cluster, Prometheus, Alertmanager.
    pub fn monitoring(&self) -> &[(String, String, String)] {
        &self.monitoring
    }

    /// Makes a cluster unwell, or well again with None. `Gone` and `CutWatches` happen once.
    pub fn set_fault(&self, cluster: &str, fault: Option<Fault>) {
        for served in self.served.iter().filter(|served| served.setup.name == cluster) {
            served.set_fault(fault.clone());
        }
    }

    /// The story that the clusters live by; an empty one when they were not started by [`start`].
    pub fn story(&self) -> &StoryHandle {
        &self.story
    }

    /// Runs a task that ends with the server: controllers, the story.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}
