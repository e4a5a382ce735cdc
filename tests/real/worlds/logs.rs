//! Logs that come while they are looked at.

use ground::proxy::{Fault, Rule};
use pilothouse::panes::PaneId;
use serde_json::json;

use super::super::common::{LOST, quick};
use super::super::person::{Desk, Person};
use super::super::wire::Wire;
use super::{Scene, pod, shared, workload};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_log_is_followed_without_loss_and_that_of_before_is_there() {
    let mut scene = Scene::set("logs").await;
    scene.apply(pod("talker", &json!({})));
    let logs = scene.cluster.logs(&scene.namespace, "talker", &["main"]).unwrap();
    (0..1_500).for_each(|n| logs.say(&format!("line {n:04}")).unwrap());
    logs.said_before("out of memory: this was the end").unwrap();
    scene.kubectl(&["wait", "--for=condition=Ready", "pod/talker", "--timeout=60s"]);
    scene.opens_pod("talker", "l").await;
    scene.person.see_title("Logs", "1,000 lines").await;
    scene.person.see("line 1499").await;
    (0..200).for_each(|n| logs.say(&format!("live {n:03}")).unwrap());
    scene.person.see("live 199").await;
    scene.person.see_title("Logs", "1,200 lines").await;
    scene.person.keys("g");
    scene.person.see("line 0500").await;
    scene.person.see_no("line 0499").await;
    scene.person.keys("G L");
    scene.person.see_title("Logs before the last restart", "1 line").await;
    scene.person.see("out of memory: this was the end").await;
    scene.person.keys("L");
    scene.person.see("live 199").await;

    // The pod goes while it is followed: what was read stays, and the end is told.
    scene.kubectl(&["delete", "pod", "talker", "--now"]);
    scene.person.see("live 199").await;
    scene.person.see("gone").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn lines_of_every_sort_are_harmless() {
    let mut scene = Scene::set("lines").await;
    scene.apply(pod("rascal", &json!({})));
    let logs = scene.cluster.logs(&scene.namespace, "rascal", &["main"]).unwrap();
    scene.kubectl(&["wait", "--for=condition=Ready", "pod/rascal", "--timeout=60s"]);
    scene.opens_pod("rascal", "l").await;
    logs.say("\u{1b}[31mcoloured\u{1b}[0m \u{1b}[2J\u{1b}]0;title\u{7}\u{1b}[6n\u{9b}31m cleared").unwrap();
    logs.say("bell\u{7} back\u{8} form\u{c} null\u{0} carriage\rreturn").unwrap();
    logs.say("user \u{202e}gnp.exe\u{202c} \u{2066}isolated\u{2069} zero\u{200b}width").unwrap();
    logs.say(&format!("huge {} tail-of-it", "x".repeat(300_000))).unwrap();
    logs.say(r#"{"time":"2026-01-01T00:00:00Z","level":"error","msg":"it broke \u001b[31m","code":7}"#)
        .unwrap();
    logs.say("the last word").unwrap();
    scene.person.see("the last word").await;
    scene.person.see("coloured").await;
    scene.person.see("bell").await;
    scene.person.see_row("it broke", "code=7").await;
    scene.person.see("huge xxx").await;
    let harmless = |picture: String| {
        let bad = |c: &char| {
            (c.is_control() && *c != '\n')
                || matches!(*c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let bad: Vec<char> = picture.chars().filter(bad).collect();
        assert!(bad.is_empty(), "{bad:?}\n{picture}");
    };
    harmless(scene.person.picture());
    scene.person.keys("J");
    scene.person.see(r#""msg":"it broke"#).await;
    harmless(scene.person.picture());
    scene.person.keys("w");
    harmless(scene.person.picture());
    scene.person.keys("g");
    harmless(scene.person.picture());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn all_pods_of_a_workload_speak_and_one_that_is_replaced_goes_on() {
    let mut scene = Scene::set("chorus").await;
    scene.apply(workload("Deployment", "api", "api:1", &json!({}), &json!({"replicas": 2})));
    scene.kubectl(&["rollout", "status", "deployment/api", "--timeout=60s"]);
    let names = |scene: &Scene| -> Vec<String> {
        let said = scene.kubectl(&["get", "pods", "-o", "name", "--field-selector=status.phase=Running"]);
        said.lines().map(|line| line.trim_start_matches("pod/").to_owned()).collect()
    };
    let pods = names(&scene);
    let speak = |scene: &Scene, pod: &str| scene.cluster.logs(&scene.namespace, pod, &["main"]).unwrap();
    let first = speak(&scene, &pods[0]);
    let second = speak(&scene, &pods[1]);
    first.say("first says one").unwrap();
    second.say("second says one").unwrap();
    let end = |pod: &str| pod.rsplit('-').next().unwrap().to_owned();
    scene.goes_to(PaneId::Workloads);
    scene.person.wait_for_cursor("\"api\"").await.unwrap();
    scene.person.keys("l");
    scene.person.see_row(&end(&pods[0]), "first says one").await;
    scene.person.see_row(&end(&pods[1]), "second says one").await;
    scene.kubectl(&["delete", "pod", &pods[1], "--now"]);
    scene.kubectl(&["rollout", "status", "deployment/api", "--timeout=60s"]);
    let third = names(&scene).into_iter().find(|name| !pods.contains(name)).unwrap();
    let last = speak(&scene, &third);
    last.say("third says one").unwrap();
    first.say("first says two").unwrap();
    scene.person.see_row(&end(&third), "third says one").await;
    scene.person.see_row(&end(&pods[0]), "first says two").await;
    scene.person.see("second says one").await;
    scene.person.see_title("Logs", "4 lines").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_log_goes_on_after_cuts_and_nothing_is_lost_or_doubled() {
    let cluster = shared().await;
    let namespace = cluster.namespace("cut-log").await.unwrap();
    let wire = Wire::before(cluster, "cut-log", &namespace).await;
    // Tall enough for all of it at once.
    let desk = Desk { size: (160, 260), ..quick() };
    let mut person = Person::sits_down(&wire.kubeconfig, &desk);
    person.wait_for_data().await;
    let mut scene = Scene { cluster, namespace, person };
    scene.apply(pod("talker", &json!({})));
    let logs = cluster.logs(&scene.namespace, "talker", &["main"]).unwrap();
    scene.kubectl(&["wait", "--for=condition=Ready", "pod/talker", "--timeout=60s"]);
    let say = |lines: std::ops::Range<usize>| {
        lines.for_each(|n| logs.say(&format!("line-{n:03} says something of some length")).unwrap());
    };
    say(0..50);
    scene.opens_pod("talker", "l").await;
    scene.person.see("line-049").await;
    say(50..100);
    scene.person.see("line-099").await;

    // Cut while it speaks; the next connections break in the middle of a line, in an orderly way and in another.
    let log = |fault| Rule::on("/pods/talker/log?", fault).times(1);
    let met = wire.proxy.met();
    wire.proxy.rules(vec![log(Fault::CutAfter(1_500)), log(Fault::Truncate(700)), log(Fault::Cut)]);
    say(100..110);
    // Asked for anew before it goes on: on a busy machine the old connection would carry all of it and be cut afterwards.
    wire.proxy.cut_all();
    assert!(scene.person.wait_until(|_| wire.proxy.met() > met).await, "{:#?}", wire.proxy.requests());
    say(110..200);
    scene.person.see("line-199").await;
    scene.person.see_title("Logs", "200 lines").await;
    assert_eq!(wire.proxy.met(), met + 3, "{:#?}", wire.proxy.requests());
    let picture = scene.person.picture();
    let shown: Vec<&str> = picture.match_indices("line-").map(|(at, _)| &picture[at..at + 8]).collect();
    let wanted: Vec<String> = (0..200).map(|n| format!("line-{n:03}")).collect();
    assert_eq!(shown, wanted, "{LOST}: {picture}");
    // And it is still followed.
    say(200..201);
    scene.person.see("line-200").await;
    scene.person.see_title("Logs", "201 lines").await;
}
