//! The demo, the person before it and what happened.

use crossterm::event::Event;
use pilothouse::demo::{self, DemoOptions, DemoServer};
use pilothouse::runtime::TerminalEffect;

use super::person::{Desk, Person};
use super::script::{Opening, Step};

pub struct Stage {
    person: Person,
    demo: DemoServer,
}

impl Stage {
    /// The demo at its moment, the machine with all data that it will get.
    pub async fn set(opening: &Opening) -> Stage {
        let options =
            DemoOptions { seed: opening.seed, speed: 0.0, start_at: opening.at, ..DemoOptions::default() };
        let demo = demo::start(options).await.unwrap();
        for (cluster, fault) in &opening.faults {
            demo.set_fault(cluster, Some(fault.clone()));
        }
        let kubeconfig = if opening.restricted { demo.restricted_kubeconfig() } else { demo.kubeconfig() };
        let desk = Desk {
            size: opening.size,
            read_only: opening.read_only,
            ascii: opening.ascii,
            current_only: opening.current_only,
            ..Desk::default()
        };
        let mut person = Person::sits_down(kubeconfig, &desk);
        person.wait_for_data().await;
        Stage { person, demo }
    }

    /// The frame as it is now.
    pub fn picture(&mut self) -> String {
        self.person.picture()
    }

    /// Does what a line says, or waits for it.
    pub async fn play(&mut self, step: &Step) -> Result<(), String> {
        let person = &mut self.person;
        match step {
            Step::Press(keys) | Step::Type(keys) => {
                keys.iter().for_each(|key| person.press(key));
                Ok(())
            }
            Step::Size(columns, rows) => {
                person.feed(Event::Resize(*columns, *rows));
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
            Step::See(wanted) => person.wait(true, wanted).await,
            Step::Not(wanted) => person.wait(false, wanted).await,
            Step::Cursor(name) => person.wait_for_cursor(name).await,
            Step::Copied(text) => person.happened(
                &format!("{text:?} to be copied"),
                |effect| matches!(effect, TerminalEffect::Copy(copied) if copied.contains(text.as_str())),
            ),
            Step::Shell => person.happened("a shell", |effect| matches!(effect, TerminalEffect::Shell(_))),
            Step::Quits => person.happened("the end", |effect| matches!(effect, TerminalEffect::Quit)),
        }
    }
}
