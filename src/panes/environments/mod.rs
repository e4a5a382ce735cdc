//! The Environments pane: a card for each environment in promotion order. Cards
//! have frames of their own; as many as fit stand side by side, the others are
//! a key away.

mod card;
mod detail;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::sheet::SheetPane;
use super::{Pane, PaneId, Pointer, Title};
use crate::action::{Action, Scope};
use crate::domain::environment::Environment;
use crate::domain::id::{ClusterId, EnvId, Name};
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text;
use crate::theme::Role;
use crate::widgets::strip::Strip;

/// Lines of a card, its frame included.
pub const CARD_HEIGHT: u16 = 7;
/// The least width at which a card says all that matters.
const CARD_WIDTH: u16 = 36;

/// The cards.
#[derive(Debug, Default)]
pub struct EnvironmentsPane {
    /// The selected card by identity; `None` until a key moves: the current one.
    selected: Option<Key>,
    /// Index of the first card that is drawn.
    first: usize,
    size: (u16, u16),
    grid: Grid,
}

/// What an environment is known by while its index may change.
type Key = (ClusterId, Name);

fn key(env: &Environment) -> Key {
    (env.cluster, env.name.clone())
}

/// How many cards fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    across: usize,
    down: usize,
}

impl Default for Grid {
    fn default() -> Grid {
        Grid { across: 1, down: 1 }
    }
}

impl Grid {
    fn new((width, height): (u16, u16), cards: usize) -> Grid {
        let down = usize::from(height / CARD_HEIGHT).max(1);
        let fit = usize::from(width / CARD_WIDTH).max(1);
        // Cards share the width evenly, so that no row has a hole at its end
        // when all of them fit in one.
        Grid { across: fit.min(cards.max(1)), down }
    }

    fn shown(self) -> usize {
        self.across * self.down
    }
}

impl EnvironmentsPane {
    /// The index of the selected card: the current environment's until a key moves.
    fn at(&self, shared: &Shared) -> usize {
        let found = self.selected.as_ref().and_then(|wanted| {
            shared.environments.list.iter().position(|env| (env.cluster, &env.name) == (wanted.0, &wanted.1))
        });
        found.unwrap_or(usize::from(shared.current.0))
    }

    fn card(&self, shared: &Shared) -> Option<EnvId> {
        shared.environments.list.get(self.at(shared)).map(|env| env.id)
    }

    fn select(&mut self, shared: &Shared, at: usize) {
        let last = shared.environments.list.len().saturating_sub(1);
        self.selected = shared.environments.list.get(at.min(last)).map(key);
        self.scroll(shared);
    }

    fn step(&mut self, shared: &Shared, by: isize) {
        self.select(shared, self.at(shared).saturating_add_signed(by));
    }

    /// Brings the selected card into sight.
    fn scroll(&mut self, shared: &Shared) {
        let count = shared.environments.list.len();
        self.grid = Grid::new(self.size, count);
        let at = self.at(shared);
        let step = if self.grid.down == 1 { 1 } else { self.grid.across };
        while at < self.first {
            self.first = self.first.saturating_sub(step);
        }
        while at >= self.first + self.grid.shown() {
            self.first += step;
        }
        if count <= self.grid.shown() {
            self.first = 0;
        } else if step == 1 {
            self.first = self.first.min(count - self.grid.shown());
        }
    }

    /// Where the nth of the drawn cards stands.
    fn place(&self, nth: usize, area: Rect) -> Rect {
        let across = u16::try_from(self.grid.across).unwrap_or(1).max(1);
        let (column, row) = (nth % self.grid.across, nth / self.grid.across);
        let (column, row) = (u16::try_from(column).unwrap_or(0), u16::try_from(row).unwrap_or(u16::MAX));
        let left = u32::from(area.width) * u32::from(column) / u32::from(across);
        let right = u32::from(area.width) * u32::from(column + 1) / u32::from(across);
        let (left, right) = (u16::try_from(left).unwrap_or(0), u16::try_from(right).unwrap_or(0));
        let top = row.saturating_mul(CARD_HEIGHT);
        let height = CARD_HEIGHT.min(area.height.saturating_sub(top));
        Rect { x: area.x + left, y: area.y.saturating_add(top), width: right - left, height }
    }
}

impl Pane for EnvironmentsPane {
    fn id(&self) -> PaneId {
        PaneId::Environments
    }

    fn title(&self, shared: &Shared) -> Title {
        Title {
            name: "Environments".to_owned(),
            note: shared.environments.counted().count().to_string(),
            stale: None,
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[]
    }

    fn framed(&self) -> bool {
        false
    }

    fn refresh(&mut self, shared: &Shared) {
        self.scroll(shared);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        match action {
            Action::Left | Action::Right | Action::Up | Action::Down | Action::Top | Action::Bottom => {
                Applies::Yes
            }
            Action::Open if self.card(shared).is_some() => Applies::Yes,
            Action::Open => Applies::No("There is no environment yet.".to_owned()),
            Action::Filter => Applies::No("Cards are not filtered; [ and ] go through them.".to_owned()),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        let across = isize::try_from(self.grid.across).unwrap_or(1);
        match action {
            Action::Left => self.step(shared, -1),
            Action::Right => self.step(shared, 1),
            Action::Up if self.at(shared) >= self.grid.across => self.step(shared, -across),
            Action::Down if self.at(shared) + self.grid.across < shared.environments.list.len() => {
                self.step(shared, across);
            }
            Action::Top => self.select(shared, 0),
            Action::Bottom => self.select(shared, usize::MAX),
            Action::Open => return self.open(shared),
            _ => {}
        }
        Outcome::none()
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        self.card(shared).map(Subject::Environment)
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        match event {
            Pointer::Click(x, y) => {
                let area = Rect::new(0, 0, self.size.0, self.size.1);
                let hit = (0..self.grid.shown()).find(|nth| self.place(*nth, area).contains((x, y).into()));
                if let Some(nth) = hit.filter(|nth| self.first + nth < shared.environments.list.len()) {
                    self.select(shared, self.first + nth);
                }
            }
            Pointer::Wheel(by) => self.step(shared, isize::from(by.signum())),
        }
        Outcome::none()
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        let list = &shared.environments.list;
        if list.is_empty() {
            let words = "No context yet: a kubeconfig names them (KUBECONFIG, ~/.kube/config).";
            Strip::new(buffer, area).gap(1).put(words, look.style(Role::Muted));
            return;
        }
        let at = self.at(shared);
        for (nth, env) in list.iter().enumerate().skip(self.first).take(self.grid.shown()) {
            let place = self.place(nth - self.first, area);
            if place.width < 4 || place.height == 0 {
                continue;
            }
            card::draw(shared, look, env, focused && nth == at, place, buffer);
        }
        self.draw_more(look, list.len(), area, buffer);
    }
}

impl EnvironmentsPane {
    /// Makes the card's environment the current one; on the current one it opens
    /// everything about it.
    fn open(&mut self, shared: &mut Shared) -> Outcome {
        let Some(env) = shared.environments.list.get(self.at(shared)) else { return Outcome::none() };
        if env.id == shared.current && !shared.all_environments {
            return Outcome::open(Box::new(SheetPane::new(detail::Detail::new(env))), Vec::new());
        }
        let id = env.id;
        shared.choose(id);
        Outcome::none()
    }

    /// Says how many cards stand outside, on the frames of the outermost.
    fn draw_more(&self, look: &Look, count: usize, area: Rect, buffer: &mut Buffer) {
        let before = self.first;
        let after = count.saturating_sub(self.first + self.grid.shown());
        let rows = u16::try_from(self.grid.down).unwrap_or(1);
        let bottom = area.y + (rows * CARD_HEIGHT).min(area.height).saturating_sub(1);
        let line = Rect { y: bottom, height: 1, ..area };
        if before > 0 {
            let words = format!(" {before} more to the left ");
            Strip::new(buffer, line).gap(2).put(&words, look.style(Role::Accent));
        }
        if after > 0 {
            let words = format!(" {after} more to the right ");
            let x = area.right().saturating_sub(u16::try_from(text::width(&words)).unwrap_or(0) + 2);
            Strip::new(buffer, line).go_to(x).put(&words, look.style(Role::Accent));
        }
    }
}
