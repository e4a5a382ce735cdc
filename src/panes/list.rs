//! A pane that is a list of rows: cursor, order, filter, marks, sort, header.
//!
//! What the rows are is told by [`Rows`]; everything that lists have in common
//! is here, so that a new list pane is one implementation of that trait.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::filter::{Filter, Haystack};
use super::order::Order;
use super::{Pane, PaneId, Pointer, Title, words};
use crate::action::{Action, Scope};
use crate::domain::level::Level;
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text;
use crate::theme::Role;
use crate::widgets::cursor::Cursor;

/// A column of a list. Widths depend on the pane's width alone, so that nothing
/// jumps when rows do.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its header, lower case.
    pub title: Cow<'static, str>,
    /// Its least width.
    pub width: u16,
    /// The width it may grow to; space that is left over goes to the columns
    /// from left to right.
    pub most: u16,
    /// Numbers align right.
    pub right: bool,
    /// Columns with a higher rank are left out first when space is short; 0 never is.
    pub rank: u8,
}

impl Column {
    /// The rank of columns that are not shown at any width.
    pub const NEVER: u8 = u8::MAX;

    /// A column of fixed width, aligned left, that is never left out.
    pub const fn new(title: &'static str, width: u16) -> Column {
        Column { title: Cow::Borrowed(title), width, most: width, right: false, rank: 0 }
    }

    /// A column with a title that is known only while the program runs.
    pub fn named(title: String, width: u16) -> Column {
        Column { title: Cow::Owned(title), width, most: width, right: false, rank: 0 }
    }

    /// The same, aligned right.
    pub const fn right(mut self) -> Column {
        self.right = true;
        self
    }

    /// The same, left out before columns of a lower rank.
    pub const fn rank(mut self, rank: u8) -> Column {
        self.rank = rank;
        self
    }

    /// The same, growing up to this width.
    pub const fn most(mut self, most: u16) -> Column {
        self.most = most;
        self
    }
}

/// What stands in a cell.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    /// The text, clean.
    pub text: Cow<'a, str>,
    /// Its colour by meaning.
    pub role: Role,
}

impl<'a> Cell<'a> {
    /// Plain text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell { text: text.into(), role: Role::Text }
    }

    /// Text of less weight.
    pub fn muted(text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell { text: text.into(), role: Role::Muted }
    }

    /// Text in the colour of a level.
    pub fn level(level: Level, text: impl Into<Cow<'a, str>>) -> Cell<'a> {
        Cell { text: text.into(), role: Role::of_level(level) }
    }
}

/// Which rows changed since the list asked last.
#[derive(Debug)]
pub enum Changes<R> {
    /// None.
    Nothing,
    /// These came, went, or are otherwise now.
    These(Vec<R>),
    /// Too many to name, or what is shown changed as a whole.
    Everything,
}

/// What a list shows.
pub trait Rows: Debug + Send + 'static {
    /// A row: cheap to copy, valid for a frame.
    type Row: Copy + Eq + Ord + Hash + Debug + Send;
    /// A row's identity.
    type Key: Clone + Eq + Hash + Debug + Send;

    /// Which pane it is.
    fn id(&self) -> PaneId;
    /// Its name, with what it follows (`Pods production`).
    fn name(&self, shared: &Shared) -> String;
    /// Its columns; the first is the name. Sorting by none of them is worst
    /// first, then by the first.
    fn columns(&self, shared: &Shared) -> Cow<'_, [Column]>;
    /// Which rows changed since this was asked last.
    fn changes(&mut self, shared: &Shared) -> Changes<Self::Row>;
    /// Calls `each` with every row of what is looked at (environment, namespace).
    fn all(&self, shared: &Shared, each: &mut dyn FnMut(Self::Row));
    /// How many rows [`Rows::all`] names.
    fn total(&self, shared: &Shared) -> usize {
        let mut total = 0;
        self.all(shared, &mut |_| total += 1);
        total
    }
    /// Whether a row is there and in what is looked at (environment, namespace).
    fn shown(&self, shared: &Shared, row: Self::Row) -> bool;
    /// How well a row is.
    fn level(&self, shared: &Shared, row: Self::Row) -> Level;
    /// The order of two rows by a column.
    fn compare(&self, shared: &Shared, column: usize, a: Self::Row, b: Self::Row) -> Ordering;
    /// A row's identity.
    fn key(&self, shared: &Shared, row: Self::Row) -> Option<Self::Key>;
    /// The row of an identity.
    fn find(&self, shared: &Shared, key: &Self::Key) -> Option<Self::Row>;
    /// Lets `look` search a row.
    fn search(&self, shared: &Shared, row: Self::Row, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool;
    /// The text and colour of one cell of a row.
    fn cell<'a>(&self, shared: &'a Shared, row: Self::Row, column: usize, look: &Look) -> Cell<'a>;
    /// What a row stands for.
    fn subject(&self, shared: &Shared, row: Self::Row) -> Option<Subject>;
    /// What to say where the rows would be when there are none: loading,
    /// forbidden, nothing here.
    fn empty(&self, shared: &Shared) -> Vec<String>;
    /// Since when and why what is shown is stale.
    fn stale(&self, shared: &Shared) -> Option<String>;
    /// Whether a first list is not whole yet.
    fn loading(&self, shared: &Shared) -> bool {
        let _ = shared;
        false
    }
    /// Faults of feeds that cost some of the rows, for the note (`jobs: forbidden`).
    fn gaps(&self, shared: &Shared) -> Option<String> {
        let _ = shared;
        None
    }
    /// Actions of this list alone.
    fn applies(&self, shared: &Shared, row: Option<Self::Row>, action: Action) -> Applies {
        let _ = (shared, row, action);
        Applies::Elsewhere
    }
    /// Does an action of this list alone.
    fn act(&mut self, shared: &mut Shared, row: Option<Self::Row>, action: Action) -> Outcome {
        let _ = (shared, row, action);
        Outcome::none()
    }
    /// The row that a row stands below, in a tree. A child follows its parent,
    /// and is shown when its parent is.
    fn parent(&self, shared: &Shared, row: Self::Row) -> Option<Self::Row> {
        let _ = (shared, row);
        None
    }
    /// The column that the cursor is on, where single cells can be selected.
    fn cell_cursor(&self) -> Option<usize> {
        None
    }
    /// The cursor came to a row.
    fn entered(&mut self, shared: &mut Shared, row: Self::Row) {
        let _ = (shared, row);
    }
}

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
            scope: None,
        }
    }

    /// The selected row.
    pub fn selected(&self, shared: &Shared) -> Option<R::Row> {
        self.rows.find(shared, self.cursor.selected()?)
    }

    /// Rows that are marked, in order; those that the filter hides come last.
    pub fn marked(&self, shared: &Shared) -> Vec<R::Row> {
        self.marks.iter().filter_map(|key| self.rows.find(shared, key)).collect()
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
                .level(shared, b)
                .cmp(&self.rows.level(shared, a))
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

    fn enter(&mut self, shared: &mut Shared) {
        if let Some(row) = self.selected(shared) {
            self.rows.entered(shared, row);
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
    }

    /// Which columns fit, with the width of each. What is left over is shared out
    /// by how much each column may still grow.
    fn fitting(columns: &[Column], width: u16) -> Vec<(usize, u16)> {
        let mut rank = Column::NEVER - 1;
        loop {
            let shown = || columns.iter().enumerate().filter(|(_, column)| column.rank <= rank);
            let used: u16 = shown().map(|(_, column)| column.width + 1).sum();
            if used <= width + 1 || rank == 0 {
                let spare = u32::from((width + 1).saturating_sub(used));
                let wish = |column: &Column| u32::from(column.most.saturating_sub(column.width));
                let wishes: u32 = shown().map(|(_, column)| wish(column)).sum();
                let share = |column: &Column| match spare.min(wishes) {
                    0 => 0,
                    given => u16::try_from(wish(column) * given / wishes).unwrap_or(0),
                };
                return shown().map(|(at, column)| (at, column.width + share(column))).collect();
            }
            rank = columns.iter().map(|c| c.rank).filter(|r| *r < rank).max().unwrap_or(0);
        }
    }
}

/// How deep a tree of rows goes: workload, ReplicaSet, pod.
const DEEPEST: usize = 3;

/// Cells before the first column: the mark, the level's symbol, a space.
const GUTTER: u16 = 3;
/// Cells after the last column.
const MARGIN: u16 = 1;

impl<R: Rows> Pane for ListPane<R> {
    fn id(&self) -> PaneId {
        self.rows.id()
    }

    fn title(&self, shared: &Shared) -> Title {
        let mut note = text::count(self.tops as u64);
        if self.tops != self.total {
            note.push_str(&format!(" of {}", text::count(self.total as u64)));
        }
        // What is missing comes before how it is sorted: a narrow title is cut at its end.
        if let Some(gaps) = self.rows.gaps(shared) {
            note.push_str(&format!(" · {gaps}"));
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
            note.push_str(&format!(" · {} marked", self.marks.len()));
        }
        if self.cursor.is_lost() {
            note.push_str(" · the selected row is gone");
        }
        Title { name: self.rows.name(shared), note, stale: self.rows.stale(shared) }
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
            return;
        }
        self.reorder(shared, changes);
        self.total = self.rows.total(shared);
        let ListPane { marks, rows, .. } = self;
        marks.retain(|key| rows.find(shared, key).is_some());
        let scope = Some(words::scope_key(shared));
        let elsewhere = scope != self.scope;
        self.scope = scope;
        // While the first list is still coming in, the top is where the worst will stand.
        if self.rows.loading(shared) && !self.cursor.is_touched() {
            self.cursor.reset();
        }
        self.follow(shared);
        // Another environment is another list: nothing in it was selected before, and nothing is lost.
        if elsewhere && self.cursor.is_lost() {
            self.cursor.reset();
            self.follow(shared);
        }
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
            Action::Up
            | Action::Down
            | Action::HalfPageUp
            | Action::HalfPageDown
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::FaultsOnly
            | Action::SortColumn
            | Action::SortDirection
            | Action::Filter => Applies::Yes,
            Action::ClearMarks if self.marks.is_empty() => Applies::No("Nothing is marked.".to_owned()),
            Action::ClearMarks => Applies::Yes,
            Action::Mark if row.is_none() => Applies::No("No row is selected.".to_owned()),
            Action::Mark => Applies::Yes,
            Action::Back if !self.filter.is_empty() || !self.marks.is_empty() => Applies::Yes,
            Action::Left if row.is_some_and(|row| self.rows.parent(shared, row).is_some()) => Applies::Yes,
            _ => Applies::Elsewhere,
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
        if area.width <= GUTTER + MARGIN || area.height == 0 {
            return;
        }
        if self.order.rows().is_empty() {
            self.draw_empty(shared, look, area, buffer);
            return;
        }
        let all = self.rows.columns(shared);
        let columns = Self::fitting(&all, area.width - GUTTER - MARGIN);
        self.draw_header(look, &all, &columns, area, buffer);
        for (line, at) in self.cursor.visible().enumerate() {
            let y = area.y + 1 + u16::try_from(line).unwrap_or(u16::MAX);
            if y >= area.bottom() {
                break;
            }
            let Some(row) = self.order.rows().get(at).copied() else { break };
            let line = Rect { y, height: 1, ..area };
            self.draw_row(shared, look, (at, row), (&all, &columns), line, buffer);
            if at == self.cursor.at() && !self.cursor.is_lost() {
                self.draw_cursor(look, focused, &columns, line, buffer);
            }
        }
    }
}

impl<R: Rows> ListPane<R> {
    fn draw_empty(&self, shared: &Shared, look: &Look, area: Rect, buffer: &mut Buffer) {
        let mut lines = self.rows.empty(shared);
        if self.total > 0 {
            lines = vec![format!(
                "{} rows are hidden by {}.",
                text::count(self.total as u64),
                if self.filter.is_empty() {
                    "faults only".to_owned()
                } else {
                    format!("the filter /{}", self.filter.text())
                }
            )];
        }
        let width = usize::from(area.width - 2);
        let wrapped = lines.iter().flat_map(|line| words::wrap(line, width));
        for (line, y) in wrapped.zip(area.y..area.bottom()) {
            buffer.set_string(area.x + 1, y, text::fit(&line, width), look.style(Role::Muted));
        }
    }

    fn draw_header(
        &self,
        look: &Look,
        all: &[Column],
        columns: &[(usize, u16)],
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let mut x = area.x + GUTTER;
        for (at, width) in columns {
            let Some(column) = all.get(*at) else { continue };
            let sorted = self.sort == Some(*at);
            let style = look.style(if sorted { Role::Accent } else { Role::Muted });
            let title = if sorted {
                let turn = if self.descending { look.symbols.down } else { look.symbols.up };
                Cow::Owned(format!("{}{turn}", column.title))
            } else {
                Cow::Borrowed(column.title.as_ref())
            };
            put(buffer, clip(x, area.y, *width, area), column.right, &title, style);
            x += width + 1;
        }
    }

    fn draw_row(
        &self,
        shared: &Shared,
        look: &Look,
        (at, row): (usize, R::Row),
        (all, columns): (&[Column], &[(usize, u16)]),
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let level = self.rows.level(shared, row);
        if self.rows.key(shared, row).is_some_and(|key| self.marks.contains(&key)) {
            buffer.set_string(area.x, area.y, look.symbols.mark, look.style(Role::Marked));
        }
        buffer.set_string(area.x + 1, area.y, look.symbols.level(level), look.style(Role::of_level(level)));
        let mut x = area.x + GUTTER;
        for (nth, (column, width)) in columns.iter().enumerate() {
            let Some(info) = all.get(*column) else { continue };
            let mut place = clip(x, area.y, *width, area);
            if nth == 0 {
                let branches = self.branches(shared, look, at, row);
                let (after, _) = buffer.set_stringn(
                    place.x,
                    place.y,
                    &branches,
                    usize::from(place.width),
                    look.style(Role::Muted),
                );
                place = Rect { x: after, width: place.right().saturating_sub(after), ..place };
            }
            let cell = self.rows.cell(shared, row, *column, look);
            put(buffer, place, info.right, &cell.text, look.style(cell.role));
            x += width + 1;
        }
    }

    /// The lines that lead from a row's parents to it.
    fn branches(&self, shared: &Shared, look: &Look, at: usize, row: R::Row) -> Cow<'static, str> {
        let depth = self.depth(shared, row);
        if depth == 0 {
            return Cow::Borrowed("");
        }
        let below = self.order.rows().get(at + 1..).unwrap_or_default();
        // Whether a sibling of the row's ancestor at this depth comes further down.
        let goes_on = |level: usize| {
            below.iter().map(|next| self.depth(shared, *next)).find(|next| *next <= level) == Some(level)
        };
        let mut lines = String::new();
        for level in 1..depth {
            lines.push_str(if goes_on(level) { look.symbols.trunk } else { "   " });
        }
        lines.push_str(if goes_on(depth) { look.symbols.branch } else { look.symbols.last_branch });
        Cow::Owned(lines)
    }

    fn draw_cursor(
        &self,
        look: &Look,
        focused: bool,
        columns: &[(usize, u16)],
        line: Rect,
        buffer: &mut Buffer,
    ) {
        let Some(cell) = self.rows.cell_cursor() else {
            if focused {
                buffer.set_style(line, look.style(Role::Selection));
            }
            return;
        };
        if !focused {
            return;
        }
        buffer.set_style(line, look.style(Role::SelectionIdle));
        let mut x = line.x + GUTTER;
        for (at, width) in columns {
            if *at == cell {
                buffer.set_style(clip(x, line.y, *width, line), look.style(Role::Selection));
            }
            x += width + 1;
        }
    }
}

/// A cell of a row, cut at the row's end.
fn clip(x: u16, y: u16, width: u16, row: Rect) -> Rect {
    Rect { x, y, width, height: 1 }.intersection(row)
}

fn put(buffer: &mut Buffer, place: Rect, right: bool, content: &str, style: Style) {
    let width = usize::from(place.width);
    let fitted = text::fit(content, width);
    let indent = if right { width.saturating_sub(text::width(&fitted)) } else { 0 };
    let x = place.x + u16::try_from(indent).unwrap_or(0);
    buffer.set_stringn(x, place.y, &fitted, width - indent, style);
}
