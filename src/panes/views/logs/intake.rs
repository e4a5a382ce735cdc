//! Lines come in: kept or held back, and shown when they pass the filter. Where the window is then, `place` decides.

use super::sources::Sources;
use super::store::{Incoming, Kept};
use super::{LogView, Phase, fields};
use crate::domain::id::Name;
use crate::msg::{LogLine, LogMsg};
use crate::panes::views::search::Search;
use crate::text;

impl LogView {
    pub(super) fn take(&mut self, msg: LogMsg) {
        if !matches!(msg, LogMsg::Hindered { .. }) {
            self.phase = Phase::Live;
        }
        match msg {
            LogMsg::Hindered { source, reason } => {
                let reason = text::clean(&reason).into_owned();
                match source {
                    Some(source) => self.sources.hinder(source, &reason),
                    None => self.hindered = reason,
                }
            }
            LogMsg::Joined { source, pod, container } => self.sources.join(source, pod, container),
            LogMsg::Lines(lines) => self.add(lines.into_iter().map(incoming).collect()),
            LogMsg::Ended { source, reason } => {
                let reason = text::clean(&reason).into_owned();
                self.sources.end(source, &reason);
                // A remark in the text shows where the one of several streams ended.
                // Where there are no lines the page says it in full.
                if self.store.total() > 0 && (self.sources.len() > 1 || !reason.is_empty()) {
                    let words =
                        if reason.is_empty() { "ended".to_owned() } else { format!("ended: {reason}") };
                    self.add(vec![Incoming { at: 0, source, remark: true, text: words.into() }]);
                }
            }
        }
    }

    fn add(&mut self, lines: Vec<Incoming>) {
        let LogView { sources, only, search, in_context, json, store, held, paused, .. } = self;
        let target = if *paused { held } else { store };
        let shown =
            target.take(lines, &mut |line| passes(sources, only.as_ref(), search, *in_context, *json, line));
        if !self.paused {
            self.came(shown);
        }
    }

    fn came(&mut self, shown: usize) {
        if !self.scroll.is_following() {
            self.below += shown;
        }
    }

    pub(super) fn resume(&mut self) {
        self.paused = false;
        let LogView { sources, only, search, in_context, json, store, held, .. } = self;
        let shown = store
            .take_all(held, &mut |line| passes(sources, only.as_ref(), search, *in_context, *json, line));
        self.came(shown);
    }

    pub(super) fn refilter(&mut self) {
        let LogView { sources, only, search, in_context, json, store, .. } = self;
        if only.is_none() && (search.is_empty() || *in_context) {
            store.refilter(None);
        } else {
            store.refilter(Some(&mut |line: &Kept| {
                passes(sources, only.as_ref(), search, *in_context, *json, line)
            }));
        }
        self.below = 0;
        self.find_place();
    }
}

fn incoming(line: LogLine) -> Incoming {
    Incoming { at: line.at_nanos, source: line.source, remark: false, text: line.text }
}

/// Whether a line is shown.
fn passes(
    sources: &Sources,
    only: Option<&Name>,
    search: &Search,
    in_context: bool,
    json: bool,
    line: &Kept,
) -> bool {
    let of_container =
        only.is_none_or(|only| sources.get(line.source).is_some_and(|source| source.container == *only));
    of_container && (in_context || search.is_empty() || (finds(search, json, line) != search.is_inverse()))
}

/// Whether the pattern is in a line, as it came or as it is shown.
pub(super) fn finds(search: &Search, json: bool, line: &Kept) -> bool {
    search.finds(&fields::plain(&line.text))
        || (json
            && line.text.trim_start().starts_with('{')
            && search.finds(fields::shown(&line.text, true, true).text()))
}
