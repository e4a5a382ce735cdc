//! The release program under load, seen from outside: a pseudo terminal of
//! 200x50, an emulator behind it, `/proc` beside it, and the API server in a
//! process of its own.
//!
//! `cargo bench --bench load` measures against the demo with 10,000 pods, 300
//! Applications, 1,000 Backups and 500 alerts, and every pane alive;
//! `-- --real --pods 1000,10000,50000` against etcd and the API server alone,
//! which are started and filled for it (`tests/real/build controlplane` builds
//! them); `-- --kubeconfig FILE --pods N` against one that has N pods already.
//! A table goes to stdout with the budget beside each number, under the day, the
//! machine and the server; the same as JSON to the file of `--json`. Linux only. It never fails: numbers depend on
//! the machine, and people judge them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool that measures ends when something is wrong, and prints"
)]

mod options;
mod probe;
mod process;
mod report;
mod server;
mod tty;

use std::time::{Duration, Instant};

use options::Options;
use report::{Report, Surroundings};
use server::Server;
use tty::Program;

/// Of the terminal.
const SIZE: (u16, u16) = (200, 50);
/// Keys for each latency figure.
const KEYS: usize = 200;
/// Changes for the figure of a change on its way to the screen.
const CHANGES: usize = 20;
/// The window in which CPU is counted.
const IDLE: Duration = Duration::from_secs(60);
/// Changes a second while it is busy.
const CHURN: u32 = 200;

fn main() {
    let Some(options) = Options::read(std::env::args().skip(1)) else { return };
    let mut report = Report::of(Surroundings::now(options.against.words()));
    for pods in options.pods {
        report.begin(pods);
        eprintln!("at rest: {pods} pods");
        let server = Server::start(&options.against, pods, 0);
        starts(&server, pods, &mut report);
        rest(&server, pods, &mut report);
        if let Some(mut server) = server.busy(&options.against, pods, CHURN) {
            eprintln!("busy: {CHURN} changes a second");
            busy(&server, pods, &mut report);
            if let Some(taken) = server.changes_taken() {
                eprintln!("  the API server took {taken} changes");
            }
        }
    }
    report.print();
    if let Some(file) = &options.json {
        std::fs::write(file, report.json()).expect("the JSON file cannot be written");
    }
}

/// First paint and all pods, five fresh starts each.
fn starts(server: &Server, pods: usize, report: &mut Report) {
    let (mut paints, mut lists) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let program = Program::start(server, SIZE);
        paints.push(program.wait("the first paint", |screen| {
            screen.alternate_screen() && !screen.contents().trim().is_empty()
        }));
        lists.push(program.wait_for_pods(pods));
    }
    report.add("first paint, ms", median(&mut paints).as_secs_f64() * 1e3, Some(50.0));
    // Half of what k9s 0.50 needs for 10,000 pods on a real API server (7.3 s) on the machine the budget was made on.
    let budget = (pods <= 10_000).then_some(3_650.0);
    report.add("all pods listed, ms", median(&mut lists).as_secs_f64() * 1e3, budget);
}

/// Memory, CPU, keys and changes while nothing else happens.
fn rest(server: &Server, pods: usize, report: &mut Report) {
    let program = Program::start(server, SIZE);
    program.wait_for_pods(pods);
    program.wait_until_quiet();
    let peak = program.process().peak_bytes();
    let (cpu, bytes) = idle(&program);
    report.add("idle CPU, % of a core", cpu, Some(0.5));
    report.add("bytes to the terminal at rest, a second", bytes, None);
    keys(&program, "key to screen at rest", report);
    changes(server, &program, report);
    let budget = if pods <= 10_000 { 60.0 } else { 150.0 };
    report.add("peak memory after start, MB", megabytes(peak), Some(budget));
    report.add("peak memory at the end, MB", megabytes(program.process().peak_bytes()), Some(budget));
}

/// The same while pods change all the time.
fn busy(server: &Server, pods: usize, report: &mut Report) {
    let program = Program::start(server, SIZE);
    program.wait_for_pods(pods);
    program.wait_until_quiet();
    let (cpu, bytes) = idle(&program);
    report.add("CPU under churn, % of a core", cpu, None);
    report.add("bytes to the terminal under churn, a second", bytes, None);
    keys(&program, "key to screen under churn", report);
    report.add("peak memory under churn, MB", megabytes(program.process().peak_bytes()), None);
}

/// CPU in percent of a core and bytes a second over the window.
fn idle(program: &Program) -> (f64, f64) {
    let (begin, cpu, bytes) = (Instant::now(), program.process().cpu(), program.bytes());
    std::thread::sleep(IDLE);
    let seconds = begin.elapsed().as_secs_f64();
    let used = program.process().cpu() - cpu;
    #[allow(clippy::cast_precision_loss)] // bytes of seconds
    let sent = (program.bytes() - bytes) as f64;
    (used.as_secs_f64() / seconds * 100.0, sent / seconds)
}

/// From the write of a key to the read after which the cursor stands elsewhere.
fn keys(program: &Program, name: &str, report: &mut Report) {
    let mut times: Vec<Duration> = (0..KEYS).map(|_| program.key_to_cursor()).collect();
    times.sort();
    report.add(&format!("{name}, p50 ms"), times[times.len() / 2].as_secs_f64() * 1e3, None);
    report.add(&format!("{name}, p99 ms"), times[times.len() * 99 / 100].as_secs_f64() * 1e3, Some(16.0));
}

/// From the request that changes a pod to the read after which the screen shows it.
fn changes(server: &Server, program: &Program, report: &mut Report) {
    let mut times = probe::changes_to_screen(server, program, CHANGES);
    times.sort();
    let Some(worst) = times.last() else { return };
    let worst = worst.as_secs_f64() * 1e3;
    let p50 = times[times.len() / 2];
    report.add("change to screen, p50 ms", p50.as_secs_f64() * 1e3, None);
    report.add("change to screen, worst ms", worst, Some(150.0));
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[allow(clippy::cast_precision_loss)] // a figure for people
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
