//! Which container of a pod a shell is opened in, when there are several.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::page::{Page, PageLine};
use super::painted::Painted;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::id::{Name, ObjectRef};
use crate::look::Look;
use crate::panes::{Pane, PaneId, Pointer, Title, objects};
use crate::shared::{Applies, Outcome, Shared, Subject, Turn};
use crate::text;
use crate::theme::Role;

/// A small list of containers.
#[derive(Debug)]
pub struct ContainerChoice {
    object: ObjectRef,
    containers: Vec<Name>,
    page: Page<Name>,
}

impl ContainerChoice {
    /// Opens the list.
    pub fn open(object: ObjectRef, containers: Vec<Name>) -> Outcome {
        Outcome::open(Box::new(ContainerChoice { object, containers, page: Page::default() }), Vec::new())
    }
}

impl Pane for ContainerChoice {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let note = if words::is_gone(shared, &self.object) { "gone" } else { "" };
        Title {
            name: format!("A shell in which container of {}?", self.object.name),
            note: note.to_owned(),
            stale: words::stale(shared, self.object.cluster),
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn refresh(&mut self, shared: &Shared) {
        let pod = shared.world.find_pod(&self.object);
        let mut lines: Vec<PageLine<Name>> = self
            .containers
            .iter()
            .map(|container| {
                let mut line = Painted::plain(text::cell(container, 24).into_owned());
                let image = pod.and_then(|pod| pod.images.iter().find(|image| image.container == *container));
                line.push(Role::Muted, &format!(" {}", image.map_or("", |image| &image.image)));
                PageLine::row(line, container.clone())
            })
            .collect();
        if lines.is_empty() {
            lines.push(PageLine::text(Painted::role(Role::Muted, "This pod names no container.")));
        }
        self.page.set(lines);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.page.resize(width, height);
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        match action {
            action if action.moves() => Applies::Yes,
            Action::Open | Action::Shell if self.page.selected().is_none() => {
                Applies::No("No container is selected.".to_owned())
            }
            Action::Open | Action::Shell => objects::shell_applies(shared, &self.object),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        if self.page.act(action) {
            return Outcome::none();
        }
        let Some(container) = self.page.selected().cloned() else { return Outcome::none() };
        let mut outcome = objects::shell(shared, &self.object, container);
        // The list has done its work, whether the shell opens now or is asked about first.
        outcome.turn = Some(match outcome.turn.take() {
            Some(Turn::Ask(ask)) => Turn::CloseAndAsk(ask),
            _ => Turn::Close,
        });
        outcome
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        let _ = shared;
        Some(Subject::Object(self.object.clone()))
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        let _ = shared;
        self.page.draw(look, focused, area, buffer);
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        let _ = shared;
        self.page.mouse(event);
        Outcome::none()
    }
}
