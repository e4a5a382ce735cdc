//! What a list shows: the trait that each list pane implements, its columns and cells. Knows nothing of cursors, filters
//! and order, which [`super::ListPane`] adds.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Debug;
use std::hash::Hash;

use crate::action::Action;
use crate::domain::level::Level;
use crate::effect::Follow;
use crate::look::Look;
use crate::panes::PaneId;
use crate::panes::filter::Haystack;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::theme::Role;

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

/// Which columns fit, with the width of each. What is left over is shared out
/// by how much each column may still grow.
pub(super) fn fitting(columns: &[Column], width: u16) -> Vec<(usize, u16)> {
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
    /// Rows of a higher rank stand above all others while nobody asks for another order: sums, meters.
    fn rank(&self, shared: &Shared, row: Self::Row) -> u8 {
        let _ = (shared, row);
        0
    }
    /// How well a row is.
    fn level(&self, shared: &Shared, row: Self::Row) -> Level;
    /// The sign of a row and its colour, where another says more than that of its level.
    fn sign(&self, shared: &Shared, row: Self::Row, look: &Look) -> Option<(&'static str, Role)> {
        let _ = (shared, row, look);
        None
    }
    /// What the title says in place of the number of rows while all of them are shown (`3 firing`).
    fn counted(&self, shared: &Shared) -> Option<String> {
        let _ = shared;
        None
    }
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
    /// A cell as it is told in so many columns of the screen, and what stands at its right end with less weight.
    fn fitted<'a>(
        &self,
        shared: &'a Shared,
        row: Self::Row,
        column: usize,
        width: usize,
        look: &Look,
    ) -> (Cell<'a>, Option<String>) {
        let _ = width;
        (self.cell(shared, row, column, look), None)
    }
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
    /// Where its rows come from, for the lower line of the frame.
    fn foot(&self, shared: &Shared) -> Option<String> {
        let _ = shared;
        None
    }
    /// What it wants to be asked again and again, for as long as it can be seen.
    fn follows(&self, shared: &Shared) -> Vec<Follow> {
        let _ = shared;
        Vec::new()
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
