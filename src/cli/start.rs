//! From arguments and files to a machine that is ready to run.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::Global;
use super::settings::{Origin, Read};
use crate::config::{Config, Memo, Remembered};
use crate::connect::contexts::{self, Contexts};
use crate::domain::id::ClusterId;
use crate::domain::level::Level;
use crate::error::{Problem, Problems};
use crate::journal::{Journal, Local};
use crate::msg::Note;
use crate::panes::PaneId;
use crate::runtime::Driver;
use crate::state::{Settings, State};
use crate::text::clean;
use crate::world::World;

/// Which contexts connect at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// The current one, those that the configuration names and those that were remembered.
    Usual,
    /// All.
    All,
}

/// What is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canvas {
    /// A terminal, with the colours and signs that it has.
    Terminal,
    /// A picture: all colours, all signs.
    Picture,
}

/// A machine and what its terminal needs to know.
pub struct Ready {
    /// The machine.
    pub machine: Driver,
    /// What the screen has to connect first; nothing when there is no terminal to wait for.
    pub first: Vec<ClusterId>,
    /// Whether the mouse is wanted.
    pub mouse: bool,
}

/// Builds the machine. Begins to connect, unless a terminal has to be taken before.
///
/// # Errors
/// Everything that is wrong with arguments, kubeconfig, keymap or theme.
pub fn driver(global: &Global, connect: Connect, canvas: Canvas) -> Result<Ready, Problems> {
    let contexts = contexts(global)?;
    driver_from(Origin::find(global, canvas, &contexts), contexts, connect)
}

/// Builds the machine as [`driver`] does, by settings from this origin.
///
/// # Errors
/// Everything that is wrong with flags and files.
pub fn driver_from(origin: Origin, contexts: Contexts, connect: Connect) -> Result<Ready, Problems> {
    let canvas = origin.canvas();
    let Read { settings, config } = origin.read()?;
    let state_folder = origin.state_folder();
    let (memory, note) = Memory::open(state_folder.clone());
    let world = World::new(contexts.list.iter().map(contexts::ContextInfo::connection).collect());
    let mut state = State::new(world, settings, &user(), (80, 24));
    state.shared.queries = memory.known.queries.iter().map(|query| query.as_str().into()).collect();
    let first = first(&contexts, &config, &memory, connect);
    let mut machine = Driver::new(state, Arc::new(contexts));
    machine.remember_with(memory.keeper());
    if let Some(folder) = state_folder {
        machine.journal_with(Journal::within(&folder), Local::find(|name| std::env::var(name).ok()));
    }
    if canvas == Canvas::Terminal {
        machine.reload_with(reload(origin));
        machine.look_back();
    }
    if let Some(note) = note {
        machine.state.toast(note);
    }
    let first = match canvas {
        Canvas::Terminal => first,
        Canvas::Picture => {
            machine.connect_first(&first);
            Vec::new()
        }
    };
    Ok(Ready { machine, first, mouse: config.ui.mouse })
}

/// Contexts that a person connected by key, queries that he typed.
struct Memory {
    folder: Option<PathBuf>,
    known: Remembered,
}

impl Memory {
    /// Reads the memory; a broken file is told and costs the memory, not the start.
    fn open(folder: Option<PathBuf>) -> (Memory, Option<Note>) {
        let (known, note) = match folder.as_deref().map(Remembered::load) {
            Some(Ok(known)) => (known, None),
            Some(Err(problem)) => {
                let text = clean(&problem.to_string()).into_owned();
                (Remembered::default(), Some(Note { level: Level::Warning, text }))
            }
            None => (Remembered::default(), None),
        };
        (Memory { folder, known }, note)
    }

    /// Keeps something in mind and writes the file, off the loop.
    fn keeper(self) -> impl FnMut(&Memo) -> Result<(), String> + Send + 'static {
        let Memory { folder, mut known } = self;
        move |memo| {
            let Some(folder) = &folder else { return Err("there is no home folder".to_owned()) };
            if known.keep(memo) {
                known.save(folder).map_err(|problem| clean(&problem.to_string()).into_owned())?;
            }
            Ok(())
        }
    }
}

/// Reads the settings anew when a file has changed since the last look.
fn reload(origin: Origin) -> impl FnMut() -> Option<Result<Settings, String>> + Send + 'static {
    let mut seen = origin.fingerprint();
    move || {
        let now = origin.fingerprint();
        if now == seen {
            return None;
        }
        seen = now;
        Some(origin.read().map(|read| read.settings).map_err(|problems| problems.to_string()))
    }
}

/// The contexts of the kubeconfig.
///
/// # Errors
/// No kubeconfig, a broken one, an unknown context.
pub fn contexts(global: &Global) -> Result<Contexts, Problem> {
    Contexts::load(&contexts::Options {
        kubeconfig: global.kubeconfig.clone(),
        context: global.context.clone(),
        namespace: global.namespace.clone(),
    })
}

/// The contexts that connect at the start: all, or the current one with those
/// that environments stand on or are delivered and backed up from, that
/// `connect:` names and that were remembered.
fn first(contexts: &Contexts, config: &Config, memory: &Memory, connect: Connect) -> Vec<ClusterId> {
    let named = |name: &str| {
        config.environments().any(|env| env.contexts().any(|context| context == name))
            || config.connect.iter().any(|wanted| wanted == name)
            || memory.known.contexts.iter().any(|known| known == name)
    };
    let wanted = |(at, info): &(usize, &contexts::ContextInfo)| {
        connect == Connect::All || contexts.current == Some(*at) || named(&info.name)
    };
    let found = contexts.list.iter().enumerate().filter(wanted);
    found.map(|(at, _)| ClusterId(u16::try_from(at).unwrap_or(u16::MAX))).collect()
}

/// Focuses a pane by its name and gives it the whole screen.
///
/// # Errors
/// No such pane.
pub fn zoom(state: &mut State, name: &str) -> Result<(), Problem> {
    let named = [
        ("environments", PaneId::Environments),
        ("releases", PaneId::Releases),
        ("pods", PaneId::Pods),
        ("workloads", PaneId::Workloads),
        ("network", PaneId::Network),
        ("traffic", PaneId::Traffic),
        ("sync", PaneId::Sync),
        ("metrics", PaneId::Metrics),
        ("alerts", PaneId::Alerts),
        ("backups", PaneId::Backups),
        ("nodes", PaneId::Nodes),
    ];
    let found = named.iter().find(|(known, _)| *known == name).and_then(|(_, id)| state.pane(*id));
    let Some(at) = found else {
        return Err(Problem::usage(format!("There is no pane `{name}`."))
            .mend(crate::error::suggest(name, named.iter().map(|(known, _)| *known))));
    };
    state.focus = at;
    state.zoomed = true;
    Ok(())
}

/// Waits for ctrl-c or SIGTERM.
///
/// # Errors
/// When signals cannot be listened to.
pub async fn told_to_end() -> Result<(), Problem> {
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|error| Problem::failed("Signals cannot be listened to.").because(error))?;
    let mut hangup = signal(SignalKind::hangup())
        .map_err(|error| Problem::failed("Signals cannot be listened to.").because(error))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

/// Waits for ctrl-c or SIGTERM; a terminal that goes away is no reason to end.
///
/// # Errors
/// When signals cannot be listened to.
pub async fn told_to_end_now() -> Result<(), Problem> {
    let failed = |error| Problem::failed("Signals cannot be listened to.").because(error);
    // As long as somebody listens to it, SIGHUP does not end the process.
    let _hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

/// The local user's name, for the header.
fn user() -> String {
    let named = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    crate::text::clean(&named).into_owned()
}
