//! A text to scroll in: an object as YAML, or described.
//!
//! The text comes as one answer. Values of a Secret stay masked until a key asks
//! for them, which asks the cluster anew; masking again asks anew too, so that
//! the values are in memory only while they are on the screen.

mod highlight;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::painted::{Painted, Place};
use super::scroll::{Scroll, above_status};
use super::search::Search;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::id::{Kind, ObjectRef};
use crate::domain::level::Level;
use crate::effect::{Effect, Question};
use crate::look::Look;
use crate::msg::{Answer, Document, RequestId};
use crate::panes::{Pane, PaneId, Pointer, Title};
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text;
use crate::theme::Role;

/// What the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The object as YAML.
    Yaml,
    /// The object described.
    Describe,
}

/// A text to scroll in.
#[derive(Debug)]
pub struct DocumentView {
    object: ObjectRef,
    what: What,
    request: RequestId,
    /// Values were asked for.
    reveal: bool,
    document: Option<Document>,
    failed: Option<String>,
    unfolded: bool,
    /// The lines as they are shown, with managedFields folded or not.
    lines: Vec<String>,
    blocks: Vec<bool>,
    /// The line that stands for managedFields while they are folded.
    fold_line: Option<usize>,
    wrap: bool,
    search: Search,
    /// Lines that the search finds.
    matches: Vec<usize>,
    scroll: Scroll,
    copied: Option<usize>,
}

impl DocumentView {
    /// Opens the YAML or the description of an object.
    pub fn open(shared: &mut Shared, object: ObjectRef, what: What) -> Outcome {
        let (view, effects) = DocumentView::new(shared, object, what);
        Outcome::open(Box::new(view), effects)
    }

    fn new(shared: &mut Shared, object: ObjectRef, what: What) -> (DocumentView, Vec<Effect>) {
        let mut view = DocumentView {
            object,
            what,
            request: RequestId::default(),
            reveal: false,
            document: None,
            failed: None,
            unfolded: false,
            lines: Vec::new(),
            blocks: Vec::new(),
            fold_line: None,
            wrap: false,
            search: Search::default(),
            matches: Vec::new(),
            scroll: Scroll::default(),
            copied: None,
        };
        let effects = view.ask(shared);
        (view, effects)
    }

    fn ask(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.request != RequestId::default() {
            effects.push(Effect::Cancel(self.request));
        }
        self.request = shared.new_request();
        self.failed = None;
        let question = match self.what {
            What::Yaml => Question::Yaml { object: self.object.clone(), reveal: self.reveal },
            What::Describe => Question::Describe(self.object.clone()),
        };
        effects.push(Effect::Ask(self.request, question));
        effects
    }

    fn take(&mut self, document: Document) {
        self.document = Some(document);
        self.failed = None;
        self.arrange();
    }

    /// Makes the lines as they are shown, and looks for matches in them.
    fn arrange(&mut self) {
        let Some(document) = &self.document else { return };
        self.lines = document.lines.clone();
        self.fold_line = None;
        if let Some((at, folded)) = &document.folded {
            let at = (*at).min(self.lines.len());
            if self.unfolded {
                self.lines.splice(at..at, folded.iter().cloned());
            } else {
                let indent: String = folded
                    .first()
                    .map(|line| line.chars().take_while(|c| *c == ' ').collect())
                    .unwrap_or_default();
                self.lines.insert(at, format!("{indent}managedFields: … {} lines", folded.len()));
                self.fold_line = Some(at);
            }
        }
        self.blocks = match self.what {
            What::Yaml => highlight::blocks(&self.lines),
            What::Describe => Vec::new(),
        };
        self.find_matches();
    }

    fn find_matches(&mut self) {
        self.matches = if self.search.is_empty() {
            Vec::new()
        } else {
            let hits = self.lines.iter().enumerate().filter(|(_, line)| self.search.hits(line));
            hits.map(|(at, _)| at).collect()
        };
    }

    fn moved<T>(&mut self, how: impl FnOnce(&mut Scroll, usize, &dyn Fn(usize) -> usize) -> T) -> T {
        let DocumentView { lines, scroll, wrap, .. } = self;
        let width = scroll.width;
        how(scroll, lines.len(), &|line| rows(lines, *wrap, width, line))
    }

    fn jump(&mut self, forward: bool) -> Outcome {
        let at = self.scroll.cursor;
        let found = if forward {
            self.matches.iter().find(|line| **line > at).or_else(|| self.matches.first())
        } else {
            self.matches.iter().rev().find(|line| **line < at).or_else(|| self.matches.last())
        };
        let Some(line) = found.copied() else {
            return Outcome::say(Level::Idle, format!("Nothing matches /{}.", self.search.text()));
        };
        let around = if forward { line <= at } else { line >= at };
        self.moved(|scroll, len, rows| scroll.go(line, len, rows));
        self.show_column(line);
        match around && self.matches.len() > 1 {
            true => Outcome::say(Level::Idle, "The search goes on from the other end."),
            false => Outcome::none(),
        }
    }

    /// Scrolls sideways as far as shows the first match of a line.
    fn show_column(&mut self, line: usize) {
        if self.wrap {
            return;
        }
        let Some(content) = self.lines.get(line) else { return };
        let Some(range) = self.search.ranges(content).into_iter().next() else { return };
        let start = text::width(content.get(..range.start).unwrap_or_default());
        let end = text::width(content.get(..range.end).unwrap_or_default());
        if start < self.scroll.x || end > self.scroll.x + self.scroll.width {
            self.scroll.x = end.saturating_sub(self.scroll.width * 2 / 3);
        }
    }

    fn copy(&mut self, copied: Option<usize>) -> Outcome {
        let at = self.scroll.cursor;
        if copied == Some(at) {
            let said = format!("Copied all {} lines.", text::count(self.lines.len() as u64));
            let effect = Effect::Copy(self.whole().join("\n"));
            return Outcome { note: Outcome::say(Level::Ok, said).note, ..Outcome::effect(effect) };
        }
        self.copied = Some(at);
        let line = self.lines.get(at).map(|line| line.trim()).unwrap_or_default();
        let said =
            format!("Copied this line; once more copies all {}.", text::count(self.lines.len() as u64));
        Outcome { note: Outcome::say(Level::Ok, said).note, ..Outcome::effect(Effect::Copy(line.to_owned())) }
    }

    /// The text without the line that only stands for what is folded.
    fn whole(&self) -> Vec<String> {
        let lines = self.lines.iter().enumerate();
        lines.filter(|(at, _)| Some(*at) != self.fold_line).map(|(_, line)| line.clone()).collect()
    }

    fn save(&self, shared: &Shared) -> Outcome {
        let end = match self.what {
            What::Yaml => "yaml",
            What::Describe => "txt",
        };
        let kind = self.object.kind.word().to_lowercase();
        let name = words::file_name(&self.object.name);
        let name = format!("{kind}-{name}-{}.{end}", words::file_time(shared.now.wall));
        Outcome::effect(Effect::Save { name: PathBuf::from(name), lines: self.whole() })
    }

    fn masked(&self) -> bool {
        self.document.as_ref().is_some_and(|document| document.masked)
    }

    /// What stands in the last row; empty when there is nothing to say.
    fn status(&self, shared: &Shared, look: &Look) -> Painted {
        let mut line = Painted::default();
        let dot = format!(" {} ", look.symbols.dot);
        let mut add = |role: Role, words: String| {
            if !line.text().is_empty() {
                line.push(Role::Muted, &dot);
            }
            line.push(role, &words);
        };
        if let (Some(why), true) = (&self.failed, self.document.is_some()) {
            add(Role::Critical, why.clone());
        }
        if self.masked() {
            add(Role::Warning, format!("values are masked: {} shows them", shared.key(Action::Reveal)));
        } else if self.reveal && self.document.is_some() {
            add(Role::Critical, format!("values are shown: {} masks them", shared.key(Action::Reveal)));
        }
        if !self.search.is_empty() && self.document.is_some() {
            let at = self.matches.iter().position(|line| *line == self.scroll.cursor);
            let total = text::count(self.matches.len() as u64);
            match (at, self.matches.is_empty()) {
                (_, true) => add(Role::Warning, format!("nothing matches /{}", self.search.text())),
                (Some(at), _) => add(Role::Accent, format!("match {} of {total}", at + 1)),
                (None, _) => add(Role::Accent, format!("{total} matches")),
            }
        }
        if self.fold_line == Some(self.scroll.cursor) {
            add(Role::Muted, format!("{} unfolds managedFields", shared.key(Action::ManagedFields)));
        }
        if self.scroll.x > 0 {
            add(Role::Muted, format!("from column {}", self.scroll.x + 1));
        }
        line
    }
}

fn rows(lines: &[String], wrap: bool, width: usize, line: usize) -> usize {
    match lines.get(line) {
        Some(content) if wrap => super::painted::wrapped(content, width, 0).len(),
        _ => 1,
    }
}

impl Pane for DocumentView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let what = match self.what {
            What::Yaml => "YAML",
            What::Describe => "Describe",
        };
        let kind = self.object.kind.word().to_lowercase();
        let mut note = String::new();
        if self.document.is_some() {
            note = words::counted(self.lines.len(), "line");
        }
        if words::is_gone(shared, &self.object) {
            note.push_str(if note.is_empty() { "gone" } else { " · gone since" });
        }
        Title {
            name: format!("{what} {kind}/{}", self.object.name),
            note,
            stale: words::stale(shared, self.object.cluster),
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        match self.what {
            What::Yaml => &[Scope::Yaml, Scope::Text, Scope::List],
            What::Describe => &[Scope::Text, Scope::List],
        }
    }

    fn refresh(&mut self, shared: &Shared) {
        let _ = shared;
        self.moved(|scroll, len, rows| scroll.settle(len, rows));
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.scroll.resize_above_status(width, height);
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        match action {
            action if action.moves() => Applies::Yes,
            Action::Filter | Action::Wrap => Applies::Yes,
            Action::Left | Action::Right if self.wrap => {
                Applies::No("Lines are wrapped: there is nothing at their sides.".to_owned())
            }
            Action::Left | Action::Right => Applies::Yes,
            Action::NextMatch | Action::PreviousMatch if self.search.is_empty() => {
                Applies::No(format!("Nothing is searched for: {} searches.", shared.key(Action::Filter)))
            }
            Action::NextMatch | Action::PreviousMatch => Applies::Yes,
            Action::Copy | Action::Save if self.document.is_none() => {
                Applies::No("There is no text yet.".to_owned())
            }
            Action::Copy | Action::Save => Applies::Yes,
            Action::ManagedFields if self.what == What::Describe => {
                Applies::No("A description has no managedFields.".to_owned())
            }
            Action::ManagedFields if self.document.as_ref().is_some_and(|d| d.folded.is_none()) => {
                Applies::No("This object has no managedFields.".to_owned())
            }
            Action::ManagedFields => Applies::Yes,
            Action::Reveal if self.object.kind != Kind::Secret || self.what == What::Describe => {
                Applies::No("Only the YAML of a Secret is masked.".to_owned())
            }
            Action::Reveal => Applies::Yes,
            Action::Yaml if self.what == What::Yaml => Applies::Yes,
            Action::Describe if self.what == What::Describe => Applies::Yes,
            Action::Back if !self.search.is_empty() => Applies::Yes,
            Action::ToggleNamespace
            | Action::Mark
            | Action::FaultsOnly
            | Action::SortColumn
            | Action::SortDirection
            | Action::ClearMarks
            | Action::Open => Applies::No(format!("{} does not apply to a text.", action.info().name)),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        let copied = self.copied.take();
        match action {
            Action::Left => self.scroll.sideways(false),
            Action::Right => {
                let widest = self.lines.iter().map(|line| line.len()).max().unwrap_or(0);
                if self.scroll.x + self.scroll.width < widest {
                    self.scroll.sideways(true);
                }
            }
            Action::Wrap => {
                self.wrap = !self.wrap;
                self.scroll.rewrapped();
                self.moved(|scroll, len, rows| scroll.reveal(len, rows));
            }
            Action::NextMatch => return self.jump(true),
            Action::PreviousMatch => return self.jump(false),
            Action::Copy => return self.copy(copied),
            Action::Save => return self.save(shared),
            Action::ManagedFields => {
                self.unfolded = !self.unfolded;
                self.arrange();
                self.moved(|scroll, len, rows| scroll.reveal(len, rows));
            }
            Action::Reveal => {
                self.reveal = self.masked() || !self.reveal;
                if !self.reveal {
                    // Away at once, not only when the masked text has come.
                    self.document = None;
                    self.lines.clear();
                    self.matches.clear();
                }
                return Outcome { effects: self.ask(shared), ..Outcome::none() };
            }
            Action::Yaml | Action::Describe => {
                return Outcome { effects: self.ask(shared), ..Outcome::none() };
            }
            Action::Back => {
                self.search = Search::default();
                self.matches.clear();
            }
            _ => drop(self.moved(|scroll, len, rows| scroll.act(action, len, rows))),
        }
        Outcome::none()
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        let _ = shared;
        Some(Subject::Object(self.object.clone()))
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        if self.document.is_none() {
            let name = words::object(&self.object);
            let line = match &self.failed {
                Some(why) => Painted::role(Role::Critical, &format!("{name} cannot be read: {why}")),
                None => Painted::role(Role::Muted, &format!("Asking for {name}…")),
            };
            words::paragraph(&[line], look, area, buffer);
            return;
        }
        if self.lines.is_empty() {
            words::paragraph(&[Painted::role(Role::Muted, "The text is empty.")], look, area, buffer);
            return;
        }
        let (body, status) = above_status(area);
        let width = usize::from(area.width);
        let shown = self.scroll.shown(self.lines.len(), &|line| rows(&self.lines, self.wrap, width, line));
        for (y, place) in (body.y..body.bottom()).zip(shown) {
            let Some(content) = self.lines.get(place.line) else { break };
            let painted = match self.what {
                _ if self.fold_line == Some(place.line) => Painted::role(Role::Muted, content),
                What::Yaml => highlight::yaml(content, self.blocks.get(place.line).copied().unwrap_or(false)),
                What::Describe => highlight::described(content),
            };
            let whole: Vec<Range<usize>> =
                if self.wrap { painted.rows(width, 0) } else { std::iter::once(0..content.len()).collect() };
            let Some(part) = whole.get(place.row).cloned() else { continue };
            let hits = self.search.ranges(content);
            let skip = if self.wrap { 0 } else { self.scroll.x };
            let at = Place { x: area.x, y, width: area.width, skip };
            painted.draw(part, &hits, look, look.style(Role::Text), at, buffer);
            if place.line == self.scroll.cursor {
                let role = if focused { Role::Selection } else { Role::SelectionIdle };
                buffer.set_style(Rect { y, height: 1, ..area }, look.style(role));
            }
        }
        if let Some(row) = status {
            let at = Place { x: row.x, y: row.y, width: row.width, skip: 0 };
            self.status(shared, look).draw_row(look, look.style(Role::Muted), at, buffer);
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(self.search.text())
    }

    fn set_filter(&mut self, shared: &Shared, text: &str) -> Result<(), String> {
        let _ = shared;
        self.search = Search::parse(text)?;
        self.find_matches();
        let at = self.scroll.cursor;
        let next = self.matches.iter().find(|line| **line >= at).or_else(|| self.matches.first()).copied();
        if let Some(line) = next {
            self.moved(|scroll, len, rows| scroll.go(line, len, rows));
            self.show_column(line);
        }
        Ok(())
    }

    fn answer(&mut self, request: RequestId, answer: &mut Option<Answer>) -> bool {
        if request != self.request {
            return false;
        }
        match answer.take() {
            Some(Answer::Document(document)) => self.take(document),
            Some(Answer::Failed(why)) => self.failed = Some(text::clean(&why).into_owned()),
            other => *answer = other,
        }
        true
    }

    fn requests(&self) -> Vec<RequestId> {
        vec![self.request]
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        let _ = shared;
        self.moved(|scroll, len, rows| scroll.mouse(event, len, rows));
        Outcome::none()
    }
}
