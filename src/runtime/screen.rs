//! The loop of the full screen: keys, messages, signals, frames.
//!
//! A key is drawn at once. Data is drawn at most 30 times a second, and only
//! when something came; what is polled comes in swarms, and a swarm is drawn
//! once. Once a second the clock alone is reason enough, since ages grow.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use super::keys::Keys;
use super::{Driver, TerminalEffect};
use crate::domain::id::ClusterId;
use crate::domain::level::Level;
use crate::effect::{Channel, ShellRequest};
use crate::msg::{Msg, Note, Urgency};
use crate::terminal::{self, Screen};
use crate::view;

/// The least time between two frames that only bring data.
const FRAME: Duration = Duration::from_millis(33);
/// How long answers to polls wait for each other.
const SWARM: Duration = Duration::from_millis(250);
/// How often the clock alone is drawn.
const TICK: Duration = Duration::from_secs(1);
/// Messages taken between two looks at the keyboard.
const BATCH: usize = 32;

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The person quit.
    Quit,
    /// SIGTERM, SIGINT or SIGHUP, or the terminal went away.
    Told,
}

/// Signals that end or continue the program.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    continued: Signal,
}

impl Signals {
    fn listen() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// After a stop, waits until the terminal may be taken: the program may have been sent on in the background (`bg`),
    /// or only to be told to end (`kill`), which is `Err`.
    async fn until_in_front(&mut self) -> Result<(), Ended> {
        while !terminal::is_in_front() {
            tokio::select! {
                _ = self.terminate.recv() => return Err(Ended::Told),
                _ = self.hangup.recv() => return Err(Ended::Told),
                _ = self.interrupt.recv() => return Err(Ended::Told),
                _ = self.continued.recv() => {}
                // A shell that brings to the front what runs already may say nothing.
                () = tokio::time::sleep(TICK) => {}
            }
        }
        Ok(())
    }
}

/// Runs the screen until it is quit. Connects these clusters first: only once the terminal is ours, so that no
/// credential plugin can write to it.
///
/// # Errors
/// When the terminal cannot be taken.
pub async fn run(driver: &mut Driver, mouse: bool, first: &[ClusterId]) -> io::Result<Ended> {
    terminal::give_back_on_panic();
    let mut signals = Signals::listen()?;
    let mut screen = Screen::take(mouse)?;
    driver.state.size = screen.size()?;
    let mut keys = Keys::listen()?;
    driver.connect_first(first);
    let mut messages: Vec<Msg> = Vec::new();
    let mut drawn = Instant::now();
    let mut due = Some(Instant::now());
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let frame = due.unwrap_or_else(|| Instant::now() + TICK);
        let mut wanted = Vec::new();
        tokio::select! {
            biased;
            _ = signals.terminate.recv() => return Ok(Ended::Told),
            _ = signals.hangup.recv() => return Ok(Ended::Told),
            _ = signals.interrupt.recv() => return Ok(Ended::Told),
            _ = signals.continued.recv() => {
                if let Err(ended) = signals.until_in_front().await {
                    return Ok(ended);
                }
                screen.take_back()?;
                due = Some(Instant::now());
            }
            event = keys.next() => match event {
                Some(Ok(event)) => {
                    wanted = driver.feed(Msg::Input(event));
                    due = Some(Instant::now());
                }
                // The terminal is gone, or input was closed: nobody can quit us any more.
                Some(Err(_)) | None => return Ok(Ended::Told),
            },
            () = tokio::time::sleep_until(frame), if due.is_some() => {}
            _ = tick.tick() => {
                if terminal::is_gone() {
                    return Ok(Ended::Told);
                }
                wanted = driver.feed(Msg::Tick);
                due = due.or(Some(Instant::now()));
            }
            () = driver.wait(&mut messages, BATCH) => {
                for msg in messages.drain(..) {
                    wanted.extend(driver.feed(msg));
                }
                let now = Instant::now();
                let at = match std::mem::take(&mut driver.state.due) {
                    Urgency::Next => Some((drawn + FRAME).max(now)),
                    Urgency::Swarm => Some(now + SWARM),
                    Urgency::Age => None,
                };
                due = due.into_iter().chain(at).min();
            }
        }
        for effect in wanted {
            match effect {
                TerminalEffect::Quit => return Ok(Ended::Quit),
                TerminalEffect::Redraw => screen.forget()?,
                TerminalEffect::Bell => screen.ring()?,
                TerminalEffect::Notify(channel, text) => screen.notify(channel == Channel::Osc777, &text)?,
                TerminalEffect::Copy(text) => {
                    screen.copy(&text)?;
                    let text = format!(
                        "Copied {} characters, if the terminal lets us (OSC 52).",
                        text.chars().count()
                    );
                    driver.state.toast(Note { level: Level::Ok, text });
                }
                TerminalEffect::Suspend => {
                    // The thread that reads keys stops and goes on with the whole process.
                    terminal::stop_here()?;
                    if let Err(ended) = signals.until_in_front().await {
                        return Ok(ended);
                    }
                    screen.take_back()?;
                }
                TerminalEffect::Shell(request) => {
                    keys.hold();
                    screen.lend();
                    let note = shell(driver, request).await;
                    screen.take_back()?;
                    keys.go_on();
                    driver.state.toast(note);
                }
            }
            driver.state.size = screen.size()?;
            due = Some(Instant::now());
        }
        if due.is_some_and(|at| at <= Instant::now()) {
            driver.state.size = screen.size()?;
            driver.settle();
            screen.draw(|area, buffer| {
                // The terminal may have changed its size since: then the event is on its way, and
                // the next frame fits.
                if (area.width, area.height) == driver.state.size {
                    view::draw(&driver.state, area, buffer);
                }
            })?;
            drawn = Instant::now();
            due = None;
        }
    }
}

/// Runs a shell while news of the clusters are taken as ever.
async fn shell(driver: &mut Driver, request: ShellRequest) -> Note {
    let running = super::shell::run(driver.client(request.cluster), request);
    let mut running = std::pin::pin!(running);
    let mut messages = Vec::new();
    loop {
        tokio::select! {
            note = &mut running => return note,
            () = driver.wait(&mut messages, BATCH) => {
                for msg in messages.drain(..) {
                    driver.feed(msg);
                }
            }
        }
    }
}
