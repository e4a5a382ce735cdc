//! A log taken away: copied, or saved as a file.

use std::path::PathBuf;

use super::store::Kept;
use super::{LogView, fields};
use crate::domain::level::Level;
use crate::effect::Effect;
use crate::panes::views::words;
use crate::shared::{Outcome, Shared};
use crate::text;

impl LogView {
    pub(super) fn copy(&mut self) -> Outcome {
        let Some(line) = self.store.get(self.scroll.cursor) else { return Outcome::none() };
        if self.copied == Some(line.key) {
            self.copied = None;
            let lines: Vec<String> = self.store.shown().map(|line| self.plain_line(line)).collect();
            let said = format!("Copied {} lines.", text::count(lines.len() as u64));
            return Outcome {
                note: Outcome::say(Level::Ok, said).note,
                ..Outcome::effect(Effect::Copy(lines.join("\n")))
            };
        }
        self.copied = Some(line.key);
        let said =
            format!("Copied this line; once more copies all {}.", text::count(self.store.len() as u64));
        let effect = Effect::Copy(fields::plain(&line.text).into_owned());
        Outcome { note: Outcome::say(Level::Ok, said).note, ..Outcome::effect(effect) }
    }

    /// A line as it is copied and saved: with its time and source.
    pub(super) fn plain_line(&self, line: &Kept) -> String {
        let mut words = String::new();
        if line.key.at > 0
            && let Ok(at) = jiff::Timestamp::from_nanosecond(i128::from(line.key.at))
        {
            words.push_str(&format!("{at} "));
        }
        if let Some(source) = self.sources.get(line.source).filter(|source| !source.label.is_empty()) {
            words.push_str(&format!("{}/{} ", source.pod, source.container));
        }
        if line.remark {
            words.push_str("-- ");
        }
        words.push_str(&fields::plain(&line.text));
        words
    }

    pub(super) fn save(&mut self, shared: &Shared) -> Outcome {
        let at = words::file_time(shared.now.wall);
        let name = format!("{}-{at}.log", words::file_name(&self.object.name));
        let lines = self.store.shown().map(|line| self.plain_line(line)).collect();
        Outcome::effect(Effect::Save { name: PathBuf::from(name), lines })
    }
}
