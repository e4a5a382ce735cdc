//! A panic while drawing: the terminal is given back before it is told.
//!
//! The program has no key that panics. This test starts itself once more in a
//! pseudo terminal, runs the program's own loop there and puts a pane that
//! panics into it.

use std::path::PathBuf;

use pilothouse::action::{Action, Scope};
use pilothouse::cli::start::{self, Canvas, Connect};
use pilothouse::cli::{Global, run};
use pilothouse::look::Look;
use pilothouse::panes::{Pane, PaneId, Title};
use pilothouse::runtime;
use pilothouse::shared::{Applies, Outcome, Shared, Subject};
use portable_pty::CommandBuilder;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::program::{Platform, Program};

const KUBECONFIG: &str = "PANICS_ON";

#[test]
fn a_panic_while_drawing_gives_the_terminal_back() {
    // In the terminal this is the program.
    if let Some(kubeconfig) = std::env::var_os(KUBECONFIG) {
        return panics_when_a_key_is_pressed(kubeconfig.into());
    }
    let platform = Platform::start();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    platform.surroundings(&mut command);
    command.env(KUBECONFIG, platform.kubeconfig());
    command.env("RUST_BACKTRACE", "0");
    command.args(["--exact", "--nocapture", "panics::a_panic_while_drawing_gives_the_terminal_back"]);
    let mut program = Program::start(command, (120, 40));
    program.see("press any key");
    program.assert_taken();
    program.press("j");
    program.wait_until_given_back();
    assert_ne!(program.ended().exit_code(), 0);
    program.see("this pane is broken");
}

fn panics_when_a_key_is_pressed(kubeconfig: PathBuf) {
    let global = Global { kubeconfig: Some(kubeconfig), ..Global::default() };
    run::to_end(async {
        let mut machine = start::driver(&global, Connect::Usual, Canvas::Terminal).unwrap().machine;
        machine.state.panes = vec![Box::new(Broken { pressed: false })];
        machine.state.focus = 0;
        runtime::screen::run(&mut machine, true, &[]).await.unwrap();
        Ok(())
    })
    .unwrap();
}

#[derive(Debug)]
struct Broken {
    pressed: bool,
}

impl Pane for Broken {
    fn id(&self) -> PaneId {
        PaneId::Pods
    }

    fn title(&self, _: &Shared) -> Title {
        Title { name: "press any key".to_owned(), ..Title::default() }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn refresh(&mut self, _: &Shared) {}

    fn resize(&mut self, _: u16, _: u16) {}

    fn applies(&self, _: &Shared, _: Action) -> Applies {
        Applies::Yes
    }

    fn act(&mut self, _: &mut Shared, _: Action) -> Outcome {
        self.pressed = true;
        Outcome::none()
    }

    fn subject(&self, _: &Shared) -> Option<Subject> {
        None
    }

    fn draw(&self, _: &Shared, _: &Look, _: bool, _: Rect, _: &mut Buffer) {
        assert!(!self.pressed, "this pane is broken");
    }
}
