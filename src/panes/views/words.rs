//! Words and small drawings that the views share.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::painted::{Painted, Place};
use crate::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use crate::domain::link::{Feed, Link};
use crate::domain::sync::FLUX;
use crate::domain::time::Stamp;
use crate::look::Look;
use crate::panes::words::link_words;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

/// `cart-7d9c-x2kfp` for a pod, `deploy/cart` for anything else.
pub fn object(object: &ObjectRef) -> String {
    match object.kind {
        Kind::Pod => object.name.to_string(),
        kind => format!("{}/{}", kind.short(), object.name),
    }
}

/// Why and since when what is known of a cluster is stale; `None` while it is fresh.
pub fn stale(shared: &Shared, cluster: ClusterId) -> Option<String> {
    let connection = &shared.world.cluster(cluster)?.connection;
    if matches!(connection.link, Link::Live | Link::Connecting) {
        return None;
    }
    let state = link_words(&connection.link, shared.now);
    Some(match connection.last_answer {
        Some(at) => format!("{} old · {state}", short_age(at, shared)),
        None => state,
    })
}

/// How long ago, in one unit: `6m`.
pub fn short_age(at: Stamp, shared: &Shared) -> String {
    text::age_short(i64::try_from(shared.now.wall.since(at)).unwrap_or(i64::MAX))
}

/// Whether an object that is watched is no longer there. What is not watched, or
/// not listed whole yet, is never called gone.
pub fn is_gone(shared: &Shared, object: &ObjectRef) -> bool {
    let Some(cluster) = shared.world.cluster(object.cluster) else { return false };
    if cluster.feed(object.kind).within(std::slice::from_ref(&object.namespace)) != Feed::Live {
        return false;
    }
    match object.kind {
        Kind::Pod => cluster.pods.get(object.uid).is_none(),
        Kind::ReplicaSet => cluster.replica_sets.get(object.uid).is_none(),
        Kind::Node => shared.world.find_node(object).is_none(),
        // One that a person named has no uid to be known by.
        Kind::Application => object.uid != Uid::default() && cluster.applications.get(object.uid).is_none(),
        kind if FLUX.contains(&kind) => {
            object.uid != Uid::default() && cluster.flux.get(object.uid).is_none()
        }
        kind if kind.is_workload() => cluster.workloads.get(object.uid).is_none(),
        _ => false,
    }
}

/// `1 line`, `2,048 lines`.
pub fn counted(n: usize, noun: &str) -> String {
    let end = if n == 1 { "" } else { "s" };
    format!("{} {noun}{end}", text::count(n as u64))
}

/// `20261121T143205Z`, for file names.
pub fn file_time(at: Stamp) -> String {
    jiff::Timestamp::from_second(at.0)
        .map(|at| at.strftime("%Y%m%dT%H%M%SZ").to_string())
        .unwrap_or_else(|_| at.0.to_string())
}

/// `14:31:59Z` of today, with the date before it on another day.
pub fn moment(at: Stamp, now: Stamp) -> String {
    let Ok(stamp) = jiff::Timestamp::from_second(at.0) else { return at.0.to_string() };
    let same_day = at.0.div_euclid(86_400) == now.0.div_euclid(86_400);
    stamp.strftime(if same_day { "%H:%M:%SZ" } else { "%Y-%m-%d %H:%MZ" }).to_string()
}

/// A name that is fit for a file: nothing that leads out of the folder.
pub fn file_name(name: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = name.chars().take(100).map(fit).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "object".to_owned() } else { name.to_owned() }
}

/// Draws lines wrapped, one below the other, with a column of space at the left.
pub fn paragraph(lines: &[Painted], look: &Look, area: Rect, buffer: &mut Buffer) {
    let margin = u16::from(area.width > 2);
    let area = Rect { x: area.x + margin, width: area.width - margin, ..area };
    let mut y = area.y;
    for line in lines {
        for part in line.rows(usize::from(area.width), 2) {
            if y >= area.bottom() {
                return;
            }
            let indent = if part.start > 0 && area.width > 4 { 2 } else { 0 };
            let place = Place { x: area.x + indent, y, width: area.width - indent, skip: 0 };
            line.draw(part, &[], look, look.style(Role::Text), place, buffer);
            y += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_lead_nowhere() {
        assert_eq!(file_name("cart-7d9c-x2kfp"), "cart-7d9c-x2kfp");
        assert_eq!(file_name("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(file_name(".."), "object");
        assert_eq!(file_time(Stamp(1_795_271_519)), "20261121T143159Z");
    }
}
