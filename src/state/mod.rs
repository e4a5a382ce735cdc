//! The whole state of the screen: what is shared, the panes, what lies on top.
//!
//! It changes in `update` alone and is drawn from shared references. It never
//! awaits and reads no clock.

mod away;
mod overlay;
pub mod sheet;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub use away::Away;
pub use overlay::{Overlay, Palette};

use crate::action::{Action, Scope, TABLE};
use crate::fleet::wanted::Wanted;
use crate::keymap::{Key, Keymap};
use crate::look::Look;
use crate::msg::{Note, Urgency};
use crate::panes::{Pane, PaneId};
use crate::shared::{Options, Shared};
use crate::world::World;

/// The whole state.
#[derive(Debug)]
pub struct State {
    /// What every pane may read.
    pub shared: Shared,
    /// The panes of the Bridge, in the order of tab.
    pub panes: Vec<Box<dyn Pane>>,
    /// Index of the focused pane.
    pub focus: usize,
    /// The pane that a number key went to last: the key again goes to its sibling.
    pub numbered: Option<PaneId>,
    /// The focused pane has the whole screen.
    pub zoomed: bool,
    /// Views that were opened on top, the last one in front.
    pub views: Vec<Box<dyn Pane>>,
    /// Help, palette or a question.
    pub overlay: Option<Overlay>,
    /// A filter or search that is being typed.
    pub typing: Option<tui_input::Input>,
    /// Why what is being typed cannot be read.
    pub typing_error: Option<String>,
    /// Keys of a sequence that is not complete.
    pub pending: Vec<Key>,
    /// Short messages, newest last.
    pub toasts: Vec<Toast>,
    /// What is being changed, and what was changed last.
    pub runs: Vec<sheet::Run>,
    /// What an earlier program began and left without an outcome.
    pub abandoned: Vec<sheet::Abandoned>,
    /// The journal has been looked through for such.
    pub looked_back: bool,
    /// What fired when the person or the servers went away.
    pub away: Away,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Which key does what.
    pub keymap: Keymap,
    /// Theme and signs.
    pub look: Look,
    /// Nothing happened since what can be seen was brought up to date.
    pub settled: bool,
    /// How soon the screen has to show what happened since the last frame.
    pub due: Urgency,
}

/// What can be set, and set anew while the program runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Environments and apps as configured.
    pub wanted: Wanted,
    /// Nothing that changes a cluster.
    pub read_only: bool,
    /// Which key does what.
    pub keymap: Keymap,
    /// Theme and signs.
    pub look: Look,
}

/// A short message and when it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// What it says.
    pub note: Note,
    /// On the clock that never jumps.
    pub until: Duration,
}

impl State {
    /// The state at the start.
    pub fn new(world: World, settings: Settings, user: &str, size: (u16, u16)) -> State {
        let Settings { wanted, read_only, keymap, look } = settings;
        let mut shared = Shared::new(world, wanted, Options { read_only, user: user.into() });
        shared.keys = key_names(&keymap);
        let panes = crate::panes::bridge();
        // Pods, faults first: what is broken, without a key.
        let focus = panes.iter().position(|pane| pane.id() == PaneId::Pods).unwrap_or(0);
        State {
            shared,
            panes,
            focus,
            numbered: None,
            zoomed: false,
            views: Vec::new(),
            overlay: None,
            typing: None,
            typing_error: None,
            pending: Vec::new(),
            toasts: Vec::new(),
            runs: Vec::new(),
            abandoned: Vec::new(),
            looked_back: false,
            away: Away::default(),
            size,
            keymap,
            look,
            settled: false,
            due: Urgency::default(),
        }
    }

    /// Takes settings that were read anew.
    pub fn set(&mut self, settings: Settings) {
        let Settings { wanted, read_only, keymap, look } = settings;
        self.shared.wanted = wanted;
        self.shared.options.read_only = read_only;
        self.shared.keys = key_names(&keymap);
        self.keymap = keymap;
        self.look = look;
        self.pending.clear();
        self.settled = false;
    }

    /// What takes keys: the view in front, else the focused pane.
    pub fn front(&self) -> Option<&dyn Pane> {
        match self.views.last() {
            Some(view) => Some(view.as_ref()),
            None => self.panes.get(self.focus).map(AsRef::as_ref),
        }
    }

    /// The same, to be changed, beside what is shared.
    pub fn front_mut(&mut self) -> Option<(&mut Box<dyn Pane>, &mut Shared)> {
        let State { views, panes, focus, shared, .. } = self;
        match views.last_mut() {
            Some(view) => Some((view, shared)),
            None => panes.get_mut(*focus).map(|pane| (pane, shared)),
        }
    }

    /// The index of a pane of the Bridge.
    pub fn pane(&self, id: PaneId) -> Option<usize> {
        self.panes.iter().position(|pane| pane.id() == id)
    }

    /// Sections of the keymap that apply now, innermost first.
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes: Vec<Scope> = self.front().map(|pane| pane.scopes().to_vec()).unwrap_or_default();
        scopes.push(Scope::Global);
        scopes
    }

    /// Shows a message for a while.
    pub fn toast(&mut self, note: Note) {
        const SHOWN: Duration = Duration::from_secs(6);
        self.toast_for(note, SHOWN);
    }

    /// Shows a message for so long.
    pub fn toast_for(&mut self, note: Note, shown: Duration) {
        const MOST: usize = 4;
        self.toasts.retain(|toast| toast.note.text != note.text);
        self.toasts.push(Toast { note, until: self.shared.now.mono + shown });
        if self.toasts.len() > MOST {
            self.toasts.remove(0);
        }
    }
}

/// The first key of every action that has one.
fn key_names(keymap: &Keymap) -> HashMap<Action, Arc<str>> {
    let names = TABLE.iter().filter_map(|info| {
        let scopes = [info.scope, Scope::Global];
        let label = keymap.label(&scopes, info.action)?;
        Some((info.action, label.into()))
    });
    names.collect()
}
