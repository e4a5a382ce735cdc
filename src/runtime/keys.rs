//! What comes from the terminal: keys, paste, mouse, sizes, read by a thread of
//! its own.
//!
//! Not by the stream that crossterm offers: that one reads on the caller's
//! thread as well, where half an escape sequence (a slow line) blocks the whole
//! program until the next key, and a terminal that went away keeps it in an
//! endless loop. Here either costs this thread alone.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event, EventStream};
use tokio::sync::mpsc;

/// How long one wait for a key lasts; its end means nothing.
const WAIT: Duration = Duration::from_secs(3600);
/// How long the thread may take to hold. In the middle of an escape sequence it
/// cannot, and then the rest of the sequence is all that it takes.
const HOLD: Duration = Duration::from_millis(200);

/// Keys, in the order in which they were pressed.
pub struct Keys {
    events: mpsc::UnboundedReceiver<io::Result<Event>>,
    gate: Arc<Gate>,
    /// Dropping it wakes the thread; it is never read from.
    waker: Option<EventStream>,
}

/// Where the thread is held.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The thread shall not read.
    closed: bool,
    /// It does not.
    held: bool,
}

impl Keys {
    /// Starts to read.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn listen() -> io::Result<Keys> {
        let (out, events) = mpsc::unbounded_channel();
        let gate = Arc::new(Gate::default());
        // Before the thread waits: making one needs the lock that the thread holds while it does.
        let waker = Some(EventStream::new());
        let passed = gate.clone();
        thread::Builder::new().name("keys".to_owned()).spawn(move || read(&out, &passed))?;
        Ok(Keys { events, gate, waker })
    }

    /// The next event; None when there will be none any more.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        self.events.recv().await
    }

    /// Stops reading, so that somebody else can: a shell.
    pub fn hold(&mut self) {
        self.gate.state().closed = true;
        drop(self.waker.take());
        let state = self.gate.state();
        let waited = self.gate.changed.wait_timeout_while(state, HOLD, |state| !state.held);
        let held = waited.unwrap_or_else(PoisonError::into_inner).0.held;
        self.waker = held.then(EventStream::new);
    }

    /// Reads again after [`Keys::hold`].
    pub fn go_on(&mut self) {
        self.gate.state().closed = false;
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while it is closed.
    fn pass(&self) {
        let mut state = self.state();
        state.held = state.closed;
        self.changed.notify_all();
        let passed = self.changed.wait_while(state, |state| state.closed);
        passed.unwrap_or_else(PoisonError::into_inner).held = false;
    }
}

fn read(out: &mpsc::UnboundedSender<io::Result<Event>>, gate: &Gate) {
    loop {
        gate.pass();
        let event = match event::poll(WAIT) {
            Ok(false) => continue,
            Ok(true) => event::read(),
            Err(error) => Err(error),
        };
        let failed = event.is_err();
        // Nobody listens any more, or there is nothing to read from.
        if out.send(event).is_err() || failed {
            return;
        }
    }
}
