//! One alert on one screen: since when and about what, who is told or what holds it back, what it says of itself, its
//! rule, and the objects that it is about with how they are.
//!
//! Made anew from the joined alerts whenever they change, so it stays live; when the alert is over, what was known
//! last stays, and the title says so.

mod page;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::page::Page;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::alert::{Alert, AlertKey};
use crate::domain::id::ObjectRef;
use crate::domain::level::Level;
use crate::effect::Effect;
use crate::look::Look;
use crate::panes::{Pane, PaneId, Pointer, Title, objects};
use crate::shared::{Applies, Outcome, Shared, Subject};

/// The view of an alert.
#[derive(Debug)]
pub struct AlertView {
    key: AlertKey,
    /// As it was known last.
    alert: Option<Alert>,
    over: bool,
    page: Page<ObjectRef>,
}

impl AlertView {
    /// Opens an alert.
    pub fn open(shared: &mut Shared, key: AlertKey) -> Outcome {
        Outcome::open(Box::new(AlertView::new(shared, key)), Vec::new())
    }

    fn new(shared: &Shared, key: AlertKey) -> AlertView {
        let mut view = AlertView { key, alert: None, over: false, page: Page::default() };
        view.follow(shared);
        view
    }

    fn follow(&mut self, shared: &Shared) {
        match shared.alerts.get(self.key) {
            Some(alert) => {
                self.over = false;
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
        let lines = self.lines(shared);
        self.page.set(lines);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.page.resize(width, height);
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        match action {
            action if action.moves() => Applies::Yes,
            Action::Filter => Applies::No("This page has nothing to filter.".to_owned()),
            Action::Open => match self.page.selected() {
                Some(object) => objects::applies(shared, &Subject::Object(object.clone()), action),
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
            (Action::Open, Some(object)) => objects::act(shared, &Subject::Object(object), action),
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
        self.page.selected().cloned().or(about).map(Subject::Object)
    }

    fn draw(&self, _shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        self.page.draw(look, focused, area, buffer);
    }

    fn mouse(&mut self, _shared: &mut Shared, event: Pointer) -> Outcome {
        self.page.mouse(event);
        Outcome::none()
    }
}
