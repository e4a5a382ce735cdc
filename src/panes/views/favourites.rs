//! A list to pick a query from: favourites of the configuration first, then what was typed, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::graph::GraphView;
use super::page::{Page, PageLine};
use super::painted::Painted;
use crate::action::{Action, Scope};
use crate::look::Look;
use crate::panes::metrics::target::Target;
use crate::panes::{Pane, PaneId, Pointer, Title};
use crate::shared::{Applies, Outcome, Shared, Subject, Turn};
use crate::text::{self, Unit};
use crate::theme::Role;

/// What can be picked.
#[derive(Clone, Debug, PartialEq)]
struct Pick {
    /// Empty for what was typed.
    name: String,
    query: String,
    unit: Unit,
}

/// The list.
#[derive(Debug)]
pub struct Favourites {
    target: Target,
    page: Page<usize>,
    picks: Vec<Pick>,
}

impl Favourites {
    /// A list whose queries are asked where this stands.
    pub fn new(target: Target) -> Favourites {
        Favourites { target, page: Page::default(), picks: Vec::new() }
    }
}

impl Pane for Favourites {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, _shared: &Shared) -> Title {
        Title { name: "Queries".to_owned(), note: self.picks.len().to_string(), stale: None }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Graph]
    }

    fn refresh(&mut self, shared: &Shared) {
        let favourites = shared.wanted.favourites.iter().map(|favourite| Pick {
            name: text::clean(&favourite.name).into_owned(),
            query: text::clean(&favourite.query).into_owned(),
            unit: favourite.unit,
        });
        let typed = shared.queries.iter().rev().map(|query| Pick {
            name: String::new(),
            query: text::clean(query).into_owned(),
            unit: Unit::Plain,
        });
        self.picks = favourites.chain(typed).collect();
        let mut lines: Vec<PageLine<usize>> = Vec::new();
        for (at, pick) in self.picks.iter().enumerate() {
            let mut line = Painted::default();
            if pick.name.is_empty() {
                line.push(Role::Text, &pick.query);
            } else {
                line.push(Role::Strong, &format!("{}  ", pick.name));
                line.push(Role::Muted, &pick.query);
            }
            lines.push(PageLine::row(line, at));
        }
        if lines.is_empty() {
            for words in [
                "No query has been typed yet, and none is a favourite.".to_owned(),
                format!(
                    "{} asks any PromQL; metrics.favourites in config.yaml keeps some.",
                    shared.key(Action::Query)
                ),
            ] {
                lines.push(PageLine::text(Painted::role(Role::Muted, &words)));
            }
        }
        self.page.set(lines);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.page.resize(width, height);
    }

    fn applies(&self, _shared: &Shared, action: Action) -> Applies {
        match action {
            action if action.moves() => Applies::Yes,
            Action::Open if self.page.selected().is_some() => Applies::Yes,
            Action::Open => Applies::No("There is no query to show.".to_owned()),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, _shared: &mut Shared, action: Action) -> Outcome {
        if self.page.act(action) {
            return Outcome::none();
        }
        let picked = self.page.selected().and_then(|at| self.picks.get(*at));
        let Some(pick) = picked.filter(|_| action == Action::Open) else { return Outcome::none() };
        let view = GraphView::of_query(self.target.clone(), &pick.name, &pick.query, pick.unit);
        Outcome { turn: Some(Turn::Replace(Box::new(view))), ..Outcome::default() }
    }

    fn subject(&self, _shared: &Shared) -> Option<Subject> {
        None
    }

    fn draw(&self, _shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        self.page.draw(look, focused, area, buffer);
    }

    fn mouse(&mut self, _shared: &mut Shared, event: Pointer) -> Outcome {
        self.page.mouse(event);
        Outcome::none()
    }
}
