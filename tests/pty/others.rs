//! Other programs at the same terminal: credential plugins that must not touch it, and the shell that it is lent to.

use std::path::Path;

use pilothouse::journal::Outcome;
use portable_pty::CommandBuilder;
use rustix::process::{Pid, test_kill_process_group};

use super::program::{PILOTHOUSE, Platform, Program, surroundings};

/// A kubeconfig whose user runs this script for credentials.
fn kubeconfig(folder: &Path, script: &str, cluster: &str) -> std::path::PathBuf {
    let plugin = folder.join("plugin.sh");
    std::fs::write(&plugin, script).unwrap();
    let file = folder.join("kubeconfig.yaml");
    let text = format!(
        "
apiVersion: v1
kind: Config
current-context: guarded
contexts: [{{name: guarded, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {cluster}}}]
users:
- name: u
  user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}']}}}}
",
        plugin.display()
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn open(folder: &Path, script: &str, cluster: &str) -> Program {
    let mut command = CommandBuilder::new(PILOTHOUSE);
    command.env_clear();
    for (name, value) in surroundings(folder) {
        command.env(name, value);
    }
    command.args(["--kubeconfig".as_ref(), kubeconfig(folder, script, cluster).as_os_str()]);
    Program::start(command, (120, 40))
}

/// Whatever it tries, it is stopped, ended, and its command is named for a person to run.
fn is_kept_off(tries: &str) {
    let home = tempfile::tempdir().unwrap();
    let script = format!("echo $$ > '{}'\n{tries}\n", home.path().join("plugin").display());
    let mut program = open(home.path(), &script, "{server: 'http://127.0.0.1:1'}");
    program.see("login needed");
    program.see("kubectl --context guarded get ns");
    program.assert_taken();
    let plugin = std::fs::read_to_string(home.path().join("plugin")).unwrap();
    let plugin = Pid::from_raw(plugin.trim().parse().unwrap()).unwrap();
    program.wait("the plugin to be gone", |_| test_kill_process_group(plugin).is_err());
    program.press("q");
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
    let bytes = String::from_utf8_lossy(&program.bytes()).into_owned();
    assert!(!bytes.contains("GARBAGE"), "{bytes:?}");
}

#[test]
fn a_plugin_cannot_write_to_the_screen() {
    is_kept_off("echo GARBAGE > /dev/tty\nread x < /dev/tty\necho \"GARBAGE $x\" > /dev/tty");
}

#[test]
fn a_plugin_cannot_read_keys() {
    is_kept_off("read x < /dev/tty\necho \"GARBAGE $x\" > /dev/tty");
}

#[test]
fn a_plugin_cannot_change_the_terminal() {
    is_kept_off("stty sane < /dev/tty\necho GARBAGE > /dev/tty");
}

/// The same before a real API server, and then the person has logged in.
#[test]
#[ignore = "needs tests/real/build"]
fn a_plugin_that_wants_the_terminal_is_kept_off_until_it_does_not() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = runtime.block_on(async { ground::Cluster::start().bare().await.unwrap() });
    let uid = cluster.person("maria").unwrap();
    let rules = r#"[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]"#;
    cluster.grant("maria", &[], &serde_json::from_str(rules).unwrap()).unwrap();
    let day = std::time::Duration::from_secs(86_400);
    let token = cluster.authority().token("people", "maria", &uid, day).unwrap();
    let home = tempfile::tempdir().unwrap();
    let server =
        format!("{{server: '{}', certificate-authority: '{}'}}", cluster.url(), cluster.ca_file().display());
    let wants = "echo GARBAGE > /dev/tty\nread x < /dev/tty\necho \"GARBAGE $x\" > /dev/tty\nexit 1\n";
    let mut program = open(home.path(), wants, &server);
    program.see("login needed");
    program.see("kubectl --context guarded get ns");
    program.assert_taken();

    let credential = format!(
        r#"{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "{token}"}}}}"#
    );
    std::fs::write(home.path().join("plugin.sh"), format!("echo '{credential}'\n")).unwrap();
    program.press("c");
    program.see("fresh");
    program.assert_taken();
    program.press("q");
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
    let bytes = String::from_utf8_lossy(&program.bytes()).into_owned();
    assert!(!bytes.contains("GARBAGE"), "{bytes:?}");
}

/// The shell of the demo, in an environment that wants its name typed first.
#[test]
fn a_shell_gets_the_terminal_and_gives_it_back() {
    let platform = Platform::start();
    let mut program = platform.open();
    program.press("x");
    program.see("in which container");
    program.press("\r");
    program.see("enter confirm");
    program.press("production\r");
    program.see("comes back to pilothouse");
    // The line above is written before the modes are changed, the prompt comes after.
    program.see("/ # ");
    program.assert_raw();
    let opened = platform.journal().read(None).unwrap().entries.remove(0);
    assert_eq!((opened.intent.action.as_str(), opened.intent.environment.as_str()), ("shell", "production"));
    assert!(opened.running && opened.end.is_none());
    program.press("exit\r");
    program.wait("the screen", |screen| {
        screen.alternate_screen() && screen.contents().contains("Pods production")
    });
    program.assert_taken();
    let closed = platform.journal().read(None).unwrap().entries.remove(0).end.unwrap();
    assert_eq!(closed.outcome, Outcome::Done, "{}", closed.words);
    program.press("q");
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
}

/// A shell through a real API server, with another sort of end: its connection breaks while it has the terminal.
#[test]
#[ignore = "needs tests/real/build"]
fn a_shell_that_is_cut_gives_the_terminal_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (cluster, namespace, relay) = runtime.block_on(async {
        let cluster = ground::Cluster::start().with_kwok().await.unwrap();
        cluster.nodes(1).await.unwrap();
        let namespace = cluster.namespace("dev-shell").await.unwrap();
        let relay = ground::relay::Relay::start(&cluster).await.unwrap();
        (cluster, namespace, relay)
    });
    let pod = serde_json::json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "host", "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": "host:1"}]}});
    cluster.apply(&pod).unwrap();
    let ready = ["-n", &namespace, "wait", "--for=condition=Ready", "pod/host", "--timeout=60s"];
    cluster.kubectl(&ready).unwrap();
    let uid = cluster.person("maria").unwrap();
    let rules = r#"[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]}]"#;
    cluster.grant("maria", &[], &serde_json::from_str(rules).unwrap()).unwrap();
    let day = std::time::Duration::from_secs(86_400);
    let token = cluster.authority().token("people", "maria", &uid, day).unwrap();
    let home = tempfile::tempdir().unwrap();
    let server =
        format!("{{server: '{}', certificate-authority: '{}'}}", relay.url(), cluster.ca_file().display());
    let credential = format!(
        r#"{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "{token}"}}}}"#
    );
    let mut program = open(home.path(), &format!("echo '{credential}'\n"), &server);
    program.see("Pods");
    program.see("host");
    program.press("x");
    program.see("comes back to pilothouse");
    program.press("echo up-$((40 + 2))\r");
    program.see("up-42");
    program.assert_raw();
    relay.cut_all();
    program.wait("the screen", |screen| {
        screen.alternate_screen() && screen.contents().contains("the connection to the shell was cut")
    });
    program.assert_taken();
    // Another one is had at once.
    program.press("x");
    program.see("comes back to pilothouse");
    program.press("exit\r");
    program.wait("the screen", |screen| screen.alternate_screen() && screen.contents().contains("Pods"));
    program.press("q");
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
}
