//! What is a breach, and what is none.

use serde_json::json;

use super::*;
use crate::change::plan::{Method, Request, Right};
use crate::change::testing::{facts_of, service};
use crate::domain::id::Kind;

fn guard() -> Guard {
    let facts = facts_of(Kind::Service, service("blue"));
    let request =
        Request { method: Method::JsonPatch, path: String::new(), body: json!([]), right: Right::default() };
    Guard {
        service: facts.object.clone(),
        live: facts.live,
        key: "color".into(),
        from: "blue".into(),
        to: "green".into(),
        needed: 4,
        window: Duration::from_secs(120),
        limits: Limits::default(),
        pods: String::new(),
        slices: String::new(),
        ready_is_told: true,
        gauges: Err("none".to_owned()),
        back: Step { title: String::new(), object: facts.object, request, versioned: false },
    }
}

const PATIENCE: Patience = Patience { follow: Duration::from_secs(30), unready: Duration::from_secs(5) };

fn pods(new: u32, receiving: (u32, u32)) -> Sight {
    Sight { ready: Some(Ok((new, 4))), receiving: Some(Ok(receiving)), reading: None }
}

fn reading(requests: u64, errors: u64, latency: u64, old: Option<u64>) -> Sight {
    let reading = Reading {
        requests: Some(requests),
        errors: Told::Is(errors),
        latency: Told::Is(latency),
        old_errors: old,
    };
    Sight { reading: Some(Ok(reading)), ..pods(4, (4, 0)) }
}

/// Looks at these moments; what is wrong at the last.
fn breach(looks: &[(u64, Sight)]) -> Vec<String> {
    let guard = guard();
    let mut watcher = Watcher::new(&guard, PATIENCE);
    for (at, sight) in looks {
        watcher.look(Duration::from_secs(*at), sight);
    }
    watcher.shown().breach.clone()
}

#[test]
fn endpoints_have_their_time_to_follow() {
    assert!(breach(&[(1, pods(4, (0, 4))), (29, pods(4, (2, 2)))]).is_empty());
    let late = breach(&[(30, pods(4, (2, 1)))]);
    assert_eq!(late, ["the endpoints did not follow within 30 s: 2 of green, 1 of others are left"]);
    assert!(breach(&[(2, pods(4, (4, 0))), (40, pods(4, (4, 0)))]).is_empty());
}

#[test]
fn some_unready_pods_have_a_moment_and_none_at_all_is_a_breach_at_once() {
    let well = || (2, pods(4, (4, 0)));
    assert!(breach(&[well(), (10, pods(3, (3, 0))), (14, pods(3, (3, 0)))]).is_empty());
    let gone = breach(&[well(), (10, pods(3, (3, 0))), (15, pods(3, (3, 0)))]);
    assert_eq!(gone, ["3 of 4 pods of green are ready"]);
    assert!(
        breach(&[well(), (10, pods(3, (3, 0))), (12, pods(4, (4, 0))), (16, pods(3, (3, 0)))]).is_empty()
    );
    assert_eq!(breach(&[well(), (10, pods(0, (0, 0)))]), ["0 of 4 pods of green are ready"]);
}

#[test]
fn errors_count_above_the_limit_and_twice_what_the_old_colour_had() {
    assert!(breach(&[(9, reading(100, 50_000, 100, Some(1_000)))]).is_empty());
    let bad = breach(&[(9, reading(100, 51_000, 100, Some(1_000)))]);
    assert_eq!(bad, ["errors of green are 5.1 % (limit 5 %, blue had 0.1 %)"]);
    assert!(breach(&[(9, reading(100, 190_000, 100, Some(100_000)))]).is_empty(), "blue was no better");
    assert!(breach(&[(9, reading(100, 60_000, 100, None))])[0].contains("what blue had is not known"));
    // What the old colour had when it still had traffic counts, not what it has when it has none.
    let later = [(1, reading(0, 0, 0, Some(1_000))), (9, reading(100, 60_000, 0, Some(900_000)))];
    assert_eq!(breach(&later).len(), 1);
}

#[test]
fn latency_is_judged_by_its_limit() {
    assert!(breach(&[(9, reading(100, 0, 2_000, None))]).is_empty());
    assert_eq!(breach(&[(9, reading(100, 0, 2_001, None))]), ["p99 of green is 2001 ms (limit 2000 ms)"]);
}

#[test]
fn what_is_not_known_is_said_and_is_no_breach() {
    assert!(breach(&[(9, reading(29, 900_000, 9_000, None))]).is_empty(), "too few requests");
    let blind = Sight {
        ready: Some(Err("forbidden".to_owned())),
        receiving: Some(Err("forbidden".to_owned())),
        reading: Some(Err("no Prometheus".to_owned())),
    };
    assert!(breach(&[(60, blind.clone())]).is_empty());
    let guard = guard();
    let mut watcher = Watcher::new(&guard, PATIENCE);
    watcher.look(Duration::from_secs(60), &blind);
    let said = [
        "ready pods not known: forbidden",
        "endpoints not known: forbidden",
        "errors and p99 not known: no Prometheus",
    ];
    assert_eq!(watcher.shown().unknown(), said);
    assert_eq!(watcher.shown().words(), "guard of green: 60 of 120 s, ready ?, errors ?, p99 ?");
    watcher.look(Duration::from_secs(61), &reading(29, 1, 1, None));
    assert_eq!(
        watcher.shown().unknown(),
        ["errors and p99 not known: 29 of 30 requests that are needed to judge"]
    );
}

#[test]
fn the_window_ends_by_the_time_since_the_switch() {
    let guard = guard();
    let mut watcher = Watcher::new(&guard, PATIENCE);
    watcher.look(Duration::from_secs(119), &pods(4, (4, 0)));
    assert!(!watcher.is_over());
    watcher.look(Duration::from_secs(120), &pods(4, (4, 0)));
    assert!(watcher.is_over() && watcher.shown().followed == Some(Duration::from_secs(119)));
}
