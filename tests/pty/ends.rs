//! All the ways to end, and to stop and go on.

use portable_pty::CommandBuilder;
use rustix::process::Signal;

use super::program::{PILOTHOUSE, Platform, Program, surroundings};

#[test]
fn q_quits() {
    let platform = Platform::start();
    let mut program = platform.open();
    program.assert_taken();
    program.press("q");
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
}

#[test]
fn ctrl_c_quits() {
    let platform = Platform::start();
    let mut program = platform.open();
    program.press("\x03");
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
}

fn ends_on(signal: Signal) {
    let platform = Platform::start();
    let mut program = platform.open();
    program.assert_taken();
    program.signal(signal);
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
}

#[test]
fn sigterm_ends() {
    ends_on(Signal::TERM);
}

#[test]
fn sigint_ends() {
    ends_on(Signal::INT);
}

#[test]
fn sighup_ends() {
    ends_on(Signal::HUP);
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let platform = Platform::start();
    let mut program = platform.open();
    program.hang_up();
    program.ended();
}

#[test]
fn a_signal_before_the_first_data_ends_it() {
    let home = tempfile::tempdir().unwrap();
    // A port where nobody answers: the connection is refused again and again.
    let kubeconfig = home.path().join("kubeconfig.yaml");
    std::fs::write(&kubeconfig, NOBODY).unwrap();
    let mut command = CommandBuilder::new(PILOTHOUSE);
    command.env_clear();
    for (name, value) in surroundings(home.path()) {
        command.env(name, value);
    }
    command.args(["--kubeconfig".as_ref(), kubeconfig.as_os_str()]);
    let mut program = Program::start(command, (80, 24));
    program.wait("a frame", |screen| screen.alternate_screen() && screen.contents().contains("nobody"));
    program.signal(Signal::TERM);
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
}

const NOBODY: &str = "
apiVersion: v1
kind: Config
current-context: nobody
contexts: [{name: nobody, context: {cluster: nobody, user: nobody}}]
clusters: [{name: nobody, cluster: {server: 'http://127.0.0.1:1'}}]
users: [{name: nobody, user: {}}]
";

/// ctrl-z needs a shell that takes the terminal meanwhile.
#[test]
fn ctrl_z_stops_and_fg_goes_on() {
    let platform = Platform::start();
    let mut command = CommandBuilder::new("sh");
    platform.surroundings(&mut command);
    let script = r#"set -m; "$0" --kubeconfig "$1"; echo STOPPED; read line; fg >/dev/null; echo ENDED $?"#;
    command.args(["-c", script, PILOTHOUSE, platform.kubeconfig().to_str().unwrap()]);
    let mut program = Program::start(command, (120, 40));
    program.see("cart-");
    program.assert_taken();

    program.press("\x1a");
    program.see("STOPPED");
    program.wait_until_given_back();
    assert!(!program.text().contains("cart-"), "the screen of before is not back");

    program.press("\r");
    program.wait("the pods again", |screen| screen.alternate_screen() && screen.contents().contains("cart-"));
    program.assert_taken();
    program.press("q");
    program.see("ENDED 0");
    program.wait_until_given_back();
    program.ended();
}

/// What is told to end while it is stopped goes on in the background, where the terminal is somebody else's.
#[test]
fn killed_while_it_is_stopped_it_ends() {
    let platform = Platform::start();
    let mut command = CommandBuilder::new("sh");
    platform.surroundings(&mut command);
    let script = r#"set -m; "$0" --kubeconfig "$1"; echo STOPPED; kill -TERM %1; bg %1 >/dev/null; wait %1; echo ENDED $?"#;
    command.args(["-c", script, PILOTHOUSE, platform.kubeconfig().to_str().unwrap()]);
    let mut program = Program::start(command, (120, 40));
    program.see("cart-");
    program.press("\x1a");
    program.see("ENDED 0");
    program.wait_until_given_back();
    program.ended();
}

/// Without a shell behind it nothing may stop it, and nothing is lost.
#[test]
fn ctrl_z_without_a_shell_goes_on() {
    let platform = Platform::start();
    let mut program = platform.open();
    program.press("\x1a");
    program.wait("the screen to be taken again", |screen| {
        screen.alternate_screen() && screen.contents().contains("cart-")
    });
    program.press("q");
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
}

/// Told to go on while it runs, as a shell does when it brings back what was never stopped: not a moment passes without
/// raw mode, in which keys would be echoed over the frame.
#[test]
fn told_to_go_on_while_it_runs_the_terminal_stays_raw() {
    let platform = Platform::start();
    let program = platform.open();
    for _ in 0..100 {
        let before = program.here();
        program.signal(Signal::CONT);
        let mut taken = false;
        while !taken {
            program.assert_raw();
            taken = program.since(before).contains("\x1b[?1049h");
        }
    }
    program.press("q");
}

#[test]
fn after_sigstop_and_sigcont_the_frame_is_whole() {
    let platform = Platform::start();
    let program = platform.open();
    let before = program.here();
    program.signal(Signal::STOP);
    // The shell that sees it stop takes the terminal for itself.
    program.give_modes_back();
    program.signal(Signal::CONT);
    // Whatever was written over it meanwhile, what follows is drawn onto an empty screen.
    program.wait_since(before, "a whole frame", |text| {
        text.split("\x1b[2J").skip(1).any(|after| after.contains("cart-"))
    });
    program.assert_taken();
}
