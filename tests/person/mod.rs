//! A person at the program's screen: the machine itself (`runtime::Driver`) without a terminal, fed with keys as the
//! terminal would feed them, and looked at as frames. Nothing sleeps: everything waits until it is on the screen.
//!
//! Shared by the tests that play before the demo and by those that play before real servers.

mod frame;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event;
use pilothouse::config;
use pilothouse::connect::contexts::{self, Contexts};
use pilothouse::domain::id::ClusterId;
use pilothouse::fleet::wanted::Wanted as Environments;
use pilothouse::journal::{Journal, Local};
use pilothouse::keymap::{Key, Keymaps, Keys};
use pilothouse::look::Look;
use pilothouse::msg::Msg;
use pilothouse::picture;
use pilothouse::runtime::{Driver, TerminalEffect};
use pilothouse::sources::Timing;
use pilothouse::state::{Settings, State};
use pilothouse::theme::{ASCII, Depth, Themes, UNICODE};
use pilothouse::world::World;

pub use frame::{Wanted, shows};

/// How long something may take to be seen on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What stands before the first key.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Columns and rows.
    pub size: (u16, u16),
    pub read_only: bool,
    pub ascii: bool,
    /// Connect the current context alone.
    pub current_only: bool,
    /// How long the person waits for something to be seen.
    pub patience: Duration,
    /// Limits and intervals of the connections.
    pub timing: Timing,
    /// What the configuration says, as YAML.
    pub config: String,
}

impl Default for Desk {
    fn default() -> Desk {
        Desk {
            size: (120, 40),
            read_only: false,
            ascii: false,
            current_only: false,
            patience: PATIENCE,
            timing: Timing::default(),
            config: String::new(),
        }
    }
}

pub struct Person {
    driver: Driver,
    /// What only the owner of a terminal could do.
    asked: Vec<TerminalEffect>,
    patience: Duration,
    /// Where the journal is kept.
    state: tempfile::TempDir,
}

impl Person {
    /// Starts the program on a kubeconfig.
    pub fn sits_down(kubeconfig: &Path, desk: &Desk) -> Person {
        // One provider for all tests of this process; the second installation is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options =
            contexts::Options { kubeconfig: Some(kubeconfig.to_owned()), ..contexts::Options::default() };
        let contexts = Contexts::load(&options).unwrap();
        let world = World::new(contexts.list.iter().map(contexts::ContextInfo::connection).collect());
        let config = config::parse(Path::new("config.yaml"), &desk.config, &config::Base::default());
        let current = contexts.current.and_then(|at| contexts.list.get(at)).map(|info| &*info.name);
        let settings = Settings {
            wanted: Environments::of(&config.unwrap_or_else(|wrong| panic!("{wrong}")), current),
            read_only: desk.read_only,
            keymap: Keymaps::new(None).load("default").unwrap(),
            look: Look {
                theme: Themes::new(None).load("dark", Depth::TrueColor, None).unwrap(),
                symbols: if desk.ascii { &ASCII } else { &UNICODE },
            },
        };
        let state = State::new(world, settings, "maria", desk.size);
        let id = |at: usize| ClusterId(u16::try_from(at).unwrap());
        let first: Vec<ClusterId> = match desk.current_only {
            true => contexts.current.map(id).into_iter().collect(),
            false => (0..contexts.list.len()).map(id).collect(),
        };
        let mut driver = Driver::new(state, Arc::new(contexts));
        driver.timing = desk.timing;
        let state = tempfile::tempdir().unwrap();
        driver.journal_with(
            Journal::within(state.path()),
            Local { user: "maria".to_owned(), ..Local::default() },
        );
        driver.connect_first(&first);
        Person { driver, asked: Vec::new(), patience: desk.patience, state }
    }

    /// Waits until every connected cluster has brought all it will bring.
    pub async fn wait_for_data(&mut self) {
        if !self.driver.run_until(self.patience, |driver| driver.is_loaded()).await {
            panic!("not all data came:\n{}", self.picture());
        }
    }

    /// The frame as it is now.
    pub fn picture(&mut self) -> String {
        picture::text(&self.driver.frame())
    }

    /// The journal of what was changed.
    pub fn journal(&self) -> Journal {
        Journal::within(self.state.path())
    }

    /// The machine, for what no frame shows.
    pub fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }

    /// One key, seen before it is pressed: as on the terminal, what came since the last key is on the screen before
    /// the next one acts.
    pub fn press(&mut self, key: &Key) {
        self.driver.frame();
        self.feed(Event::Key(key.event()));
    }

    /// Keys as the keymap writes them: `3 j enter`.
    pub fn keys(&mut self, keys: &str) {
        let keys = Keys::parse(keys).unwrap_or_else(|(what, _)| panic!("{what}"));
        keys.0.iter().for_each(|key| self.press(key));
    }

    /// Characters, typed one after another.
    pub fn types(&mut self, text: &str) {
        for char in text.chars() {
            self.press(&Key::parse(&char.to_string().replace(' ', "space")).unwrap());
        }
    }

    /// Whatever else a terminal tells.
    pub fn feed(&mut self, event: Event) {
        self.asked.extend(self.driver.feed(Msg::Input(event)));
    }

    /// Waits until this text is on the screen.
    pub async fn see(&mut self, text: &str) {
        self.must(true, &Wanted::Text(text.to_owned())).await;
    }

    /// Waits until this text is not on the screen.
    pub async fn see_no(&mut self, text: &str) {
        self.must(false, &Wanted::Text(text.to_owned())).await;
    }

    /// Waits until a row of one pane has both texts.
    pub async fn see_row(&mut self, first: &str, second: &str) {
        self.must(true, &Wanted::Row(first.to_owned(), second.to_owned())).await;
    }

    /// Waits until no row of a pane has both texts.
    pub async fn see_no_row(&mut self, first: &str, second: &str) {
        self.must(false, &Wanted::Row(first.to_owned(), second.to_owned())).await;
    }

    /// Waits until a pane's title has both texts.
    pub async fn see_title(&mut self, first: &str, second: &str) {
        self.must(true, &Wanted::Title(first.to_owned(), second.to_owned())).await;
    }

    /// Waits until the frame is as wanted.
    pub async fn see_that(&mut self, what: &str, is: impl Fn(&str) -> bool) {
        let seen = |driver: &mut Driver| is(&picture::text(&driver.frame()));
        if !self.driver.run_until(self.patience, seen).await {
            panic!("waited in vain for {what}:\n{}", self.picture());
        }
    }

    /// Waits until the facts behind the screen are so; says whether they came to be.
    pub async fn wait_until(&mut self, mut holds: impl FnMut(&World) -> bool) -> bool {
        self.driver.run_until(self.patience, |driver| holds(&driver.state.shared.world)).await
    }

    async fn must(&mut self, there: bool, wanted: &Wanted) {
        if let Err(error) = self.wait(there, wanted).await {
            panic!("{error}\n{}", self.picture());
        }
    }

    /// Waits until it is on the screen, or is not.
    pub async fn wait(&mut self, there: bool, wanted: &Wanted) -> Result<(), String> {
        let seen = |driver: &mut Driver| shows(&picture::text(&driver.frame()), wanted) == there;
        match self.driver.run_until(self.patience, seen).await {
            true => Ok(()),
            false if there => Err(format!("waited in vain for {wanted:?}")),
            false => Err(format!("it does not go away: {wanted:?}")),
        }
    }

    /// Waits until the cursor of the focused pane is on the object of that name.
    pub async fn wait_for_cursor(&mut self, name: &str) -> Result<(), String> {
        let on = |driver: &mut Driver| {
            let state = &driver.state;
            let subject = state.front().and_then(|pane| pane.subject(&state.shared));
            subject.is_some_and(|subject| format!("{subject:?}").contains(name))
        };
        match self.driver.run_until(self.patience, on).await {
            true => Ok(()),
            false => Err(format!("the cursor is not on {name}")),
        }
    }

    /// Takes an effect that was asked for since the last look.
    pub fn happened(&mut self, what: &str, is: impl Fn(&TerminalEffect) -> bool) -> Result<(), String> {
        let asked = std::mem::take(&mut self.asked);
        match asked.iter().any(is) {
            true => Ok(()),
            false => Err(format!("there was to be {what}, but only {asked:?} happened")),
        }
    }
}
