//! The terminal: taken once, given back always.
//!
//! While it is ours, other programs that write to it from the background are
//! stopped (TOSTOP). Raw mode, alternate screen, mouse and bracketed paste are switched on by
//! [`Screen::take`] and off by [`give_back`], which may be called any number of
//! times and from anywhere: from `Drop`, from the panic hook, from a signal.

use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcgetpgrp, tcsetattr};

/// Whether the terminal is ours now.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Room for one large frame, so that it leaves in few writes.
const FRAME_BYTES: usize = 64 * 1024;

/// The terminal while it is ours.
///
/// Not ratatui's `Terminal`, which does not tell whether a frame changed anything and writes something for each: it is
/// its two buffers and their difference.
pub struct Screen {
    backend: CrosstermBackend<BufWriter<Stdout>>,
    /// What stands on the screen.
    shown: Buffer,
    /// The next frame; empty between two.
    next: Buffer,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be switched to raw mode or written to: it is no terminal.
    pub fn take(mouse: bool) -> io::Result<Screen> {
        switch_on(mouse)?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME_BYTES, stdout()));
        // The alternate screen is empty: whatever is drawn is drawn whole.
        let (shown, next) = (Buffer::empty(Rect::ZERO), Buffer::empty(Rect::ZERO));
        Ok(Screen { backend, shown, next, mouse })
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// When the terminal does not say.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        // Asked before every frame: crossterm would open /dev/tty each time.
        match rustix::termios::tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Ok((size.ws_col, size.ws_row)),
            _ => crossterm::terminal::size(),
        }
    }

    /// Draws a frame; only cells that changed are sent, between the marks of a
    /// synchronized update so that no half frame is seen. Tells whether any did:
    /// if not, nothing is sent.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<bool> {
        let (width, height) = self.size()?;
        let area = Rect::new(0, 0, width, height);
        if self.next.area != area {
            self.next.resize(area);
            self.next.reset();
            self.shown.resize(area);
            self.forget()?;
        }
        // Nothing waits in the writer while the frame is drawn: after a panic it would be written behind our
        // back, and a terminal that was told of an update shows nothing until its end.
        draw(area, &mut self.next);
        let changed = self.shown.diff(&self.next);
        let any = !changed.is_empty();
        if any {
            queue!(self.backend, BeginSynchronizedUpdate)?;
            self.backend.draw(changed.into_iter())?;
            execute!(self.backend, EndSynchronizedUpdate)?;
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        self.next.reset();
        Ok(any)
    }

    /// Forgets what is on the screen: the next frame is drawn whole.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn forget(&mut self) -> io::Result<()> {
        self.shown.reset();
        self.backend.clear()
    }

    /// Lends the terminal to something else.
    pub fn lend(&mut self) {
        give_back();
    }

    /// Takes it back after [`Screen::lend`].
    ///
    /// # Errors
    /// When it cannot be switched to raw mode.
    pub fn take_back(&mut self) -> io::Result<()> {
        switch_on(self.mouse)?;
        self.forget()
    }

    /// Puts a text into the clipboard of the person's own terminal (OSC 52).
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.backend, CopyToClipboard::to_clipboard_from(text))
    }

    /// Rings the bell.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn ring(&mut self) -> io::Result<()> {
        self.backend.write_all(b"\x07")?;
        Write::flush(&mut self.backend)
    }

    /// Asks the terminal to notify of a text, by OSC 9 or by OSC 777.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn notify(&mut self, by_777: bool, text: &str) -> io::Result<()> {
        self.backend.write_all(notification(by_777, text).as_bytes())?;
        Write::flush(&mut self.backend)
    }
}

/// The sequence that notifies. Nothing in the text can end it early, and no terminal is handed a novel.
fn notification(by_777: bool, text: &str) -> String {
    const MOST: usize = 200;
    let text: String = text.chars().filter(|c| !c.is_control()).take(MOST).collect();
    if by_777 {
        // Its parts are told apart by semicolons.
        format!("\x1b]777;notify;Pilothouse;{}\x07", text.replace(';', ","))
    } else {
        // `OSC 9 ; 4 ; …` is a progress bar in some terminals.
        format!("\x1b]9;Pilothouse: {text}\x07")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Raw mode without the alternate screen, for a shell that is run inside.
pub struct RawMode(());

impl RawMode {
    /// Says a line on the ordinary screen and switches to raw mode.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn on(line: &str) -> io::Result<RawMode> {
        let mut out = stdout();
        writeln!(out, "{line}")?;
        out.flush()?;
        enable_raw_mode()?;
        let raw = RawMode(());
        raw_and_alone()?;
        Ok(raw)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // Whatever the shell switched on; nobody is left to tell of an error.
        let _ = execute!(
            stdout(),
            DisableFocusChange,
            DisableMouseCapture,
            DisableBracketedPaste,
            EnableLineWrap,
            Show
        );
        let _ = disable_raw_mode();
    }
}

fn switch_on(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = stdout();
    let on = raw_and_alone()
        .and_then(|()| {
            execute!(
                out,
                EnterAlternateScreen,
                EnableBracketedPaste,
                EnableFocusChange,
                DisableLineWrap,
                Hide
            )
        })
        .and_then(|()| if mouse { execute!(out, EnableMouseCapture) } else { Ok(()) });
    if on.is_err() {
        give_back();
    }
    on
}

/// Sets raw mode whatever it is thought to be, in one step: a shell brings back its own modes when SIGSTOP stops us behind
/// our back, and where raw mode stands already, not a moment may pass without it, or keys typed then are echoed.
///
/// Makes the system stop programs in the background that write to the terminal as well, as it does with those that read
/// from it: a credential plugin that opens `/dev/tty` would draw over the screen. Leaving raw mode brings back the modes
/// of before, this one too.
fn raw_and_alone() -> io::Result<()> {
    let mut modes = tcgetattr(stdin())?;
    modes.make_raw();
    modes.local_modes |= LocalModes::TOSTOP;
    tcsetattr(stdin(), OptionalActions::Now, &modes)?;
    Ok(())
}

/// Gives the terminal back as it was: safe to call at any time, any number of
/// times. Errors are of no use here, since there is nowhere to show them.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        DisableFocusChange,
        DisableMouseCapture,
        DisableBracketedPaste,
        EnableLineWrap,
        LeaveAlternateScreen,
        Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Makes a panic of this thread, the one that draws, give the terminal back
/// before it is told. A panic on another thread costs the task that it happened
/// in: it goes to the log, and the runtime says on the screen what was lost.
pub fn give_back_on_panic() {
    let told = std::panic::take_hook();
    let ours = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == ours || !TAKEN.load(Ordering::SeqCst) {
            give_back();
            told(panic);
        } else {
            tracing::error!("{panic}");
        }
    }));
}

/// Whether the terminal went away. Told or not, nobody can quit us any more.
pub fn is_gone() -> bool {
    tcgetattr(stdin()).is_err()
}

/// Whether the terminal may be touched: whoever does that in the background is stopped for it.
pub fn is_in_front() -> bool {
    // A terminal that is not the one of our session stops nobody.
    tcgetpgrp(stdin()).map_or(true, |group| group == getpgrp())
}

/// Stops the whole job as ctrl-z does, with the terminal given back, and
/// returns when it is continued.
///
/// # Errors
/// When the signal cannot be sent.
pub fn stop_here() -> io::Result<()> {
    give_back();
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_ends_where_we_end_it() {
        let text = format!("a;b\x07\x1b]0;c\n{}", "x".repeat(500));
        for by_777 in [false, true] {
            let told = notification(by_777, &text);
            assert!(
                told.starts_with("\x1b]") && told.ends_with('\x07') && told.chars().count() < 240,
                "{told:?}"
            );
            assert_eq!(told.chars().filter(|c| c.is_control()).count(), 2, "{told:?}");
        }
        assert_eq!(notification(true, "a;b").matches(';').count(), 3);
    }
}
