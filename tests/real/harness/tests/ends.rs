//! Whatever ends the harness, the servers end with it, and all that they started.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ground::Cluster;
use rustix::process::{Pid, Signal, kill_process};

/// The program with what is wanted, and the folder of its servers.
fn started(arguments: &[&str]) -> (Child, PathBuf) {
    let mut program =
        Command::new(env!("CARGO_BIN_EXE_ground")).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let folder = Path::new(line.trim()).parent().unwrap().to_owned();
    assert!(!processes(&folder).is_empty(), "nothing runs in {}", folder.display());
    (program, folder)
}

/// Processes that name the folder in their command line or their environment, or work in it: the servers, the keeper, and
/// whatever a server started.
fn processes(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let lines = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|process| {
        let process = process.path();
        let line = std::fs::read_to_string(process.join("cmdline")).ok()?;
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        let place = std::fs::read_link(process.join("cwd")).unwrap_or_default();
        let here = line.contains(name)
            || String::from_utf8_lossy(&environment).contains(name)
            || place.to_string_lossy().starts_with(name);
        here.then(|| line.replace('\0', " "))
    });
    lines.collect()
}

fn nothing_is_left(folder: &Path) {
    let began = Instant::now();
    while folder.exists() || !processes(folder).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "left: {:#?}", processes(folder));
        std::thread::yield_now();
    }
}

fn end(mut program: Child, signal: Signal) {
    kill_process(Pid::from_child(&program), signal).unwrap();
    program.wait().unwrap();
}

#[test]
#[ignore = "needs tests/real/build"]
fn ctrl_c_leaves_nothing() {
    let (program, folder) = started(&["--bare"]);
    end(program, Signal::INT);
    nothing_is_left(&folder);
}

#[test]
#[ignore = "needs tests/real/build"]
fn a_kill_leaves_nothing_of_everything() {
    let (program, folder) = started(&["--with", "kwok,argocd,velero,prometheus"]);
    let kubectl = |words: &[&str]| {
        let mut kubectl = Command::new(ground::built("controlplane").unwrap().join("controlplane"));
        kubectl.arg("kubectl").arg("--kubeconfig").arg(folder.join("admin.kubeconfig")).args(words);
        kubectl.env("KUBECACHEDIR", folder.join("kubectl-cache"));
        kubectl
    };
    assert!(kubectl(&["run", "host", "--image=host:1"]).status().unwrap().success());
    let ready = ["wait", "--for=condition=Ready", "pod/host", "--timeout=60s"];
    assert!(kubectl(&ready).status().unwrap().success());
    // KWOK runs it on this machine.
    let mut exec = kubectl(&["exec", "host", "--", "sleep", "54321"]).stderr(Stdio::null()).spawn().unwrap();
    let runs = |what: &str| processes(&folder).iter().any(|line| line.contains(what));
    let began = Instant::now();
    while !processes(&folder).iter().any(|line| line.trim() == "sleep 54321") {
        assert!(began.elapsed() < Duration::from_secs(30), "{:#?}", processes(&folder));
        std::thread::yield_now();
    }
    let control_plane = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
    let beside = ["kwok", "redis-server", "repo-server", "application-controller", "velero", "alertmanager"];
    for server in [&control_plane[..], &beside[..]].concat() {
        assert!(runs(server), "{server} is not found: {:#?}", processes(&folder));
    }
    end(program, Signal::KILL);
    exec.wait().unwrap();
    nothing_is_left(&folder);
}

#[test]
#[ignore = "needs tests/real/build"]
fn a_test_that_panics_leaves_nothing() {
    let (tell, told) = std::sync::mpsc::channel();
    // As libtest runs a test: a thread whose panic is caught.
    let test = std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let cluster = Cluster::start().bare().await.unwrap();
            tell.send((cluster.folder().to_owned(), processes(cluster.folder()).len())).unwrap();
            panic!("played");
        });
    });
    assert!(test.join().is_err());
    let (folder, running) = told.recv().unwrap();
    assert!(running >= 2, "{running}");
    nothing_is_left(&folder);
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn two_at_once_and_nothing_left() {
    let (one, two) = tokio::join!(Cluster::start().bare(), Cluster::start().bare());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.url(), two.url());
    let folders = [one.folder().to_owned(), two.folder().to_owned()];
    assert!(folders.iter().all(|folder| processes(folder).len() >= 2));
    drop((one, two));
    // At once: who drops a cluster has its ports and its memory back.
    for folder in folders {
        assert!(!folder.exists());
        assert_eq!(processes(&folder), Vec::<String>::new());
    }
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

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn what_never_comes_is_told_with_what_the_servers_said() {
    let cluster = Cluster::start().bare().await.unwrap();
    cluster.end_server("etcd").await.unwrap();
    let began = Instant::now();
    let patience = Duration::from_secs(1);
    let error = cluster
        .until_for("Godot", patience, || began.elapsed() > patience * 60)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("never came: Godot\n"), "{error}");
    assert!(error.contains("---- kube-apiserver runs; it said last:\n"), "{error}");
}

/// `up` or `down`, with a state of its own.
fn script(name: &str, state: &Path, arguments: &[&str]) -> Command {
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name));
    script.args(arguments).env("PILOTHOUSE_UP", state).env("PILOTHOUSE_GROUND", env!("CARGO_BIN_EXE_ground"));
    script.stdout(Stdio::piped()).stderr(Stdio::piped());
    script
}

/// What a script printed, and what it complained of.
fn said(script: Child) -> (bool, String, String) {
    let output = script.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
#[ignore = "needs tests/real/build"]
fn up_twice_at_once_is_one_and_down_ends_it() {
    let state = tempfile::tempdir().unwrap();
    let run = |name: &str, arguments: &[&str]| script(name, state.path(), arguments).spawn().unwrap();
    let (one, two) = (run("up", &["--bare"]), run("up", &["--bare"]));
    let (one, two) = (said(one), said(two));
    assert!(one.0 && two.0, "{one:?} {two:?}");
    assert_eq!(one.1, two.1, "two of them are up");
    let folder = Path::new(&one.1).parent().unwrap();
    assert!(folder.join("admin.kubeconfig").exists(), "{one:?}");

    // What is up is not what is asked for.
    let (well, path, words) = said(run("up", &["--with", "kwok"]));
    assert!(!well && path.is_empty(), "{path}");
    assert!(words.contains("up already is `tests/real/up --bare`"), "{words}");

    let (well, _, words) = said(run("down", &[]));
    assert!(well, "{words}");
    assert!(!folder.exists());
    assert_eq!(processes(folder), Vec::<String>::new());
    let (well, _, words) = said(run("down", &[]));
    assert!(well && words == "nothing is up", "{words}");
}

/// `down` has the lock that `up` holds, and what does not end is killed.
#[test]
#[ignore = "needs tests/real/build"]
fn down_waits_for_what_is_starting_and_kills_what_is_stuck() {
    let state = tempfile::tempdir().unwrap();
    let run =
        |name: &str| script(name, state.path(), &["--bare"][..usize::from(name == "up")]).spawn().unwrap();
    let mut up = run("up");
    let pid = state.path().join("pid");
    let began = Instant::now();
    while std::fs::read_to_string(&pid).unwrap_or_default().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", up.try_wait());
        std::thread::yield_now();
    }
    let down = run("down");
    let (well, path, words) = said(up);
    assert!(well, "{words}");
    let folder = Path::new(&path).parent().unwrap();
    let (well, _, words) = said(down);
    assert!(well, "{words}");
    assert!(!folder.exists());

    let (well, path, words) = said(run("up"));
    assert!(well, "{words}");
    let folder = Path::new(&path).parent().unwrap();
    let program = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(program).unwrap(), Signal::STOP).unwrap();
    let (well, _, words) = said(run("down"));
    assert!(well && words == "it does not end by itself and is killed", "{words}");
    assert!(!folder.exists());
    assert_eq!(processes(folder), Vec::<String>::new());
}
