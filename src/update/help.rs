//! What help says, made from the table of actions and the keymap: nothing of it
//! is written by hand, so it cannot be wrong about a key.

use super::actions::verdict;
use crate::action::{Scope, TABLE};
use crate::shared::Applies;
use crate::state::State;

/// One line of help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelpLine {
    /// A section of the keymap.
    Section(String),
    /// An action with its keys.
    Action {
        /// All keys, separated by blanks; empty when none leads to it.
        keys: String,
        /// Its name.
        name: &'static str,
        /// What it does.
        doc: &'static str,
        /// Why it does not apply now.
        why_not: Option<String>,
    },
    /// Space between sections.
    Blank,
}

/// Help for where the person is: the sections that hold here, innermost first,
/// then the others.
pub fn lines(state: &State) -> Vec<HelpLine> {
    let here = state.scopes();
    let elsewhere = Scope::ALL.into_iter().filter(|scope| !here.contains(scope));
    let mut lines = Vec::new();
    for scope in here.iter().copied().chain(elsewhere) {
        let applies = here.contains(&scope);
        if !lines.is_empty() {
            lines.push(HelpLine::Blank);
        }
        lines.push(HelpLine::Section(section(scope, applies)));
        let inner = [scope];
        for info in TABLE.iter().filter(|info| info.scope == scope) {
            let scopes = if applies { here.as_slice() } else { inner.as_slice() };
            let mut keys: Vec<String> =
                state.keymap.keys(scopes, info.action).map(ToString::to_string).collect();
            keys.dedup();
            let why_not = match verdict(state, info.action) {
                _ if !applies => Some(String::new()),
                Applies::Yes => None,
                Applies::No(why) => Some(why),
                Applies::Elsewhere => Some("Does not apply here.".to_owned()),
            };
            lines.push(HelpLine::Action { keys: keys.join(" "), name: info.name, doc: info.doc, why_not });
        }
    }
    lines
}

fn section(scope: Scope, applies: bool) -> String {
    let words = match scope {
        Scope::Global => "Everywhere",
        Scope::List => "In lists",
        Scope::Text => "In texts",
        Scope::Logs => "In logs",
        Scope::Yaml => "In YAML",
        Scope::Graph => "In graphs",
    };
    if applies { words.to_owned() } else { format!("{words} (not here)") }
}
