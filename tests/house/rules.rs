//! Who may import whom, who may spawn, who may know the time and the disk.

use std::collections::{BTreeMap, BTreeSet};

use super::pages;
use super::tree::{Source, rooms, source, sources};

/// May start tasks, threads and processes.
const SPAWN: [&str; 4] = ["runtime", "sources", "demo", "connect"];
/// Must be pure: no clock, no disk, no environment, no waiting.
const PURE: [&str; 9] = ["view", "panes", "update", "layout", "widgets", "world", "fleet", "state", "shared"];
/// May start a demo.
const DEMO_USERS: [&str; 1] = ["cli"];
/// The only file that sends what changes a cluster.
const WRITER: &str = "src/change/execute.rs";
/// Files that send something other than a plain read, and change nothing by it: reviews are answered and not stored
/// (the first two), a query of Prometheus may be too long for a URL.
const ASKERS: [&str; 3] = ["src/change/ask.rs", "src/cli/doctor/cluster.rs", "src/connect/upstream.rs"];
/// Who hands on a method that one of the askers has named.
const CARRIERS: [&str; 2] = ["src/connect/upstream/direct.rs", "src/connect/upstream/proxied.rs"];
/// The only file that opens a shell, which is a GET that may change anything.
const SHELL: &str = "src/sources/shell.rs";
/// Lines of a file, at most.
const LINES: usize = 800;

fn hold(broken: Vec<String>) {
    assert!(broken.is_empty(), "the house rules are broken:\n  {}\n", broken.join("\n  "));
}

#[test]
fn rooms_import_what_the_table_allows() {
    hold(imports(&sources(), &pages::rooms()));
}

#[test]
fn every_room_is_in_the_table_and_in_the_tree() {
    let (table, tree) = (pages::rooms(), rooms(&sources()));
    let mut broken = Vec::new();
    for room in tree.iter().filter(|room| !table.contains_key(*room)) {
        broken.push(format!("src/{room}: the table of rooms in ARCHITECTURE.md does not have it"));
    }
    for (room, allowed) in &table {
        if !tree.contains(room) {
            broken.push(format!("ARCHITECTURE.md: there is no room `{room}` in src"));
        }
        for other in allowed.iter().flatten().filter(|other| !tree.contains(*other)) {
            broken.push(format!("ARCHITECTURE.md: `{room}` may import `{other}`, which is not there"));
        }
    }
    hold(broken);
}

#[test]
fn the_demo_stands_alone() {
    hold(demo(&sources()));
}

#[test]
fn only_some_rooms_spawn() {
    hold(sources().iter().flat_map(spawns).collect());
}

#[test]
fn pure_rooms_know_no_clock_no_disk_and_no_waiting() {
    hold(sources().iter().flat_map(impure).collect());
}

#[test]
fn only_one_file_can_change_a_cluster() {
    hold(sources().iter().flat_map(writes).collect());
}

#[test]
fn only_confirmation_makes_what_may_be_done() {
    let mut broken = Vec::new();
    for source in
        sources().iter().filter(|source| source.path != std::path::Path::new("src/change/confirm.rs"))
    {
        for line in source.find(&["Confirmed", "{"]) {
            broken.push(format!("{}: makes what only a confirmation may make", source.place(line)));
        }
    }
    hold(broken);
}

#[test]
fn no_file_swallows_the_house() {
    let mut broken = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > LINES {
            broken.push(format!("{}: {lines} lines, more than {LINES}", source.path.display()));
        }
    }
    hold(broken);
}

/// A test that found something lost is not passed by one more try.
#[test]
fn the_gate_knows_the_mark_of_what_was_lost() {
    let tests = std::fs::read_to_string("tests/real/common.rs").unwrap();
    let mark = tests.split_once("pub const LOST: &str = \"").unwrap().1.split('"').next().unwrap();
    let gate = std::fs::read_to_string(".ci/run").unwrap();
    assert!(gate.contains(&format!("grep -q '{mark}'")), "{mark}");
}

#[test]
fn every_file_says_what_it_is() {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| !source.text.starts_with("//!")) {
        broken.push(format!("{}: does not begin with a `//!` comment", source.path.display()));
    }
    hold(broken);
}

/// Imports that the table does not allow; `None` beside a room allows all.
fn imports(sources: &[Source], table: &BTreeMap<String, Option<BTreeSet<String>>>) -> Vec<String> {
    let rooms = rooms(sources);
    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| source.room != "lib" && source.room != "main") {
        for line in source.climbs_out() {
            broken.push(format!("{}: write `crate::`, not `super::`", source.place(line)));
        }
        let Some(Some(allowed)) = table.get(&source.room) else { continue };
        for (name, line) in source.imports() {
            if rooms.contains(&name) && name != source.room && !allowed.contains(&name) {
                broken.push(format!("{}: `{}` may not import `{name}`", source.place(line), source.room));
            }
        }
    }
    broken
}

fn demo(sources: &[Source]) -> Vec<String> {
    let mut broken = Vec::new();
    for source in sources {
        for (name, line) in source.imports() {
            let to_demo = name == "demo" && source.room != "demo";
            if to_demo && !DEMO_USERS.contains(&source.room.as_str()) {
                broken.push(format!("{}: only {DEMO_USERS:?} may start a demo", source.place(line)));
            }
            if source.room == "demo" && name != "demo" {
                broken.push(format!("{}: the demo may not import `{name}`", source.place(line)));
            }
        }
    }
    broken
}

fn spawns(source: &Source) -> Vec<String> {
    if SPAWN.contains(&source.room.as_str()) {
        return Vec::new();
    }
    let signs: [&[&str]; 7] = [
        &["spawn", "("],
        &["spawn_blocking"],
        &["spawn_local"],
        &["spawn_on"],
        &["JoinSet"],
        &["thread", ":", ":", "scope"],
        &["thread", ":", ":", "Builder"],
    ];
    named(source, &signs, "starts a task, which only the rooms that spawn may")
}

fn impure(source: &Source) -> Vec<String> {
    if !PURE.contains(&source.room.as_str()) {
        return Vec::new();
    }
    let signs: [&[&str]; 9] = [
        &["Instant", ":", ":", "now"],
        &["SystemTime"],
        &["Timestamp", ":", ":", "now"],
        &["Zoned", ":", ":", "now"],
        &["std", ":", ":", "fs"],
        &["tokio", ":", ":", "fs"],
        &["std", ":", ":", "env"],
        &[".", "await"],
        &["block_on"],
    ];
    named(source, &signs, "is not pure")
}

/// Every way to send something that a cluster could take for a change: by HTTP, or by the client library's own calls.
fn writes(source: &Source) -> Vec<String> {
    let path = source.path.to_string_lossy().replace('\\', "/");
    if source.room == "demo" || path == WRITER {
        return Vec::new();
    }
    const POSTS: [&[&str]; 2] = [&["Request", ":", ":", "post"], &["Method", ":", ":", "POST"]];
    // With these any method at all can be sent.
    const ANY: [&[&str]; 2] = [&[".", "method", "("], &["Method", ":", ":", "from_bytes"]];
    const CHANGES: [&[&str]; 17] = [
        &["Request", ":", ":", "put"],
        &["Request", ":", ":", "patch"],
        &["Request", ":", ":", "delete"],
        &["Method", ":", ":", "PUT"],
        &["Method", ":", ":", "PATCH"],
        &["Method", ":", ":", "DELETE"],
        // The HTTP client's own.
        &[".", "post", "("],
        &[".", "delete", "("],
        &["client", ".", "put", "("],
        &["client", ".", "patch", "("],
        // The client library's calls want one of these...
        &["PostParams"],
        &["PatchParams"],
        &["DeleteParams"],
        &["EvictParams"],
        // ...but for the few that want nothing.
        &[".", "cordon", "("],
        &[".", "uncordon", "("],
        &[".", "restart", "("],
    ];
    let mut broken = Vec::new();
    if !ASKERS.contains(&path.as_str()) {
        broken.extend(named(source, &POSTS, "sends more than a plain read"));
    }
    broken.extend(named(source, &CHANGES, "can change a cluster, which only `change::execute` may"));
    if !CARRIERS.contains(&path.as_str()) {
        broken.extend(named(source, &ANY, "may send any method"));
    }
    if path != SHELL {
        // What attaches to a container wants these parameters, as what runs something in it does.
        broken.extend(named(source, &[&[".", "exec", "("], &["AttachParams"]], "opens a shell"));
    }
    broken
}

fn named(source: &Source, signs: &[&[&str]], what: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for sign in signs {
        for line in source.find(sign) {
            broken.push(format!("{}: `{}` {what}", source.place(line), sign.concat()));
        }
    }
    broken
}

#[test]
fn each_rule_can_be_broken() {
    let table = [("a".to_owned(), Some(BTreeSet::new())), ("b".to_owned(), None)].into();
    let house = [source("src/a.rs", "use crate::b;"), source("src/b.rs", "use crate::a;")];
    assert_eq!(imports(&house, &table), ["src/a.rs:1: `a` may not import `b`"]);

    let house =
        [source("src/demo/mod.rs", "use crate::text;"), source("src/view/mod.rs", "use crate::demo;")];
    assert_eq!(demo(&house).len(), 2);
    assert_eq!(demo(&[source("src/cli/demo.rs", "use crate::demo;")]), [] as [&str; 0]);

    let spawning = "fn f() { tokio::spawn(g()); std::thread::spawn(h); }";
    assert_eq!(spawns(&source("src/view/mod.rs", spawning)).len(), 2);
    assert_eq!(spawns(&source("src/runtime/mod.rs", spawning)), [] as [&str; 0]);

    let writing = "fn f() { http::Request::patch(p); client.send(http::Request::builder().method(http::Method::DELETE)); }";
    assert_eq!(writes(&source("src/cli/x.rs", writing)).len(), 3);
    assert_eq!(writes(&source(WRITER, writing)), [] as [&str; 0]);
    let asking = "fn f() { http::Request::post(p); }";
    assert_eq!(writes(&source("src/panes/x.rs", asking)).len(), 1);
    assert_eq!(writes(&source(ASKERS[0], asking)), [] as [&str; 0]);
    assert_eq!(writes(&source(ASKERS[0], writing)).len(), 3, "who asks may not change");
    for sneaking in [
        "fn f() { http::Request::builder().method(\"DELETE\"); }",
        "fn f() { http::Method::from_bytes(b\"DELETE\"); }",
        "fn f() { self.client.post(url); }",
        "fn f() { reqwest::Client::new().delete(url); }",
        "fn f() { client.patch(url); }",
    ] {
        assert_eq!(writes(&source("src/sources/x.rs", sneaking)).len(), 1, "{sneaking}");
    }
    let library = "async fn f() { pods.evict(n, &EvictParams::default()); pods.exec(n, c, &p); }";
    assert_eq!(writes(&source("src/runtime/x.rs", library)).len(), 2);
    assert_eq!(writes(&source(SHELL, "async fn f() { pods.exec(n, c, &p); }")), [] as [&str; 0]);

    let waiting = "async fn f() { g().await; let now = std::time::Instant::now(); }";
    assert_eq!(impure(&source("src/update/mod.rs", waiting)).len(), 2);
    let tested = format!("#[cfg(test)]\nmod tests {{ {waiting} }}");
    assert_eq!(impure(&source("src/update/mod.rs", &tested)), [] as [&str; 0]);
}
