//! Whatever ends the harness, the servers end with it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program with a bare control plane, and the folder of its servers.
fn started() -> (Child, PathBuf) {
    let mut program =
        Command::new(env!("CARGO_BIN_EXE_ground")).arg("--bare").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let folder = Path::new(line.trim()).parent().unwrap().to_owned();
    assert!(!servers(&folder).is_empty(), "nothing runs in {}", folder.display());
    (program, folder)
}

/// Processes whose command line names the folder: etcd and the API server, and the keeper.
fn servers(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let lines = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|process| {
        let line = std::fs::read_to_string(process.path().join("cmdline")).ok()?;
        line.contains(name).then(|| line.replace('\0', " "))
    });
    lines.collect()
}

fn nothing_is_left(folder: &Path) {
    let began = Instant::now();
    while folder.exists() || !servers(folder).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "left: {:#?}", servers(folder));
        std::thread::yield_now();
    }
}

fn ended_by(signal: &str) {
    let (mut program, folder) = started();
    let status = Command::new("kill").args(["-s", signal, &program.id().to_string()]).status().unwrap();
    assert!(status.success());
    program.wait().unwrap();
    nothing_is_left(&folder);
}

#[test]
#[ignore = "needs tests/real/build"]
fn ctrl_c_leaves_nothing() {
    ended_by("INT");
}

#[test]
#[ignore = "needs tests/real/build"]
fn a_kill_leaves_nothing() {
    ended_by("KILL");
}

#[test]
#[ignore = "needs tests/real/build"]
fn a_server_that_cannot_start_is_shown_with_what_it_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let assets = tempfile::tempdir().unwrap();
    let file = assets.path().join("kube-apiserver");
    std::fs::write(&file, "#!/bin/sh\necho 'no such flag: --played' >&2\nexit 3\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_ground"));
    let output = program.arg("--bare").env("KUBEBUILDER_ASSETS", assets.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("kube-apiserver ended with exit status: 3"), "{said}");
    assert!(said.contains("no such flag: --played"), "{said}");
}
