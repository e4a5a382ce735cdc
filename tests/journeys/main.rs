//! Journeys: a person at the keyboard, the demo's platform behind the screen, or a real one.
//!
//! Each `.journey` file beside this one is one story and two tests: before the demo,
//! and (`#[ignore]`d, since it needs `tests/real/build`) before real control planes
//! that hold a copy of the demo's world. The machine is the program's own
//! (`runtime::Driver`): keys are fed as the terminal would feed them, facts come
//! over HTTP, and every `see` waits until the frame shows what is wanted. Nothing
//! sleeps. A journey that fails prints its line and the frame. README.md says what a
//! line can say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not seen as tests")]

#[path = "../copied/mod.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts")]
mod copied;
#[path = "../person/mod.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts")]
mod person;
mod script;
mod stage;

use std::path::{Path, PathBuf};

use script::Script;
use stage::{Judge, Stage};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journeys")
}

fn play(name: &str, judge: Judge) {
    let file = folder().join(format!("{name}.journey"));
    let text = std::fs::read_to_string(&file).unwrap();
    let script = Script::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut stage = Stage::set(&script.opening, judge).await;
        for (line, step) in &script.steps {
            if let Err(error) = stage.play(step).await {
                panic!("{}:{line}, before {judge:?}: {error}\n{}", file.display(), stage.picture());
            }
        }
    });
}

macro_rules! journeys {
    (both: $($both:ident),+; demo: $($alone:ident),+;) => {
        mod demo {
            use super::{Judge, play};
            $(#[test] fn $both() { play(stringify!($both), Judge::Demo); })+
            $(#[test] fn $alone() { play(stringify!($alone), Judge::Demo); })+
        }

        mod real_world {
            use super::{Judge, play};
            $(#[test] #[ignore = "needs tests/real/build"]
            fn $both() { play(stringify!($both), Judge::Real); })+
        }

        #[test]
        fn every_file_is_played_before_its_judges() {
            let mut files: Vec<(String, bool)> = std::fs::read_dir(folder())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|kind| kind == "journey"))
                .map(|path| {
                    let script = Script::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
                    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                    (name, script.opening.demo_only.is_none())
                })
                .collect();
            files.sort();
            let mut played = vec![$((stringify!($both).to_owned(), true)),+, $((stringify!($alone).to_owned(), false)),+];
            played.sort();
            assert_eq!(files, played, "the list in tests/journeys/main.rs; true: both judges");
            // And the demo's page says of each that only the demo judges why.
            let page = std::fs::read_to_string(folder().join("../../assets/demo/README.md")).unwrap();
            let alone = files.iter().filter(|(_, both)| !both);
            let untold: Vec<_> = alone.filter(|(name, _)| !page.contains(&format!("`{name}`"))).collect();
            assert!(untold.is_empty(), "not in assets/demo/README.md: {untold:?}");
        }
    };
}

journeys! {
    both:
    another_environment_is_another_list,
    cluster_down_and_back,
    connect_a_dim_context,
    delete_a_pod,
    drain_a_node,
    environments_by_key,
    faults_only,
    forbidden_backups_only,
    filter_in_all_forms,
    forbidden_jobs_only,
    hold_and_resume,
    keys_that_do_not_apply,
    login_needed,
    marks,
    matrix_to_app,
    network_of_the_first_row,
    nodes_one_by_one,
    palette_and_help,
    production_by_its_name,
    read_only_changes_nothing,
    read_only_has_no_shell,
    restricted_user,
    scale_by_plan,
    scale_where_an_autoscaler_rules,
    selection_by_identity,
    several_by_one_plan,
    shell_asks_first,
    small_terminal_tabs,
    triage_cart,
    watch_gone,
    workloads_to_rollout,
    yaml_and_secrets;
    demo:
    bridge_of_the_story,
    drain_a_node_to_its_end,
    follow_a_push,
    graph_of_an_alert,
    graphs_by_hand,
    node_failure,
    node_that_fails,
    promote_a_rollout,
    restart_that_never_comes_true,
    scale_of_what_heals_itself,
    switch_and_stay,
    switch_that_comes_back,
    undo_of_a_stateful_set,
    undo_to_a_revision,
    what_is_out_of_sync,
    zoom_of_sync;
}
