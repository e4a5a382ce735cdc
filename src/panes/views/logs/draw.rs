//! Paints the visible lines of a log and how its stream stands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fields;
use super::place::Measure;
use super::{LogView, Phase};
use crate::action::Action;
use crate::look::Look;
use crate::panes::views::painted::{Painted, Place};
use crate::panes::views::scroll::above_status;
use crate::panes::views::words;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

impl LogView {
    pub(super) fn paint(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let (body, status) = above_status(area);
        if self.store.len() == 0 {
            words::paragraph(&self.nothing(shared), look, body, buffer);
        } else {
            self.lines(look, focused, body, buffer);
        }
        if let Some(row) = status {
            self.status(shared, look, row, buffer);
        }
    }

    fn lines(&self, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        let measure = Measure {
            store: &self.store,
            sources: &self.sources,
            wrap: self.wrap,
            times: self.times,
            json: self.json,
        };
        let width = usize::from(area.width);
        let prefix = measure.prefix(width);
        let indent = u16::try_from(prefix).unwrap_or(0).min(area.width);
        let shown = self.scroll.shown(self.store.len(), &|line| measure.rows(width, line));
        let mut current: Option<(usize, Painted, Vec<std::ops::Range<usize>>)> = None;
        for (y, place) in (area.y..area.bottom()).zip(shown) {
            let Some(line) = self.store.get(place.line) else { break };
            if current.as_ref().is_none_or(|(at, ..)| *at != place.line) {
                let painted = measure.body(line);
                let hits = self.search.ranges(painted.text());
                current = Some((place.line, painted, hits));
            }
            let Some((_, painted, hits)) = &current else { break };
            let base = look.style(Role::Text);
            if place.row == 0 && prefix > 0 {
                let mut before = Painted::default();
                if self.times {
                    let time = if line.key.at > 0 { fields::clock(line.key.at) } else { String::new() };
                    before.push(Role::LogTime, &text::cell(&time, 13));
                }
                if let Some(source) = self.sources.get(line.source)
                    && self.sources.width() > 0
                {
                    before.push(
                        Role::series(usize::from(line.source)),
                        &text::cell(&source.label, self.sources.width()),
                    );
                }
                let at = Place { x: area.x, y, width: indent, skip: 0 };
                before.draw_row(look, base, at, buffer);
            }
            let rows = if self.wrap {
                painted.rows(width.saturating_sub(prefix), 0)
            } else {
                std::iter::once(0..painted.text().len()).collect()
            };
            let Some(part) = rows.get(place.row).cloned() else { continue };
            let skip = if self.wrap { 0 } else { self.scroll.x };
            let at = Place { x: area.x + indent, y, width: area.width - indent, skip };
            painted.draw(part, hits, look, base, at, buffer);
            if !self.scroll.is_following() && place.line == self.scroll.cursor {
                let role = if focused { Role::Selection } else { Role::SelectionIdle };
                buffer.set_style(Rect { y, height: 1, ..area }, look.style(role));
            }
        }
    }

    /// The status of one of the log's pods, as the list has it.
    fn pod_status<'a>(&self, shared: &'a Shared, name: &str) -> Option<&'a str> {
        let cluster = shared.world.cluster(self.object.cluster)?;
        let mut pods = cluster.pods.iter().map(|(_, pod)| pod);
        let pod = pods.find(|pod| &*pod.name == name && pod.namespace == self.object.namespace)?;
        Some(&pod.status)
    }

    /// What to say where lines would be.
    fn nothing(&self, shared: &Shared) -> Vec<Painted> {
        let name = self.name();
        let mut lines = Vec::new();
        if let Phase::Failed(why) = &self.phase {
            lines.push(Painted::role(Role::Critical, &format!("The logs of {name} cannot be read: {why}")));
            lines.push(Painted::role(Role::Muted, &format!("{} asks again.", shared.key(Action::Follow))));
            return lines;
        }
        if self.store.total() > 0 {
            let what = match &self.only {
                Some(only) if self.search.is_empty() => format!("container {only} has written none of them"),
                Some(only) => format!("none of {only} matches /{}", self.search.text()),
                None => format!("none matches /{}", self.search.text()),
            };
            let total = words::counted(self.store.total(), "line");
            lines.push(Painted::role(Role::Muted, &format!("{total}, {what}.")));
            return lines;
        }
        if self.gone {
            lines.push(Painted::role(Role::Warning, &format!("{name} is gone.")));
        }
        for source in self.sources.iter() {
            let whose = format!("{} in {}", source.container, source.pod);
            match &source.ended {
                Some(reason) if reason.is_empty() => {
                    lines.push(Painted::role(
                        Role::Muted,
                        &format!("{whose} has ended and has written nothing."),
                    ));
                }
                Some(reason) => lines.push(Painted::role(Role::Warning, &format!("{whose}: {reason}"))),
                None if !source.hindered.is_empty() => {
                    lines.push(Painted::role(Role::Warning, &format!("{whose}: {}", source.hindered)));
                }
                None => {
                    let state = match self.pod_status(shared, &source.pod) {
                        Some(status) if status != "Running" => format!(" The pod is {status}."),
                        _ => String::new(),
                    };
                    lines.push(Painted::role(
                        Role::Muted,
                        &format!("{whose} has written nothing yet.{state}"),
                    ));
                }
            }
        }
        if lines.is_empty() && !self.hindered.is_empty() {
            let words = format!("The logs of {name}: {}", self.hindered);
            lines.push(Painted::role(Role::Warning, &words));
        }
        if lines.is_empty() {
            let words = match (&self.phase, self.previous) {
                (Phase::Asked, _) => format!("Asking for the logs of {name}…"),
                (_, true) => format!("{name} has no container that ended before."),
                _ => format!("Waiting for a container of {name} to start."),
            };
            lines.push(Painted::role(Role::Muted, &words));
        }
        lines
    }

    /// The last row: how the stream stands, and what is not on the screen.
    fn status(&self, shared: &Shared, look: &Look, area: Rect, buffer: &mut Buffer) {
        let dot = format!(" {} ", look.symbols.dot);
        let mut line = Painted::default();
        let mut add = |role: Role, words: String| {
            if !line.text().is_empty() {
                line.push(Role::Muted, &dot);
            }
            line.push(role, &words);
        };
        match &self.phase {
            Phase::Failed(why) => add(Role::Critical, format!("broken off: {why}")),
            _ if self.paused => {
                let held = self.held.total().saturating_add(usize::try_from(self.held.let_go()).unwrap_or(0));
                let held = words::counted(held, "line");
                add(Role::Warning, format!("paused, {held} held back ({})", shared.key(Action::Pause)));
            }
            _ if self.gone => add(Role::Warning, "gone".to_owned()),
            _ if self.sources.all_ended() => add(Role::Idle, "ended".to_owned()),
            _ if let Some(reason) = self.hindered() => add(Role::Warning, reason.to_owned()),
            Phase::Asked => add(Role::Progressing, "asking".to_owned()),
            Phase::Live if self.scroll.is_following() => add(Role::Ok, "following".to_owned()),
            Phase::Live => add(Role::Text, "not following".to_owned()),
        }
        if self.below > 0 {
            let below = text::count(self.below as u64);
            add(Role::Accent, format!("{below} new below ({})", shared.key(Action::Bottom)));
        }
        if self.store.let_go() > 0 {
            let (gone, kept) = (text::count(self.store.let_go()), text::bytes(self.store.bytes() as u64));
            add(Role::Warning, format!("{gone} older lines let go to stay within {kept}"));
        }
        if self.sources.len() > 1 {
            let ended = self.sources.iter().filter(|source| source.ended.is_some()).count();
            let mut words = format!("{} containers", self.sources.len());
            if ended > 0 && !self.sources.all_ended() {
                words.push_str(&format!(", {ended} ended"));
            }
            add(Role::Muted, words);
        }
        if self.scroll.x > 0 {
            add(Role::Muted, format!("from column {}", self.scroll.x + 1));
        }
        if self.store.len() > 0 && !self.scroll.is_following() {
            let (at, all) = (self.scroll.cursor as u64 + 1, self.store.len() as u64);
            add(Role::Muted, format!("line {} of {}", text::count(at), text::count(all)));
        }
        let place = Place { x: area.x, y: area.y, width: area.width, skip: 0 };
        line.draw_row(look, look.style(Role::Muted), place, buffer);
    }
}
