//! Events: what happened to an object, in the words of the component that did it.
//!
//! The same thing said again within ten minutes raises the count of the first event, as the real
//! recorders do; after an hour an event is forgotten.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Cluster, Timer};
use crate::demo::json::{name, namespace, text, uid};

/// How long an event is kept.
const KEPT: Duration = Duration::from_secs(3600);
/// How long repetitions count up one event.
const SAME: Duration = Duration::from_secs(600);

/// What was told: by object, reason and message the event's name and when it was last told.
#[derive(Debug, Default)]
pub struct Told {
    known: HashMap<String, Entry>,
    tidying: bool,
}

#[derive(Debug)]
struct Entry {
    ns: String,
    name: String,
    last: Duration,
}

/// An event's severity as the API spells it.
pub const NORMAL: &str = "Normal";
/// An event that wants attention.
pub const WARNING: &str = "Warning";

/// Tells an event about an object. `part` is the path of the part it is about (a container), or "".
pub fn tell(
    cx: &mut Cluster,
    object: &Value,
    part: &str,
    severity: &str,
    reason: &str,
    message: &str,
    component: &str,
) {
    let age = cx.store_age();
    if age > KEPT {
        return;
    }
    let key = format!("{}|{part}|{reason}|{message}", uid(object));
    let stamp = cx.clock.stamp();
    let now = cx.clock.now;
    if let Some(entry) = cx.told.known.get_mut(&key)
        && now.saturating_sub(entry.last) <= SAME
    {
        entry.last = now;
        let counted = cx.store.update("events", &entry.ns, &entry.name, |event| {
            let count = event["count"].as_i64().unwrap_or(1);
            event["count"] = json!(count + 1);
            event["lastTimestamp"] = json!(stamp);
        });
        if counted.is_ok() {
            return;
        }
    }
    let ns = match namespace(object) {
        "" => "default",
        ns => ns,
    };
    let n = cx.count("events");
    let event_name = format!("{}.{}", name(object), cx.seed.of("events").nth(n).hex(16));
    let mut involved = json!({
        "apiVersion": text(object, "/apiVersion"), "kind": text(object, "/kind"), "name": name(object),
        "uid": uid(object), "resourceVersion": text(object, "/metadata/resourceVersion"),
    });
    if !namespace(object).is_empty() {
        involved["namespace"] = json!(ns);
    }
    if !part.is_empty() {
        involved["fieldPath"] = json!(part);
    }
    let mut source = json!({"component": component});
    if component == "kubelet" {
        source["host"] = json!(text(object, "/spec/nodeName"));
    }
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": event_name, "namespace": ns, "creationTimestamp": stamp},
        "involvedObject": involved,
        "reason": reason, "message": message, "type": severity, "count": 1,
        "firstTimestamp": stamp, "lastTimestamp": stamp, "eventTime": null,
        "source": source, "reportingComponent": component,
        "reportingInstance": if component == "kubelet" { text(object, "/spec/nodeName") } else { "" },
    });
    match cx.store.create("events", event) {
        Ok(_) => {
            let entry = Entry { ns: ns.to_owned(), name: event_name, last: now };
            cx.told.known.insert(key, entry);
        }
        Err(error) => tracing::debug!(%error, "the demo could not tell an event"),
    }
    if !cx.told.tidying {
        cx.told.tidying = true;
        cx.after(Duration::from_secs(300), Timer::ForgetEvents);
    }
}

/// Forgets what is older than an hour.
pub fn forget(cx: &mut Cluster) {
    let now = cx.clock.now;
    let (old, known): (HashMap<_, _>, HashMap<_, _>) =
        std::mem::take(&mut cx.told.known).into_iter().partition(|(_, e)| now.saturating_sub(e.last) > KEPT);
    for entry in old.into_values() {
        // Somebody may have deleted it before us.
        if let Err(error) = cx.store.delete("events", &entry.ns, &entry.name) {
            tracing::debug!(%error, "an old event was gone already");
        }
    }
    cx.told.tidying = !known.is_empty();
    cx.told.known = known;
    if cx.told.tidying {
        cx.after(Duration::from_secs(300), Timer::ForgetEvents);
    }
}

impl Cluster {
    /// How far in the past the present stamps lie.
    fn store_age(&self) -> Duration {
        let age = jiff::Timestamp::now().duration_since(self.clock.timestamp());
        Duration::try_from(age).unwrap_or(Duration::ZERO)
    }
}
