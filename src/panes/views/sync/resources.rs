//! The objects that are delivered, with what follows from them, worst first.

use super::lines::{self, Line, blank, heading, said};
use super::{Item, SyncView};
use crate::domain::level::Level;
use crate::domain::sync_detail::{About, Lookup};
use crate::fleet::sync_tree::{Node, Teller};
use crate::panes::views::painted::Painted;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

pub(super) fn lines(view: &SyncView, about: &About, shared: &Shared) -> Vec<Line> {
    let nodes = &view.derived.nodes;
    let mut out = Vec::new();
    let delivered = nodes.iter().filter(|node| node.depth == 0 && !node.orphan).count();
    let count = |f: fn(&Node) -> bool| nodes.iter().filter(|node| node.depth == 0 && f(node)).count();
    let mut words = vec![crate::panes::views::words::counted(delivered, "object")];
    for (n, word) in [
        (count(|node| &*node.sync == "OutOfSync"), "out of sync"),
        (count(|node| node.missing), "missing"),
        (count(|node| node.prune), "to be pruned"),
        (count(|node| node.orphan), "of nobody"),
    ] {
        if n > 0 {
            words.push(format!("{n} {word}"));
        }
    }
    out.push(heading("Resources", &format!("{}, worst first", words.join(", "))));
    out.push(said(Role::Muted, &tellers(view, about, shared)));
    out.push(blank());
    if nodes.is_empty() {
        out.push(said(Role::Muted, "It has delivered nothing yet."));
    }
    let width = view.page.width();
    let several = several_namespaces(nodes);
    out.extend(nodes.iter().map(|node| line(node, width, several)));
    out
}

/// Where sync and health come from.
fn tellers(view: &SyncView, about: &About, shared: &Shared) -> String {
    let nodes = view.derived.nodes.iter().filter(|node| node.depth == 0);
    let told: Vec<Teller> = nodes.map(|node| node.teller).collect();
    let by = match about {
        About::Argo(app) if matches!(app.server, Lookup::Known(_)) => "Health by the Argo CD API",
        About::Argo(app) if app.health_elsewhere => {
            "The Application leaves out the health of single objects; health here is ours, from the live objects"
        }
        About::Argo(_) if told.contains(&Teller::Object) => "Health by the Application itself",
        _ => "Health is ours, from the live objects",
    };
    let blind = match view.derived.cluster.and_then(|id| shared.world.cluster(id)) {
        Some(cluster) if cluster.connection.link == crate::domain::link::Link::Live => "",
        Some(_) => "; their cluster is not connected, so what lives is not seen",
        None => "; no context leads to their cluster, so what lives is not seen",
    };
    format!("{by}{blind}.")
}

fn several_namespaces(nodes: &[Node]) -> bool {
    let mut seen = nodes
        .iter()
        .filter(|node| node.depth == 0 && !node.id.namespace.is_empty())
        .map(|node| &node.id.namespace);
    let first = seen.next();
    first.is_some_and(|first| seen.any(|other| other != first))
}

fn line(node: &Node, width: usize, several: bool) -> Line {
    // Two thirds of a narrow page are for the name.
    let name_width = (width * 2 / 5).clamp(18, 56);
    let indent = "  ".repeat(usize::from(node.depth));
    let short = node.id.known_kind().map_or(&*node.id.kind, |kind| kind.short());
    let namespace = if several && node.depth == 0 && !node.id.namespace.is_empty() {
        format!("{}/", node.id.namespace)
    } else {
        String::new()
    };
    let name = format!("{indent}{short} {namespace}{}", node.id.name);
    let mut line = Painted::role(
        if node.depth == 0 { Role::Text } else { Role::Muted },
        &text::cell(&text::fit_middle(&name, name_width), name_width),
    );
    line.push_plain(" ");
    let at = name_width + 1;
    if node.depth == 0 && !node.sync.is_empty() {
        line.append(&lines::sync(&node.sync));
    }
    line.pad_to(at + 12);
    if !node.health.is_empty() {
        line.append(&lines::health(&node.health));
    }
    line.pad_to(at + 24);
    let mut marks = Vec::new();
    if node.wave != 0 {
        marks.push(format!("wave {}", node.wave));
    }
    for (is, word) in [
        (node.hook, "hook"),
        (node.prune, "left Git: to be pruned"),
        (node.confirm, "waits for confirmation"),
        (node.orphan, "belongs to nobody"),
    ] {
        if is {
            marks.push(word.to_owned());
        }
    }
    if !marks.is_empty() {
        line.push(Role::Accent, &marks.join(", "));
        line.push_plain("  ");
    }
    let role = if node.level.is_fault() { Role::of_level(node.level) } else { Role::Muted };
    line.push(role, &node.note);
    let row = match &node.object {
        Some(object) => Item::Object(object.clone()),
        None => {
            Item::Line(format!("{}/{}/{}/{}", node.id.group, node.id.kind, node.id.namespace, node.id.name))
        }
    };
    let mut line = Line::row(line, row).indent(at.min(24));
    let shown = node.depth == 0 || node.level != Level::Ok;
    line.sign = shown.then_some(node.level);
    line
}
