//! A graph as it is shown: which answers make its lines, what is said when there are none, and its drawing. It knows
//! no PromQL: requests come from `super::plan`.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::graph::{Graph, GraphRequest, GraphSeries, SurveyRequest};
use crate::domain::id::Name;
use crate::domain::meta::Labels;
use crate::domain::time::Stamp;
use crate::effect::Follow;
use crate::fleet::marks::Mark;
use crate::look::Look;
use crate::shared::Shared;
use crate::text::{self, Unit};
use crate::theme::Role;
use crate::widgets::chart::{self, Chart, Limit, Series};

/// Ranges that can be shown, in seconds, with their words.
pub const RANGES: [(u32, &str); 9] = [
    (900, "15 m"),
    (3_600, "1 h"),
    (10_800, "3 h"),
    (21_600, "6 h"),
    (43_200, "12 h"),
    (86_400, "24 h"),
    (172_800, "2 d"),
    (604_800, "7 d"),
    (2_592_000, "30 d"),
];

/// Points that a large graph is asked for: enough for two dots a column of a wide terminal. A chart of the pane is asked
/// for as many as it has dots across, so that none is asked more often than one more of them can be seen.
pub const POINTS: u32 = 180;

/// Lines that are drawn; more are told, not drawn.
const LINES: usize = 12;

/// A graph as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plot {
    /// Of what: `cart`.
    pub about: String,
    /// What is measured: `errors`; empty where the unit says it all (`req/s`).
    pub name: String,
    /// What its numbers count.
    pub unit: Unit,
    /// The seconds that are shown.
    pub range: u32,
    /// What is asked to learn which series there are.
    pub survey: Option<Arc<SurveyRequest>>,
    /// Its lines, the one that matters most first.
    pub lines: Vec<Line>,
    /// Its dotted lines.
    pub limits: Vec<LimitLine>,
    /// Why nothing is asked, said in place, a sentence each; empty when something is.
    pub missing: Vec<String>,
    /// What is to be known of what it shows, a sentence each.
    pub notes: Vec<String>,
}

/// Lines that one request gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What is asked.
    pub request: Arc<GraphRequest>,
    /// How its series are called.
    pub legend: Legend,
    /// Of its series those alone whose labels are all among these; `None` is all of them.
    pub only: Option<Labels>,
}

impl Line {
    /// The series of its answer that it shows.
    fn shown<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = &'a GraphSeries> {
        let among = move |series: &&GraphSeries| {
            self.only
                .as_ref()
                .is_none_or(|only| series.labels.iter().all(|(name, value)| only.get(name) == Some(value)))
        };
        graph.series.iter().filter(among)
    }
}

/// How the series of a request are called.
#[derive(Clone, Debug, PartialEq)]
pub enum Legend {
    /// So.
    Word(Name),
    /// By the value of a label.
    Label(Name),
    /// By all their labels.
    Whole,
}

/// A dotted line.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitLine {
    /// Its word: `limit`, `request`.
    pub word: Name,
    /// Where it lies.
    pub at: At,
}

/// Where a dotted line lies.
#[derive(Clone, Debug, PartialEq)]
pub enum At {
    /// Always there.
    Fixed(f64),
    /// Where the newest point of an answer says.
    Newest(Arc<GraphRequest>),
}

impl Plot {
    /// Everything that is to be asked again and again.
    pub fn follows(&self) -> impl Iterator<Item = Follow> {
        let survey = self.survey.iter().cloned().map(Follow::Survey);
        survey.chain(self.requests().cloned().map(Follow::Graph))
    }

    /// The graphs that are asked for.
    pub fn requests(&self) -> impl Iterator<Item = &Arc<GraphRequest>> {
        let limits = self.limits.iter().filter_map(|limit| match &limit.at {
            At::Newest(request) => Some(request),
            At::Fixed(_) => None,
        });
        self.lines.iter().map(|line| &line.request).chain(limits)
    }
}

/// Where answers come from: the shared ones, or those that were held.
pub type Find<'a> = &'a dyn Fn(&GraphRequest) -> Option<&'a Graph>;

/// What stands around the lines of a plot.
pub struct Around<'a> {
    /// Events of the time axis.
    pub marks: &'a [Mark],
    /// The right end of the axis: now, or when the graph was held.
    pub now: Stamp,
    /// The time of the cursor.
    pub cursor: Option<i64>,
}

/// Seconds by which the clock of the server that answered is ahead of ours.
pub fn skew(plot: &Plot, find: Find<'_>) -> i64 {
    let answered = plot.lines.iter().filter_map(|line| find(&line.request));
    answered.map(|graph| graph.skew).find(|skew| *skew != 0).unwrap_or(0)
}

/// How the answers of a plot stand.
#[derive(Debug, Default, PartialEq)]
pub struct Standing {
    /// Why the newest question has no answer.
    pub problem: Option<String>,
    /// Line and column of the mistake in the query.
    pub position: Option<(u32, u32)>,
    /// When what is shown was answered, if it is older than it should be.
    pub stale_since: Option<Stamp>,
    /// What the server warns of.
    pub warnings: Vec<Name>,
    /// Lines that are not shown.
    pub left_out: usize,
}

/// How the answers of a plot stand.
pub fn standing(plot: &Plot, find: Find<'_>) -> Standing {
    let mut standing = Standing::default();
    for graph in plot.lines.iter().filter_map(|line| find(&line.request)) {
        if let Some(problem) = &graph.problem
            && standing.problem.is_none()
        {
            standing.problem = Some(problem.words.clone());
            standing.position = problem.position;
            standing.stale_since = graph.answered_at.filter(|_| !graph.series.is_empty());
        }
        standing.warnings.extend(graph.warnings.iter().cloned());
        standing.left_out += usize::try_from(graph.left_out).unwrap_or(usize::MAX);
    }
    let lines: usize =
        plot.lines.iter().filter_map(|line| Some(line.shown(find(&line.request)?).count())).sum();
    standing.left_out += lines.saturating_sub(LINES);
    standing.warnings.dedup();
    standing
}

/// Makes the chart of a plot and hands it on; borrowed parts live as long as the call.
pub fn with_chart<T>(
    plot: &Plot,
    find: Find<'_>,
    around: &Around<'_>,
    then: impl FnOnce(&Chart<'_>) -> T,
) -> T {
    let answered: Vec<(&Line, &Graph)> =
        plot.lines.iter().filter_map(|line| Some((line, find(&line.request)?))).collect();
    let named: Vec<(String, &Graph, &GraphSeries)> = answered
        .iter()
        .flat_map(|(line, graph)| line.shown(graph).map(move |series| (called(line, series), *graph, series)))
        .take(LINES)
        .collect();
    let series: Vec<Series<'_>> = named
        .iter()
        .map(|(name, graph, series)| Series {
            name,
            start: graph.start.0,
            step: i64::from(graph.step),
            points: &series.points,
        })
        .collect();
    let limits: Vec<Limit<'_>> = plot
        .limits
        .iter()
        .filter_map(|limit| Some(Limit { at: lies(&limit.at, find)?, word: &limit.word }))
        .collect();
    let marks: Vec<chart::Mark<'_>> = around
        .marks
        .iter()
        .map(|mark| chart::Mark {
            at: mark.at.0,
            word: mark.what.word(),
            role: match mark.level {
                crate::domain::level::Level::Idle => Role::Muted,
                level => Role::of_level(level),
            },
            routine: mark.what.is_routine(),
        })
        .collect();
    let said = said(plot, &answered, series.is_empty());
    let said: Vec<(&str, Role)> = said.iter().map(|(line, role)| (line.as_str(), *role)).collect();
    // The axis moves on with the grid, not with the clock: nothing moves between two answers.
    let step = plot.lines.first().map_or(1, |line| i64::from(line.request.step.max(1)));
    // And with the clock of the server whose points they are.
    let to = around.now.plus(skew(plot, find)).0.div_euclid(step).saturating_mul(step);
    then(&Chart {
        series: &series,
        from: to.saturating_sub(i64::from(plot.range)),
        to,
        unit: plot.unit,
        limits: &limits,
        marks: &marks,
        cursor: around.cursor,
        said: &said,
    })
}

/// Where a dotted line lies now.
fn lies(at: &At, find: Find<'_>) -> Option<f64> {
    match at {
        At::Fixed(at) => Some(*at),
        At::Newest(request) => {
            let newest =
                |series: &GraphSeries| series.points.iter().rev().flatten().copied().find(|p| p.is_finite());
            find(request)?.series.iter().find_map(newest)
        }
    }
}

fn called(line: &Line, series: &GraphSeries) -> String {
    let whole = || {
        let labels: Vec<String> =
            series.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        match labels.is_empty() {
            true if series.metric.is_empty() => "value".to_owned(),
            true => series.metric.to_string(),
            false => format!("{}{{{}}}", series.metric, labels.join(", ")),
        }
    };
    match &line.legend {
        Legend::Word(word) => word.to_string(),
        Legend::Label(label) => {
            let value =
                series.labels.iter().find(|(name, _)| name == label).map(|(_, value)| value.to_string());
            value.unwrap_or_else(whole)
        }
        Legend::Whole => whole(),
    }
}

/// What stands where the lines would be.
fn said(plot: &Plot, answered: &[(&Line, &Graph)], nothing: bool) -> Vec<(String, Role)> {
    // What is missing is said by itself, over the whole place ([`missing`]).
    if !nothing || !plot.missing.is_empty() {
        return Vec::new();
    }
    let problem = answered.iter().find_map(|(_, graph)| graph.problem.as_ref());
    match problem {
        Some(problem) => vec![(problem.words.clone(), Role::Warning)],
        None if answered.len() < plot.lines.len() => vec![("loading".to_owned(), Role::Muted)],
        None => vec![("no data".to_owned(), Role::Muted)],
    }
}

/// `cart · errors %`, in so many cells: the name of what it is of gives way.
pub fn title(plot: &Plot, dot: &str, chart: &Chart<'_>, room: usize) -> String {
    // Without a number the unit says nothing, but where it is the name of what is measured.
    let unit = if chart.series.is_empty() && !plot.name.is_empty() { "" } else { chart.scale().word };
    let parts = [plot.name.as_str(), unit].into_iter().filter(|part| !part.is_empty());
    let what = parts.collect::<Vec<_>>().join(" ");
    if what.is_empty() {
        return text::fit_middle(&plot.about, room).into_owned();
    }
    let about = text::fit_middle(&plot.about, room.saturating_sub(text::width(&what) + 3));
    format!("{about} {dot} {what}")
}

/// Why there is no graph, in the middle of where it would be.
pub fn missing(plot: &Plot, look: &Look, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    let width = usize::from(area.width.saturating_sub(2).min(60));
    let lines: Vec<String> =
        plot.missing.iter().flat_map(|sentence| crate::panes::words::wrap(sentence, width)).collect();
    let above = usize::from(area.height).saturating_sub(lines.len()) / 2;
    let rows = area.y + u16::try_from(above).unwrap_or(0)..area.bottom();
    for (line, y) in lines.iter().zip(rows) {
        let wide = u16::try_from(text::width(line)).unwrap_or(area.width).min(area.width);
        let place = Rect { x: area.x + (area.width - wide) / 2, y, width: wide, height: 1 };
        crate::widgets::strip::Strip::new(buffer, place).put(line, look.style(Role::Muted));
    }
}

/// A plot in its frame: title at the left, the newest number or what is wrong at the right.
pub fn framed(
    shared: &Shared,
    look: &Look,
    plot: &Plot,
    marks: &[Mark],
    focused: bool,
    place: Rect,
    buffer: &mut Buffer,
) {
    use ratatui::widgets::{Block, Widget};
    let place = place.intersection(buffer.area);
    if place.width < 4 || place.height < 3 {
        return;
    }
    let (set, role, name) = if focused {
        (look.symbols.border_focused, Role::BorderFocused, Role::TitleFocused)
    } else {
        (look.symbols.border, Role::Border, Role::Title)
    };
    Block::bordered().border_set(set).border_style(look.style(role)).render(place, buffer);
    let inside = place.inner(ratatui::layout::Margin { horizontal: 1, vertical: 1 });
    let find: Find<'_> = &|request| shared.graphs.get(request);
    let standing = standing(plot, find);
    let around = Around { marks, now: shared.now.wall, cursor: None };
    with_chart(plot, find, &around, |chart| {
        let newest =
            chart.series.first().and_then(|series| chart::Stats::of(series, chart.from, chart.to).last);
        let (note, note_role) = match (standing.stale_since, newest) {
            (Some(since), _) => {
                (format!("stale {}", text::age_short(shared.now.wall.0 - since.0)), Role::Stale)
            }
            (None, Some(newest)) if standing.warnings.is_empty() => {
                (chart.scale().number(newest), Role::Text)
            }
            (None, Some(newest)) => {
                (format!("{} {}", look.symbols.warning, chart.scale().number(newest)), Role::Warning)
            }
            (None, None) if !standing.warnings.is_empty() => (look.symbols.warning.to_owned(), Role::Warning),
            (None, None) => (String::new(), Role::Muted),
        };
        let line = Rect { x: place.x + 1, width: place.width - 2, height: 1, ..place };
        let mut strip = crate::widgets::strip::Strip::new(buffer, line);
        let wide = u16::try_from(text::width(&note)).unwrap_or(u16::MAX);
        if wide > 0 && wide < line.width / 2 {
            strip.keep(wide + 4);
        }
        let title = title(plot, look.symbols.dot, chart, usize::from(strip.left().saturating_sub(3)));
        strip.gap(1).put(" ", look.style(name)).put(&title, look.style(name)).put(" ", look.style(name));
        if wide > 0 && wide < line.width / 2 {
            let right = Rect { x: line.right() - wide - 3, width: wide + 2, ..line };
            crate::widgets::strip::Strip::new(buffer, right).put(&format!(" {note} "), look.style(note_role));
        }
        if plot.missing.is_empty() {
            chart.draw(look, inside, buffer);
        } else {
            missing(plot, look, inside, buffer);
        }
    });
}
