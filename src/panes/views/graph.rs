//! One graph on the whole screen: a longer time by key, a cursor with values, a legend, what happened, the query and
//! what the server says of it. Any PromQL that a person types is shown in the same view.
//!
//! ```text
//!  15 m  1 h  3 h  6 h  12 h  24 h  2 d  7 d  30 d                       live
//!  10 ┤                                  ⣀⡠⠤⠤⠤
//!     │                              ⢀⠤⠊⠉
//!   0 └⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡠⠃┄ limit 2
//!         14:20     14:25     14:30
//!                       ▲deploy 14:26
//!   in %     last  min  max  14:22
//! ━ errors    9.1    0  9.1    0.2
//!  14:26  deploy  cart 1.31.0
//!  sum(rate(...)) / sum(rate(...))
//! ```

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::{Action, Scope};
use crate::domain::alert::Alert;
use crate::domain::graph::{Graph, GraphRequest};
use crate::domain::time::Stamp;
use crate::effect::{Effect, Follow};
use crate::fleet::marks::Mark;
use crate::look::Look;
use crate::panes::metrics::plot::{
    Around, Find, POINTS, Plot, RANGES, missing, skew, standing, title, with_chart,
};
use crate::panes::metrics::rule::alert_plot;
use crate::panes::metrics::target::Target;
use crate::panes::metrics::{Signal, own_query, signal_plot, signals};
use crate::panes::words::wrap;
use crate::panes::{Pane, PaneId, Pointer, Title};
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text::{self, Unit};
use crate::theme::Role;
use crate::widgets::chart::{legend, moment};
use crate::widgets::strip::Strip;

/// Queries that are kept while the program runs.
const HISTORY: usize = 200;
/// Columns that the numbers of the axis take, about.
const AXIS: u16 = 6;

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
enum What {
    /// One of the known signals.
    Signal(Signal),
    /// A query that somebody wrote.
    Query { name: String, text: String, unit: Unit },
    /// What an alert's rule measures.
    Alert(Box<Alert>),
}

/// Answers that stay as they were.
#[derive(Debug)]
struct Held {
    at: Stamp,
    graphs: HashMap<Arc<GraphRequest>, Graph>,
}

/// One graph on the whole screen.
#[derive(Debug)]
pub struct GraphView {
    target: Target,
    what: What,
    /// Index into [`RANGES`].
    range: usize,
    held: Option<Held>,
    cursor: Option<i64>,
    plot: Plot,
    marks: Vec<Mark>,
    width: u16,
    /// How far back in the earlier queries the one is that is being typed; 0 is none of them.
    recalled: usize,
}

impl GraphView {
    /// A known signal.
    pub fn of_signal(target: Target, signal: Signal, range: usize) -> GraphView {
        GraphView::new(target, What::Signal(signal), range)
    }

    /// A query that is yet to be typed.
    pub fn to_type(target: Target) -> GraphView {
        GraphView::of_query(target, "", "", Unit::Plain)
    }

    /// A query that was written already.
    pub fn of_query(target: Target, name: &str, text: &str, unit: Unit) -> GraphView {
        GraphView::new(target, What::Query { name: name.to_owned(), text: text.to_owned(), unit }, 1)
    }

    /// What an alert's rule measures, with its threshold.
    pub fn of_alert(target: Target, alert: Alert, range: usize) -> GraphView {
        GraphView::new(target, What::Alert(Box::new(alert)), range)
    }

    fn new(target: Target, what: What, range: usize) -> GraphView {
        GraphView {
            target,
            what,
            range: range.min(RANGES.len() - 1),
            held: None,
            cursor: None,
            plot: Plot::default(),
            marks: Vec::new(),
            width: 80,
            recalled: 0,
        }
    }

    fn seconds(&self) -> u32 {
        RANGES[self.range].0
    }

    fn find<'a>(&'a self, shared: &'a Shared, request: &GraphRequest) -> Option<&'a Graph> {
        match &self.held {
            Some(held) => held.graphs.get(request),
            None => shared.graphs.get(request),
        }
    }

    /// The right end of the axis.
    fn end(&self, shared: &Shared) -> Stamp {
        self.held.as_ref().map_or(shared.now.wall, |held| held.at)
    }

    fn around<'a>(&'a self, shared: &Shared) -> Around<'a> {
        Around { marks: &self.marks, now: self.end(shared), cursor: self.cursor }
    }

    /// Another time is shown: what was held does not reach so far.
    fn set_range(&mut self, range: usize) {
        self.range = range.min(RANGES.len() - 1);
        self.held = None;
        self.cursor = None;
    }

    /// Another thing is measured.
    fn set_what(&mut self, what: What) {
        self.what = what;
        self.held = None;
    }

    fn step_signal(&mut self, by: isize) {
        let all = signals(&self.target);
        let What::Signal(signal) = self.what else { return };
        let Some(at) = all.iter().position(|other| *other == signal) else { return };
        let count = isize::try_from(all.len()).unwrap_or(1).max(1);
        let next = (isize::try_from(at).unwrap_or(0) + by).rem_euclid(count);
        if let Some(signal) = usize::try_from(next).ok().and_then(|at| all.get(at)) {
            self.set_what(What::Signal(*signal));
        }
    }

    /// Seconds from point to point.
    fn step(&self) -> i64 {
        self.plot.lines.first().map_or(1, |line| i64::from(line.request.step.max(1)))
    }

    /// Seconds by which a key moves the cursor: whole steps, and no less than a column.
    fn stride(&self) -> i64 {
        let columns = i64::from(self.width.saturating_sub(AXIS).max(1));
        (i64::from(self.seconds()) / columns / self.step() + 1) * self.step()
    }

    /// What happened where the cursor is: nearer to it than to the next place that it can stand on.
    fn under_cursor(&self) -> Vec<&Mark> {
        let Some(cursor) = self.cursor else { return Vec::new() };
        let half = self.stride().max(1);
        // Twice the distance, so that an odd stride leaves no gap.
        let near = |mark: &&Mark| (-half..half).contains(&((mark.at.0 - cursor) * 2));
        self.marks.iter().filter(near).collect()
    }

    /// Moves the cursor by columns; from nowhere it begins at the right end.
    fn step_cursor(&mut self, shared: &Shared, by: i64) {
        let (step, stride) = (self.step(), self.stride());
        let skew = skew(&self.plot, &|request| self.find(shared, request));
        let to = self.end(shared).plus(skew).0.div_euclid(step) * step;
        let from = to - i64::from(self.seconds());
        self.cursor = Some(self.cursor.map_or(to, |at| at + by * stride).clamp(from, to));
    }

    /// Holds the graph as it is, or lets it go on.
    fn toggle_live(&mut self, shared: &Shared) {
        self.held = match self.held.take() {
            Some(_) => None,
            None => {
                let kept = self
                    .plot
                    .requests()
                    .filter_map(|request| Some((Arc::clone(request), shared.graphs.get(request)?.clone())));
                Some(Held { at: shared.now.wall, graphs: kept.collect() })
            }
        };
    }

    /// The query that is asked: for people to see, copy and change.
    fn query(&self) -> &str {
        match &self.what {
            What::Query { text, .. } => text,
            What::Signal(_) | What::Alert(_) => {
                self.plot.lines.first().map_or("", |line| &line.request.query)
            }
        }
    }
}

impl Pane for GraphView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let find: Find<'_> = &|request| self.find(shared, request);
        let standing = standing(&self.plot, find);
        // Titles have no look at hand: the dot between the parts is the one of the other titles.
        let name =
            with_chart(&self.plot, find, &self.around(shared), |chart| title(&self.plot, "·", chart, 80));
        let place = match &self.what {
            What::Signal(signal) => {
                let all = signals(&self.target);
                let at = all.iter().position(|other| other == signal).map_or(0, |at| at + 1);
                format!("{at}/{} · ", all.len())
            }
            What::Query { .. } | What::Alert(_) => String::new(),
        };
        let live = match &self.held {
            Some(held) => format!("held {}", moment(held.at.0, 86_400)),
            None => "live".to_owned(),
        };
        let stale = standing.stale_since.map(|since| {
            let age = text::age_short(shared.now.wall.0.saturating_sub(since.0));
            format!("stale {age}: {}", standing.problem.unwrap_or_default())
        });
        Title { name, note: format!("{place}{} · {live}", RANGES[self.range].1), stale }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Graph]
    }

    fn refresh(&mut self, shared: &Shared) {
        self.plot = match &self.what {
            What::Signal(signal) => signal_plot(shared, &self.target, *signal, self.seconds(), POINTS),
            What::Alert(alert) => alert_plot(shared, alert, self.seconds()).unwrap_or_default(),
            What::Query { text, .. } if text.is_empty() => Plot {
                about: "query".to_owned(),
                range: self.seconds(),
                missing: vec![
                    "Type PromQL and press enter.".to_owned(),
                    "The environment's matchers are added to every selector.".to_owned(),
                ],
                ..Plot::default()
            },
            What::Query { name, text, unit } => {
                own_query(shared, self.target.env(), name, text, *unit, self.seconds())
            }
        };
        self.marks = self.target.marks(shared, self.end(shared).plus(-i64::from(self.seconds())));
    }

    fn resize(&mut self, width: u16, _height: u16) {
        self.width = width;
    }

    fn follows(&self, _shared: &Shared) -> Vec<Follow> {
        if self.held.is_some() {
            return Vec::new();
        }
        self.plot.follows().collect()
    }

    fn applies(&self, _shared: &Shared, action: Action) -> Applies {
        match action {
            Action::Left
            | Action::Right
            | Action::Top
            | Action::Bottom
            | Action::PageUp
            | Action::PageDown => Applies::Yes,
            Action::Up | Action::Down if matches!(self.what, What::Signal(_)) => Applies::Yes,
            Action::Up | Action::Down => {
                Applies::No("This is a query; its lines stand in the legend.".to_owned())
            }
            Action::LongerRange if self.range + 1 < RANGES.len() => Applies::Yes,
            Action::LongerRange => Applies::No("This is the longest time that graphs show.".to_owned()),
            Action::ShorterRange if self.range > 0 => Applies::Yes,
            Action::ShorterRange => Applies::No("This is the shortest time that graphs show.".to_owned()),
            Action::Follow | Action::Query => Applies::Yes,
            Action::Back if self.cursor.is_some() => Applies::Yes,
            Action::Copy if !self.query().is_empty() => Applies::Yes,
            Action::Filter => Applies::No("Graphs are not filtered; type a query instead.".to_owned()),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        match action {
            Action::Left => self.step_cursor(shared, -1),
            Action::Right => self.step_cursor(shared, 1),
            Action::PageUp => self.step_cursor(shared, -10),
            Action::PageDown => self.step_cursor(shared, 10),
            Action::Top => self.step_cursor(shared, i64::from(u16::MAX).wrapping_neg()),
            Action::Bottom => self.step_cursor(shared, i64::from(u16::MAX)),
            Action::Up => self.step_signal(-1),
            Action::Down => self.step_signal(1),
            Action::LongerRange => self.set_range(self.range + 1),
            Action::ShorterRange => self.set_range(self.range.saturating_sub(1)),
            Action::Follow => self.toggle_live(shared),
            Action::Back => self.cursor = None,
            Action::Copy => return Outcome::effect(Effect::Copy(self.query().to_owned())),
            _ => {}
        }
        Outcome::none()
    }

    fn subject(&self, _shared: &Shared) -> Option<Subject> {
        None
    }

    /// The query, to begin typing with.
    fn filter(&self) -> Option<&str> {
        match &self.what {
            What::Query { text, .. } => Some(text),
            // A rule's query is a good beginning for one of one's own.
            What::Alert(_) => Some(self.query()),
            What::Signal(_) => None,
        }
    }

    /// While it is typed nothing is asked: half a query is an error.
    fn set_filter(&mut self, _shared: &Shared, _text: &str) -> Result<(), String> {
        Ok(())
    }

    fn submit(&mut self, shared: &mut Shared, typed: &str) -> Outcome {
        self.recalled = 0;
        let typed = typed.trim();
        if typed.is_empty() {
            return Outcome::none();
        }
        self.set_what(What::Query { name: String::new(), text: typed.to_owned(), unit: Unit::Plain });
        shared.queries.retain(|known| **known != *typed);
        shared.queries.push(typed.into());
        let surplus = shared.queries.len().saturating_sub(HISTORY);
        shared.queries.drain(..surplus);
        Outcome::effect(Effect::RememberQuery(typed.into()))
    }

    fn recall(&mut self, shared: &Shared, by: isize) -> Option<String> {
        let count = shared.queries.len();
        self.recalled = self.recalled.saturating_add_signed(-by).min(count);
        let at = count.checked_sub(self.recalled)?;
        Some(shared.queries.get(at).map_or_else(String::new, ToString::to_string))
    }

    fn typing_keys(&self) -> Option<&'static [(&'static str, &'static str)]> {
        Some(&[("enter", "ask"), ("esc", "leave"), ("up down", "earlier queries")])
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        if let Pointer::Wheel(by) = event {
            self.step_cursor(shared, i64::from(by.signum()));
        }
        Outcome::none()
    }

    fn draw(&self, shared: &Shared, look: &Look, _focused: bool, area: Rect, buffer: &mut Buffer) {
        let find: Find<'_> = &|request| self.find(shared, request);
        let standing = standing(&self.plot, find);
        let width = usize::from(area.width.saturating_sub(1));
        let room = usize::from(area.height);
        // Below the chart, what matters most first: it is cut from its end where rows are few.
        let mut below: Vec<(String, Role)> = Vec::new();
        let query = self.query();
        let at_mistake = standing.position.filter(|_| standing.problem.is_some() && !query.is_empty());
        if let Some((line, column)) = at_mistake {
            mistake(query, line, column, width, &mut below);
        }
        if let Some(problem) =
            standing.problem.as_ref().filter(|_| at_mistake.is_some() || standing.stale_since.is_some())
        {
            below.extend(wrap(problem, width).into_iter().take(2).map(|line| (line, Role::Warning)));
        }
        for warning in standing.warnings.iter().take(2) {
            below.push((format!("{} {warning}", look.symbols.warning), Role::Warning));
        }
        below.extend(
            self.plot.notes.iter().flat_map(|note| wrap(note, width)).map(|line| (line, Role::Muted)),
        );
        if standing.left_out > 0 {
            below.push((format!("{} more lines are not shown", standing.left_out), Role::Muted));
        }
        // What the cursor is on goes before everything, else the newest events are told.
        let told = |mark: &Mark, exact: bool| {
            let span = if exact && self.seconds() <= 86_400 { 60 } else { i64::from(self.seconds()) };
            let at = moment(mark.at.0, span);
            format!("{at}  {}  {} {}", mark.what.word(), mark.about, mark.detail)
        };
        let here = self.under_cursor();
        let most = if room >= 24 { 4 } else { 2 };
        if here.is_empty() {
            let events = self.marks.iter().filter(|mark| !mark.what.is_routine());
            let events = events.take(most.min(room.saturating_sub(15)));
            below.extend(events.map(|mark| (told(mark, false), Role::Muted)));
        } else {
            let sign = look.symbols.event;
            let lines =
                here.iter().take(most).map(|mark| (format!("{sign}{}", told(mark, true)), Role::Accent));
            below.splice(0..0, lines);
            if here.len() > most {
                below.insert(most, (format!("and {} more events", here.len() - most), Role::Accent));
            }
        }
        if at_mistake.is_none() && !query.is_empty() {
            below.extend(wrap(query, width).into_iter().take(3).map(|line| (line, Role::Muted)));
        }
        with_chart(&self.plot, find, &self.around(shared), |chart| {
            let lines = chart.series.len();
            let wanted = if lines == 0 { 0 } else { lines + 2 };
            let legend_rows = wanted.min((room / 3).max(2)).min(room.saturating_sub(8));
            let below_rows = below.len().min(room.saturating_sub(7 + legend_rows));
            let rest = room.saturating_sub(1 + legend_rows + below_rows);
            let row = |from: usize, rows: usize| {
                Rect {
                    y: area.y.saturating_add(u16::try_from(from).unwrap_or(u16::MAX)).min(area.bottom()),
                    height: u16::try_from(rows).unwrap_or(0),
                    ..area
                }
                .intersection(area)
            };
            self.ranges(look, row(0, 1), buffer);
            if self.plot.missing.is_empty() {
                chart.draw(look, row(1, rest), buffer);
            } else {
                missing(&self.plot, look, row(1, rest), buffer);
            }
            if legend_rows > 1 {
                legend(
                    chart,
                    look,
                    row(1 + rest, legend_rows - usize::from(legend_rows > lines + 1)),
                    buffer,
                );
            }
            for (nth, (line, role)) in below.iter().take(below_rows).enumerate() {
                let place = row(1 + rest + legend_rows + nth, 1);
                Strip::new(buffer, place).gap(1).put(line, look.style(*role));
            }
        });
    }
}

impl GraphView {
    /// The ranges, the chosen one marked.
    fn ranges(&self, look: &Look, line: Rect, buffer: &mut Buffer) {
        let mut strip = Strip::new(buffer, line);
        strip.gap(1);
        for (nth, (_, words)) in RANGES.iter().enumerate() {
            if nth == self.range {
                strip.put(&format!("[{words}]"), look.style(Role::TabActive)).gap(1);
            } else {
                strip.put(&format!(" {words} "), look.style(Role::Tab)).gap(1);
            }
        }
    }
}

/// The line of the query with the mistake, and a sign under it.
fn mistake(query: &str, line: u32, column: u32, width: usize, below: &mut Vec<(String, Role)>) {
    let line = query.lines().nth(usize::try_from(line.max(1) - 1).unwrap_or(0)).unwrap_or(query);
    let column = usize::try_from(column.max(1) - 1).unwrap_or(0);
    // Prometheus counts characters; the sign stands under the cell of that one.
    let before: String = line.chars().take(column).collect();
    let place = text::width(&before);
    // A mistake far to the right is brought into sight: the line loses its beginning.
    let cut = place.saturating_sub(width.saturating_sub(width / 4));
    let (shown, place) = match cut {
        0 => (line.to_owned(), place),
        _ => {
            let kept: String = line.chars().skip(cut).collect();
            (format!("…{kept}"), place - cut + 1)
        }
    };
    below.push((text::fit(&shown, width).into_owned(), Role::Text));
    below.push((format!("{}^", " ".repeat(place.min(width.saturating_sub(1)))), Role::Warning));
}
