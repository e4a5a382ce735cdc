//! The commands, run as a person runs them: those about our own files, and those that look at clusters or change
//! something in them.
//!
//! The latter have two judges: `demo::NAME` is the embedded demo in a process of its own, `real::NAME` real control planes
//! with KWOK that hold a copy of its world (`tests/copied`). The real half is `#[ignore]`d: it needs `tests/real/build`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not seen as tests")]

#[path = "../copied/mod.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts")]
mod copied;

/// Makes each function a test before the demo and one before a real control plane.
macro_rules! judged {
    ($($name:ident),* $(,)?) => {
        mod demo {
            $(#[test] fn $name() { super::$name(&crate::world::World::demo()); })*
        }
        mod real {
            $(#[test] #[ignore = "needs tests/real/build"]
            fn $name() { super::$name(&crate::world::World::real()); })*
        }
    };
}

mod changing;
mod ours;
mod setting;
mod world;

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

/// A home of its own, with these files below `.config/pilothouse`.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = home.path().join("config/pilothouse").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    home
}

fn run(home: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    run_with(home, &[], args)
}

fn run_with(home: &Path, env: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::cargo_bin("pilothouse")
        .unwrap()
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("LANG", "C.UTF-8")
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let tidy = |bytes| String::from_utf8(bytes).unwrap().replace(home.to_str().unwrap(), "HOME");
    (status.code(), tidy(stdout), tidy(stderr))
}

fn done(home: &Path, args: &[&str]) -> String {
    let (code, out, err) = run(home, args);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}\n{out}");
    out
}

fn read_json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn journal(home: &Path) -> serde_json::Value {
    read_json(&done(home, &["journal", "-o", "json"]))
}
