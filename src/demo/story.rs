//! The story: what happens to the world by itself, when; and the handle that moves time.
//!
//! The story only does what people and accidents do: it changes an image, it silences a kubelet. What
//! follows is the controllers' work. All time passes in one place, `Engine::run_until`; a task drives it
//! along the clock, tests drive it by jumps.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::TryRecvError;

use super::DemoOptions;
use super::clock::{Clock, shift};
use super::controllers::{Cluster, nodes};
use super::delivery::{self, Delivery};
use super::monitoring::history::History;
use super::seed::Seed;
use super::store::Store;
use super::usage::Load;
use super::world;
use super::world::apps::{self, BAD_CART, Env, NEXT_MEDIA};
use super::world::clusters::{FAILING_NODE, SITES, Site};

/// Something that the story does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Somebody brings a release of an app for an environment to Git; four seconds later it is rolled out.
    Promotion(&'static str, Env, &'static str),
    /// A node's kubelet falls silent.
    NodeFails(&'static str),
    /// It is back.
    NodeRecovers(&'static str),
}

/// The beats, by story seconds.
pub const STORY: [(u64, Beat); 4] = [
    (36, Beat::Promotion("media", Env::Staging, NEXT_MEDIA)),
    (116, Beat::Promotion("cart", Env::Production, BAD_CART)),
    (360, Beat::NodeFails(FAILING_NODE)),
    (450, Beat::NodeRecovers(FAILING_NODE)),
];

/// How often it is looked whether somebody pushed to the repository on disk, on the wall's clock.
const POLL: Duration = Duration::from_secs(2);

/// Both clusters' controllers, the story, and the one time that they share.
#[derive(Debug)]
pub struct Engine {
    clusters: Vec<Cluster>,
    /// Git, Argo CD and Flux; None in a story without clusters.
    delivery: Option<Delivery>,
    /// What monitoring remembers of each cluster.
    histories: Vec<History>,
    load: Load,
    now: Duration,
    /// Beats that were played.
    played: usize,
    story: bool,
    speed: f64,
    /// Story time and wall time that belong together: the present is counted from here.
    anchor: (Duration, Instant),
    /// When it was last looked whether somebody pushed.
    polled: Instant,
}

/// Makes the world in the stores (one for each of [`SITES`], in that order) and plays the story up to
/// `options.start_at`.
pub fn begin(stores: &[Store], options: &DemoOptions) -> StoryHandle {
    let seed = Seed::new(options.seed);
    let load = Load::new(seed.of("load"), options.story);
    let zero = shift(Timestamp::now(), -options.start_at.as_secs_f64());
    let mut clusters: Vec<Cluster> = SITES
        .iter()
        .zip(stores)
        .map(|(site, store)| world::build(site, store.clone(), seed.of(site.name), zero, load.clone()))
        .collect();
    let delivery = delivery::begin(&mut clusters, seed.of("delivery"), zero, options.repository.as_deref());
    for cluster in &mut clusters {
        cluster.clock = Clock::replay(Duration::ZERO, zero);
        cluster.lively = options.story;
    }
    let remember = |(site, store): (&Site, &Store)| {
        History::begin(store.clone(), seed.of(site.name).of("past"), zero.as_millisecond())
    };
    let histories = SITES.iter().zip(stores).map(remember).collect();
    let mut engine = Engine {
        clusters,
        delivery: Some(delivery),
        histories,
        load,
        now: Duration::ZERO,
        played: 0,
        story: options.story,
        speed: options.speed.max(0.0),
        anchor: (Duration::ZERO, Instant::now()),
        polled: Instant::now(),
    };
    engine.run_until(options.start_at);
    for cluster in &mut engine.clusters {
        cluster.clock.go_live();
    }
    engine.anchor = (engine.now, Instant::now());
    StoryHandle(Arc::new(Shared { engine: Mutex::new(engine), wake: Notify::new() }))
}

impl Engine {
    /// Lets time pass up to a moment: each beat and each timer at its time, everything that follows from
    /// it before the next.
    fn run_until(&mut self, target: Duration) {
        self.settle();
        while let Some(due) = self.next_due().filter(|d| *d <= target) {
            self.set_now(due.max(self.now));
            while self.story
                && let Some((at, beat)) = STORY.get(self.played)
                && Duration::from_secs(*at) <= self.now
            {
                self.played += 1;
                self.play(*beat);
            }
            self.settle();
        }
        self.set_now(target.max(self.now));
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            for cluster in &mut self.clusters {
                cluster.settle();
            }
            // What was delivered is news to the controllers, and what they made of it to those who deliver.
            let delivered = self.delivery.as_mut().is_some_and(|d| d.settle(&mut self.clusters));
            if !delivered {
                break;
            }
        }
        for (cluster, history) in self.clusters.iter().zip(&self.histories) {
            history.observe(cluster.clock.timestamp().as_millisecond(), self.load.busy());
        }
    }

    fn set_now(&mut self, now: Duration) {
        self.now = now;
        self.load.set_now(now);
        for cluster in &mut self.clusters {
            cluster.clock.now = now;
        }
    }

    fn next_due(&self) -> Option<Duration> {
        let beat = STORY.get(self.played).filter(|_| self.story).map(|(at, _)| Duration::from_secs(*at));
        let delivery = self.delivery.as_ref().and_then(Delivery::next_due);
        self.clusters.iter().filter_map(Cluster::next_due).chain(beat).chain(delivery).min()
    }

    /// The story time that the wall clock has reached.
    fn present(&self) -> Duration {
        let (story, wall) = self.anchor;
        story + super::clock::secs(wall.elapsed().as_secs_f64() * self.speed)
    }

    /// Goes on to the present; gives how long nothing will happen by itself.
    fn catch_up(&mut self) -> Option<Duration> {
        let present = self.present();
        let on_disk = self.delivery.as_ref().is_some_and(|d| d.folder().is_some());
        if on_disk && self.polled.elapsed() >= POLL {
            self.polled = Instant::now();
            if let Some(delivery) = &mut self.delivery {
                delivery.poll(&mut self.clusters);
            }
        }
        self.run_until(present);
        let poll = on_disk.then_some(POLL);
        if self.speed == 0.0 {
            return poll;
        }
        let wait = self.next_due().map(|due| {
            let wait = due.saturating_sub(self.now);
            super::clock::secs(wait.as_secs_f64() / self.speed).max(Duration::from_millis(5))
        });
        wait.into_iter().chain(poll).min()
    }

    fn play(&mut self, beat: Beat) {
        match beat {
            Beat::Promotion(app, env, release) => {
                if let (Some(app), Some(delivery)) = (apps::app(app), &mut self.delivery) {
                    delivery.promote(&mut self.clusters, app, env, release);
                }
            }
            Beat::NodeFails(node) => self.each_with_node(node, nodes::fail),
            Beat::NodeRecovers(node) => self.each_with_node(node, nodes::recover),
        }
    }

    fn each_with_node(&mut self, node: &str, act: fn(&mut Cluster, &str)) {
        for cluster in &mut self.clusters {
            if cluster.get("nodes", "", node).is_some() {
                act(cluster, node);
            }
        }
    }
}

#[derive(Debug)]
struct Shared {
    engine: Mutex<Engine>,
    wake: Notify,
}

/// Moves the story's time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoryHandle(Arc<Shared>);

impl StoryHandle {
    /// A story without clusters: nothing ever happens in it.
    pub fn empty() -> Self {
        let engine = Engine {
            clusters: Vec::new(),
            delivery: None,
            histories: Vec::new(),
            load: Load::new(Seed::new(0), false),
            now: Duration::ZERO,
            played: 0,
            story: false,
            speed: 0.0,
            anchor: (Duration::ZERO, Instant::now()),
            polled: Instant::now(),
        };
        Self(Arc::new(Shared { engine: Mutex::new(engine), wake: Notify::new() }))
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.0.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The story time up to which the world has lived.
    pub fn now(&self) -> Duration {
        self.engine().now
    }

    /// Jumps: the story and the controllers live through so much time at once. When this returns,
    /// everything that was to happen up to then has happened.
    pub fn advance(&self, by: Duration) {
        let mut engine = self.engine();
        let target = engine.present().max(engine.now) + by;
        engine.run_until(target);
        engine.anchor = (engine.now, Instant::now());
        drop(engine);
        self.0.wake.notify_one();
    }

    /// Lets the controllers react to what was changed in the stores, without any time passing.
    pub fn settle(&self) {
        self.engine().settle();
    }

    /// The folder of the Git repository that the clusters are delivered from; Err says why there is none although one
    /// was asked for, None that none was.
    pub fn repository(&self) -> Option<Result<PathBuf, String>> {
        let engine = self.engine();
        let delivery = engine.delivery.as_ref()?;
        match (delivery.folder(), delivery.problem()) {
            (Some(folder), _) => Some(Ok(folder.to_owned())),
            (None, Some(problem)) => Some(Err(problem.to_owned())),
            (None, None) => None,
        }
    }

    /// Changes how fast the story runs; 0 stops it.
    pub fn set_speed(&self, speed: f64) {
        let mut engine = self.engine();
        let present = engine.present().max(engine.now);
        engine.anchor = (present, Instant::now());
        engine.speed = speed.max(0.0);
        drop(engine);
        self.0.wake.notify_one();
    }

    /// The state of usage, for the metrics API.
    pub fn load(&self) -> Load {
        self.engine().load.clone()
    }

    /// What monitoring remembers of each cluster.
    pub fn histories(&self) -> Vec<History> {
        self.engine().histories.clone()
    }

    /// Namespaces whose objects the controllers leave alone, on the cluster of that place in the list.
    pub fn ignore(&self, cluster: usize, namespaces: impl IntoIterator<Item = String>) {
        let namespaces: Vec<String> = namespaces.into_iter().collect();
        let mut engine = self.engine();
        if let Some(history) = engine.histories.get(cluster) {
            history.ignore(namespaces.iter().cloned());
        }
        if let Some(cluster) = engine.clusters.get_mut(cluster) {
            cluster.ignored.extend(namespaces);
        }
    }

    /// Drives the story along the clock until the task is dropped. Controllers react to changes of the
    /// stores within a few hundredths of a second.
    pub async fn run(self, stores: Vec<Store>) {
        let mut news: Vec<_> = stores.iter().map(Store::subscribe).collect();
        loop {
            let wait = self.engine().catch_up();
            let changed = futures::future::select_all(news.iter_mut().map(|n| Box::pin(n.recv())));
            let sleep = tokio::time::sleep(wait.unwrap_or(Duration::from_secs(3600)));
            let told = tokio::select! {
                _ = changed => true,
                () = sleep => false,
                () = self.0.wake.notified() => false,
            };
            if told {
                // One look for many changes.
                tokio::time::sleep(Duration::from_millis(15)).await;
                for receiver in &mut news {
                    while let Ok(_) | Err(TryRecvError::Lagged(_)) = receiver.try_recv() {}
                }
            }
        }
    }
}
