//! The Releases pane: apps by environments, what runs where and what is ahead
//! of what. The cursor is on a cell: an app in an environment.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::filter::Haystack;
use super::list::{Cell, Changes, Column, Rows};
use super::{PaneId, words};
use crate::action::Action;
use crate::domain::id::{Kind, Name};
use crate::domain::level::Level;
use crate::domain::meta::Labels;
use crate::domain::sync::{Standing, short_revision};
use crate::fleet::{self, Relation};
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text;
use crate::theme::Role;

/// The release matrix.
#[derive(Debug, Default)]
pub struct Releases {
    seen: Option<u64>,
    /// The column of the cursor, by the environment's name; `None` until a key
    /// moves: the current environment's.
    column: Option<Name>,
    /// The same as an index of [`Rows::columns`], found anew with each change.
    at: usize,
}

/// A row: its index in the matrix, valid while that is unchanged.
type Row = u32;

impl Haystack for fleet::Row {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.app) || self.cells.iter().flatten().any(|cell| found(&cell.release))
    }
    fn labels(&self) -> &Labels {
        static NONE: std::sync::LazyLock<Labels> = std::sync::LazyLock::new(Labels::default);
        &NONE
    }
}

fn row(shared: &Shared, row: Row) -> Option<&fleet::Row> {
    shared.matrix.rows.get(usize::try_from(row).ok()?)
}

/// The cell of a column of the pane; column 0 is the app's name.
fn cell(shared: &Shared, at: Row, column: usize) -> Option<&fleet::Cell> {
    row(shared, at)?.cells.get(column.checked_sub(1)?)?.as_ref()
}

fn column_name(shared: &Shared, column: usize) -> Option<Name> {
    let env = shared.matrix.columns.get(column.checked_sub(1)?)?;
    shared.environments.get(*env).map(|env| env.name.clone())
}

impl Releases {
    fn find_column(&self, shared: &Shared) -> usize {
        let named = |env: &crate::domain::id::EnvId| {
            let name = shared.environments.get(*env).map(|env| &env.name);
            name.is_some() && name == self.column.as_ref()
        };
        let columns = &shared.matrix.columns;
        let found = columns.iter().position(named);
        found.or_else(|| columns.iter().position(|env| *env == shared.current)).map_or(1, |at| at + 1)
    }

    fn move_by(&mut self, shared: &Shared, by: isize) {
        let last = shared.matrix.columns.len().max(1);
        self.at = self.find_column(shared).saturating_add_signed(by).clamp(1, last);
        self.column = column_name(shared, self.at);
    }
}

impl Rows for Releases {
    type Row = Row;
    type Key = Name;

    fn id(&self) -> PaneId {
        PaneId::Releases
    }

    fn name(&self, _shared: &Shared) -> String {
        "Releases".to_owned()
    }

    fn columns(&self, shared: &Shared) -> Cow<'_, [Column]> {
        let mut columns = vec![Column::new("app", 11).most(22)];
        let environments = || shared.matrix.columns.iter().filter_map(|id| shared.environments.get(*id));
        for (nth, env) in environments().enumerate() {
            // The further from the cursor, the sooner it is left out.
            let far = (nth + 1).abs_diff(self.at);
            let rank = u8::try_from(far).unwrap_or(u8::MAX);
            columns.push(Column::named(env.name.to_string(), 13).most(24).rank(rank));
        }
        columns.into()
    }

    fn changes(&mut self, shared: &Shared) -> Changes<Row> {
        self.at = self.find_column(shared);
        let now = Some(shared.matrix_version);
        if now == self.seen {
            return Changes::Nothing;
        }
        self.seen = now;
        Changes::Everything
    }

    fn all(&self, shared: &Shared, each: &mut dyn FnMut(Row)) {
        (0..shared.matrix.rows.len()).filter_map(|at| Row::try_from(at).ok()).for_each(each);
    }

    fn shown(&self, shared: &Shared, at: Row) -> bool {
        row(shared, at).is_some()
    }

    fn level(&self, shared: &Shared, at: Row) -> Level {
        row(shared, at).map_or(Level::Unknown, |row| row.level)
    }

    fn compare(&self, shared: &Shared, column: usize, a: Row, b: Row) -> Ordering {
        if column == 0 {
            return row(shared, a).map(|row| &row.app).cmp(&row(shared, b).map(|row| &row.app));
        }
        let (x, y) = (cell(shared, a, column), cell(shared, b, column));
        y.map(|cell| cell.level)
            .cmp(&x.map(|cell| cell.level))
            .then_with(|| x.map(|cell| &cell.release).cmp(&y.map(|cell| &cell.release)))
    }

    fn key(&self, shared: &Shared, at: Row) -> Option<Name> {
        row(shared, at).map(|row| row.app.clone())
    }

    fn find(&self, shared: &Shared, key: &Name) -> Option<Row> {
        let at = shared.matrix.rows.iter().position(|row| row.app == *key)?;
        Row::try_from(at).ok()
    }

    fn search(&self, shared: &Shared, at: Row, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        row(shared, at).is_some_and(|row| look(row))
    }

    fn cell<'a>(&self, shared: &'a Shared, at: Row, column: usize, look: &Look) -> Cell<'a> {
        if column == 0 {
            let selected = shared.app.is_some() && shared.app == row(shared, at).map(|row| row.app.clone());
            let name = row(shared, at).map_or("", |row| &*row.app);
            return Cell { text: name.into(), role: if selected { Role::Accent } else { Role::Text } };
        }
        match cell(shared, at, column) {
            Some(cell) => Told::new(shared, look, cell).whole(),
            None => Cell::muted("-"),
        }
    }

    /// With the revision that its application or Flux object is at; where both have no room, what matters less than
    /// the revision gives way.
    fn fitted<'a>(
        &self,
        shared: &'a Shared,
        at: Row,
        column: usize,
        width: usize,
        look: &Look,
    ) -> (Cell<'a>, Option<String>) {
        let Some(cell) = cell(shared, at, column) else { return (self.cell(shared, at, column, look), None) };
        let told = Told::new(shared, look, cell);
        let whole = told.whole();
        let Some((revision, is_commit)) = revision(shared, cell) else { return (whole, None) };
        if text::width(&whole.text) + 1 + text::width(revision) <= width {
            return (whole, Some(revision.to_owned()));
        }
        match told.tight(revision, is_commit, width) {
            Some((cell, aside)) => (cell, Some(aside)),
            None => (whole, None),
        }
    }

    fn subject(&self, shared: &Shared, at: Row) -> Option<Subject> {
        // What can be done with an app in an environment is done with the
        // workload that gives its release.
        let app = row(shared, at)?.app.clone();
        let workload = cell(shared, at, self.at).and_then(|cell| cell.workloads.first());
        Some(match workload {
            Some(object) => Subject::Object(object.clone()),
            None => Subject::App(app, None),
        })
    }

    fn empty(&self, shared: &Shared) -> Vec<String> {
        words::empty_everywhere(shared, &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet], "apps")
    }

    fn stale(&self, shared: &Shared) -> Option<String> {
        words::stale_everywhere(shared)
    }

    fn cell_cursor(&self) -> Option<usize> {
        Some(self.at)
    }

    fn applies(&self, shared: &Shared, at: Option<Row>, action: Action) -> Applies {
        match action {
            Action::Left | Action::Right if shared.matrix.columns.len() > 1 => Applies::Yes,
            Action::Open if at.is_some() => Applies::Yes,
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, at: Option<Row>, action: Action) -> Outcome {
        match action {
            Action::Left => self.move_by(shared, -1),
            Action::Right => self.move_by(shared, 1),
            Action::Open => {
                let Some(app) = at.and_then(|at| row(shared, at)).map(|row| row.app.clone()) else {
                    return Outcome::none();
                };
                shared.app = Some(app.clone());
                return Outcome::open(Box::new(super::app::view(app)), Vec::new());
            }
            _ => {}
        }
        Outcome::none()
    }

    fn entered(&mut self, shared: &mut Shared, at: Row) {
        if let Some(app) = row(shared, at).map(|row| row.app.clone()) {
            shared.app = Some(app);
        }
    }
}

/// The revision that the application or Flux object of a cell is at, and whether it is a commit, which may be cut: eight
/// digits may be a version too. Nothing where nothing delivers.
fn revision<'a>(shared: &'a Shared, cell: &fleet::Cell) -> Option<(&'a str, bool)> {
    let delivery = shared.delivery_of(cell)?;
    let whole = shared.world.find_sync(&delivery.object)?.revision();
    let short = short_revision(whole);
    let is_commit = short.len() < whole.len() && short.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!short.is_empty()).then_some((short, is_commit))
}

/// Fewer digits of a commit tell nothing apart.
const DIGITS: usize = 4;

/// What is told of a cell, in parts.
struct Told<'a> {
    release: &'a str,
    /// `↑2`: how it stands to the stage before.
    relation: String,
    /// The sign of its sync, where something delivers it and its rollout does not say it already.
    sync: &'static str,
    /// `+1`: other releases beside it.
    mixed: String,
    /// How well it is: the sign, and since when or how far.
    state: (&'static str, String),
    role: Role,
}

impl<'a> Told<'a> {
    fn new(shared: &Shared, look: &Look, cell: &'a fleet::Cell) -> Told<'a> {
        let symbols = look.symbols;
        let relation = mark(look, cell.relation);
        let mut role = if relation.is_empty() { Role::Text } else { Role::Differs };
        let delivered = shared.delivery_of(cell).map(|delivery| delivery.standing);
        // How far a rollout is says more than that all is synced, and has the sign of syncing itself.
        let ill = matches!(cell.level, Level::Critical | Level::Warning | Level::Unknown);
        let said_by_rollout = |standing: &Standing| match standing {
            Standing::Syncing => cell.rolling.is_some(),
            Standing::Synced => cell.rolling.is_some() && !ill,
            _ => false,
        };
        let mut sync = "";
        if let Some(standing) = delivered.filter(|standing| !said_by_rollout(standing)) {
            let (sign, of_sync) = super::sync::sign(look, standing);
            sync = sign;
            if standing != Standing::Synced {
                role = of_sync;
            }
        }
        let mixed = if cell.mixed.is_empty() { String::new() } else { format!("+{}", cell.mixed.len()) };
        let age = || cell.since.map(|since| words::age(since, shared.now)).unwrap_or_default();
        let mut state = ("", String::new());
        match (cell.level, cell.rolling) {
            (Level::Critical | Level::Warning | Level::Unknown, _) => {
                role = Role::of_level(cell.level);
                state = (symbols.level(cell.level), age());
            }
            (_, Some(rolling)) => {
                role = Role::Progressing;
                state = (symbols.running, format!("{}/{}", rolling.updated, rolling.desired));
            }
            (Level::Progressing, None) => {
                role = Role::Progressing;
                state = (symbols.progressing, age());
            }
            _ => {}
        }
        Told { release: &cell.release, relation, sync, mixed, state, role }
    }

    /// `2.8.3 ↑2 ✓`, `1.31.0 ✓ ✖ 6m`, `4.3.1 ↻ 2/3`, `4.3.0 ≠`.
    fn whole(&self) -> Cell<'a> {
        let (sign, more) = &self.state;
        let parts = [self.release, &self.relation, self.sync, &self.mixed, sign, more];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Cell { text: parts.join(" ").into(), role: self.role }
    }

    /// `2.8.3↑2 ✓7ccfa`, `1.31.0✖ 6m ✓938c`: the sign of the sync stands at the revision, and since when or how far gives
    /// way to it where the least of it has no room. A commit is cut to what fits; a version is told whole. `None` where that has no room either.
    fn tight(&self, revision: &str, is_commit: bool, width: usize) -> Option<(Cell<'a>, String)> {
        let fitted = |left: String| {
            let room = width.checked_sub(text::width(&left) + 1 + text::width(&apart(self.sync)))?;
            let shown = match text::width(revision) <= room {
                true => revision,
                false if is_commit && room >= DIGITS => revision.get(..room)?,
                false => return None,
            };
            Some((Cell { text: left.into(), role: self.role }, format!("{}{shown}", apart(self.sync))))
        };
        let mut left = self.release.to_owned();
        for part in [&*self.relation, &self.mixed, self.state.0] {
            left.push_str(if part.is_ascii() && !part.is_empty() { " " } else { "" });
            left.push_str(part);
        }
        // How long it fails and how far it is come before the last digits of a commit.
        let with_more = |more: &str| fitted(format!("{left} {more}"));
        match &*self.state.1 {
            "" => fitted(left),
            more => with_more(more).or_else(|| fitted(left.clone())),
        }
    }
}

/// A sign that is a letter or a digit would be read as one of the revision.
fn apart(sign: &str) -> String {
    if sign.is_ascii() && !sign.is_empty() { format!("{sign} ") } else { sign.to_owned() }
}

/// How a release stands to the stage before: `↑2` when two newer ones wait there.
fn mark(look: &Look, relation: Relation) -> String {
    let (sign, count) = match relation {
        Relation::First | Relation::Same => return String::new(),
        Relation::Behind(count) => (look.symbols.up, count),
        Relation::Ahead(count) => (look.symbols.down, count),
        Relation::Differs => (look.symbols.differs, None),
    };
    match count {
        Some(count) => format!("{sign}{count}"),
        None => sign.to_owned(),
    }
}
