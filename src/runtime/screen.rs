//! The loop of the full screen: keys, messages, signals, frames.
//!
//! A key is drawn at once. Data is drawn at most 20 times a second, and only
//! when something came; what is polled comes in swarms, and a swarm is drawn
//! once. Once a second the clock alone is reason enough, since ages grow, and
//! less often while nothing that stands on the screen grows by the second.

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

/// The least time between two frames that only bring data: faster than anybody reads, and slow enough to leave time for
/// keys where hundreds of pods change.
const FRAME: Duration = Duration::from_millis(50);
/// How long answers to polls wait for each other.
const SWARM: Duration = Duration::from_millis(250);
/// How often the clock alone is drawn, while it changes anything.
const TICK: Duration = Duration::from_secs(1);
/// The most ticks that pass between two frames: an age in minutes is told so much too late, at worst.
const MOST_TICKS: u32 = 4;
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

/// Which ticks of the clock are drawn. Where one changed nothing there is nothing that grows by the second, and the next
/// to be drawn is the second one after it, then the fourth; anything else that is seen to change makes it every one again.
#[derive(Debug)]
struct Pace {
    /// Ticks from one frame to the next.
    every: u32,
    /// Ticks since the last frame.
    passed: u32,
}

impl Pace {
    fn new() -> Pace {
        Pace { every: 1, passed: 0 }
    }

    /// A tick came: whether it is to be drawn.
    fn tick(&mut self) -> bool {
        self.passed += 1;
        self.passed >= self.every
    }

    /// A frame was drawn, for the clock alone or also for something else.
    fn drawn(&mut self, changed: bool, for_the_clock: bool) {
        self.passed = 0;
        if changed {
            self.every = 1;
        } else if for_the_clock {
            self.every = (self.every * 2).min(MOST_TICKS);
        }
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
    let mut pace = Pace::new();
    // Whether the next frame is for the clock and nothing else.
    let mut for_the_clock = false;
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
                let news = std::mem::take(&mut driver.state.due) != Urgency::Age;
                if pace.tick() || news {
                    for_the_clock = due.is_none() && !news;
                    due = due.or(Some(Instant::now()));
                }
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
                for_the_clock &= at.is_none();
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
            let changed = screen.draw(|area, buffer| {
                // The terminal may have changed its size since: then the event is on its way, and
                // the next frame fits.
                if (area.width, area.height) == driver.state.size {
                    view::draw(&driver.state, area, buffer);
                }
            })?;
            pace.drawn(changed, std::mem::take(&mut for_the_clock));
            drawn = Instant::now();
            due = None;
        }
    }
}

/// Runs a shell while news of the clusters are taken as ever.
async fn shell(driver: &mut Driver, request: ShellRequest) -> Note {
    let opened = match driver.opening(&request) {
        Ok(opened) => opened,
        Err(why) => return Note { level: Level::Warning, text: format!("No shell: {why}.") },
    };
    let running = super::shell::run(driver.client(request.cluster), request);
    let mut running = std::pin::pin!(running);
    let mut messages = Vec::new();
    loop {
        tokio::select! {
            note = &mut running => return opened.closed(note),
            () = driver.wait(&mut messages, BATCH) => {
                for msg in messages.drain(..) {
                    driver.feed(msg);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ticks that are drawn when these frames change something.
    fn drawn(pace: &mut Pace, changing: &[bool]) -> Vec<bool> {
        let mut frame = |changed: &bool| {
            let drawn = pace.tick();
            if drawn {
                pace.drawn(*changed, true);
            }
            drawn
        };
        changing.iter().map(&mut frame).collect()
    }

    #[test]
    fn seconds_that_grow_are_drawn_every_second() {
        assert_eq!(drawn(&mut Pace::new(), &[true; 5]), [true; 5]);
    }

    #[test]
    fn where_nothing_grows_the_clock_is_looked_at_less_often_until_something_changes() {
        let mut pace = Pace::new();
        let quiet = [true, false, true, false, false, false, true, false, false, false, true];
        assert_eq!(drawn(&mut pace, &[false; 11]), quiet);
        // A poll that brought the same again says nothing of the clock.
        pace.drawn(false, false);
        assert_eq!(drawn(&mut pace, &[false; 4]), [false, false, false, true]);
        pace.drawn(true, false);
        assert_eq!(drawn(&mut pace, &[true; 3]), [true; 3]);
    }
}
