//! Journeys: a person at the keyboard, the demo's platform behind the screen.
//!
//! Each `.journey` file beside this one is one story and one test. The machine
//! is the program's own (`runtime::Driver`): keys are fed as the terminal would
//! feed them, facts come over HTTP from the demo, and every `see` waits until
//! the frame shows what is wanted. Nothing sleeps. A journey that fails prints
//! its line and the frame. README.md says what a line can say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not seen as tests")]

#[path = "../person/mod.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts")]
mod person;
mod script;
mod stage;

use std::path::{Path, PathBuf};

use script::Script;
use stage::Stage;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journeys")
}

fn play(name: &str) {
    let file = folder().join(format!("{name}.journey"));
    let text = std::fs::read_to_string(&file).unwrap();
    let script = Script::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut stage = Stage::set(&script.opening).await;
        for (line, step) in &script.steps {
            if let Err(error) = stage.play(step).await {
                panic!("{}:{line}: {error}\n{}", file.display(), stage.picture());
            }
        }
    });
}

macro_rules! journeys {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { play(stringify!($name)); })*

        #[test]
        fn every_file_is_played() {
            let mut files: Vec<String> = std::fs::read_dir(folder())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|kind| kind == "journey"))
                .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            files.sort();
            let mut played = vec![$(stringify!($name)),*];
            played.sort_unstable();
            assert_eq!(files, played, "the list in tests/journeys/main.rs");
        }
    };
}

journeys! {
    another_environment_is_another_list,
    cluster_down_and_back,
    connect_a_dim_context,
    environments_by_key,
    faults_only,
    filter_in_all_forms,
    forbidden_jobs_only,
    keys_that_do_not_apply,
    login_needed,
    marks,
    matrix_to_app,
    node_failure,
    palette_and_help,
    read_only_has_no_shell,
    restricted_user,
    selection_by_identity,
    shell_asks_first,
    small_terminal_tabs,
    triage_cart,
    watch_gone,
    workloads_to_rollout,
    yaml_and_secrets,
}
