//! Changes outlive their screen, and what a killed program began is told by the next one.

use std::time::Duration;

use pilothouse::journal::{Entry, Outcome};
use rustix::process::Signal;

use super::program::{Platform, Program};

/// A restart in production, confirmed and on its way: the platform rests, so it does not end by itself.
fn restarting(platform: &Platform) -> Program {
    let program = platform.open();
    program.press("/payments\r");
    // The title of the pods: other panes name payments long before its pods are there.
    program.see("6 of 58");
    // The footer: until their ReplicaSets are there, nobody knows what is to be restarted.
    program.see("s scale");
    program.press("R");
    program.see("Type production to do it");
    program.press("production\r");
    program.see("pods new");
    program
}

fn only(platform: &Platform) -> Entry {
    let mut reading = platform.journal().read(None).unwrap();
    assert_eq!((reading.entries.len(), reading.torn.len()), (1, 0));
    reading.entries.remove(0)
}

#[test]
fn on_sighup_it_lets_go_of_the_terminal_and_finishes() {
    let platform = Platform::start();
    let mut program = restarting(&platform);
    program.signal(Signal::HUP);
    program.wait_until_given_back();
    let entry = only(&platform);
    assert!(entry.end.is_none() && entry.running, "it is still at it");
    platform.advance(Duration::from_secs(300));
    assert_eq!(program.ended().exit_code(), 0);
    assert_eq!(only(&platform).end.unwrap().outcome, Outcome::Done);
}

#[test]
fn a_terminal_that_goes_away_does_not_end_what_was_begun() {
    let platform = Platform::start();
    let mut program = restarting(&platform);
    program.hang_up();
    platform.advance(Duration::from_secs(300));
    program.ended();
    assert_eq!(only(&platform).end.unwrap().outcome, Outcome::Done);
}

#[test]
fn what_a_killed_program_began_stands_on_the_next_first_screen() {
    let platform = Platform::start();
    let mut program = restarting(&platform);
    program.signal(Signal::KILL);
    program.ended();
    assert!(only(&platform).is_abandoned());

    let mut program = Program::start(platform.command(), (120, 40));
    program.see("Without an outcome");
    program.see("restart deploy/payments in production");
    program.see("it was done: everything is as it was wanted");
    program.press("d");
    program.wait("the dialog to go", |screen| !screen.contents().contains("Without an outcome"));
    program.press("q");
    program.ended();
    let end = only(&platform).end.unwrap();
    assert_eq!(end.outcome, Outcome::Unknown);
    assert!(end.words.starts_with("left as it was found: it was done"), "{}", end.words);
}

/// A switch in production that is watched for so many seconds.
fn switching(platform: &Platform, window: u64) -> Program {
    platform.configure(&format!("traffic:\n  guard: {{window: {window}s}}\n"));
    let program = platform.open();
    program.press("6");
    program.see("1 pair, 1 rollout");
    program.press("/checkout\r");
    program.wait("the filter", |screen| !screen.contents().contains("paused"));
    program.press("w");
    program.see("Plan: switch svc/checkout blue → green in production");
    program.see("Type production to do it");
    // Until the Application is known, nobody knows whether it puts the selector back.
    if program.shows("1 gate fails (") {
        program.press("a test\r");
    }
    program.press("production\r");
    program.see("lead svc/checkout to green: done");
    platform.advance(Duration::from_secs(5));
    program
}

#[test]
fn a_guard_outlives_the_line() {
    let platform = Platform::start();
    let mut program = switching(&platform, 40);
    program.signal(Signal::HUP);
    program.wait_until_given_back();
    let entry = only(&platform);
    assert!(entry.end.is_none() && entry.running, "it still watches");
    assert_eq!(program.ended().exit_code(), 0);
    let end = only(&platform).end.unwrap();
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert!(end.words.contains("green is live: no breach in 40 s"), "{}", end.words);
}

#[test]
fn a_switch_that_lost_its_guard_is_told_with_how_it_stands_and_the_way_back() {
    let platform = Platform::start();
    let mut program = switching(&platform, 600);
    program.signal(Signal::KILL);
    program.ended();
    assert!(only(&platform).is_abandoned());

    let mut program = Program::start(platform.command(), (120, 40));
    program.see("Without an outcome");
    program.see("switch svc/checkout blue → green in production");
    program.see("it was done: everything is as it was wanted");
    program.press("u");
    program.see("Plan: switch svc/checkout green → blue in production");
    program.see("Type production to do it");
    program.press("\x1b");
    program.wait("the dialog to go", |screen| !screen.contents().contains("Plan: switch"));
    program.press("q");
    program.ended();
}

#[test]
fn ctrl_c_leaves_no_switch_unwatched_and_pressed_twice_leads_back() {
    let platform = Platform::start();
    let mut command = platform.command();
    command.args(["switch", "svc/checkout", "--env", "production", "--confirm", "production"]);
    let mut program = Program::start(command, (120, 40));
    program.see("lead svc/checkout to green: done");
    platform.advance(Duration::from_secs(5));
    program.see("guard of green");
    program.press("\x03");
    program.see("ctrl-c again leads back to blue now");
    program.press("\x03");
    program.see("leading back to blue");
    platform.advance(Duration::from_secs(5));
    program.see("Led back to blue");
    assert_eq!(program.ended().exit_code(), 1);
    let entries = platform.journal().read(None).unwrap().entries;
    assert_eq!(entries.len(), 2, "the way back has an entry of its own");
    assert!(entries.iter().all(|entry| entry.end.is_some()));
}
