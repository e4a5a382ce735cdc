//! Parts that the tabs of the zoom share: headings, facts in a column, words of sync and health.

use super::Item;
use crate::domain::level::Level;
use crate::domain::time::Stamp;
use crate::fleet::sync_tree::health_level;
use crate::panes::views::page::PageLine;
use crate::panes::views::painted::Painted;
use crate::panes::views::words;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

pub(super) type Line = PageLine<Item>;

/// Columns of the names of facts.
pub(super) const NAMES: usize = 14;

pub(super) fn blank() -> Line {
    Line::text(Painted::default())
}

pub(super) fn said(role: Role, words: &str) -> Line {
    Line::text(Painted::role(role, words))
}

pub(super) fn heading(words: &str, more: &str) -> Line {
    let mut line = Painted::role(Role::Strong, words);
    if !more.is_empty() {
        line.push(Role::Muted, &format!("  {more}"));
    }
    Line::text(line)
}

pub(super) fn fact(name: &str, value: Painted) -> Line {
    let mut line = Painted::role(Role::Muted, &text::cell(name, NAMES));
    line.append(&value);
    Line::text(line).indent(NAMES)
}

pub(super) fn or_none(word: &str) -> &str {
    if word.is_empty() { "not told" } else { word }
}

/// `✓ Synced`, `≠ OutOfSync`: the sign is a word's own, so that it is told without colour.
pub(super) fn sync(word: &str) -> Painted {
    let (role, sign) = match word {
        "Synced" => (Role::Ok, "✓ "),
        "OutOfSync" => (Role::Differs, "≠ "),
        "" => return Painted::role(Role::Muted, "not told"),
        _ => (Role::Unknown, "? "),
    };
    Painted::role(role, &format!("{sign}{word}"))
}

pub(super) fn health(word: &str) -> Painted {
    match word {
        "" => Painted::role(Role::Muted, "not told"),
        word => Painted::role(Role::of_level(health_level(word)), word),
    }
}

/// `14:31:02Z, 57 s ago`
pub(super) fn moment(at: Option<Stamp>, shared: &Shared) -> Painted {
    let Some(at) = at else { return Painted::role(Role::Muted, "not told") };
    let now = shared.now.wall;
    let words = words::moment(at, now);
    let age = text::duration_words(now.since(at));
    match at > now {
        true => {
            Painted::plain(words).with(Role::Muted, &format!("  in {}", text::duration_words(at.since(now))))
        }
        false => Painted::plain(words).with(Role::Muted, &format!("  {age} ago")),
    }
}

/// A sentence with its level, and the way out below it.
pub(super) fn with_way(level: Level, says: &str, way: &str) -> Vec<Line> {
    let mut lines = vec![Line::text(Painted::role(Role::of_level(level), says)).sign(level)];
    if !way.is_empty() {
        lines.push(Line::text(Painted::plain(way.to_owned())));
    }
    lines
}

/// The role of an operation's phase.
pub(super) fn phase_level(phase: &str) -> Level {
    match phase {
        "Succeeded" | "Synced" | "Pruned" => Level::Ok,
        "Running" | "Terminating" => Level::Progressing,
        "Failed" | "Error" | "SyncFailed" => Level::Critical,
        "PruneSkipped" => Level::Warning,
        _ => Level::Unknown,
    }
}
