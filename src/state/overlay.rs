//! What lies over the panes and takes all keys: help, the palette, a question.

use tui_input::Input;

use super::sheet::Sheet;
use crate::action::{Action, TABLE};
use crate::shared::Ask;

/// What lies over the panes.
#[derive(Debug)]
pub enum Overlay {
    /// Keys that apply here; scrolled by so many lines.
    Help {
        /// First visible line.
        scroll: u16,
    },
    /// Run an action by name.
    Palette(Palette),
    /// A question before something is done.
    Ask {
        /// The question.
        ask: Ask,
        /// What was typed so far.
        typed: Input,
        /// It has been drawn: keys that come from now on may answer it.
        drawn: bool,
    },
    /// A change, from how many to its end.
    Change(Box<Sheet>),
    /// What an earlier program began and left without an outcome.
    Abandoned {
        /// The one under the cursor.
        at: usize,
        /// It has been drawn: keys that come from now on are meant for it.
        drawn: bool,
    },
}

impl Overlay {
    /// A question that nobody has answered yet.
    #[must_use]
    pub fn ask(ask: Ask) -> Overlay {
        Overlay::Ask { ask, typed: Input::default(), drawn: false }
    }
}

/// The command palette.
#[derive(Debug, Default)]
pub struct Palette {
    /// What was typed.
    pub input: Input,
    /// Index of the selected hit.
    pub at: usize,
}

impl Palette {
    /// Actions whose name or sentence holds every word that was typed; those
    /// whose name begins with it come first.
    pub fn hits(&self) -> Vec<Action> {
        let typed = self.input.value().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let mut hits: Vec<Action> = TABLE
            .iter()
            .filter(|info| {
                words.iter().all(|word| info.name.contains(word) || info.doc.to_lowercase().contains(word))
            })
            .map(|info| info.action)
            .collect();
        hits.sort_by_key(|action| !words.first().is_some_and(|word| action.info().name.starts_with(word)));
        hits
    }

    /// The selected action.
    pub fn selected(&self) -> Option<Action> {
        let hits = self.hits();
        hits.get(self.at.min(hits.len().saturating_sub(1))).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_finds_by_name_first_and_by_sentence() {
        let palette = Palette { input: Input::new("log".into()), at: 0 };
        assert_eq!(palette.selected(), Some(Action::Logs));
        let palette = Palette { input: Input::new("clipboard".into()), at: 0 };
        assert_eq!(palette.hits(), [Action::Copy]);
        let palette = Palette { input: Input::new("zzz".into()), at: 3 };
        assert_eq!(palette.selected(), None);
    }
}
