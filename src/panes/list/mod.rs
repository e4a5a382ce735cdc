//! A pane that is a list of rows: cursor, order, filter, marks, sort, header.
//!
//! What the rows are is told by [`Rows`]; everything that lists have in common
//! is here, so that a new list pane is one implementation of that trait.

mod above;
mod draw;
mod rows;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::rows::{Cell, Changes, Column, Rows};
use super::filter::Filter;
use super::order::Order;
use super::{Marked, Pane, PaneId, Pointer, Title, words};
use crate::action::{Action, Scope};
use crate::effect::Follow;
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text;
use crate::widgets::cursor::Cursor;

/// A pane that lists [`Rows`].
#[derive(Debug)]
pub struct ListPane<R: Rows> {
    rows: R,
    order: Order<R::Row>,
    cursor: Cursor<R::Key>,
    marks: HashSet<R::Key>,
    filter: Filter,
    faults_only: bool,
    sort: Option<usize>,
    descending: bool,
    total: usize,
    /// Rows that are shown and stand below no other.
    tops: usize,
    rebuild: bool,
    /// Faults that came above the window without having been seen.
    above: above::Above<R::Key>,
    /// What was looked at when the rows were ordered last.
    scope: Option<words::ScopeKey>,
}

impl<R: Rows> ListPane<R> {
    /// A list in its first state: everything, worst first.
    pub fn new(rows: R) -> ListPane<R> {
        ListPane {
            rows,
            order: Order::default(),
            cursor: Cursor::default(),
            marks: HashSet::new(),
            filter: Filter::default(),
            faults_only: false,
            sort: None,
            descending: false,
            total: 0,
            tops: 0,
            rebuild: true,
            above: above::Above::default(),
            scope: None,
        }
    }

    /// The selected row.
    pub fn selected(&self, shared: &Shared) -> Option<R::Row> {
        self.rows.find(shared, self.cursor.selected()?)
    }

    /// The order of two rows; those below others follow their parents.
    fn compare(&self, shared: &Shared, a: R::Row, b: R::Row) -> Ordering {
        let (above_a, above_b) = (self.path(shared, a), self.path(shared, b));
        for (x, y) in above_a.iter().zip(&above_b) {
            match (x, y) {
                (Some(x), Some(y)) if x == y => {}
                (Some(x), Some(y)) => return self.compare_alone(shared, *x, *y),
                (None, Some(_)) => return Ordering::Less,
                (Some(_), None) => return Ordering::Greater,
                (None, None) => break,
            }
        }
        Ordering::Equal
    }

    /// A row and those that it stands below, outermost first.
    fn path(&self, shared: &Shared, row: R::Row) -> [Option<R::Row>; DEEPEST] {
        let mut path = [None; DEEPEST];
        let mut next = Some(row);
        let mut depth = 0;
        while let (Some(row), true) = (next, depth < DEEPEST) {
            path[depth] = Some(row);
            depth += 1;
            next = self.rows.parent(shared, row);
        }
        path[..depth].reverse();
        path
    }

    fn depth(&self, shared: &Shared, row: R::Row) -> usize {
        self.path(shared, row).iter().flatten().count().saturating_sub(1)
    }

    fn compare_alone(&self, shared: &Shared, a: R::Row, b: R::Row) -> Ordering {
        let ordering = match self.sort {
            None => self
                .rows
                .rank(shared, b)
                .cmp(&self.rows.rank(shared, a))
                .then_with(|| self.rows.level(shared, b).cmp(&self.rows.level(shared, a)))
                .then_with(|| self.rows.compare(shared, 0, a, b)),
            Some(column) => self.rows.compare(shared, column, a, b),
        };
        let ordering = if self.descending { ordering.reverse() } else { ordering };
        ordering.then_with(|| self.rows.compare(shared, 0, a, b)).then_with(|| a.cmp(&b))
    }

    fn passes(&self, shared: &Shared, pass: &mut super::filter::Pass<'_>, row: R::Row) -> bool {
        if let Some(parent) = self.rows.parent(shared, row) {
            return self.rows.shown(shared, row) && self.passes(shared, pass, parent);
        }
        self.rows.shown(shared, row)
            && (!self.faults_only || self.rows.level(shared, row).is_fault())
            && (self.filter.is_empty() || self.rows.search(shared, row, &mut |hay| pass.shows(hay)))
    }

    fn reorder(&mut self, shared: &Shared, changes: Changes<R::Row>) {
        let mut order = std::mem::take(&mut self.order);
        let mut pass = self.filter.pass();
        match changes {
            Changes::Nothing => {}
            Changes::These(rows) => order.update(
                &rows,
                |row| self.passes(shared, &mut pass, row),
                |a, b| self.compare(shared, a, b),
            ),
            Changes::Everything => {
                let mut shown = Vec::new();
                self.rows.all(shared, &mut |row| {
                    if self.passes(shared, &mut pass, row) {
                        shown.push(row);
                    }
                });
                order.rebuild(shown.into_iter(), |a, b| self.compare(shared, a, b));
            }
        }
        drop(pass);
        self.order = order;
        let rows = self.order.rows().iter();
        self.tops = rows.filter(|row| self.rows.parent(shared, **row).is_none()).count();
    }

    fn follow(&mut self, shared: &Shared) {
        let rows = self.order.rows();
        let source = &self.rows;
        self.cursor.follow(
            rows.len(),
            |at| source.key(shared, *rows.get(at)?),
            |key| {
                let row = source.find(shared, key)?;
                rows.iter().position(|known| *known == row)
            },
        );
    }

    fn step(&mut self, shared: &mut Shared, by: isize) {
        let rows = self.order.rows();
        let source = &self.rows;
        self.cursor.step(by, |at| source.key(shared, *rows.get(at)?));
        self.enter(shared);
    }

    /// Looks which faults stand above the window; `moved` when the person moved it or asked for other rows.
    fn look_above(&mut self, shared: &Shared, moved: bool) {
        let ListPane { rows, order, cursor, above, sort, descending, .. } = self;
        let window = cursor.visible();
        // Only where faults stand first do new ones come in above.
        let end = if sort.is_none() && !*descending { window.end } else { 0 };
        let faults = order.rows().iter().take(end).enumerate();
        let faults = faults
            .filter(|(_, row)| rows.parent(shared, **row).is_none())
            .take_while(|(_, row)| rows.level(shared, **row).is_fault())
            .filter_map(|(at, row)| Some((rows.key(shared, *row)?, at >= window.start)));
        above.look(faults, moved);
    }

    fn enter(&mut self, shared: &mut Shared) {
        self.look_above(shared, true);
        if let Some(row) = self.selected(shared) {
            self.rows.entered(shared, row);
            shared.app_chosen = shared.app.is_some();
        }
    }

    fn page(&self) -> isize {
        isize::try_from(self.cursor.height()).unwrap_or(isize::MAX)
    }

    /// After the person asked for other rows: a selected row that is not among
    /// them was put aside by that person, so the cursor goes to the first.
    fn resort(&mut self, shared: &Shared) {
        self.reorder(shared, Changes::Everything);
        self.follow(shared);
        if self.cursor.is_lost() {
            self.cursor.reset();
            self.follow(shared);
        }
        self.look_above(shared, true);
    }
}

/// How deep a tree of rows goes: workload, ReplicaSet, pod.
const DEEPEST: usize = 3;

impl<R: Rows> Pane for ListPane<R> {
    fn id(&self) -> PaneId {
        self.rows.id()
    }

    fn title(&self, shared: &Shared) -> Title {
        let mut note = text::count(self.tops as u64);
        if self.tops == self.total {
            note = self.rows.counted(shared).unwrap_or(note);
        } else {
            note.push_str(&format!(" of {}", text::count(self.total as u64)));
        }
        // What is missing comes before how it is sorted: a narrow title is cut at its end.
        if let Some(gaps) = self.rows.gaps(shared) {
            note.push_str(&format!(" · {gaps}"));
        }
        // So does what the person cannot see: faults that came in above the rows that are looked at.
        if self.above.unseen() > 0 {
            note.push_str(&format!(" · ↑{} new above", text::count(self.above.unseen() as u64)));
        }
        match self.sort {
            None => note.push_str(" · faults first"),
            Some(column) => {
                let columns = self.rows.columns(shared);
                let title = columns.get(column).map_or("", |c| &c.title);
                note.push_str(&format!(" · by {title}"));
            }
        }
        if self.descending {
            note.push_str(", turned");
        }
        if self.faults_only {
            note.push_str(" · faults only");
        }
        if !self.filter.is_empty() {
            note.push_str(&format!(" · /{}", self.filter.text()));
        }
        if !self.marks.is_empty() {
            let gone = self.marks.iter().filter(|key| self.rows.find(shared, key).is_none()).count();
            note.push_str(&format!(" · {} marked", self.marks.len()));
            if gone > 0 {
                note.push_str(&format!(", {gone} gone"));
            }
        }
        if self.cursor.is_lost() {
            note.push_str(" · the selected row is gone");
        }
        Title { name: self.rows.name(shared), note, stale: self.rows.stale(shared) }
    }

    fn foot(&self, shared: &Shared) -> Option<String> {
        self.rows.foot(shared)
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn refresh(&mut self, shared: &Shared) {
        let changes = match self.rows.changes(shared) {
            _ if self.rebuild => Changes::Everything,
            changes => changes,
        };
        self.rebuild = false;
        if matches!(changes, Changes::Nothing) {
            // The window may have grown over what nobody had seen.
            if self.above.unseen() > 0 {
                self.look_above(shared, false);
            }
            return;
        }
        self.reorder(shared, changes);
        self.total = self.rows.total(shared);
        let scope = Some(words::scope_key(shared));
        let elsewhere = scope != self.scope;
        self.scope = scope;
        // While the first list is still coming in, the top is where the worst will stand.
        if self.rows.loading(shared) && !self.cursor.is_touched() {
            self.cursor.reset();
        }
        self.follow(shared);
        if elsewhere {
            // What is marked and cannot be seen must not take the next key.
            self.marks.clear();
        }
        // Another environment is another list: nothing in it was selected before, and nothing is lost.
        if elsewhere && self.cursor.is_lost() {
            self.cursor.reset();
            self.follow(shared);
        }
        self.look_above(shared, elsewhere);
    }

    fn follows(&self, shared: &Shared) -> Vec<Follow> {
        self.rows.follows(shared)
    }

    fn resize(&mut self, _width: u16, height: u16) {
        self.cursor.resize(usize::from(height.saturating_sub(1)));
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        let row = self.selected(shared);
        match self.rows.applies(shared, row, action) {
            Applies::Elsewhere => {}
            answer => return answer,
        }
        match action {
            action if action.moves() => Applies::Yes,
            Action::FaultsOnly | Action::SortColumn | Action::SortDirection | Action::Filter => Applies::Yes,
            Action::ClearMarks if self.marks.is_empty() => Applies::No("Nothing is marked.".to_owned()),
            Action::ClearMarks => Applies::Yes,
            Action::Mark if row.is_none() => Applies::No("No row is selected.".to_owned()),
            Action::Mark => Applies::Yes,
            Action::Back if !self.filter.is_empty() || !self.marks.is_empty() => Applies::Yes,
            Action::Left if row.is_some_and(|row| self.rows.parent(shared, row).is_some()) => Applies::Yes,
            _ => Applies::Elsewhere,
        }
    }

    fn suggest(&mut self, shared: &mut Shared) {
        // An app that was chosen elsewhere stays chosen.
        if !shared.app_chosen
            && let Some(row) = self.selected(shared)
        {
            self.rows.entered(shared, row);
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        let row = self.selected(shared);
        if self.rows.applies(shared, row, action) == Applies::Yes {
            let outcome = self.rows.act(shared, row, action);
            self.rebuild = true;
            return outcome;
        }
        match action {
            Action::Up => self.step(shared, -1),
            Action::Down => self.step(shared, 1),
            Action::HalfPageUp => self.step(shared, -(self.page() / 2).max(1)),
            Action::HalfPageDown => self.step(shared, (self.page() / 2).max(1)),
            Action::PageUp => self.step(shared, -self.page()),
            Action::PageDown => self.step(shared, self.page()),
            Action::Top => self.step(shared, isize::MIN / 2),
            Action::Bottom => self.step(shared, isize::MAX / 2),
            Action::FaultsOnly => {
                self.faults_only = !self.faults_only;
                self.resort(shared);
            }
            Action::SortColumn => {
                let columns = self.rows.columns(shared).len();
                self.sort = match self.sort {
                    None => Some(0),
                    Some(column) if column + 1 < columns => Some(column + 1),
                    Some(_) => None,
                };
                self.resort(shared);
            }
            Action::SortDirection => {
                self.descending = !self.descending;
                self.resort(shared);
            }
            Action::Mark => {
                if let Some(key) = self.cursor.selected().cloned() {
                    if !self.marks.remove(&key) {
                        self.marks.insert(key);
                    }
                    self.step(shared, 1);
                }
            }
            Action::ClearMarks => self.marks.clear(),
            Action::Back if !self.filter.is_empty() => {
                self.filter = Filter::default();
                self.resort(shared);
            }
            Action::Back => self.marks.clear(),
            Action::Left => {
                let parent = row.and_then(|row| self.rows.parent(shared, row));
                if let Some(at) = self.order.rows().iter().position(|row| Some(*row) == parent) {
                    self.step(shared, at as isize - self.cursor.at() as isize);
                }
            }
            _ => {}
        }
        Outcome::none()
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        self.rows.subject(shared, self.selected(shared)?)
    }

    fn marked(&self, shared: &Shared) -> Marked {
        let found = self.marks.iter().filter_map(|key| self.rows.find(shared, key));
        let mut rows: Vec<R::Row> = found.filter(|row| self.rows.shown(shared, *row)).collect();
        rows.sort_by(|a, b| self.compare(shared, *a, *b));
        let subjects: Vec<Subject> =
            rows.into_iter().filter_map(|row| self.rows.subject(shared, row)).collect();
        Marked { gone: self.marks.len() - subjects.len(), subjects }
    }

    fn filter(&self) -> Option<&str> {
        Some(self.filter.text())
    }

    fn set_filter(&mut self, shared: &Shared, text: &str) -> Result<(), String> {
        self.filter = Filter::parse(text)?;
        self.resort(shared);
        Ok(())
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        match event {
            Pointer::Click(_, 0) => {}
            Pointer::Click(_, line) => {
                let at = self.cursor.offset() + usize::from(line) - 1;
                if at < self.order.rows().len() {
                    let by = at as isize - self.cursor.at() as isize;
                    self.step(shared, by);
                }
            }
            Pointer::Wheel(rows) => self.step(shared, isize::from(rows)),
        }
        Outcome::none()
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        self.paint(shared, look, focused, area, buffer);
    }
}
