//! One alert on one screen: since when and about what, who is told or what holds it back, what it says of itself, its
//! rule with the graph of what that measures, and the objects that it is about with how they are.
//!
//! Made anew from the joined alerts whenever they change, so it stays live; when the alert is over, what was known
//! last stays, and the title says so.

mod page;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::graph::GraphView;
use super::page::Page;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::alert::{Alert, AlertKey};
use crate::domain::id::ObjectRef;
use crate::domain::level::Level;
use crate::effect::{Effect, Follow};
use crate::fleet::marks::Mark;
use crate::look::Look;
use crate::panes::metrics::plot::{Around, Find, Plot, RANGES, missing, with_chart};
use crate::panes::metrics::rule::{alert_plot, range_of};
use crate::panes::metrics::target::Target;
use crate::panes::{Pane, PaneId, Pointer, Title, objects};
use crate::shared::{Applies, Outcome, Shared, Subject};

/// The view of an alert.
#[derive(Debug)]
pub struct AlertView {
    key: AlertKey,
    /// As it was known last.
    alert: Option<Alert>,
    over: bool,
    page: Page<Row>,
    /// What its rule measures; `None` where that is not known.
    plot: Option<Plot>,
    /// What happened to what it is about.
    marks: Vec<Mark>,
    /// Index into [`RANGES`]; it grows as the alert goes on, so that its beginning stays in sight.
    range: usize,
}

/// What the cursor can stand on.
#[derive(Clone, Debug, PartialEq)]
enum Row {
    /// The graph.
    Graph,
    /// An object.
    Object(ObjectRef),
}

impl AlertView {
    /// Opens an alert.
    pub fn open(shared: &mut Shared, key: AlertKey) -> Outcome {
        Outcome::open(Box::new(AlertView::new(shared, key)), Vec::new())
    }

    fn new(shared: &Shared, key: AlertKey) -> AlertView {
        let mut view = AlertView {
            key,
            alert: None,
            over: false,
            // Most go on to a pod; the graph is there to be looked at.
            page: Page::preferring(|row| matches!(row, Row::Object(_))),
            plot: None,
            marks: Vec::new(),
            range: 0,
        };
        view.follow(shared);
        view.measure(shared);
        view
    }

    /// What of its graph is asked and drawn now.
    fn measure(&mut self, shared: &Shared) {
        let Some(alert) = &self.alert else { return };
        if !self.over {
            self.range = range_of(alert, shared);
        }
        let (seconds, _) = RANGES[self.range];
        self.plot = alert_plot(shared, alert, seconds);
        let target = self.target(shared);
        self.marks = target
            .map(|target| target.marks(shared, shared.now.wall.plus(-i64::from(seconds))))
            .unwrap_or_default();
    }

    /// What the alert is about, as graphs know it.
    fn target(&self, shared: &Shared) -> Option<Target> {
        let object = self.alert.as_ref()?.about.object.clone()?;
        Some(Target::of_subject(shared, &Subject::Object(object)))
    }

    /// The object under the cursor.
    fn object(&self) -> Option<ObjectRef> {
        match self.page.selected() {
            Some(Row::Object(object)) => Some(object.clone()),
            Some(Row::Graph) | None => None,
        }
    }

    /// Rows of the graph: as many as leave the rest of the page in sight.
    fn graph_rows(&self) -> usize {
        (self.page.height() / 3).clamp(6, 12)
    }

    fn draw_graph(&self, shared: &Shared, look: &Look, area: Rect, buffer: &mut Buffer) {
        let Some((plot, (place, cut))) = self.plot.as_ref().zip(self.page.picture(area)) else { return };
        // Drawn whole and cut to what is in sight.
        let whole = Rect::new(0, 0, place.width, u16::try_from(self.graph_rows()).unwrap_or(0));
        let mut canvas = Buffer::empty(whole);
        if plot.missing.is_empty() {
            let find: Find<'_> = &|request| shared.graphs.get(request);
            let around = Around { marks: &self.marks, now: shared.now.wall, cursor: None };
            with_chart(plot, find, &around, |chart| chart.draw(look, whole, &mut canvas));
        } else {
            missing(plot, look, whole, &mut canvas);
        }
        for y in 0..place.height.min(whole.height.saturating_sub(cut)) {
            for x in 0..place.width {
                let from = canvas.cell((x, y + cut)).cloned();
                if let Some((to, from)) = buffer.cell_mut((place.x + x, place.y + y)).zip(from) {
                    *to = from;
                }
            }
        }
    }

    fn follow(&mut self, shared: &Shared) {
        let known = match &self.alert {
            Some(before) => shared.alerts.again(before),
            None => shared.alerts.get(self.key),
        };
        match known {
            Some(alert) => {
                self.over = false;
                self.key = alert.key;
                if self.alert.as_ref() != Some(alert) {
                    self.alert = Some(alert.clone());
                }
            }
            None => self.over = true,
        }
    }
}

impl Pane for AlertView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, _shared: &Shared) -> Title {
        let name = self.alert.as_ref().map_or("?", |alert| &*alert.name);
        let note = if self.over { "over: this is how it was" } else { "" };
        Title { name: format!("Alert {name}"), note: note.to_owned(), stale: None }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Text, Scope::List]
    }

    fn refresh(&mut self, shared: &Shared) {
        self.follow(shared);
        self.measure(shared);
        let lines = self.lines(shared);
        self.page.set(lines);
    }

    fn follows(&self, _shared: &Shared) -> Vec<Follow> {
        self.plot.iter().flat_map(Plot::follows).collect()
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.page.resize(width, height);
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        match action {
            action if action.moves() => Applies::Yes,
            Action::Filter => Applies::No("This page has nothing to filter.".to_owned()),
            Action::Open => match self.page.selected() {
                Some(Row::Graph) => Applies::Yes,
                Some(Row::Object(object)) => {
                    objects::applies(shared, &Subject::Object(object.clone()), action)
                }
                None => Applies::No("It names no object that could be opened.".to_owned()),
            },
            Action::Save => Applies::Yes,
            Action::Triage
            | Action::ToggleNamespace
            | Action::Mark
            | Action::FaultsOnly
            | Action::SortColumn
            | Action::SortDirection
            | Action::ClearMarks
            | Action::Wrap => {
                Applies::No(format!("{} does not apply to an alert's page.", action.info().name))
            }
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        if self.page.act(action) {
            return Outcome::none();
        }
        match (action, self.page.selected().cloned()) {
            (Action::Open, Some(Row::Object(object))) => {
                objects::act(shared, &Subject::Object(object), action)
            }
            (Action::Open, Some(Row::Graph)) => match &self.alert {
                Some(alert) => {
                    let target = self.target(shared).unwrap_or(Target::Environment(
                        alert.environments.first().copied().unwrap_or(shared.current),
                    ));
                    let view = GraphView::of_alert(target, alert.clone(), self.range);
                    Outcome::open(Box::new(view), Vec::new())
                }
                None => Outcome::none(),
            },
            (Action::Save, _) => {
                let name = self.alert.as_ref().map_or("alert", |alert| &*alert.name);
                let name =
                    format!("alert-{}-{}.txt", words::file_name(name), words::file_time(shared.now.wall));
                Outcome::effect(Effect::Save { name: name.into(), lines: self.page.plain() })
            }
            _ => Outcome::say(Level::Idle, "No object is selected."),
        }
    }

    fn subject(&self, _shared: &Shared) -> Option<Subject> {
        let about = self.alert.as_ref().and_then(|alert| alert.about.object.clone());
        self.object().or(about).map(Subject::Object)
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        self.page.draw(look, focused, area, buffer);
        self.draw_graph(shared, look, area, buffer);
    }

    fn mouse(&mut self, _shared: &mut Shared, event: Pointer) -> Outcome {
        self.page.mouse(event);
        Outcome::none()
    }
}
