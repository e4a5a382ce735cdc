//! A whole session looks and touches nothing: the API server's own list of requests is the judge.

use std::collections::BTreeMap;

use pilothouse::panes::PaneId;
use serde_json::json;

use super::{Scene, pod, shared, workload};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_session_through_every_pane_changes_nothing_and_asks_little() {
    let cluster = shared().await;
    let mark = cluster.audit().mark().unwrap();
    let mut scene = Scene::before(cluster, "look", (160, 50), true).await;
    scene.apply(workload("Deployment", "looked-at", "cart:1", &json!({}), &json!({"replicas": 2})));
    scene.apply(pod("looked-on", &json!({})));
    scene.person.see_row("looked-on", "Running").await;
    scene.person.see_row("looked-at-", "Running").await;
    // Every pane, zoomed, and back; keys of panes that are not there say so.
    for pane in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"] {
        scene.person.keys(pane);
        scene.person.keys("enter j k F F o O esc esc esc");
        scene.pass().await;
    }
    scene.chooses_other();
    for (name, key) in [
        ("looked-on", "enter enter"),
        ("looked-on", "l"),
        ("looked-on", "L"),
        ("looked-on", "d"),
        ("looked-on", "y"),
        ("looked-on", "e"),
    ] {
        scene.opens_pod(name, key).await;
        scene.pass().await;
        scene.pass().await;
    }
    scene.opens_rollout("looked-at").await;
    scene.person.see("Rolled out: all 2 pods").await;
    for key in ["l", "d", "y", "e"] {
        scene.goes_to(PaneId::Workloads);
        scene.person.keys(key);
        scene.pass().await;
        scene.pass().await;
    }
    scene.goes_to(PaneId::Pods);
    scene.person.keys("] [ a a n n ? esc");
    scene.pass().await;

    let user = format!("system:serviceaccount:people:{}", scene.namespace);
    let all = cluster.audit().since(mark).unwrap();
    let own: Vec<_> = all.iter().filter(|request| request.user == user).collect();
    assert!(own.len() > 30, "{own:#?}");
    let changes: Vec<_> = own.iter().filter(|request| request.changes()).collect();
    assert!(changes.is_empty(), "{changes:#?}");
    let secrets: Vec<_> = own.iter().filter(|request| request.resource.contains("secret")).collect();
    assert!(secrets.is_empty(), "nobody asked for them: {secrets:#?}");
    let execs: Vec<_> = own.iter().filter(|request| request.resource == "pods/exec").collect();
    assert!(execs.is_empty(), "{execs:#?}");
    let mut asked: BTreeMap<(String, String), usize> = BTreeMap::new();
    for request in &own {
        *asked.entry((request.verb.clone(), request.resource.clone())).or_default() += 1;
    }
    // A list for each kind, and pages and second looks of those that views ask for.
    for ((verb, resource), times) in &asked {
        let most = match (verb.as_str(), resource.as_str()) {
            ("list", "events") => 20,
            // A heartbeat every ten seconds, for as long as the session takes on a busy machine, and once for each kind that
            // is refused whether it is installed at all.
            ("get", "") => 40,
            _ => 12,
        };
        assert!(*times <= most, "{verb} {resource}: {times} times\n{asked:#?}");
    }
}
