//! Where the window on a log is: it keeps to the lines that it shows, by their identities, while others come before
//! them or are let go. How a line is measured is told here, because wrapping needs it.

use super::intake::finds;
use super::sources::Sources;
use super::store::{Kept, Store};
use super::{LogView, fields};
use crate::domain::level::Level;
use crate::panes::views::painted::Painted;
use crate::panes::views::scroll::Scroll;
use crate::shared::Outcome;

impl LogView {
    /// After lines came or went: puts the window back on the lines it showed.
    pub(super) fn find_place(&mut self) {
        if !self.scroll.is_following() {
            let LogView { store, scroll, .. } = self;
            let top = store.position(self.top_key);
            // The line at the top was let go: the next one begins with its first row.
            if store.get(top).is_none_or(|line| line.key != self.top_key) {
                scroll.skip = 0;
            }
            scroll.top = top;
            scroll.cursor = store.position(self.cursor_key);
        }
        self.moved(|scroll, len, rows| scroll.settle(len, rows));
    }

    /// Goes to the end and stays there, or stays where the window is.
    pub(super) fn follow(&mut self, following: bool) {
        self.scroll.follow(following);
        self.below = 0;
        self.find_place();
    }

    fn keep_place(&mut self) {
        let key = |line: usize| self.store.get(line).map(|line| line.key).unwrap_or_default();
        (self.top_key, self.cursor_key) = (key(self.scroll.top), key(self.scroll.cursor));
    }

    pub(super) fn moved<T>(
        &mut self,
        how: impl FnOnce(&mut Scroll, usize, &dyn Fn(usize) -> usize) -> T,
    ) -> T {
        let LogView { store, scroll, .. } = self;
        let rows =
            Measure { store, sources: &self.sources, wrap: self.wrap, times: self.times, json: self.json };
        let width = scroll.width;
        let moved = how(scroll, store.len(), &|line| rows.rows(width, line));
        self.keep_place();
        moved
    }

    pub(super) fn jump(&mut self, forward: bool) -> Outcome {
        if self.search.is_empty() {
            return Outcome::say(Level::Idle, "Nothing is searched for.");
        }
        if !self.in_context {
            // From the matches alone to the matches among their neighbours.
            self.scroll.follow(false);
            self.in_context = true;
            self.refilter();
            self.moved(|scroll, len, rows| scroll.reveal(len, rows));
            return Outcome::none();
        }
        let (len, at) = (self.store.len(), self.scroll.cursor);
        let hit = |n: &usize| {
            self.store
                .get(*n)
                .is_some_and(|line| finds(&self.search, self.json, line) != self.search.is_inverse())
        };
        let found = if forward { (at + 1..len).find(hit) } else { (0..at.min(len)).rev().find(hit) };
        match found {
            Some(line) => {
                self.moved(|scroll, len, rows| scroll.go(line, len, rows));
                Outcome::none()
            }
            None if forward => Outcome::say(Level::Idle, "No match further down."),
            None => Outcome::say(Level::Idle, "No match further up."),
        }
    }

    pub(super) fn next_container(&mut self) -> Outcome {
        let names = self.sources.containers();
        let next = match &self.only {
            None => names.first().cloned(),
            Some(only) => {
                names.iter().position(|name| name == only).and_then(|at| names.get(at + 1)).cloned()
            }
        };
        self.only = next;
        self.refilter();
        Outcome::none()
    }
}

/// Measures lines: what wrapping needs to know.
pub(super) struct Measure<'a> {
    pub(super) store: &'a Store,
    pub(super) sources: &'a Sources,
    pub(super) wrap: bool,
    pub(super) times: bool,
    pub(super) json: bool,
}

impl Measure<'_> {
    pub(super) fn rows(&self, width: usize, line: usize) -> usize {
        if !self.wrap {
            return 1;
        }
        let Some(kept) = self.store.get(line) else { return 1 };
        let body = width.saturating_sub(self.prefix(width));
        self.body(kept).rows(body, 0).len()
    }

    /// Columns before the text: the source's label, the time; none when they
    /// would take more than half of the width.
    pub(super) fn prefix(&self, width: usize) -> usize {
        let label = match self.sources.width() {
            0 => 0,
            label => label + 1,
        };
        let time = if self.times { "14:31:59.123 ".len() } else { 0 };
        if label + time > width / 2 { 0 } else { label + time }
    }

    pub(super) fn body(&self, line: &Kept) -> Painted {
        if line.remark {
            Painted::role(crate::theme::Role::Muted, &format!("-- {}", fields::plain(&line.text)))
        } else {
            fields::shown(&line.text, self.json, !self.times)
        }
    }
}
