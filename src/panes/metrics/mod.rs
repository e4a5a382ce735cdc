//! The Metrics pane: graphs of what the cursor of the Bridge is on, side by side, as many as fit. Each has a frame
//! and a title of its own that says of what it is; enter opens one on the whole screen.
//!
//! It asks for what can be seen and nothing else: [`Pane::follows`] names the requests of the charts on the screen.

mod plan;
pub mod plot;
pub mod rule;
pub mod target;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use self::plan::{Signal, own_query, signal_plot, signals};
use self::plot::{Plot, RANGES};
use self::target::Target;
use super::{Pane, PaneId, Pointer, Title, views};
use crate::action::{Action, Scope};
use crate::domain::id::Name;
use crate::domain::time::Stamp;
use crate::effect::Follow;
use crate::fleet::marks::Mark;
use crate::fleet::queries;
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};

/// The least size of a chart with its frame.
const CHART: (u16, u16) = (32, 7);
/// Marks that have left the range are let go this often, in seconds.
const MARKED: i64 = 10;
/// Charts in one row, at most.
const ACROSS: u16 = 5;

/// The charts.
#[derive(Debug, Default)]
pub struct MetricsPane {
    /// The chosen chart, counted from 0.
    chosen: usize,
    /// The first chart that is drawn.
    first: usize,
    /// Index into [`RANGES`].
    range: usize,
    size: (u16, u16),
    target: Option<Target>,
    signals: Vec<Signal>,
    /// Those that are drawn.
    plots: Vec<Plot>,
    marks: Vec<Mark>,
    /// What the plots were planned from, and the marks found in.
    planned: Option<Planned>,
    marked: Option<Marked>,
}

/// All that a plan follows from. Queries are parsed and written for it, which is too much for every frame.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Planned {
    target: Target,
    serving: Target,
    range: u32,
    points: u32,
    shown: Vec<Signal>,
    /// What queries name: of the target, and of what serves it.
    asked: [queries::Target; 2],
    /// Its app, which the settings may have limits for.
    app: Option<Name>,
    /// Settings, surveys, assignments, rules of alerts.
    versions: [u64; 4],
}

/// All that marks follow from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marked {
    target: Target,
    since: Stamp,
    versions: [u64; 3],
    /// By cluster: pods, workloads, ReplicaSets, autoscalers.
    facts: Vec<[u64; 4]>,
}

impl MetricsPane {
    /// Charts across and down that have room.
    fn grid(&self) -> (usize, usize) {
        let across = usize::from((self.size.0 / CHART.0).clamp(1, ACROSS));
        let down = usize::from((self.size.1 / CHART.1).max(1));
        let count = self.signals.len().max(1);
        // No row of one or two beside rows that are full: rows are filled evenly.
        let rows = count.div_ceil(across).min(down);
        (count.div_ceil(rows).min(across), rows)
    }

    /// Where the nth of the drawn charts stands.
    fn place(&self, nth: usize, area: Rect) -> Rect {
        let (across, down) = self.grid();
        let part = |whole: u16, at: usize, of: usize| {
            u16::try_from(usize::from(whole) * at / of.max(1)).unwrap_or(whole)
        };
        let (column, row) = (nth % across, nth / across);
        let (left, right) = (part(area.width, column, across), part(area.width, column + 1, across));
        let (top, bottom) = (part(area.height, row, down), part(area.height, row + 1, down));
        Rect { x: area.x + left, y: area.y + top, width: right - left, height: bottom.saturating_sub(top) }
            .intersection(area)
    }

    /// Plans what is drawn, where anything is otherwise than it was.
    fn plan(&mut self, shared: &Shared, target: &Target, range: u32, shown: Vec<Signal>) {
        // Not asked for more often than a column of dots is wide.
        let across = u32::try_from(self.grid().0).unwrap_or(1);
        let points = (u32::from(self.size.0) / across * 2).clamp(1, plot::POINTS);
        let serving = target.serving(shared);
        let now = Planned {
            asked: [plan::asked(shared, target), plan::asked(shared, &serving)],
            app: target.app(shared),
            target: target.clone(),
            serving,
            range,
            points,
            versions: [
                shared.settings_version(),
                shared.graphs.surveyed(),
                shared.upstreams.version(),
                shared.alerts.version(),
            ],
            shown,
        };
        if self.planned.as_ref() == Some(&now) {
            return;
        }
        let plot = |signal: &Signal| signal_plot(shared, target, *signal, range, points);
        self.plots = now.shown.iter().map(plot).collect();
        self.planned = Some(now);
    }

    /// Looks for what happened, where anything may have.
    fn mark(&mut self, shared: &Shared, target: &Target, range: u32) {
        // A mark leaves the axis on the left a little late: nobody sees a share of a column.
        let since = shared.now.wall.plus(-i64::from(range));
        let since = Stamp(since.0.div_euclid(MARKED) * MARKED);
        let clusters = shared.world.clusters.iter();
        let now = Marked {
            target: target.clone(),
            since,
            versions: [shared.sync.version(), shared.backups.version(), shared.matrix_version],
            facts: clusters
                .map(|c| {
                    [
                        c.pods.version(),
                        c.workloads.version(),
                        c.replica_sets.version(),
                        c.autoscalers.version(),
                    ]
                })
                .collect(),
        };
        if self.marked.as_ref() != Some(&now) {
            self.marks = target.marks(shared, since);
            self.marked = Some(now);
        }
    }

    fn choose(&mut self, at: usize) {
        let (across, down) = self.grid();
        self.chosen = at.min(self.signals.len().saturating_sub(1));
        let shown = across * down;
        self.first = self.first.min(self.signals.len().saturating_sub(shown)).min(self.chosen);
        if self.chosen >= self.first + shown {
            self.first = self.chosen + 1 - shown;
        }
    }
}

impl Pane for MetricsPane {
    fn id(&self) -> PaneId {
        PaneId::Metrics
    }

    fn title(&self, shared: &Shared) -> Title {
        let of = self.target.as_ref().map_or_else(String::new, |target| target.name(shared));
        Title { name: format!("Metrics {of}"), note: RANGES[self.range].1.to_owned(), stale: None }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Graph]
    }

    fn framed(&self) -> bool {
        false
    }

    fn refresh(&mut self, shared: &Shared) {
        let target = Target::of(shared);
        let range = RANGES[self.range].0;
        self.signals = signals(&target);
        self.choose(self.chosen);
        let (across, down) = self.grid();
        let shown: Vec<Signal> = self.signals.iter().skip(self.first).take(across * down).copied().collect();
        self.plan(shared, &target, range, shown);
        self.mark(shared, &target, range);
        self.target = Some(target);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
    }

    fn follows(&self, _shared: &Shared) -> Vec<Follow> {
        self.plots.iter().flat_map(Plot::follows).collect()
    }

    fn applies(&self, _shared: &Shared, action: Action) -> Applies {
        match action {
            Action::Left | Action::Right | Action::Up | Action::Down | Action::Top | Action::Bottom => {
                Applies::Yes
            }
            Action::Open => Applies::Yes,
            Action::LongerRange if self.range + 1 < RANGES.len() => Applies::Yes,
            Action::LongerRange => Applies::No("This is the longest time that graphs show.".to_owned()),
            Action::ShorterRange if self.range > 0 => Applies::Yes,
            Action::ShorterRange => Applies::No("This is the shortest time that graphs show.".to_owned()),
            Action::Follow => {
                Applies::No("These graphs are live; enter opens one that can be held.".to_owned())
            }
            Action::Filter => Applies::No("Graphs are not filtered; they follow the cursor.".to_owned()),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        let (across, _) = self.grid();
        match action {
            Action::Left => self.choose(self.chosen.saturating_sub(1)),
            Action::Right => self.choose(self.chosen + 1),
            Action::Up if self.chosen >= across => self.choose(self.chosen - across),
            Action::Down if self.chosen + across < self.signals.len() => self.choose(self.chosen + across),
            Action::Top => self.choose(0),
            Action::Bottom => self.choose(usize::MAX),
            Action::LongerRange => self.range = (self.range + 1).min(RANGES.len() - 1),
            Action::ShorterRange => self.range = self.range.saturating_sub(1),
            Action::Open => {
                // Also before it was ever drawn, when nothing has been worked out yet.
                let target = Target::of(shared);
                let signals = signals(&target);
                if let Some(signal) = signals.get(self.chosen).or(signals.last()).copied() {
                    let view = views::graph::GraphView::of_signal(target, signal, self.range);
                    return Outcome::open(Box::new(view), Vec::new());
                }
            }
            _ => {}
        }
        Outcome::none()
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        shared.looked_at.clone()
    }

    fn mouse(&mut self, _shared: &mut Shared, event: Pointer) -> Outcome {
        match event {
            Pointer::Click(x, y) => {
                let area = Rect::new(0, 0, self.size.0, self.size.1);
                let hit = (0..self.plots.len()).find(|nth| self.place(*nth, area).contains((x, y).into()));
                if let Some(nth) = hit {
                    self.choose(self.first + nth);
                }
            }
            Pointer::Wheel(by) => {
                let at = self.chosen.saturating_add_signed(isize::from(by.signum()));
                self.choose(at);
            }
        }
        Outcome::none()
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        for (nth, plot) in self.plots.iter().enumerate() {
            let chosen = focused && self.first + nth == self.chosen;
            plot::framed(shared, look, plot, &self.marks, chosen, self.place(nth, area), buffer);
        }
    }
}
