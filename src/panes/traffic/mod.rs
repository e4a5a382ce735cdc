//! The Traffic pane: blue/green pairs, a row for the Service and one for each colour below it: which is live, what it
//! runs, which pods are ready and which receive traffic, how requests fare where Prometheus can tell colours apart. Argo
//! Rollouts follow, which divide their traffic by themselves, with a row for each of their releases.

mod gauges;
mod steered;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;

pub use self::gauges::{Questions, questions};
use super::filter::Haystack;
use super::list::{Cell, Changes, Column, Rows};
use super::{PaneId, changes, words};
use crate::action::Action;
use crate::domain::environment::Environment;
use crate::domain::id::{Kind, Name, ObjectRef};
use crate::domain::level::Level;
use crate::domain::link::Feed;
use crate::domain::meta::Labels;
use crate::effect::Follow;
use crate::fleet::rollouts::{Release, Steered, rollouts};
use crate::fleet::traffic::{Colour, Pair, pairs};
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text::Unit;
use crate::theme::Role;

/// The pairs of what is looked at.
#[derive(Debug, Default)]
pub struct Traffic {
    seen: Option<Seen>,
    pairs: Vec<Shown>,
    rollouts: Vec<Steered>,
}

/// A pair, and what is asked about each of its colours.
#[derive(Debug)]
struct Shown {
    pair: Pair,
    asked: Vec<gauges::Wanted>,
}

/// What the pairs were worked out from.
#[derive(Debug, PartialEq)]
struct Seen {
    scope: words::ScopeKey,
    settings: [u64; 3],
    versions: Vec<[u64; 6]>,
    feeds: Vec<[Feed; 2]>,
}

/// A row: the place of its pair, and of the colour in it. Those of Rollouts are counted on after the pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    pair: u32,
    colour: Option<u32>,
}

/// What a row is about.
enum About<'a> {
    Service(&'a Pair),
    Colour(&'a Colour, Option<&'a gauges::Wanted>),
    Rollout(&'a Steered),
    Release(&'a Release),
}

/// Pairs that Prometheus is asked about; more are not on a screen at a time.
const ASKED: usize = 8;

const NAME: usize = 0;
const STATE: usize = 1;
const READY: usize = 2;
const RECEIVING: usize = 3;
const RELEASE: usize = 4;
const REQUESTS: usize = 5;
const ERRORS: usize = 6;
const LATENCY: usize = 7;
const WHY: usize = 8;

static COLUMNS: [Column; 9] = [
    Column::new("service / colour", 17).most(34),
    Column::new("is", 7).most(11),
    Column::new("ready", 5).right(),
    Column::new("gets", 4).right(),
    Column::new("release", 8).most(16).rank(1),
    Column::new("req/s", 6).right().rank(3),
    Column::new("errors", 7).right().rank(2),
    Column::new("p99", 8).right().rank(4),
    Column::new("", 12).most(44).rank(5),
];

/// What is searched: the texts of a pair.
struct Texts<'a>(&'a Pair);

impl Haystack for Texts<'_> {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.0.service.name)
            || found(&self.0.service.namespace)
            || self.0.colours.iter().any(|colour| {
                found(&colour.name)
                    || found(&colour.release)
                    || colour.workloads.iter().any(|workload| found(&workload.name))
            })
    }
    fn labels(&self) -> &Labels {
        static NONE: std::sync::LazyLock<Labels> = std::sync::LazyLock::new(Labels::default);
        &NONE
    }
}

impl Traffic {
    fn shown(&self, row: Row) -> Option<&Shown> {
        self.pairs.get(usize::try_from(row.pair).ok()?)
    }

    fn about(&self, row: Row) -> Option<About<'_>> {
        if let Some(steered) = self.rollout(row) {
            return match row.colour {
                None => Some(About::Rollout(steered)),
                Some(at) => steered.releases.get(usize::try_from(at).ok()?).map(About::Release),
            };
        }
        match row.colour {
            None => self.pair(row).map(About::Service),
            Some(_) => self.colour(row).map(|(colour, asked)| About::Colour(colour, asked)),
        }
    }

    fn rollout(&self, row: Row) -> Option<&Steered> {
        self.rollouts.get(usize::try_from(row.pair).ok()?.checked_sub(self.pairs.len())?)
    }

    fn pair(&self, row: Row) -> Option<&Pair> {
        self.shown(row).map(|shown| &shown.pair)
    }

    fn colour(&self, row: Row) -> Option<(&Colour, Option<&gauges::Wanted>)> {
        let shown = self.shown(row)?;
        let at = usize::try_from(row.colour?).ok()?;
        Some((shown.pair.colours.get(at)?, shown.asked.get(at)))
    }

    /// The way back of a row: on a colour, too, for it must not be another one, depending on where the cursor is. A colour
    /// that stands by has one of its own, unless a switch is watched.
    fn led(&self, shared: &Shared, row: Row) -> Option<(ObjectRef, Name)> {
        let pair = self.pair(row)?;
        let watched = || shared.watched.iter().any(|(service, _)| *service == pair.service);
        let stands_by = self.colour(row).is_some_and(|(colour, _)| !colour.live);
        if stands_by && !watched() {
            return None;
        }
        Some((pair.service.clone(), back(shared, pair)?.clone()))
    }

    /// What a key to switch means on a row: the Service, and the colour that it is to lead to.
    ///
    /// # Errors
    /// Why it cannot be switched.
    fn to(&self, row: Row) -> Result<(ObjectRef, Name), String> {
        let pair = self.pair(row).ok_or_else(|| "Nothing is selected.".to_owned())?;
        if let Some((colour, _)) = self.colour(row).filter(|(colour, _)| !colour.live) {
            return Ok((pair.service.clone(), colour.name.clone()));
        }
        let mut others = pair.standing_by();
        match (others.next(), others.next()) {
            (Some(only), None) => Ok((pair.service.clone(), only.name.clone())),
            (None, _) => Err(format!("{} has no other colour to switch to.", pair.service.name)),
            (Some(_), Some(_)) => Err(format!(
                "{} has several colours that stand by: put the cursor on the one that it is to lead to.",
                pair.service.name
            )),
        }
    }
}

/// The colour that a pair is led back to: the one that had the traffic before the switch that is watched, or else before
/// the last one that the journal knows. None where it has the traffic already.
fn back<'s>(shared: &'s Shared, pair: &'s Pair) -> Option<&'s Name> {
    let watched = shared.watched.iter().find(|(service, _)| *service == pair.service);
    let told = shared.journal.as_ref().and_then(|read| read.as_ref().ok());
    let before = match watched {
        Some((_, colour)) => &**colour,
        None => changes::way_back(told?, &pair.service, "")?,
    };
    let mut others = pair.standing_by();
    match others.find(|colour| *colour.name == *before) {
        Some(colour) => Some(&colour.name),
        // What is watched is led back even where the screen does not show yet that it has gone.
        None => watched.map(|(_, colour)| colour),
    }
}

impl Rows for Traffic {
    type Row = Row;
    type Key = (ObjectRef, Option<Name>);

    fn id(&self) -> PaneId {
        PaneId::Traffic
    }

    fn name(&self, shared: &Shared) -> String {
        format!("Traffic {}", words::scope(shared))
    }

    fn columns(&self, _shared: &Shared) -> Cow<'_, [Column]> {
        Cow::Borrowed(&COLUMNS)
    }

    fn changes(&mut self, shared: &Shared) -> Changes<Row> {
        let clusters = || shared.world.clusters.iter();
        let now = Some(Seen {
            scope: words::scope_key(shared),
            settings: [shared.settings_version(), shared.graphs.surveyed(), shared.upstreams.version()],
            versions: clusters()
                .map(|c| {
                    [
                        c.services.version(),
                        c.workloads.version(),
                        c.endpoint_slices.version(),
                        c.autoscalers.version(),
                        c.replica_sets.version(),
                        // Which colour an endpoint is of, its pod tells.
                        c.pods.version(),
                    ]
                })
                .collect(),
            feeds: clusters().map(|c| [c.feed(Kind::EndpointSlice), c.feed(Kind::Pod)]).collect(),
        });
        if now == self.seen {
            return Changes::Nothing;
        }
        self.seen = now;
        let found =
            pairs(&shared.wanted, &shared.world, |cluster, namespace| shared.shows(cluster, namespace));
        self.pairs = found
            .into_iter()
            .enumerate()
            .map(|(nth, pair)| {
                let env = environment(shared, &pair.service).filter(|_| nth < ASKED);
                let asked = pair.colours.iter().map(|colour| match env {
                    Some(env) => gauges::wanted(shared, env.id, &colour.workloads),
                    None => gauges::Wanted::default(),
                });
                Shown { asked: asked.collect(), pair }
            })
            .collect();
        self.rollouts = rollouts(&shared.world, |cluster, namespace| shared.shows(cluster, namespace));
        Changes::Everything
    }

    fn all(&self, _shared: &Shared, each: &mut dyn FnMut(Row)) {
        for (pair, shown) in (0..).zip(&self.pairs) {
            each(Row { pair, colour: None });
            for (colour, _) in (0..).zip(&shown.pair.colours) {
                each(Row { pair, colour: Some(colour) });
            }
        }
        let first = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
        for (pair, steered) in (first..).zip(&self.rollouts) {
            each(Row { pair, colour: None });
            for (colour, _) in (0..).zip(&steered.releases) {
                each(Row { pair, colour: Some(colour) });
            }
        }
    }

    fn total(&self, _shared: &Shared) -> usize {
        self.pairs.len() + self.rollouts.len()
    }

    fn shown(&self, _shared: &Shared, row: Row) -> bool {
        self.about(row).is_some()
    }

    fn level(&self, _shared: &Shared, row: Row) -> Level {
        match self.about(row) {
            Some(About::Service(pair)) => pair.level,
            Some(About::Colour(colour, _)) => colour.level,
            Some(About::Rollout(steered)) => steered.level,
            Some(About::Release(release)) => steered::level(release),
            None => Level::Unknown,
        }
    }

    fn counted(&self, _shared: &Shared) -> Option<String> {
        let pairs = match self.pairs.len() {
            1 => "1 pair".to_owned(),
            n => format!("{n} pairs"),
        };
        Some(match self.rollouts.len() {
            0 => pairs,
            1 => format!("{pairs}, 1 rollout"),
            n => format!("{pairs}, {n} rollouts"),
        })
    }

    fn compare(&self, _shared: &Shared, column: usize, a: Row, b: Row) -> Ordering {
        let colours = self.colour(a).zip(self.colour(b));
        match (column, colours) {
            (READY, Some(((x, _), (y, _)))) => x.ready.cmp(&y.ready),
            (RECEIVING, Some(((x, _), (y, _)))) => x.receiving.cmp(&y.receiving),
            (RELEASE, Some(((x, _), (y, _)))) => x.release.cmp(&y.release),
            // Their own order: by name, the live colour first.
            _ => a.cmp(&b),
        }
    }

    fn key(&self, _shared: &Shared, row: Row) -> Option<Self::Key> {
        match self.about(row)? {
            About::Service(pair) => Some((pair.service.clone(), None)),
            About::Colour(colour, _) => Some((self.pair(row)?.service.clone(), Some(colour.name.clone()))),
            About::Rollout(steered) => Some((steered.rollout.clone(), None)),
            // By the ReplicaSet: a canary that goes through becomes what is stable.
            About::Release(release) => {
                Some((self.rollout(row)?.rollout.clone(), Some(release.set.name.clone())))
            }
        }
    }

    fn find(&self, _shared: &Shared, (service, colour): &Self::Key) -> Option<Row> {
        if service.kind == Kind::Rollout {
            let at = self.rollouts.iter().position(|steered| steered.rollout == *service)?;
            let pair = u32::try_from(self.pairs.len() + at).ok()?;
            let Some(name) = colour else { return Some(Row { pair, colour: None }) };
            let release = self.rollouts.get(at)?.releases.iter().position(|one| one.set.name == *name)?;
            return Some(Row { pair, colour: Some(u32::try_from(release).ok()?) });
        }
        let at = self.pairs.iter().position(|shown| shown.pair.service == *service)?;
        let pair = u32::try_from(at).ok()?;
        let Some(name) = colour else { return Some(Row { pair, colour: None }) };
        let colour = self.pairs.get(at)?.pair.colours.iter().position(|one| one.name == *name)?;
        Some(Row { pair, colour: Some(u32::try_from(colour).ok()?) })
    }

    fn search(&self, _shared: &Shared, row: Row, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        match self.rollout(row) {
            Some(steered) => look(&steered::Texts(steered)),
            None => self.pair(row).is_some_and(|pair| look(&Texts(pair))),
        }
    }

    fn cell<'a>(&self, shared: &'a Shared, row: Row, column: usize, _look: &Look) -> Cell<'a> {
        let (colour, asked) = match self.about(row) {
            Some(About::Colour(colour, asked)) => (colour, asked),
            Some(About::Service(pair)) => return service_cell(shared, pair, column),
            Some(About::Rollout(steered)) => return steered::cell(shared, steered, column),
            Some(About::Release(release)) => return steered::release_cell(release, column),
            None => return Cell::muted(""),
        };
        match column {
            NAME => Cell::text(colour.name.to_string()),
            STATE if colour.live => Cell { text: "live".into(), role: Role::Accent },
            STATE => Cell::muted("standby"),
            READY => {
                let role = if colour.level == Level::Ok { Role::Text } else { Role::of_level(colour.level) };
                Cell { text: format!("{}/{}", colour.ready, colour.desired).into(), role }
            }
            RECEIVING => match colour.receiving {
                Some(0) => Cell::muted("0"),
                Some(pods) => Cell::text(pods.to_string()),
                None => Cell::muted("?"),
            },
            RELEASE => Cell::text(colour.release.clone()),
            REQUESTS | ERRORS | LATENCY => measured(shared, asked, column),
            WHY => why(colour, asked),
            _ => Cell::muted(""),
        }
    }

    fn subject(&self, _shared: &Shared, row: Row) -> Option<Subject> {
        let object = match self.about(row)? {
            About::Service(pair) => Some(&pair.service),
            About::Colour(colour, _) => colour.workloads.first(),
            // What can be done is done to the Rollout, wherever the cursor is in it.
            About::Rollout(_) | About::Release(_) => self.rollout(row).map(|steered| &steered.rollout),
        };
        object.cloned().map(Subject::Object)
    }

    fn empty(&self, shared: &Shared) -> Vec<String> {
        let mut lines = words::not_readable(shared, &[Kind::Service, Kind::Deployment]);
        if lines.is_empty() {
            lines.push(format!("No blue/green pair and no Argo Rollout in {}.", words::scope(shared)));
            lines.push(
                "A pair is a Service whose selector holds a label color, colour, slot, version, track or deployment, \
                 before two workloads or more that match the rest of it with different values."
                    .to_owned(),
            );
            lines.push("Others are named in the configuration, under traffic.".to_owned());
        }
        lines.extend(words::unnamed(shared));
        lines
    }

    fn stale(&self, shared: &Shared) -> Option<String> {
        words::stale(shared)
    }

    fn gaps(&self, shared: &Shared) -> Option<String> {
        words::gaps(shared, &[Kind::Service, Kind::Deployment, Kind::EndpointSlice])
    }

    fn loading(&self, shared: &Shared) -> bool {
        words::loading(shared, &[Kind::Service, Kind::Deployment])
    }

    fn follows(&self, _shared: &Shared) -> Vec<Follow> {
        let wanted = self.pairs.iter().flat_map(|shown| &shown.asked);
        wanted
            .flat_map(|wanted| {
                let asked = wanted.asked.iter().flatten();
                let graphs = asked.flat_map(|asked| {
                    [Some(&asked.requests), asked.errors.as_ref(), asked.latency.as_ref()]
                        .into_iter()
                        .flatten()
                });
                let graphs: Vec<Follow> = graphs.cloned().map(Follow::Graph).collect();
                wanted.survey.clone().map(Follow::Survey).into_iter().chain(graphs)
            })
            .collect()
    }

    fn applies(&self, shared: &Shared, row: Option<Row>, action: Action) -> Applies {
        let Some(row) = row else { return Applies::Elsewhere };
        if self.rollout(row).is_some() {
            return Applies::Elsewhere;
        }
        let led = self.led(shared, row).is_some();
        let found = match action {
            Action::Undo if led => self.pair(row).map(|pair| pair.service.clone()).ok_or_else(String::new),
            Action::Switch => self.to(row).map(|(service, _)| service),
            Action::Undo if row.colour.is_none() => self.to(row).map(|(service, _)| service),
            _ => return Applies::Elsewhere,
        };
        let found = found.and_then(|service| changes::applies(shared, &service, Action::Switch));
        found.map_or_else(Applies::No, |()| Applies::Yes)
    }

    fn act(&mut self, shared: &mut Shared, row: Option<Row>, action: Action) -> Outcome {
        let Some(row) = row else { return Outcome::none() };
        let undo = action == Action::Undo;
        let led = self.led(shared, row).filter(|_| undo);
        match led.map_or_else(|| self.to(row), Ok) {
            Ok((service, to)) => changes::switch(shared, service, to, undo),
            Err(_) => Outcome::none(),
        }
    }

    fn parent(&self, _shared: &Shared, row: Row) -> Option<Row> {
        row.colour.map(|_| Row { colour: None, ..row })
    }
}

/// The environment that a Service stands in.
fn environment<'a>(shared: &'a Shared, service: &ObjectRef) -> Option<&'a Environment> {
    shared.environments.of(service.cluster, &service.namespace)
}

fn service_cell<'a>(shared: &'a Shared, pair: &Pair, column: usize) -> Cell<'a> {
    match column {
        NAME => Cell { text: pair.service.name.to_string().into(), role: Role::Strong },
        STATE => pair.live().map_or_else(|| Cell::muted("none"), |live| Cell::text(live.name.to_string())),
        WHY if shared.all_environments => match environment(shared, &pair.service) {
            Some(env) => Cell::muted(format!("{} {}", env.name, pair.service.namespace)),
            None => Cell::muted(pair.service.namespace.to_string()),
        },
        WHY => Cell::muted(format!("by label {}", pair.key)),
        _ => Cell::muted(""),
    }
}

fn measured<'a>(shared: &Shared, asked: Option<&gauges::Wanted>, column: usize) -> Cell<'a> {
    let Some(Ok(asked)) = asked.and_then(|wanted| wanted.asked.as_ref()) else { return Cell::muted("?") };
    let (request, unit) = match column {
        REQUESTS => (Some(&asked.requests), Unit::Requests),
        ERRORS => (asked.errors.as_ref(), Unit::Ratio),
        _ => (asked.latency.as_ref(), Unit::Seconds),
    };
    match gauges::newest(shared, request) {
        Some(number) if column == REQUESTS => Cell::text(Unit::Plain.scale(number).number(number)),
        Some(number) => Cell::text(unit.scale(number).words(number)),
        None => Cell::muted("–"),
    }
}

fn why<'a>(colour: &Colour, asked: Option<&gauges::Wanted>) -> Cell<'a> {
    let mut words: Vec<String> = Vec::new();
    if !colour.reason.is_empty() {
        words.push(colour.reason.to_owned());
    }
    if colour.leaving > 0 {
        words.push(format!("{} leaving", colour.leaving));
    }
    if !colour.beside.is_empty() {
        let names: Vec<&str> = colour.beside.iter().map(|name| &**name).collect();
        words.push(format!("by {}", names.join(", ")));
    }
    if let Some(Err(why)) = asked.and_then(|wanted| wanted.asked.as_ref())
        && colour.live
    {
        words.push(why.clone());
    }
    let role = if colour.level.is_fault() { Role::of_level(colour.level) } else { Role::Muted };
    Cell { text: words.join("; ").into(), role }
}
