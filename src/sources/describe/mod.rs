//! An object described for people, in the order of `kubectl describe`: pure, from the object's JSON and its events.

mod network;
mod node;
mod pod;
mod sheet;
mod workload;

use serde_json::Value;

use crate::connect::problem::Fault;
use crate::domain::id::Kind;
use crate::domain::time::Stamp;
use crate::msg::{Document, EventFact};
use crate::text::{age, clean};
use sheet::{Sheet, at, text};

/// Describes an object. `events` may not have been to be had; then it says why.
pub(super) fn describe(
    kind: Kind,
    object: &Value,
    events: &Result<Vec<EventFact>, Fault>,
    now: Stamp,
) -> Document {
    let mut sheet = Sheet::new(now);
    head(&mut sheet, object);
    match kind {
        Kind::Pod => pod::describe(&mut sheet, object),
        Kind::Deployment
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::ReplicaSet
        | Kind::Job
        | Kind::CronJob
        | Kind::Rollout => workload::describe(&mut sheet, kind, object),
        Kind::Service => network::service(&mut sheet, object),
        Kind::Ingress => network::ingress(&mut sheet, object),
        Kind::Node => node::describe(&mut sheet, object),
        Kind::Secret => secret(&mut sheet, object),
        _ => rest(&mut sheet, object),
    }
    self::events(&mut sheet, events);
    Document { lines: sheet.into_lines(), ..Document::default() }
}

fn head(sheet: &mut Sheet, object: &Value) {
    sheet.field("Name", &text(at(object, "/metadata/name")));
    let namespace = text(at(object, "/metadata/namespace"));
    if !namespace.is_empty() {
        sheet.field("Namespace", &namespace);
    }
    sheet.time("CreationTimestamp", at(object, "/metadata/creationTimestamp"));
    if !at(object, "/metadata/deletionTimestamp").is_null() {
        sheet.time("Deleting since", at(object, "/metadata/deletionTimestamp"));
    }
    sheet.pairs("Labels", at(object, "/metadata/labels"));
    sheet.annotations(at(object, "/metadata/annotations"));
    let owners = at(object, "/metadata/ownerReferences").as_array();
    let owner = owners.and_then(|owners| owners.iter().find(|owner| owner["controller"] == true));
    if let Some(owner) = owner {
        sheet.field("Controlled By", &format!("{}/{}", text(&owner["kind"]), text(&owner["name"])));
    }
}

/// Names and lengths; never values.
fn secret(sheet: &mut Sheet, object: &Value) {
    sheet.field("Type", &text(at(object, "/type")));
    sheet.section("Data");
    for (key, value) in at(object, "/data").as_object().into_iter().flatten() {
        let coded = value.as_str().unwrap_or_default();
        let digits = coded.bytes().filter(|byte| *byte != b'=' && !byte.is_ascii_whitespace()).count();
        sheet.field(&clean(key), &format!("{} bytes", digits * 3 / 4));
    }
    sheet.end();
}

/// Kinds without a form of their own: spec and status as they are.
fn rest(sheet: &mut Sheet, object: &Value) {
    for (key, value) in object.as_object().into_iter().flatten() {
        if !matches!(&**key, "apiVersion" | "kind" | "metadata") {
            sheet.tree(&sheet::title(key), value);
        }
    }
}

fn events(sheet: &mut Sheet, events: &Result<Vec<EventFact>, Fault>) {
    let events = match events {
        Err(fault) => return sheet.field("Events", &format!("<not to be had: {}>", fault.words())),
        Ok(events) if events.is_empty() => return sheet.field("Events", "<none>"),
        Ok(events) => events,
    };
    sheet.section("Events");
    let now = sheet.now();
    let mut rows = vec![["Type", "Reason", "Age", "About", "Message"].map(str::to_owned).to_vec()];
    for event in events {
        let last = age(now.0.saturating_sub(event.last.0));
        let ages = match event.count {
            0 | 1 => last,
            count => format!("{last} (x{count} over {})", age(now.0.saturating_sub(event.first.0))),
        };
        rows.push(vec![
            event.event_type.to_string(),
            event.reason.to_string(),
            ages,
            event.about.clone(),
            event.message.clone(),
        ]);
    }
    sheet.table(rows);
    sheet.end();
}

#[cfg(test)]
mod tests;
