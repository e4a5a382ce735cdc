//! A program in a pseudo terminal, and what a person would see of it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pilothouse::demo::{self, DemoOptions, DemoServer};
use pilothouse::journal::Journal;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// How long a condition may take to come true on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test.
pub const PILOTHOUSE: &str = env!("CARGO_BIN_EXE_pilothouse");

/// Clusters to look at: the demo, at rest.
pub struct Platform {
    runtime: tokio::runtime::Runtime,
    server: Option<DemoServer>,
    folder: tempfile::TempDir,
}

impl Platform {
    pub fn start() -> Platform {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(demo::start(DemoOptions { speed: 0.0, ..DemoOptions::default() }));
        Platform { runtime, server: Some(server.unwrap()), folder: tempfile::tempdir().unwrap() }
    }

    /// Lets the platform live through so much time at once.
    pub fn advance(&self, time: Duration) {
        self.server.as_ref().unwrap().story().advance(time);
    }

    /// The settings of the program's person.
    pub fn configure(&self, text: &str) {
        let folder = self.folder.path().join("config/pilothouse");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.yaml"), text).unwrap();
    }

    /// The journal of the program's person.
    pub fn journal(&self) -> Journal {
        Journal::within(&self.folder.path().join("state/pilothouse"))
    }

    pub fn kubeconfig(&self) -> &Path {
        self.server.as_ref().unwrap().kubeconfig()
    }

    /// The command `pilothouse`, on this platform and with nobody's settings.
    pub fn command(&self) -> CommandBuilder {
        let mut command = CommandBuilder::new(PILOTHOUSE);
        self.surroundings(&mut command);
        command.args(["--kubeconfig".as_ref(), self.kubeconfig().as_os_str()]);
        command
    }

    pub fn surroundings(&self, command: &mut CommandBuilder) {
        command.env_clear();
        for (name, value) in surroundings(self.folder.path()) {
            command.env(name, value);
        }
    }

    /// The program in a terminal of 120x40, with pods on the screen.
    pub fn open(&self) -> Program {
        let program = Program::start(self.command(), (120, 40));
        // Of the pods themselves: other panes name apps before they are there.
        program.see(" 58 · faults first");
        program
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.server.take();
    }
}

/// The environment of a person whose home is `home`, on a terminal that can do everything.
pub fn surroundings(home: &Path) -> Vec<(&'static str, String)> {
    let path = |name: &str| home.join(name).display().to_string();
    vec![
        ("HOME", path("")),
        ("XDG_CONFIG_HOME", path("config")),
        ("XDG_STATE_HOME", path("state")),
        ("XDG_CACHE_HOME", path("cache")),
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("TERM", "xterm-256color".to_owned()),
        ("COLORTERM", "truecolor".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("USER", "maria".to_owned()),
    ]
}

/// What came out so far.
struct Output {
    emulator: vt100::Parser,
    bytes: Vec<u8>,
    /// The other side closed the terminal.
    closed: bool,
    /// Nobody reads any more.
    hung_up: bool,
}

/// A running program.
pub struct Program {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
    /// Our own door to the terminal's line settings. It would keep the terminal open: taken away to hang up.
    line: Option<File>,
    /// Its modes before the program began.
    before: Termios,
    output: Arc<(Mutex<Output>, Condvar)>,
}

impl Program {
    pub fn start(command: CommandBuilder, (columns, rows): (u16, u16)) -> Program {
        let pty = native_pty_system().openpty(size(columns, rows)).unwrap();
        let name: PathBuf = pty.master.tty_name().unwrap();
        // It must not become the terminal of the tests themselves.
        let flags = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap();
        let line = OpenOptions::new().read(true).custom_flags(flags).open(name).unwrap();
        let before = tcgetattr(line.as_fd()).unwrap();
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let emulator = vt100::Parser::new(rows, columns, 0);
        let output = Output { emulator, bytes: Vec::new(), closed: false, hung_up: false };
        let output = Arc::new((Mutex::new(output), Condvar::new()));
        let writer = Arc::new(Mutex::new(Some(pty.master.take_writer().unwrap())));
        let reader = pty.master.try_clone_reader().unwrap();
        let (read, answers) = (output.clone(), writer.clone());
        std::thread::spawn(move || follow(reader, &read, &answers));
        Program { child, master: Some(pty.master), writer, line: Some(line), before, output }
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.output.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the screen is as wanted.
    pub fn wait(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        self.until(what, |output| wanted(output.emulator.screen()));
    }

    /// Waits until the text is on the screen.
    pub fn see(&self, text: &str) {
        self.wait(&format!("`{text}`"), |screen| screen.contents().contains(text));
    }

    /// Whether the text is on the screen now.
    pub fn shows(&self, text: &str) -> bool {
        self.output().emulator.screen().contents().contains(text)
    }

    /// Waits for so many frames from now on; gives the bytes that they took.
    pub fn frames(&self, count: usize) -> Vec<u8> {
        const END: &[u8] = b"\x1b[?2026l";
        let begin = self.output().bytes.len();
        let drawn = |bytes: &[u8]| bytes[begin..].windows(END.len()).filter(|part| *part == END).count();
        self.until("more frames", |output| drawn(&output.bytes) >= count);
        self.output().bytes[begin..].to_vec()
    }

    /// A place in the output: here.
    pub fn here(&self) -> usize {
        self.output().bytes.len()
    }

    /// The output since a place.
    pub fn since(&self, place: usize) -> String {
        String::from_utf8_lossy(&self.output().bytes[place..]).into_owned()
    }

    /// Waits until the output since a place is as wanted.
    pub fn wait_since(&self, place: usize, what: &str, wanted: impl Fn(&str) -> bool) {
        self.until(what, |output| wanted(&String::from_utf8_lossy(&output.bytes[place..])));
    }

    fn until(&self, what: &str, wanted: impl Fn(&Output) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut output = self.output();
        while !wanted(&output) {
            let left = deadline.saturating_duration_since(Instant::now());
            let screen = output.emulator.screen().contents();
            assert!(!left.is_zero(), "waited in vain for {what}; the screen:\n{screen}");
            output = self.output.1.wait_timeout(output, left).unwrap().0;
        }
    }

    pub fn press(&self, keys: &str) {
        let mut writer = self.writer.lock().unwrap();
        let writer = writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        // The emulator itself fails on a single row or column.
        self.output().emulator.screen_mut().set_size(rows.max(2), columns.max(2));
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.process_id().unwrap()).unwrap();
        rustix::process::kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Closes the other side of the terminal, as a lost connection does.
    pub fn hang_up(&mut self) {
        self.output().hung_up = true;
        // The reader holds the terminal open until it has read once more.
        self.press("\x12");
        self.until("the last bytes", |output| output.closed);
        *self.writer.lock().unwrap() = None;
        self.line = None;
        self.master = None;
    }

    /// Waits for the end of the program.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        // The terminal is closed when the last one who had it has gone, and then the rest has been read.
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end; the screen:\n{}", self.text());
            std::thread::yield_now();
        }
    }

    pub fn text(&self) -> String {
        self.output().emulator.screen().contents()
    }

    /// Everything that was written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.output().bytes.clone()
    }

    pub fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.output().emulator.screen())
    }

    fn modes(&self) -> LocalModes {
        tcgetattr(self.line.as_ref().unwrap().as_fd()).unwrap().local_modes
    }

    /// Sets the modes of before the program began, as a shell does for itself.
    pub fn give_modes_back(&self) {
        tcsetattr(self.line.as_ref().unwrap().as_fd(), OptionalActions::Now, &self.before).unwrap();
    }

    /// Neither keys nor what others write come to the screen by themselves.
    pub fn assert_raw(&self) {
        let modes = self.modes();
        assert!(!modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{modes:?}");
        assert!(modes.contains(LocalModes::TOSTOP), "{modes:?}");
    }

    /// The terminal is the program's own.
    pub fn assert_taken(&self) {
        self.assert_raw();
        self.with_screen(|screen| {
            assert!(screen.alternate_screen(), "not on the alternate screen");
            assert!(screen.hide_cursor(), "the cursor is shown");
            assert!(screen.bracketed_paste(), "bracketed paste is off");
        });
    }

    /// The terminal is as it was before.
    pub fn wait_until_given_back(&self) {
        self.wait("the modes to be given back", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        let deadline = Instant::now() + PATIENCE;
        let before = self.before.local_modes;
        while self.modes() != before {
            assert!(Instant::now() < deadline, "{:?} were left on, not {before:?}", self.modes());
            std::thread::yield_now();
        }
        let bytes = self.bytes();
        let last = |mark: &[u8]| bytes.windows(mark.len()).rposition(|part| part == mark);
        assert!(last(b"\x1b[?2026h") < last(b"\x1b[?2026l"), "a synchronized update was left open");
        assert!(last(b"\x1b[?7l") < last(b"\x1b[?7h"), "lines are not wrapped any more");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// Feeds the emulator until the end, and answers as a terminal does when it is asked who it is.
fn follow(
    mut reader: Box<dyn Read + Send>,
    output: &(Mutex<Output>, Condvar),
    writer: &Mutex<Option<Box<dyn Write + Send>>>,
) {
    const WHO: &[u8] = b"\x1b[c";
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = reader.read(&mut buffer).unwrap_or(0);
        let mut seen = output.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.emulator.process(&buffer[..count]);
        seen.bytes.extend_from_slice(&buffer[..count]);
        let asked = buffer[..count].windows(WHO.len()).any(|part| part == WHO);
        let over = count == 0 || seen.hung_up;
        seen.closed |= over;
        drop(seen);
        if asked && let Some(writer) = writer.lock().unwrap().as_mut() {
            // A program that has ended asks for nothing.
            let _ = writer.write_all(b"\x1b[?62;22c");
        }
        output.1.notify_all();
        if over {
            return;
        }
    }
}
