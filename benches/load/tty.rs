//! The program in a pseudo terminal, read through an emulator, with the time
//! at which each thing was seen.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::process::Process;
use super::server::Server;

/// Nothing may take longer than this.
const PATIENCE: Duration = Duration::from_secs(120);
/// What is quiet for so long is at rest, but for the clock's own frame once a second.
const QUIET: Duration = Duration::from_secs(3);

struct Output {
    emulator: vt100::Parser,
    bytes: u64,
    /// When the last bytes were read.
    read: Instant,
}

pub struct Program {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    output: Arc<(Mutex<Output>, Condvar)>,
    started: Instant,
    _home: tempfile::TempDir,
}

impl Program {
    /// Starts it on the context with the many pods, in nobody's home.
    pub fn start(server: &Server, (cols, rows): (u16, u16)) -> Program {
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_pilothouse"));
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8")] {
            command.env(name, value);
        }
        command.env("HOME", home.path());
        command.args(["--kubeconfig".as_ref(), server.kubeconfig().as_os_str()]);
        if let Some(context) = server.context() {
            command.args(["--context", context]);
        }
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).unwrap();
        let reader = pty.master.try_clone_reader().unwrap();
        let writer = Arc::new(Mutex::new(pty.master.take_writer().unwrap()));
        let answers = writer.clone();
        let emulator = vt100::Parser::new(rows, cols, 0);
        let output =
            Arc::new((Mutex::new(Output { emulator, bytes: 0, read: Instant::now() }), Condvar::new()));
        let started = Instant::now();
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        std::thread::spawn({
            let output = output.clone();
            move || follow(reader, &output, &answers)
        });
        Program { child, _master: pty.master, writer, output, started, _home: home }
    }

    pub fn process(&self) -> Process {
        Process(self.child.process_id().unwrap())
    }

    pub fn press(&self, keys: &str) {
        let mut writer = self.writer.lock().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Bytes that it sent so far.
    pub fn bytes(&self) -> u64 {
        self.output().bytes
    }

    /// Waits until the screen is as wanted; gives the time since the start of the program.
    pub fn wait(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> Duration {
        self.when(what, wanted) - self.started
    }

    /// Waits until the screen is as wanted; gives the moment at which that was read.
    pub fn when(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        let mut output = self.output();
        while !wanted(output.emulator.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what}:\n{}", output.emulator.screen().contents());
            output = self.output.1.wait_timeout(output, left).unwrap().0;
        }
        output.read
    }

    /// Waits until the title of the pods says that so many are there, in all environments.
    pub fn wait_for_pods(&self, count: usize) -> Duration {
        // A key pressed before the program has taken the terminal is lost.
        self.when("first paint", |screen| screen.alternate_screen() && !screen.contents().trim().is_empty());
        self.press("a");
        self.wait("all pods", |screen| pods(&screen.contents()).is_some_and(|found| found >= count))
    }

    /// Waits until what arrives at the start is over.
    pub fn wait_until_quiet(&self) {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let before = self.bytes();
            std::thread::sleep(QUIET);
            if self.bytes() - before < 20_000 {
                return;
            }
        }
    }

    /// Presses a key that moves the cursor; gives the time until another pod is under it. It moves towards the end of the list
    /// that has more rows in sight: at the edge the list would scroll below a cursor that stands still, and news
    /// push it there. And it moves to a row that reads otherwise, where there is one: long names are cut, and those of one
    /// ReplicaSet then look the same. Else the cursor's row tells.
    pub fn key_to_cursor(&self) -> Duration {
        let (row, before, alike, key) = {
            let output = self.output();
            let screen = output.emulator.screen();
            let (first, last) = rows_of_pods(screen);
            let row = lit(screen).unwrap_or(first);
            let before = pod_in(screen, row);
            let down = (row < last && pod_in(screen, row + 1) != before).then_some("j");
            let up = (row > first && pod_in(screen, row - 1) != before).then_some("k");
            let key = match row.saturating_sub(first) < last.saturating_sub(row) {
                true => down.or(up).unwrap_or("j"),
                false => up.or(down).unwrap_or("k"),
            };
            (row, before, down.or(up).is_none(), key)
        };
        let pressed = Instant::now();
        self.press(key);
        let moved = |screen: &vt100::Screen| {
            let now = lit(screen);
            now.and_then(|row| pod_in(screen, row)) != before || alike && now.is_some_and(|now| now != row)
        };
        let time = self.when("moved cursor", moved) - pressed;
        // A person thinks between keys.
        std::thread::sleep(Duration::from_millis(20 + u64::from(time.subsec_nanos()) % 60));
        time
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.output.0.lock().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number in the title of the pods.
fn pods(screen: &str) -> Option<usize> {
    let title = screen.lines().find(|line| line.contains("Pods all environments"))?;
    let (_, rest) = title.rsplit_once("Pods all environments")?;
    let number: String = rest
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .collect();
    number.replace(',', "").parse().ok()
}

/// The first and the last row of the pods that are in sight.
fn rows_of_pods(screen: &vt100::Screen) -> (usize, usize) {
    let text = screen.contents();
    let lines: Vec<&str> = text.lines().collect();
    let title = lines.iter().position(|line| line.contains("Pods all environments")).unwrap_or(0);
    let frame = |line: &&str| line.starts_with(['┗', '└']);
    let end = lines.iter().skip(title).position(frame).map_or(lines.len(), |rows| title + rows);
    // Below the frame stand the names of the columns.
    (title + 2, end.saturating_sub(1))
}

/// The lowest row that has a ground of its own: the cursor's bar.
fn lit(screen: &vt100::Screen) -> Option<usize> {
    let (rows, _) = screen.size();
    let ground = |row: &u16| {
        screen.cell(*row, 4).is_some_and(|cell| cell.inverse() || cell.bgcolor() != vt100::Color::Default)
    };
    (0..rows).rev().find(ground).map(usize::from)
}

/// The name of the pod in a row, as far as it is shown.
fn pod_in(screen: &vt100::Screen, row: usize) -> Option<String> {
    let line = screen.contents().lines().nth(row)?.to_owned();
    line.split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(str::to_owned)
}

/// Feeds the emulator, and answers as a terminal does when it is asked who it is.
fn follow(
    mut reader: Box<dyn Read + Send>,
    output: &(Mutex<Output>, Condvar),
    writer: &Mutex<Box<dyn Write + Send>>,
) {
    const WHO: &[u8] = b"\x1b[c";
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = reader.read(&mut buffer).unwrap_or(0);
        if count == 0 {
            return;
        }
        let read = Instant::now();
        let mut seen = output.0.lock().unwrap();
        seen.emulator.process(&buffer[..count]);
        seen.bytes += count as u64;
        seen.read = read;
        drop(seen);
        output.1.notify_all();
        if buffer[..count].windows(WHO.len()).any(|part| part == WHO) {
            // A program that has ended asks for nothing.
            let _ = writer.lock().unwrap().write_all(b"\x1b[?62;22c");
        }
    }
}
