//! The demo, the machine and what happened on it.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event;
use pilothouse::connect::contexts::{self, Contexts};
use pilothouse::demo::{self, DemoOptions, DemoServer};
use pilothouse::domain::id::ClusterId;
use pilothouse::fleet::wanted::Wanted as NoSettings;
use pilothouse::keymap::{Key, Keymaps};
use pilothouse::look::Look;
use pilothouse::msg::Msg;
use pilothouse::picture;
use pilothouse::runtime::{Driver, TerminalEffect};
use pilothouse::state::{Settings, State};
use pilothouse::theme::{ASCII, Depth, Themes, UNICODE};
use pilothouse::world::World;

use super::frame::shows;
use super::script::{Opening, Step, Wanted};

/// How long something may take to be seen on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stage {
    driver: Driver,
    demo: DemoServer,
    /// What only the owner of a terminal could do.
    asked: Vec<TerminalEffect>,
}

impl Stage {
    /// The demo at its moment, the machine with all data that it will get.
    pub async fn set(opening: &Opening) -> Stage {
        // One provider for all tests of this process; the second installation is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options =
            DemoOptions { seed: opening.seed, speed: 0.0, start_at: opening.at, ..DemoOptions::default() };
        let demo = demo::start(options).await.unwrap();
        for (cluster, fault) in &opening.faults {
            demo.set_fault(cluster, Some(fault.clone()));
        }
        let mut stage = Stage { driver: driver(opening, &demo), demo, asked: Vec::new() };
        assert!(
            stage.driver.run_until(PATIENCE, |driver| driver.is_loaded()).await,
            "not all data came:\n{}",
            stage.picture()
        );
        stage
    }

    /// The frame as it is now.
    pub fn picture(&mut self) -> String {
        picture::text(&self.driver.frame())
    }

    /// Does what a line says, or waits for it.
    pub async fn play(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Press(keys) | Step::Type(keys) => {
                for key in keys {
                    self.press(key);
                }
                Ok(())
            }
            Step::Size(columns, rows) => {
                self.feed(Event::Resize(*columns, *rows));
                Ok(())
            }
            Step::Advance(time) => {
                self.demo.story().advance(*time);
                Ok(())
            }
            Step::Fault(cluster, fault) => {
                self.demo.set_fault(cluster, fault.clone());
                Ok(())
            }
            Step::See(wanted) => self.wait(true, wanted).await,
            Step::Not(wanted) => self.wait(false, wanted).await,
            Step::Cursor(name) => self.wait_for_cursor(name).await,
            Step::Copied(text) => self.happened(
                &format!("{text:?} to be copied"),
                |effect| matches!(effect, TerminalEffect::Copy(copied) if copied.contains(text.as_str())),
            ),
            Step::Shell => self.happened("a shell", |effect| matches!(effect, TerminalEffect::Shell(_))),
            Step::Quits => self.happened("the end", |effect| matches!(effect, TerminalEffect::Quit)),
        }
    }

    fn press(&mut self, key: &Key) {
        // As on the terminal: what came since the last key is on the screen before the next one acts.
        self.driver.frame();
        self.feed(Event::Key(key.event()));
    }

    fn feed(&mut self, event: Event) {
        self.asked.extend(self.driver.feed(Msg::Input(event)));
    }

    async fn wait(&mut self, there: bool, wanted: &Wanted) -> Result<(), String> {
        let seen = |driver: &mut Driver| shows(&picture::text(&driver.frame()), wanted) == there;
        match self.driver.run_until(PATIENCE, seen).await {
            true => Ok(()),
            false if there => Err(format!("waited in vain for {wanted:?}")),
            false => Err(format!("it does not go away: {wanted:?}")),
        }
    }

    async fn wait_for_cursor(&mut self, name: &str) -> Result<(), String> {
        let on = |driver: &mut Driver| {
            let state = &driver.state;
            let subject = state.front().and_then(|pane| pane.subject(&state.shared));
            subject.is_some_and(|subject| format!("{subject:?}").contains(name))
        };
        match self.driver.run_until(PATIENCE, on).await {
            true => Ok(()),
            false => Err(format!("the cursor is not on {name}")),
        }
    }

    /// Takes an effect that was asked for since the last look.
    fn happened(&mut self, what: &str, is: impl Fn(&TerminalEffect) -> bool) -> Result<(), String> {
        let asked = std::mem::take(&mut self.asked);
        match asked.iter().any(is) {
            true => Ok(()),
            false => Err(format!("there was to be {what}, but only {asked:?} happened")),
        }
    }
}

fn driver(opening: &Opening, demo: &DemoServer) -> Driver {
    let kubeconfig = if opening.restricted { demo.restricted_kubeconfig() } else { demo.kubeconfig() };
    let options =
        contexts::Options { kubeconfig: Some(kubeconfig.to_owned()), ..contexts::Options::default() };
    let contexts = Contexts::load(&options).unwrap();
    let world = World::new(contexts.list.iter().map(contexts::ContextInfo::connection).collect());
    let settings = Settings {
        wanted: NoSettings::default(),
        read_only: opening.read_only,
        keymap: Keymaps::new(None).load("default").unwrap(),
        look: Look {
            theme: Themes::new(None).load("dark", Depth::TrueColor, None).unwrap(),
            symbols: if opening.ascii { &ASCII } else { &UNICODE },
        },
    };
    let state = State::new(world, settings, "maria", opening.size);
    let id = |at: usize| ClusterId(u16::try_from(at).unwrap());
    let first: Vec<ClusterId> = match opening.current_only {
        true => contexts.current.map(id).into_iter().collect(),
        false => (0..contexts.list.len()).map(id).collect(),
    };
    let mut driver = Driver::new(state, Arc::new(contexts));
    driver.connect_first(&first);
    driver
}
