//! A view of written lines: everything about one thing, to scroll in. What the
//! lines say is told by [`Sheet`]; they are made anew from the world whenever
//! the view is refreshed, so they stay live.

use std::fmt::Debug;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Pane, PaneId, Pointer, Title};
use crate::action::{Action, Scope};
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::theme::Role;
use crate::widgets::strip::Strip;

/// A line: texts with their roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<(String, Role)>);

impl Line {
    /// An empty line.
    pub fn blank() -> Line {
        Line::default()
    }

    /// A heading.
    pub fn heading(words: impl Into<String>) -> Line {
        Line(vec![(words.into(), Role::Strong)])
    }

    /// A name in a column of its own and what is said about it.
    pub fn entry(name: &str, value: impl Into<String>, role: Role) -> Line {
        Line(vec![(format!("  {} ", crate::text::cell(name, 16)), Role::Muted), (value.into(), role)])
    }

    /// The same with more behind it.
    pub fn and(mut self, words: impl Into<String>, role: Role) -> Line {
        self.0.push((words.into(), role));
        self
    }
}

/// What a view of lines shows.
pub trait Sheet: Debug + Send + 'static {
    /// What stands in its frame.
    fn title(&self, shared: &Shared) -> Title;
    /// Its lines.
    fn lines(&self, shared: &Shared) -> Vec<Line>;
    /// What actions on the thing are about.
    fn subject(&self, shared: &Shared) -> Option<Subject>;
}

/// A view of a [`Sheet`].
#[derive(Debug)]
pub struct SheetPane<S> {
    sheet: S,
    lines: Vec<Line>,
    scroll: usize,
    height: usize,
}

impl<S: Sheet> SheetPane<S> {
    /// A view at its top.
    pub fn new(sheet: S) -> SheetPane<S> {
        SheetPane { sheet, lines: Vec::new(), scroll: 0, height: 1 }
    }

    fn last(&self) -> usize {
        self.lines.len().saturating_sub(self.height)
    }

    fn scroll_by(&mut self, by: isize) {
        self.scroll = self.scroll.saturating_add_signed(by).min(self.last());
    }
}

impl<S: Sheet> Pane for SheetPane<S> {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let mut title = self.sheet.title(shared);
        if self.last() > 0 {
            let end = (self.scroll + self.height).min(self.lines.len());
            title.note = format!("lines {}-{end} of {}", self.scroll + 1, self.lines.len());
        }
        title
    }

    fn scopes(&self) -> &'static [Scope] {
        &[]
    }

    fn refresh(&mut self, shared: &Shared) {
        self.lines = self.sheet.lines(shared);
        self.scroll = self.scroll.min(self.last());
    }

    fn resize(&mut self, _width: u16, height: u16) {
        self.height = usize::from(height).max(1);
    }

    fn applies(&self, _shared: &Shared, action: Action) -> Applies {
        match action {
            action if action.moves() => Applies::Yes,
            Action::Filter => Applies::No("There is nothing to filter here.".to_owned()),
            Action::Open => Applies::No("This is all there is to show; esc goes back.".to_owned()),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, _shared: &mut Shared, action: Action) -> Outcome {
        let page = isize::try_from(self.height).unwrap_or(isize::MAX);
        match action {
            Action::Up => self.scroll_by(-1),
            Action::Down => self.scroll_by(1),
            Action::HalfPageUp => self.scroll_by(-(page / 2).max(1)),
            Action::HalfPageDown => self.scroll_by((page / 2).max(1)),
            Action::PageUp => self.scroll_by(-page),
            Action::PageDown => self.scroll_by(page),
            Action::Top => self.scroll = 0,
            Action::Bottom => self.scroll = self.last(),
            _ => {}
        }
        Outcome::none()
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        self.sheet.subject(shared)
    }

    fn mouse(&mut self, _shared: &mut Shared, event: Pointer) -> Outcome {
        if let Pointer::Wheel(rows) = event {
            self.scroll_by(isize::from(rows));
        }
        Outcome::none()
    }

    fn draw(&self, _shared: &Shared, look: &Look, _focused: bool, area: Rect, buffer: &mut Buffer) {
        for (line, y) in self.lines.iter().skip(self.scroll).zip(area.y..area.bottom()) {
            let mut strip = Strip::new(buffer, Rect { y, height: 1, ..area });
            strip.gap(1);
            for (words, role) in &line.0 {
                strip.put(words, look.style(*role));
            }
        }
    }
}
