//! The shop: its twelve apps, and which release of each has run where, since when.
//!
//! A table, nothing else: objects are made from it in `objects`, put into clusters in `clusters`.

/// A place in the promotion order with its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Env {
    /// `shop-dev` on the k3s cluster.
    Development,
    /// `shop-staging` on the k3s cluster.
    Staging,
    /// `shop-prod` on the GKE cluster.
    Production,
}

impl Env {
    /// All, in promotion order.
    pub const ALL: [Env; 3] = [Env::Development, Env::Staging, Env::Production];

    /// The namespace that an environment is.
    pub fn namespace(self) -> &'static str {
        match self {
            Env::Development => "shop-dev",
            Env::Staging => "shop-staging",
            Env::Production => "shop-prod",
        }
    }

    /// The short name used in host names.
    pub fn short(self) -> &'static str {
        match self {
            Env::Development => "dev",
            Env::Staging => "staging",
            Env::Production => "prod",
        }
    }

    /// Its place in the tables below.
    pub fn index(self) -> usize {
        match self {
            Env::Development => 0,
            Env::Staging => 1,
            Env::Production => 2,
        }
    }
}

/// What manages an app's pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One Deployment.
    Deployment,
    /// A StatefulSet with a headless Service and a volume for each pod.
    StatefulSet,
    /// A DaemonSet: one pod a node.
    DaemonSet,
    /// A CronJob that fires every five minutes.
    CronJob,
    /// An Argo Rollout with canary steps.
    Rollout,
    /// Two Deployments, blue and green, and a Service that points at one of them.
    BlueGreen,
}

/// What an app is written in: gives its start-up time, its log lines and its probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// Starts slowly, logs plain text, dies with stack traces.
    Java,
    /// Starts in seconds, logs JSON.
    Node,
    /// Starts at once, logs JSON.
    Go,
    /// Starts in seconds, logs plain text.
    Python,
    /// A proxy: access lines.
    Proxy,
}

/// One app of the shop.
#[derive(Debug)]
pub struct App {
    /// The name: of its objects, its image and its main container.
    pub name: &'static str,
    /// What manages its pods.
    pub shape: Shape,
    /// What it is written in.
    pub runtime: Runtime,
    /// The port that it listens on.
    pub port: u16,
    /// Pods wanted in development, staging, production.
    pub replicas: [u32; 3],
    /// Releases that have run, oldest first, with the minutes since each was rolled out.
    pub history: [&'static [(&'static str, u32)]; 3],
    /// CPU request of the main container, thousandths of a core.
    pub cpu: u32,
    /// Memory request of the main container, MiB.
    pub memory: u32,
    /// Memory limit of the main container, MiB, in development, staging, production.
    pub memory_limit: [u32; 3],
    /// A second, injected container.
    pub sidecar: bool,
    /// An init container that migrates the database.
    pub migrates: bool,
    /// Has an Ingress.
    pub public: bool,
    /// Has a Secret.
    pub secret: bool,
    /// Has a PodDisruptionBudget.
    pub guarded: bool,
    /// In production: the most pods that its HorizontalPodAutoscaler may make, and its CPU target in
    /// percent of the request.
    pub autoscaled: Option<(u32, u32)>,
}

/// Minutes in an hour and a day, for the histories.
const H: u32 = 60;
const D: u32 = 24 * H;

/// What most apps have in common.
const PLAIN: App = App {
    name: "",
    shape: Shape::Deployment,
    runtime: Runtime::Go,
    port: 8080,
    replicas: [2, 2, 2],
    history: [&[], &[], &[]],
    cpu: 100,
    memory: 192,
    memory_limit: [384; 3],
    sidecar: false,
    migrates: false,
    public: false,
    secret: false,
    guarded: false,
    autoscaled: None,
};

/// The release of cart that outgrows a small memory limit.
pub const BAD_CART: &str = "1.31.0";
/// Under this memory limit (MiB) the bad release of cart is killed.
pub const BAD_CART_NEEDS: i64 = 256;
/// The release of an app that fails a part of its requests in an environment, since what it stands on has moved on:
/// whoever switches traffic back to it sees errors. The part is in thousandths.
pub const OUTDATED: (&str, Env, &str, u32) = ("checkout", Env::Staging, "3.4.2", 240);
/// The release of media that the story rolls out in staging.
pub const NEXT_MEDIA: &str = "4.3.1";

/// The apps.
pub const APPS: [App; 12] = [
    App {
        name: "storefront",
        runtime: Runtime::Node,
        port: 3000,
        replicas: [3, 3, 3],
        history: [
            &[("2.8.3", 26 * H), ("2.9.0", 3 * H)],
            &[("2.8.2", 6 * D), ("2.8.3", 130)],
            &[("2.7.0", 34 * D), ("2.7.1", 9 * D)],
        ],
        cpu: 200,
        memory: 256,
        memory_limit: [512; 3],
        public: true,
        guarded: true,
        autoscaled: Some((8, 70)),
        ..PLAIN
    },
    App {
        name: "cart",
        runtime: Runtime::Java,
        replicas: [2, 3, 3],
        history: [
            &[("1.30.4", 20 * D), (BAD_CART, 5 * D)],
            &[("1.30.4", 12 * D), (BAD_CART, 2 * D + 4 * H)],
            &[("1.30.3", 41 * D), ("1.30.4", 16 * D)],
        ],
        cpu: 250,
        memory: 96,
        memory_limit: [512, 512, 128],
        guarded: true,
        ..PLAIN
    },
    App {
        name: "payments",
        runtime: Runtime::Java,
        port: 8443,
        replicas: [2, 3, 6],
        history: [
            &[("5.1.9", 15 * D), ("5.2.0-rc1", 22 * H)],
            &[("5.1.8", 30 * D), ("5.1.9", 13 * D)],
            &[("5.1.7", 52 * D), ("5.1.8", 27 * D), ("5.1.9", 9 * D)],
        ],
        cpu: 200,
        memory: 448,
        memory_limit: [768; 3],
        sidecar: true,
        secret: true,
        guarded: true,
        ..PLAIN
    },
    App {
        name: "search",
        shape: Shape::StatefulSet,
        runtime: Runtime::Go,
        port: 9200,
        replicas: [3, 3, 5],
        history: [&[("0.18.2", 18 * D)], &[("0.18.2", 17 * D)], &[("0.18.2", 12 * D)]],
        cpu: 250,
        memory: 768,
        memory_limit: [1024; 3],
        guarded: true,
        ..PLAIN
    },
    App {
        name: "media",
        runtime: Runtime::Python,
        port: 8000,
        replicas: [2, 3, 5],
        history: [
            &[("4.3.1", 4 * D), ("4.4.0", 5 * H)],
            &[("4.2.8", 25 * D), ("4.3.0", 8 * D)],
            &[("4.2.8", 19 * D), ("4.3.0", 3 * D)],
        ],
        cpu: 150,
        memory: 320,
        memory_limit: [640; 3],
        public: true,
        ..PLAIN
    },
    App {
        name: "mailer",
        runtime: Runtime::Python,
        port: 8025,
        replicas: [2, 2, 4],
        history: [
            &[("1.9.8", 40 * D), ("1.9.9", 21 * D)],
            &[("1.9.8", 38 * D), ("1.9.9", 20 * D)],
            &[("1.9.8", 33 * D), ("1.9.9", 19 * D)],
        ],
        cpu: 50,
        memory: 128,
        memory_limit: [256; 3],
        secret: true,
        ..PLAIN
    },
    App {
        name: "catalog",
        runtime: Runtime::Go,
        port: 8081,
        replicas: [3, 2, 8],
        history: [
            &[("3.12.0", 10 * D), ("3.13.0", D)],
            &[("3.11.4", 21 * D), ("3.12.0", 6 * D)],
            &[("3.11.4", 18 * D), ("3.12.0", 4 * D)],
        ],
        cpu: 150,
        memory: 256,
        memory_limit: [512; 3],
        migrates: true,
        autoscaled: Some((12, 75)),
        ..PLAIN
    },
    App {
        name: "checkout",
        shape: Shape::BlueGreen,
        runtime: Runtime::Node,
        port: 3001,
        replicas: [2, 2, 4],
        history: [
            &[("3.4.2", 14 * D), ("3.5.0", 2 * D)],
            &[("3.4.2", 13 * D), ("3.5.0", 30 * H)],
            &[("3.4.2", 11 * D), ("3.5.0", 7 * H)],
        ],
        cpu: 150,
        memory: 224,
        memory_limit: [448; 3],
        guarded: true,
        ..PLAIN
    },
    App {
        name: "accounts",
        runtime: Runtime::Java,
        port: 8082,
        replicas: [2, 2, 6],
        history: [
            &[("7.0.3", 16 * D), ("7.1.0", 44 * H)],
            &[("7.0.2", 29 * D), ("7.0.3", 11 * D)],
            &[("7.0.2", 24 * D), ("7.0.3", 10 * D)],
        ],
        cpu: 150,
        memory: 384,
        memory_limit: [640; 3],
        sidecar: true,
        secret: true,
        ..PLAIN
    },
    App {
        name: "recommendations",
        shape: Shape::Rollout,
        runtime: Runtime::Python,
        port: 8501,
        replicas: [2, 3, 4],
        history: [
            &[("0.41.0", 9 * D), ("0.42.0", 3 * D)],
            &[("0.40.1", 12 * D), ("0.41.0", 5 * D)],
            &[("0.40.1", 15 * D), ("0.41.0", 95)],
        ],
        cpu: 200,
        memory: 512,
        memory_limit: [1024; 3],
        ..PLAIN
    },
    App {
        name: "pricing",
        shape: Shape::CronJob,
        runtime: Runtime::Python,
        port: 0,
        replicas: [0, 0, 0],
        history: [&[("2.2.0", 7 * D)], &[("2.2.0", 6 * D)], &[("2.1.4", 31 * D)]],
        cpu: 100,
        memory: 128,
        memory_limit: [256; 3],
        ..PLAIN
    },
    App {
        name: "gateway",
        shape: Shape::DaemonSet,
        runtime: Runtime::Proxy,
        port: 8443,
        replicas: [3, 3, 3],
        history: [&[("1.34.1", 13 * D)], &[("1.34.1", 13 * D)], &[("1.33.4", 45 * D)]],
        cpu: 100,
        memory: 96,
        memory_limit: [192; 3],
        public: true,
        ..PLAIN
    },
];

/// The app of a name.
pub fn app(name: &str) -> Option<&'static App> {
    APPS.iter().find(|a| a.name == name)
}

impl App {
    /// The image of a release.
    pub fn image(&self, release: &str) -> String {
        format!("registry.example/{}:{release}", self.name)
    }

    /// The release that runs in an environment when the story begins.
    pub fn release(&self, env: Env) -> &'static str {
        self.history[env.index()].last().map_or("", |(r, _)| r)
    }
}

/// Seconds from a container's start until it answers its readiness probe.
pub fn ready_after(runtime: Runtime) -> f64 {
    match runtime {
        Runtime::Java => 14.0,
        Runtime::Node => 5.0,
        Runtime::Go => 2.5,
        Runtime::Python => 6.0,
        Runtime::Proxy => 2.0,
    }
}

/// The app that an image belongs to, by the last part of its repository.
pub fn app_of_image(image: &str) -> Option<&'static App> {
    let repository = image.rsplit_once(':').map_or(image, |(r, _)| r);
    app(repository.rsplit('/').next().unwrap_or(repository))
}

/// The tag of an image.
pub fn tag(image: &str) -> &str {
    image.rsplit_once(':').map(|(_, tag)| tag).filter(|t| !t.contains('/')).unwrap_or("latest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_find_their_app_and_tag() {
        assert_eq!(app_of_image("registry.example/cart:1.31.0").map(|a| a.name), Some("cart"));
        assert!(app_of_image("registry.example/cart-migrate:1").is_none());
        assert_eq!(tag("registry.example:5000/cart"), "latest");
        assert_eq!(tag("registry.example/cart:1.31.0"), "1.31.0");
    }

    #[test]
    fn histories_go_from_old_to_new_and_end_with_the_releases_of_the_story() {
        for app in &APPS {
            for env in Env::ALL {
                let history = app.history[env.index()];
                assert!(!history.is_empty(), "{}", app.name);
                assert!(history.windows(2).all(|w| w[0].1 > w[1].1), "{}", app.name);
            }
        }
        let releases = |name| app(name).map(|a| Env::ALL.map(|e| a.release(e)));
        assert_eq!(releases("storefront"), Some(["2.9.0", "2.8.3", "2.7.1"]));
        assert_eq!(releases("cart"), Some(["1.31.0", "1.31.0", "1.30.4"]));
        assert_eq!(releases("media"), Some(["4.4.0", "4.3.0", "4.3.0"]));
    }
}
