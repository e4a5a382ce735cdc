//! The demo's world and its controllers, through the store and through jumps of story time: nothing sleeps
//! and nothing is asserted about the clock.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use pilothouse::demo::DemoOptions;
use pilothouse::demo::json::{
    condition, controller, entry, flag, holds, int, items, map, millis, name, namespace, selects_plain, text,
    uid,
};
use pilothouse::demo::store::Store;
use pilothouse::demo::story::{self, StoryHandle};
use serde_json::{Value, json};

/// Both clusters and their story, stopped.
struct World {
    edge: Store,
    prod: Store,
    story: StoryHandle,
}

impl World {
    fn new(options: DemoOptions) -> Self {
        let stores = [Store::new(options.seed), Store::new(options.seed + 1)];
        let story = story::begin(&stores, &options);
        let [edge, prod] = stores;
        Self { edge, prod, story }
    }

    fn at(seconds: u64) -> Self {
        let world = Self::new(stopped());
        world.to(seconds);
        world
    }

    /// Goes to a story time.
    fn to(&self, seconds: u64) {
        let by = Duration::from_secs(seconds).saturating_sub(self.story.now());
        self.story.advance(by);
    }

    fn store(&self, ns: &str) -> &Store {
        if ns == "shop-prod" { &self.prod } else { &self.edge }
    }

    fn app_pods(&self, ns: &str, app: &str) -> Vec<Value> {
        self.store(ns)
            .list("pods", Some(ns))
            .into_iter()
            .filter(|p| entry(p, "/metadata/labels", "app.kubernetes.io/name") == app)
            .collect()
    }

    fn deployment(&self, ns: &str, name: &str) -> Value {
        self.store(ns).get("deployments.apps", ns, name).unwrap_or_default()
    }
}

fn stopped() -> DemoOptions {
    DemoOptions { speed: 0.0, ..DemoOptions::default() }
}

const SHOP: [&str; 3] = ["shop-dev", "shop-staging", "shop-prod"];

fn image(pod: &Value) -> &str {
    text(pod, "/spec/containers/0/image")
}

fn events<'a>(all: &'a [Value], reason: &str, object: &str) -> Vec<&'a Value> {
    all.iter()
        .filter(|e| text(e, "/reason") == reason && text(e, "/involvedObject/name").starts_with(object))
        .collect()
}

#[test]
fn the_world_is_as_promised() {
    let world = World::at(0);
    let pods = [world.edge.count("pods"), world.prod.count("pods")];
    let total: usize = pods.iter().sum();
    assert!((140..=160).contains(&total), "{pods:?}");
    assert_eq!(world.edge.count("nodes") + world.prod.count("nodes"), 6);
    let in_shop = |ns: &str| world.store(ns).list("pods", Some(ns)).len();
    assert_eq!(SHOP.map(in_shop), [31, 34, 58]);
    for ns in SHOP {
        let store = world.store(ns);
        let kinds = [
            "deployments.apps",
            "statefulsets.apps",
            "daemonsets.apps",
            "cronjobs.batch",
            "rollouts.argoproj.io",
        ];
        let apps: HashSet<String> = kinds
            .iter()
            .flat_map(|k| store.list(k, Some(ns)))
            .map(|w| entry(&w, "/metadata/labels", "app.kubernetes.io/instance").to_owned())
            .collect();
        assert_eq!(apps.len(), 12, "{ns}: {apps:?}");
    }
    let release =
        |app: &str| SHOP.map(|ns| image(&world.app_pods(ns, app)[0]).rsplit_once(':').unwrap().1.to_owned());
    assert_eq!(release("storefront"), ["2.9.0", "2.8.3", "2.7.1"]);
    assert_eq!(release("cart"), ["1.31.0", "1.31.0", "1.30.4"]);
    assert_eq!(release("payments"), ["5.2.0-rc1", "5.1.9", "5.1.9"]);
    assert_eq!(release("search"), ["0.18.2", "0.18.2", "0.18.2"]);
    assert_eq!(release("media"), ["4.4.0", "4.3.0", "4.3.0"]);
    assert_eq!(release("mailer"), ["1.9.9", "1.9.9", "1.9.9"]);
    let definition =
        world.prod.get("customresourcedefinitions.apiextensions.k8s.io", "", "rollouts.argoproj.io");
    assert!(definition.is_some());
}

#[test]
fn at_first_all_is_well() {
    let world = World::at(0);
    for store in [&world.edge, &world.prod] {
        for pod in store.list("pods", None) {
            let phase = text(&pod, "/status/phase");
            let job = controller(&pod).is_some_and(|(kind, ..)| kind == "Job");
            assert_eq!(phase, if job { "Succeeded" } else { "Running" }, "{}", name(&pod));
            assert_eq!(holds(&pod, "Ready"), !job, "{}", name(&pod));
            assert!(!text(&pod, "/spec/nodeName").is_empty());
            assert!(!text(&pod, "/status/podIP").is_empty());
            assert!(text(&pod, "/status/containerStatuses/0/imageID").contains("@sha256:"));
        }
        let addresses: Vec<String> = store
            .list("pods", None)
            .iter()
            .filter(|p| !flag(p, "/spec/hostNetwork"))
            .map(|p| text(p, "/status/podIP").to_owned())
            .collect();
        assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), addresses.len());
        for node in store.list("nodes", None) {
            assert!(holds(&node, "Ready"));
            assert!(!text(&node, "/spec/providerID").is_empty());
        }
    }
}

/// Endpoints are exactly the pods that the Service selects, with the readiness that they have.
fn endpoints_agree(store: &Store) {
    for service in store.list("services", None) {
        let Some(selector) = map(&service, "/spec/selector") else { continue };
        let ns = namespace(&service);
        let mut wanted: Vec<(String, bool)> = store
            .list("pods", Some(ns))
            .iter()
            .filter(|p| selects_plain(Some(selector), map(p, "/metadata/labels")))
            .filter(|p| {
                !matches!(text(p, "/status/phase"), "Succeeded" | "Failed")
                    && !text(p, "/status/podIP").is_empty()
            })
            .map(|p| {
                let going = p.pointer("/metadata/deletionTimestamp").is_some();
                let ready = holds(p, "Ready") && !going || flag(&service, "/spec/publishNotReadyAddresses");
                (text(p, "/status/podIP").to_owned(), ready)
            })
            .collect();
        let slices: Vec<Value> = store
            .list("endpointslices.discovery.k8s.io", Some(ns))
            .into_iter()
            .filter(|s| entry(s, "/metadata/labels", "kubernetes.io/service-name") == name(&service))
            .collect();
        assert_eq!(slices.len(), 1, "{ns}/{}", name(&service));
        let mut found: Vec<(String, bool)> = items(&slices[0], "/endpoints")
            .iter()
            .map(|e| (text(e, "/addresses/0").to_owned(), flag(e, "/conditions/ready")))
            .collect();
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted, "{ns}/{}", name(&service));
        if !found.is_empty() {
            assert!(int(&slices[0], "/ports/0/port") > 0);
        }
    }
}

/// The counts of a Deployment are the sums over its pods.
fn deployments_add_up(store: &Store) {
    let sets = store.list("replicasets.apps", None);
    let pods = store.list("pods", None);
    for deployment in store.list("deployments.apps", None) {
        let mine: Vec<&Value> =
            sets.iter().filter(|s| controller(s).is_some_and(|(_, _, u)| u == uid(&deployment))).collect();
        let owned: Vec<&Value> = pods
            .iter()
            .filter(|p| controller(p).is_some_and(|(_, _, u)| mine.iter().any(|s| uid(s) == u)))
            .filter(|p| p.pointer("/metadata/deletionTimestamp").is_none())
            .collect();
        let ready = owned.iter().filter(|p| holds(p, "Ready")).count() as i64;
        let label = format!("{}/{}", namespace(&deployment), name(&deployment));
        assert_eq!(int(&deployment, "/status/replicas"), owned.len() as i64, "{label}");
        assert_eq!(int(&deployment, "/status/readyReplicas"), ready, "{label}");
        assert_eq!(
            int(&deployment, "/status/observedGeneration"),
            int(&deployment, "/metadata/generation"),
            "{label}"
        );
        let highest = mine
            .iter()
            .map(|s| {
                entry(s, "/metadata/annotations", "deployment.kubernetes.io/revision")
                    .parse::<i64>()
                    .unwrap_or(0)
            })
            .max();
        let own =
            entry(&deployment, "/metadata/annotations", "deployment.kubernetes.io/revision").parse().ok();
        assert_eq!(own, highest, "{label}");
    }
}

#[test]
fn endpoints_counts_and_quotas_agree_with_the_pods_all_through_the_story() {
    let world = World::at(0);
    for second in [0, 41, 45, 60, 121, 130, 150, 165, 240, 361, 400, 455, 700] {
        world.to(second);
        for store in [&world.edge, &world.prod] {
            endpoints_agree(store);
            deployments_add_up(store);
            for quota in store.list("resourcequotas", None) {
                for (key, hard) in map(&quota, "/status/hard").unwrap() {
                    let used = map(&quota, "/status/used").and_then(|u| u.get(key)).map_or(0, millis);
                    assert!(used > 0 || key == "services", "{key}");
                    assert!(used <= millis(hard), "at {second}: {key} {used} of {hard}");
                }
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_names() {
    let names = |seed: u64| {
        let world = World::new(DemoOptions { seed, ..stopped() });
        world.to(300);
        let mut all = Vec::new();
        for store in [&world.edge, &world.prod] {
            for kind in ["pods", "nodes", "replicasets.apps", "endpointslices.discovery.k8s.io", "jobs.batch"]
            {
                all.extend(store.list(kind, None).iter().map(|o| (name(o).to_owned(), uid(o).to_owned())));
            }
        }
        all
    };
    let first = names(7);
    assert_eq!(first, names(7));
    assert_ne!(first, names(8));
}

#[test]
fn media_rolls_out_in_staging() {
    let world = World::at(39);
    assert!(world.app_pods("shop-staging", "media").iter().all(|p| image(p).ends_with(":4.3.0")));
    world.to(43);
    let images: HashSet<String> =
        world.app_pods("shop-staging", "media").iter().map(|p| image(p).to_owned()).collect();
    assert_eq!(images.len(), 2, "both releases are there while it rolls: {images:?}");
    world.to(110);
    let pods = world.app_pods("shop-staging", "media");
    assert_eq!(pods.len(), 3);
    assert!(pods.iter().all(|p| image(p).ends_with(":4.3.1") && holds(p, "Ready")));
    let deployment = world.deployment("shop-staging", "media");
    assert_eq!(text(condition(&deployment, "Progressing").unwrap(), "/reason"), "NewReplicaSetAvailable");
    assert_eq!(entry(&deployment, "/metadata/annotations", "deployment.kubernetes.io/revision"), "3");
}

#[test]
fn the_new_cart_is_killed_for_memory_while_one_old_pod_serves() {
    let world = World::at(119);
    assert_eq!(world.app_pods("shop-prod", "cart").len(), 3);
    world.to(135);
    let new = |p: &Value| image(p).ends_with(":1.31.0");
    assert!(world.app_pods("shop-prod", "cart").iter().any(new), "the rollout has begun");
    assert_eq!(
        world
            .app_pods("shop-prod", "cart")
            .iter()
            .map(|p| int(p, "/status/containerStatuses/0/restartCount"))
            .sum::<i64>(),
        0
    );
    world.to(360);
    let pods = world.app_pods("shop-prod", "cart");
    let (bad, good): (Vec<&Value>, Vec<&Value>) = pods.iter().partition(|p| new(p));
    assert_eq!((bad.len(), good.len()), (3, 1));
    assert!(holds(good[0], "Ready"));
    for pod in &bad {
        assert!(!holds(pod, "Ready"), "{}", name(pod));
        let status = &items(pod, "/status/containerStatuses")[0];
        assert!(int(status, "/restartCount") >= 4, "{}", int(status, "/restartCount"));
        let last = status.pointer("/lastState/terminated").unwrap();
        assert_eq!((int(last, "/exitCode"), text(last, "/reason")), (137, "OOMKilled"));
    }
    assert!(
        bad.iter().any(|p| text(p, "/status/containerStatuses/0/state/waiting/reason") == "CrashLoopBackOff")
    );
    let deployment = world.deployment("shop-prod", "cart");
    assert_eq!(int(&deployment, "/status/replicas"), 4);
    assert_eq!(int(&deployment, "/status/updatedReplicas"), 3);
    assert_eq!(int(&deployment, "/status/availableReplicas"), 1);
    assert!(!holds(&deployment, "Available"));
    let all = world.prod.list("events", Some("shop-prod"));
    let back_off = events(&all, "BackOff", "cart-");
    assert!(back_off.iter().any(|e| int(e, "/count") > 3), "{}", back_off.len());
    assert!(!events(&all, "Unhealthy", "cart-").is_empty());
    assert!(events(&all, "ScalingReplicaSet", "cart").len() >= 3);
    // Nothing else broke.
    let unwell: Vec<String> = world
        .prod
        .list("pods", Some("shop-prod"))
        .iter()
        .filter(|p| !holds(p, "Ready") && text(p, "/status/phase") != "Succeeded")
        .map(|p| name(p).to_owned())
        .collect();
    assert!(unwell.iter().all(|n| n.starts_with("cart-")), "{unwell:?}");
}

#[test]
fn a_rollout_that_does_not_get_on_misses_its_deadline() {
    let world = World::at(120 + 900);
    let deployment = world.deployment("shop-prod", "cart");
    let progressing = condition(&deployment, "Progressing").unwrap();
    assert_eq!(text(progressing, "/reason"), "ProgressDeadlineExceeded");
    assert_eq!(text(progressing, "/status"), "False");
}

#[test]
fn rolling_cart_back_heals_it() {
    let world = World::at(300);
    let old = world
        .prod
        .list("replicasets.apps", Some("shop-prod"))
        .into_iter()
        .find(|s| text(s, "/spec/template/spec/containers/0/image").ends_with("/cart:1.30.4"))
        .unwrap();
    let mut template = old["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove("pod-template-hash");
    world.prod.update("deployments.apps", "shop-prod", "cart", |d| d["spec"]["template"] = template).unwrap();
    world.story.advance(Duration::from_secs(90));
    let pods = world.app_pods("shop-prod", "cart");
    assert_eq!(pods.len(), 3);
    assert!(pods.iter().all(|p| image(p).ends_with(":1.30.4") && holds(p, "Ready")));
    let deployment = world.deployment("shop-prod", "cart");
    assert_eq!(int(&deployment, "/status/availableReplicas"), 3);
    assert_eq!(entry(&deployment, "/metadata/annotations", "deployment.kubernetes.io/revision"), "4");
    assert_eq!(text(condition(&deployment, "Progressing").unwrap(), "/reason"), "NewReplicaSetAvailable");
    let set = world.prod.get("replicasets.apps", "shop-prod", name(&old)).unwrap();
    assert_eq!(entry(&set, "/metadata/annotations", "deployment.kubernetes.io/revision-history"), "2");
}

#[test]
fn the_bad_cart_lives_with_enough_memory() {
    let world = World::at(300);
    world
        .prod
        .update("deployments.apps", "shop-prod", "cart", |d| {
            d["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = json!("512Mi");
        })
        .unwrap();
    world.story.advance(Duration::from_secs(200));
    let pods = world.app_pods("shop-prod", "cart");
    assert_eq!(pods.len(), 3);
    assert!(
        pods.iter().all(|p| holds(p, "Ready") && int(p, "/status/containerStatuses/0/restartCount") == 0)
    );
}

#[test]
fn storefront_is_scaled_by_its_autoscaler_at_four_minutes() {
    let world = World::at(238);
    assert_eq!(int(&world.deployment("shop-prod", "storefront"), "/spec/replicas"), 3);
    world.to(260);
    let deployment = world.deployment("shop-prod", "storefront");
    assert_eq!(int(&deployment, "/spec/replicas"), 4);
    assert_eq!(int(&deployment, "/status/readyReplicas"), 4);
    let hpa = world.prod.get("horizontalpodautoscalers.autoscaling", "shop-prod", "storefront").unwrap();
    assert_eq!(int(&hpa, "/status/desiredReplicas"), 4);
    let all = world.prod.list("events", Some("shop-prod"));
    assert_eq!(events(&all, "SuccessfulRescale", "storefront").len(), 1);
    world.to(900);
    assert_eq!(
        int(&world.deployment("shop-prod", "storefront"), "/spec/replicas"),
        4,
        "it holds while it is busy"
    );
}

#[test]
fn a_silent_node_loses_its_pods_and_comes_back() {
    let world = World::at(359);
    let on_node = |world: &World| -> Vec<Value> {
        world.edge.list("pods", None).into_iter().filter(|p| text(p, "/spec/nodeName") == "edge-3").collect()
    };
    let before = on_node(&world);
    assert!(before.len() > 10);
    let wanted = int(&world.deployment("shop-staging", "payments"), "/spec/replicas");
    world.to(365);
    let node = world.edge.get("nodes", "", "edge-3").unwrap();
    assert_eq!(text(condition(&node, "Ready").unwrap(), "/status"), "Unknown");
    assert!(items(&node, "/spec/taints").iter().any(|t| text(t, "/key") == "node.kubernetes.io/unreachable"));
    assert!(
        on_node(&world).iter().filter(|p| text(p, "/status/phase") == "Running").all(|p| !holds(p, "Ready"))
    );
    world.to(425);
    let stuck = on_node(&world).iter().filter(|p| p.pointer("/metadata/deletionTimestamp").is_some()).count();
    assert!(stuck > 5, "evicted pods wait for their kubelet: {stuck}");
    let payments = world.deployment("shop-staging", "payments");
    assert_eq!(int(&payments, "/status/readyReplicas"), wanted, "replacements run elsewhere");
    world.to(520);
    let node = world.edge.get("nodes", "", "edge-3").unwrap();
    assert!(holds(&node, "Ready"));
    assert!(items(&node, "/spec/taints").is_empty());
    for pod in world.edge.list("pods", None) {
        assert!(pod.pointer("/metadata/deletionTimestamp").is_none(), "{}", name(&pod));
        assert!(holds(&pod, "Ready") || text(&pod, "/status/phase") == "Succeeded", "{}", name(&pod));
    }
}

#[test]
fn a_cron_job_fires_and_its_job_finishes() {
    let world = World::at(0);
    let jobs = |world: &World| -> BTreeMap<String, bool> {
        world
            .prod
            .list("jobs.batch", Some("shop-prod"))
            .iter()
            .map(|j| (name(j).to_owned(), holds(j, "Complete")))
            .collect()
    };
    let before = jobs(&world);
    assert_eq!(before.len(), 3);
    assert!(before.values().all(|done| *done));
    world.to(95);
    let new: Vec<String> = jobs(&world).into_keys().filter(|n| !before.contains_key(n)).collect();
    assert_eq!(new.len(), 1);
    let cron = world.prod.get("cronjobs.batch", "shop-prod", "pricing").unwrap();
    assert_eq!(items(&cron, "/status/active").len(), 1);
    world.to(130);
    assert_eq!(jobs(&world).get(&new[0]), Some(&true));
    assert_eq!(jobs(&world).len(), 3, "old ones are tidied");
    let cron = world.prod.get("cronjobs.batch", "shop-prod", "pricing").unwrap();
    assert!(items(&cron, "/status/active").is_empty());
}

#[test]
fn a_scaled_deployment_follows_and_a_killed_pod_is_replaced() {
    let world = World::new(DemoOptions { story: false, ..stopped() });
    world
        .edge
        .update("deployments.apps", "shop-dev", "mailer", |d| d["spec"]["replicas"] = json!(5))
        .unwrap();
    world.story.advance(Duration::from_secs(30));
    let pods = world.app_pods("shop-dev", "mailer");
    assert_eq!(pods.len(), 5);
    assert!(pods.iter().all(|p| holds(p, "Ready")));
    world
        .edge
        .update("deployments.apps", "shop-dev", "mailer", |d| d["spec"]["replicas"] = json!(1))
        .unwrap();
    world.story.advance(Duration::from_secs(30));
    let left = world.app_pods("shop-dev", "mailer");
    assert_eq!(left.len(), 1);
    let killed = name(&left[0]).to_owned();
    world.edge.delete("pods", "shop-dev", &killed).unwrap();
    world.story.advance(Duration::from_secs(30));
    let now = world.app_pods("shop-dev", "mailer");
    assert_eq!(now.len(), 1);
    assert_ne!(name(&now[0]), killed);
    assert!(holds(&now[0], "Ready"));
}

#[test]
fn an_image_that_is_not_there_backs_off_and_the_old_pods_stay() {
    let world = World::new(DemoOptions { story: false, ..stopped() });
    world
        .edge
        .update("deployments.apps", "shop-staging", "storefront", |d| {
            d["spec"]["template"]["spec"]["containers"][0]["image"] =
                json!("registry.example/storefront:9.9.9-missing");
        })
        .unwrap();
    world.story.advance(Duration::from_secs(40));
    let pods = world.app_pods("shop-staging", "storefront");
    let reasons: Vec<&str> = pods
        .iter()
        .map(|p| text(p, "/status/containerStatuses/0/state/waiting/reason"))
        .filter(|r| !r.is_empty())
        .collect();
    assert!(
        !reasons.is_empty() && reasons.iter().all(|r| matches!(*r, "ImagePullBackOff" | "ErrImagePull")),
        "{reasons:?}"
    );
    assert_eq!(pods.iter().filter(|p| holds(p, "Ready")).count(), 3);
}

#[test]
fn more_pods_than_the_quota_allows_are_refused_and_it_is_said() {
    let world = World::new(DemoOptions { story: false, ..stopped() });
    world
        .prod
        .update("deployments.apps", "shop-prod", "payments", |d| d["spec"]["replicas"] = json!(60))
        .unwrap();
    world.story.advance(Duration::from_secs(60));
    let deployment = world.deployment("shop-prod", "payments");
    assert!(holds(&deployment, "ReplicaFailure"));
    let all = world.prod.list("events", Some("shop-prod"));
    assert!(
        events(&all, "FailedCreate", "payments-")
            .iter()
            .any(|e| text(e, "/message").contains("exceeded quota"))
    );
}

#[test]
fn stateful_pods_are_replaced_in_order_and_keep_their_names() {
    let world = World::new(DemoOptions { story: false, ..stopped() });
    world
        .prod
        .update("statefulsets.apps", "shop-prod", "search", |s| {
            s["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example/search:0.19.0");
        })
        .unwrap();
    world.story.advance(Duration::from_secs(6));
    let changed: Vec<String> = world
        .app_pods("shop-prod", "search")
        .iter()
        .filter(|p| image(p).ends_with("0.19.0"))
        .map(|p| name(p).to_owned())
        .collect();
    assert!(changed.is_empty() || changed == ["search-4"], "{changed:?}");
    world.story.advance(Duration::from_secs(120));
    let pods = world.app_pods("shop-prod", "search");
    let names: Vec<&str> = pods.iter().map(name).collect();
    assert_eq!(names, ["search-0", "search-1", "search-2", "search-3", "search-4"]);
    assert!(pods.iter().all(|p| image(p).ends_with("0.19.0") && holds(p, "Ready")));
    let set = world.prod.get("statefulsets.apps", "shop-prod", "search").unwrap();
    assert_eq!(text(&set, "/status/currentRevision"), text(&set, "/status/updateRevision"));
}

#[test]
fn a_daemon_set_is_rolled_node_by_node() {
    let world = World::new(DemoOptions { story: false, ..stopped() });
    world
        .edge
        .update("daemonsets.apps", "shop-dev", "gateway", |s| {
            s["spec"]["template"]["spec"]["containers"][0]["image"] =
                json!("registry.example/gateway:1.35.0");
        })
        .unwrap();
    world.story.advance(Duration::from_secs(90));
    let pods = world.app_pods("shop-dev", "gateway");
    assert_eq!(pods.len(), 3);
    assert_eq!(pods.iter().map(|p| text(p, "/spec/nodeName")).collect::<HashSet<_>>().len(), 3);
    assert!(pods.iter().all(|p| image(p).ends_with("1.35.0") && holds(p, "Ready")));
    let set = world.edge.get("daemonsets.apps", "shop-dev", "gateway").unwrap();
    assert_eq!((int(&set, "/status/updatedNumberScheduled"), int(&set, "/status/numberReady")), (3, 3));
}

#[test]
fn owners_take_along_what_they_own() {
    let world = World::new(DemoOptions { story: false, ..stopped() });
    world.edge.delete("deployments.apps", "shop-dev", "media").unwrap();
    world.edge.delete("services", "shop-dev", "media").unwrap();
    world.story.advance(Duration::from_secs(20));
    assert!(world.app_pods("shop-dev", "media").is_empty());
    let left = world.edge.list("replicasets.apps", Some("shop-dev"));
    assert!(!left.iter().any(|s| name(s).starts_with("media-")));
    let slices = world.edge.list("endpointslices.discovery.k8s.io", Some("shop-dev"));
    assert!(!slices.iter().any(|s| name(s).starts_with("media-")));
}

#[test]
fn a_canary_waits_at_a_quarter() {
    let world = World::at(10);
    let rollout = world.prod.get("rollouts.argoproj.io", "shop-prod", "recommendations").unwrap();
    assert_eq!(text(&rollout, "/status/phase"), "Paused");
    assert_eq!(text(&rollout, "/status/pauseConditions/0/reason"), "CanaryPauseStep");
    assert_eq!(int(&rollout, "/status/currentStepIndex"), 1);
    assert_eq!((int(&rollout, "/status/replicas"), int(&rollout, "/status/updatedReplicas")), (4, 1));
    assert_ne!(text(&rollout, "/status/currentPodHash"), text(&rollout, "/status/stableRS"));
    let dev = world.edge.get("rollouts.argoproj.io", "shop-dev", "recommendations").unwrap();
    assert_eq!(text(&dev, "/status/phase"), "Healthy");
}

#[test]
fn what_was_started_later_has_a_past() {
    let world = World::new(DemoOptions { start_at: Duration::from_secs(360), ..stopped() });
    assert_eq!(world.story.now(), Duration::from_secs(360));
    let now = jiff::Timestamp::now();
    let pods = world.app_pods("shop-prod", "cart");
    let bad: Vec<&Value> = pods.iter().filter(|p| image(p).ends_with(":1.31.0")).collect();
    assert_eq!(bad.len(), 3);
    for pod in bad {
        let made: jiff::Timestamp = text(pod, "/metadata/creationTimestamp").parse().unwrap();
        let age = now.duration_since(made).as_secs();
        assert!((150..=300).contains(&age), "{age}");
    }
}

#[tokio::test]
async fn a_started_demo_lives_by_itself_and_can_be_jumped() {
    let server = pilothouse::demo::start(stopped()).await.unwrap();
    assert_eq!(
        server.clusters().iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["k3s-edge", "gke-eu1"]
    );
    assert!(server.kubeconfig().is_file() && server.restricted_kubeconfig().is_file());
    let prod = &server.clusters()[1].store;
    server.story().advance(Duration::from_secs(300));
    assert_eq!(server.story().now(), Duration::from_secs(300));
    let crashing = prod.list("pods", Some("shop-prod")).into_iter().filter(|p| !holds(p, "Ready"));
    assert!(crashing.filter(|p| name(p).starts_with("cart-")).count() >= 2);
    // Without any jump the controllers follow what is written to the store.
    let mut wake = prod.wake("pods");
    let before = prod.count("pods");
    prod.update("deployments.apps", "shop-prod", "mailer", |d| d["spec"]["replicas"] = json!(6)).unwrap();
    let grown =
        tokio::time::timeout(Duration::from_secs(60), wake.wait_for(|_| prod.count("pods") == before + 2))
            .await;
    assert!(grown.is_ok_and(|w| w.is_ok()));
}
