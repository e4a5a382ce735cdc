//! The keys that apply now, most useful first, cut to the width. Palette and
//! help always stand at the end: they lead to all the others.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::change;
use crate::action::Action;
use crate::domain::id::Kind;
use crate::shared::{Applies, Subject};
use crate::state::{Overlay, State};
use crate::text;
use crate::theme::Role;
use crate::update::actions::verdict;
use crate::widgets::strip::Strip;

/// What the footer offers, most useful first. Moving is left out: fingers know.
const ORDER: [Action; 41] = [
    Action::LongerRange,
    Action::ShorterRange,
    Action::Query,
    Action::Favourites,
    Action::Follow,
    Action::Pause,
    Action::NextMatch,
    Action::Wrap,
    Action::JsonFields,
    Action::NextContainer,
    Action::Timestamps,
    Action::ManagedFields,
    Action::Reveal,
    Action::Save,
    Action::Connect,
    Action::Open,
    Action::Back,
    Action::Switch,
    Action::Logs,
    Action::Describe,
    Action::Yaml,
    Action::Events,
    Action::Rollout,
    Action::Shell,
    Action::Node,
    Action::Promote,
    Action::Scale,
    Action::Undo,
    Action::Restart,
    Action::Filter,
    Action::FaultsOnly,
    Action::ToggleWorkloads,
    Action::NextEnvironment,
    Action::ToggleAllEnvironments,
    Action::ToggleNamespace,
    Action::PreviousLogs,
    Action::SortColumn,
    Action::Mark,
    Action::ClearMarks,
    Action::Copy,
    Action::Quit,
];

const ALWAYS: [Action; 2] = [Action::Palette, Action::Help];

/// Draws the footer.
pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    buffer.set_style(area, look.style(Role::Footer));
    let mut strip = Strip::new(buffer, area);
    strip.gap(1);
    if let Some(words) = captured(state) {
        for (key, title) in words {
            strip.put(key, look.style(Role::Key)).gap(1).put(title, look.style(Role::Footer)).gap(2);
        }
        return;
    }
    let scopes = state.scopes();
    let label = |action: Action| Some((state.keymap.label(&scopes, action)?, action.info().title));
    let always: Vec<(String, &str)> = ALWAYS.into_iter().filter_map(label).collect();
    let kept: usize = always.iter().map(|(key, title)| text::width(key) + text::width(title) + 3).sum();
    for action in ORDER {
        if verdict(state, action) != Applies::Yes || is_aside(state, action) {
            continue;
        }
        let Some((key, title)) = label(action) else { continue };
        let needed = text::width(&key) + text::width(title) + 3;
        if needed + kept > usize::from(strip.left()) {
            break;
        }
        strip.put(&key, look.style(Role::Key)).gap(1).put(title, look.style(Role::Footer)).gap(2);
    }
    for (key, title) in always {
        strip.put(&key, look.style(Role::Key)).gap(1).put(title, look.style(Role::Footer)).gap(2);
    }
}

/// What applies but is not what one is here for: the node of a pod.
fn is_aside(state: &State, action: Action) -> bool {
    let subject = || state.front()?.subject(&state.shared);
    action == Action::Node && !matches!(subject(), Some(Subject::Object(object)) if object.kind == Kind::Node)
}

/// The keys of whatever takes all keys now.
fn captured(state: &State) -> Option<&'static [(&'static str, &'static str)]> {
    match &state.overlay {
        Some(Overlay::Help { .. }) => Some(&[("j k", "scroll"), ("any other key", "close")]),
        Some(Overlay::Palette(_)) => {
            Some(&[("type", "a name"), ("up down", "choose"), ("enter", "run"), ("esc", "close")])
        }
        Some(Overlay::Ask { ask, .. }) if ask.word.is_empty() => Some(&[("y", "yes"), ("n esc", "no")]),
        Some(Overlay::Ask { .. }) => Some(&[("enter", "confirm"), ("esc", "no")]),
        Some(Overlay::Change(sheet)) => Some(change::keys(sheet)),
        Some(Overlay::Abandoned { .. }) => Some(&[
            ("j k", "choose"),
            ("enter", "go on"),
            ("u", "back"),
            ("d", "leave it as it is"),
            ("esc", "later"),
        ]),
        None if state.typing.is_some() => {
            let own = state.front().and_then(|pane| pane.typing_keys());
            own.or(Some(&[
                ("enter", "keep"),
                ("esc", "clear"),
                ("!", "inverse"),
                ("-l", "labels"),
                ("-f", "fuzzy"),
            ]))
        }
        None => None,
    }
}
