//! The Backups pane: the meters of the environment on top, then what is wrong, then the rest of what Velero keeps,
//! newest first. What counts and what is well is told by [`crate::fleet::backups`]; Enter opens a sheet on a row.

mod sheet;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;

use super::filter::Haystack;
use super::list::{Cell, Changes, Column, Rows};
use super::sheet::SheetPane;
use super::{PaneId, words};
use crate::action::Action;
use crate::domain::id::{ClusterId, EnvId, Kind, Name, ObjectRef, Uid};
use crate::domain::level::Level;
use crate::domain::meta::Labels;
use crate::fleet::backups::words::{Shown, shown};
use crate::fleet::backups::{Entry, KINDS, Kept, Reading, What, meter};
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::theme::Role;
use crate::world::ClusterWorld;

/// What Velero keeps where the person looks.
#[derive(Debug, Default)]
pub struct Backups {
    seen: Option<(u64, EnvId, bool)>,
    rows: Vec<(EnvId, Entry)>,
}

const NAME: usize = 0;
const KIND: usize = 1;
const STATUS: usize = 2;
const AGE: usize = 3;
const DETAIL: usize = 4;

static COLUMNS: [Column; 5] = [
    Column::new("name", 12).most(36),
    Column::new("kind", 8),
    Column::new("status", 18).most(24),
    Column::new("age", 4).right(),
    Column::new("detail", 20).most(100).rank(1),
];

/// A row: its index in [`Backups::rows`], valid until they change.
type Row = u32;

/// A row's words, to be searched.
struct Found(Shown);

impl Haystack for Found {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.0.name) || found(self.0.kind) || found(&self.0.status) || found(&self.0.detail)
    }
    fn labels(&self) -> &Labels {
        static NONE: std::sync::LazyLock<Labels> = std::sync::LazyLock::new(Labels::default);
        &NONE
    }
}

/// What is kept of the environments that are looked at.
fn looked_at(shared: &Shared) -> impl Iterator<Item = &Kept> {
    let environments = shared.environments.list.iter();
    environments
        .filter(|env| shared.all_environments || env.id == shared.current)
        .filter_map(|env| shared.backups.get(env.id))
}

/// The cluster of an environment's Velero.
fn cluster_of(shared: &Shared, env: EnvId) -> Option<(ClusterId, &ClusterWorld)> {
    let id = shared.backups.get(env)?.place.as_ref()?.cluster?;
    Some((id, shared.world.cluster(id)?))
}

/// An entry's object.
fn object(shared: &Shared, env: EnvId, entry: &Entry) -> Option<ObjectRef> {
    let (id, cluster) = cluster_of(shared, env)?;
    let of = |kind, namespace: &Name, name: &Name| ObjectRef {
        cluster: id,
        kind,
        namespace: namespace.clone(),
        name: name.clone(),
        uid: entry.uid,
    };
    match entry.what {
        What::Rpo | What::Rto => None,
        What::Backup => cluster.backups.get(entry.uid).map(|one| of(Kind::Backup, &one.namespace, &one.name)),
        What::Schedule => {
            cluster.schedules.get(entry.uid).map(|one| of(Kind::Schedule, &one.namespace, &one.name))
        }
        What::Restore => {
            cluster.restores.get(entry.uid).map(|one| of(Kind::Restore, &one.namespace, &one.name))
        }
        What::Location => cluster
            .locations
            .get(entry.uid)
            .map(|one| of(Kind::BackupStorageLocation, &one.namespace, &one.name)),
    }
}

impl Backups {
    fn row(&self, row: Row) -> Option<&(EnvId, Entry)> {
        self.rows.get(usize::try_from(row).ok()?)
    }

    fn words(&self, shared: &Shared, row: Row) -> Option<Shown> {
        let (env, entry) = self.row(row)?;
        let (_, cluster) = cluster_of(shared, *env)?;
        let name = &shared.environments.get(*env)?.name;
        shown(cluster, name, shared.backups.get(*env)?, entry, shared.now.wall)
    }
}

impl Rows for Backups {
    type Row = Row;
    type Key = (Option<EnvId>, What, Uid);

    fn id(&self) -> PaneId {
        PaneId::Backups
    }

    fn name(&self, shared: &Shared) -> String {
        let mut name = format!("Backups {}", words::scope(shared));
        if shared.namespace.is_some() && !shared.all_environments {
            // What Velero keeps is kept of an environment: a single namespace does not narrow it.
            name = format!("Backups {}", shared.environment().map_or("", |env| &env.name));
        }
        name
    }

    fn columns(&self, _shared: &Shared) -> Cow<'_, [Column]> {
        Cow::Borrowed(&COLUMNS)
    }

    fn changes(&mut self, shared: &Shared) -> Changes<Row> {
        let now = Some((shared.backups.version(), shared.current, shared.all_environments));
        if now == self.seen {
            return Changes::Nothing;
        }
        self.seen = now;
        self.rows.clear();
        // What several environments share stands once, under the first of them.
        let mut known = std::collections::HashSet::new();
        for kept in looked_at(shared) {
            let cluster = kept.place.as_ref().and_then(|place| place.cluster);
            for entry in &kept.entries {
                if entry.uid == Uid::default() || known.insert((cluster, entry.uid)) {
                    self.rows.push((kept.env, *entry));
                }
            }
        }
        Changes::Everything
    }

    fn all(&self, _shared: &Shared, each: &mut dyn FnMut(Row)) {
        (0..self.rows.len()).filter_map(|at| Row::try_from(at).ok()).for_each(each);
    }

    fn shown(&self, _shared: &Shared, row: Row) -> bool {
        self.row(row).is_some()
    }

    fn rank(&self, _shared: &Shared, row: Row) -> u8 {
        match self.row(row).map(|(_, entry)| entry.what) {
            Some(What::Rpo) => 2,
            Some(What::Rto) => 1,
            _ => 0,
        }
    }

    fn level(&self, _shared: &Shared, row: Row) -> Level {
        self.row(row).map_or(Level::Unknown, |(_, entry)| entry.level)
    }

    fn compare(&self, shared: &Shared, column: usize, a: Row, b: Row) -> Ordering {
        let (Some((env_a, x)), Some((env_b, y))) = (self.row(a), self.row(b)) else { return Ordering::Equal };
        // Meters in the order of the environments, the rest by kind and then newest first.
        let natural = || (x.what, env_a).cmp(&(y.what, env_b)).then(y.at.cmp(&x.at)).then(x.uid.cmp(&y.uid));
        match column {
            NAME => natural(),
            KIND => x.what.cmp(&y.what),
            AGE => y.at.cmp(&x.at),
            STATUS | DETAIL => {
                let text = |row| {
                    let words = self.words(shared, row);
                    words.map(|words| if column == STATUS { words.status } else { words.detail })
                };
                text(a).cmp(&text(b))
            }
            _ => Ordering::Equal,
        }
    }

    fn key(&self, _shared: &Shared, row: Row) -> Option<Self::Key> {
        let (env, entry) = self.row(row)?;
        Some(((entry.uid == Uid::default()).then_some(*env), entry.what, entry.uid))
    }

    fn find(&self, _shared: &Shared, (env, what, uid): &Self::Key) -> Option<Row> {
        let same = |(of, entry): &(EnvId, Entry)| {
            entry.what == *what && entry.uid == *uid && env.is_none_or(|env| env == *of)
        };
        Row::try_from(self.rows.iter().position(same)?).ok()
    }

    fn search(&self, shared: &Shared, row: Row, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        self.words(shared, row).is_some_and(|words| look(&Found(words)))
    }

    fn cell<'a>(&self, shared: &'a Shared, row: Row, column: usize, _look: &Look) -> Cell<'a> {
        let (Some((_, entry)), Some(words)) = (self.row(row), self.words(shared, row)) else {
            return Cell::muted("");
        };
        let well = matches!(entry.level, Level::Ok | Level::Idle);
        match column {
            NAME => Cell::text(words.name),
            KIND => Cell::muted(words.kind),
            STATUS if well => Cell::text(words.status),
            STATUS => Cell::level(entry.level, words.status),
            AGE => Cell::text(words.age.map(meter::short_age).unwrap_or_default()),
            DETAIL => Cell::muted(words.detail),
            _ => Cell::muted(""),
        }
    }

    fn subject(&self, shared: &Shared, row: Row) -> Option<Subject> {
        let (env, entry) = self.row(row)?;
        match object(shared, *env, entry) {
            Some(object) => Some(Subject::Object(object)),
            None => Some(Subject::Environment(*env)),
        }
    }

    fn empty(&self, shared: &Shared) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for kept in looked_at(shared) {
            for line in explain(shared, kept) {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
        if lines.is_empty() {
            lines.push(format!("Nothing is kept of {}.", words::scope(shared)));
        }
        lines
    }

    fn stale(&self, shared: &Shared) -> Option<String> {
        words::stale(shared)
    }

    fn loading(&self, shared: &Shared) -> bool {
        looked_at(shared).any(|kept| kept.reading == Reading::Loading)
    }

    fn gaps(&self, shared: &Shared) -> Option<String> {
        let mut kinds: Vec<&str> =
            looked_at(shared).flat_map(|kept| &kept.gaps).map(|(kind, _)| kind.api().2).collect();
        kinds.sort_unstable();
        kinds.dedup();
        (!kinds.is_empty()).then(|| format!("{}: not readable", kinds.join(", ")))
    }

    fn applies(&self, _shared: &Shared, row: Option<Row>, action: Action) -> Applies {
        match (action, row.and_then(|row| self.row(row))) {
            (Action::Open, Some(_)) => Applies::Yes,
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, _shared: &mut Shared, row: Option<Row>, action: Action) -> Outcome {
        match (action, row.and_then(|row| self.row(row))) {
            (Action::Open, Some((env, entry))) => {
                let sheet = sheet::BackupSheet::new(*env, entry.what, entry.uid);
                Outcome::open(Box::new(SheetPane::new(sheet)), Vec::new())
            }
            _ => Outcome::none(),
        }
    }
}

/// Why nothing is shown of an environment, and what to do about it.
fn explain(shared: &Shared, kept: &Kept) -> Vec<String> {
    let Some(place) = &kept.place else { return Vec::new() };
    let context = &place.context;
    let link = words::not_readable(shared, &[]);
    match &kept.reading {
        Reading::Here => Vec::new(),
        Reading::Loading => vec![format!("Loading {} of {context}…", KINDS[0].api().2)],
        Reading::Absent => vec![
            format!("No Velero on {context}: its definitions (velero.io) are not installed."),
            "Where is it? Name its context and namespace in the configuration:".to_owned(),
            "velero: {context: NAME, namespace: velero}, under the environment.".to_owned(),
        ],
        Reading::Refused(message) => vec![
            format!("{context} does not let you list backups: {message}"),
            "Ask for get, list and watch on velero.io; or name Velero's namespace in the".to_owned(),
            "configuration (velero: {namespace: velero}), if you may read that one.".to_owned(),
        ],
        Reading::Away(_) if !link.is_empty() => link,
        Reading::Away(why) => vec![format!("Velero is not known: {why}.")],
    }
}

/// What the colour of a value says.
fn role(level: Level) -> Role {
    match level {
        Level::Ok | Level::Idle => Role::Text,
        level => Role::of_level(level),
    }
}
