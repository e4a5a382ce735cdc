//! Rollouts as they happen, by the real controllers.

use pilothouse::panes::PaneId;
use serde_json::json;

use super::{PATIENCE, Scene, workload};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_deployment_is_rolled_under_the_eyes() {
    let mut scene = Scene::set("roll").await;
    let slow = json!({"pilothouse.test/ready-after": "2s"});
    let spec = json!({"replicas": 4, "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}});
    scene.apply(workload("Deployment", "cart", "cart:1.30.0", &slow, &spec));
    scene.goes_to(PaneId::Workloads);
    scene.person.see_row("cart", "4/4").await;
    scene.opens_rollout("cart").await;
    scene.person.see("Rolled out: all 4 pods of 1.30.0 are available").await;
    scene.person.see("surge 1, unavailable 1, 3 to 5 pods").await;

    scene.kubectl(&["set", "image", "deployment/cart", "main=cart:1.31.0"]);
    scene.person.see("cart:1.30.0 → cart:1.31.0").await;
    scene.person.see_row("new", "cart:1.31.0").await;
    scene.person.see_row("old", "cart:1.30.0").await;
    // Whatever batch of news is looked at, it is a state that the cluster was in: within the bounds of the strategy.
    let namespace = scene.namespace.clone();
    let mut seen = Vec::new();
    let done = scene
        .person
        .driver()
        .run_until(PATIENCE, |driver| {
            let pods = &driver.state.shared.world.clusters[0].pods;
            let alive =
                || pods.iter().map(|(_, pod)| pod).filter(|p| *p.namespace == *namespace && !p.deleting);
            seen.push((alive().count(), alive().filter(|pod| pod.ready == pod.total).count()));
            let new = |pod: &&pilothouse::domain::pod::Pod| &*pod.images[0].image == "cart:1.31.0";
            alive().filter(new).filter(|pod| pod.ready == 1).count() == 4 && alive().count() == 4
        })
        .await;
    assert!(done, "{seen:?}\n{}", scene.person.picture());
    assert!(seen.iter().all(|(all, ready)| *all <= 5 && *ready >= 3), "{seen:?}");
    scene.person.see("Rolled out: all 4 pods of 1.31.0 are available").await;
    scene.person.see("Kept at zero to go back to: revision 1 (cart:1.30.0").await;
    assert_eq!(scene.same_pods_as_kubectl().await.len(), 4);

    // Paused: a change of the template waits, and the page says so.
    scene.kubectl(&["rollout", "pause", "deployment/cart"]);
    scene.person.see("Paused: changes of the template wait until it is resumed").await;
    scene.kubectl(&["set", "image", "deployment/cart", "main=cart:1.32.0"]);
    scene.person.see("Paused: changes of the template wait until it is resumed").await;
    scene.kubectl(&["rollout", "resume", "deployment/cart"]);
    scene.person.see("Rolled out: all 4 pods of 1.32.0 are available").await;
    scene.person.see("revision 2 (cart:1.31.0").await;
    scene.kubectl(&["scale", "deployment/cart", "--replicas=0"]);
    scene.person.see("Scaled to zero: nothing runs, by intent.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_rollout_that_is_stuck_is_said_to_be_and_the_way_back_is_seen() {
    let mut scene = Scene::set("stuck").await;
    let spec = json!({"replicas": 3, "progressDeadlineSeconds": 10});
    scene.apply(workload("Deployment", "cart", "cart:1.30.0", &json!({}), &spec));
    scene.goes_to(PaneId::Workloads);
    scene.person.see_row("cart", "3/3").await;
    scene.opens_rollout("cart").await;
    scene.person.see("Rolled out: all 3 pods of 1.30.0").await;
    let pull = json!({"pilothouse.test/behavior": "pull"});
    scene.apply(workload("Deployment", "cart", "cart:9.9.9", &pull, &spec));
    scene.person.see("It is ImagePullBackOff.").await;
    scene.person.see("Stuck: no progress for more than 10 s").await;
    scene.person.see("ProgressDeadlineExceeded").await;
    scene.same_pods_as_kubectl().await;
    scene.person.keys("esc");
    scene.person.see_row("cart", "1 pod ImagePull").await;
    scene.person.keys("r");
    scene.kubectl(&["rollout", "undo", "deployment/cart"]);
    scene.person.see("Rolled out: all 3 pods of 1.30.0 are available").await;
    scene.person.see_no("ImagePullBackOff.").await;
    // The old template is the newest again: revision 3, and 2 is what was left.
    scene.person.see_row("cart:1.30.0", "revision 3").await;
    scene.person.see("revision 2 (cart:9.9.9").await;
    assert_eq!(scene.same_pods_as_kubectl().await.len(), 3);

    // Pods that may not be made: the quota's own words.
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
                       "spec": {"hard": {"pods": "3"}}});
    scene.apply(quota);
    scene.until(&["get", "quota", "small", "-o", "json"], |said| said.contains(r#""used""#)).await;
    scene.kubectl(&["scale", "deployment/cart", "--replicas=5"]);
    scene.person.see("Pods cannot be created").await;
    scene.person.see("exceeded quota").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn stateful_and_daemon_sets_are_rolled() {
    let mut scene = Scene::set("sets").await;
    let slow = json!({"pilothouse.test/ready-after": "1s"});
    let stateful = |image: &str, partition: u32| {
        let update = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": partition}});
        let spec = json!({"replicas": 3, "serviceName": "db", "updateStrategy": update});
        workload("StatefulSet", "db", image, &slow, &spec)
    };
    scene.apply(stateful("db:1", 0));
    scene.apply(workload("DaemonSet", "agent", "agent:1", &slow, &json!({})));
    scene.goes_to(PaneId::Workloads);
    scene.person.see_row("db", "3/3").await;
    scene.person.see_row("agent", "3/3").await;
    scene.opens_rollout("db").await;
    scene.person.see("Rolled out: all 3 pods of 1 are available").await;
    scene.apply(stateful("db:2", 2));
    scene.person.see("partition 2").await;
    scene
        .person
        .see("Updated as far as the partition allows: 1 pod from ordinal 2 up; 2 pods below keep")
        .await;
    scene.apply(stateful("db:2", 0));
    scene.person.see("Rolled out: all 3 pods of 2 are available").await;
    scene.opens_rollout("agent").await;
    scene.person.see("Rolled out: all 3 pods of 1 are available").await;
    scene.apply(workload("DaemonSet", "agent", "agent:2", &slow, &json!({})));
    scene.person.see("of 3 pods are updated").await;
    scene.person.see_row("old", "revision").await;
    scene.person.see("Rolled out: all 3 pods of 2 are available").await;
    scene.person.see_no_row("old", "revision").await;
    assert_eq!(scene.same_pods_as_kubectl().await.len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn jobs_end_well_and_badly_and_a_cron_job_shows_its_runs() {
    let mut scene = Scene::set("jobs").await;
    let template = |annotations: serde_json::Value| {
        json!({"metadata": {"annotations": annotations},
               "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "import:1"}]}})
    };
    let job = |name: &str, annotations, spec: serde_json::Value| {
        let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
                             "spec": {"template": template(annotations), "backoffLimit": 0}});
        for (key, value) in spec.as_object().into_iter().flatten() {
            job["spec"][key] = value.clone();
        }
        job
    };
    let slow = || json!({"pilothouse.test/ready-after": "2s"});
    let crash = json!({"pilothouse.test/behavior": "crash", "pilothouse.test/crash-after": "1s",
        "pilothouse.test/crash-reason": "Error", "pilothouse.test/crash-exit-code": "3"});
    scene.apply(job("import", slow(), json!({"completions": 3, "parallelism": 2})));
    scene.opens_rollout("import").await;
    scene.person.see("of 3 done, 2 pods are at work").await;
    scene.person.see("Completed in").await;
    scene.person.see("3 of 3 done").await;
    scene.apply(job("broken", crash, json!({})));
    scene.opens_rollout("broken").await;
    scene.person.see("Failed (BackoffLimitExceeded)").await;
    scene.person.see("0 of 1 done").await;
    scene.person.see_row("broken-", "Error").await;
    let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
        "spec": {"schedule": "0 3 1 1 *", "jobTemplate": {"spec": {"template": template(slow())}}}});
    scene.apply(cron);
    scene.opens_rollout("nightly").await;
    scene.person.see("Waits: it runs").await;
    scene.person.see("None that the cluster still keeps.").await;
    scene.kubectl(&["create", "job", "--from=cronjob/nightly", "nightly-by-hand"]);
    scene.person.see_row("nightly-by-hand", "at work").await;
    scene.person.see_row("nightly-by-hand", "Completed in").await;
    scene.kubectl(&["patch", "cronjob", "nightly", "-p", r#"{"spec":{"suspend":true}}"#]);
    scene.person.see("Suspended: it would run").await;
    assert_eq!(scene.same_pods_as_kubectl().await.len(), 5);
}
