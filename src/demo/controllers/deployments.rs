//! Deployments: a ReplicaSet for each template, and pods moved from the old to the new within what surge
//! and unavailability allow. `roll` moves, `report` says how it stands.

mod report;
mod roll;

use std::sync::Arc;

use serde_json::{Value, json};

use super::events::{self, NORMAL};
use super::replicasets::{self, Counts};
use super::{Cluster, pods};
use crate::demo::json::{deleting, entry, flag, int, map, name, namespace, set, text, uid};

/// The number of a ReplicaSet's or Deployment's template, oldest 1.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
/// Earlier numbers of a template that came back.
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// How many pods the Deployment wanted when it last scaled a ReplicaSet.
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// How many it would have allowed in all.
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Who speaks in events.
const COMPONENT: &str = "deployment-controller";

/// A ReplicaSet of a Deployment with its pods counted.
#[derive(Debug, Clone)]
struct Part {
    set: Arc<Value>,
    counts: Counts,
}

impl Part {
    fn replicas(&self) -> i64 {
        int(&self.set, "/spec/replicas")
    }
}

/// What one look at a Deployment works with.
#[derive(Debug)]
struct View {
    deployment: Arc<Value>,
    new: Option<Part>,
    /// Oldest first.
    old: Vec<Part>,
}

impl View {
    fn wanted(&self) -> i64 {
        self.deployment.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1).max(0)
    }

    fn all(&self) -> impl Iterator<Item = &Part> {
        self.new.iter().chain(&self.old)
    }

    fn total(&self) -> i64 {
        self.all().map(Part::replicas).sum()
    }

    /// Pods over the wanted number, and pods under it, that a rollout may have.
    fn bounds(&self) -> (i64, i64) {
        if text(&self.deployment, "/spec/strategy/type") == "Recreate" {
            return (0, 0);
        }
        let part = |key: &str, up: bool| {
            let value = self.deployment.pointer(&format!("/spec/strategy/rollingUpdate/{key}"));
            share(value.unwrap_or(&json!("25%")), self.wanted(), up)
        };
        let (surge, unavailable) = (part("maxSurge", true), part("maxUnavailable", false));
        if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
    }
}

/// A count or a percentage of `whole`.
pub fn share(value: &Value, whole: i64, up: bool) -> i64 {
    match value {
        Value::Number(n) => n.as_i64().unwrap_or(0),
        Value::String(s) => {
            let percent: i64 = s.trim_end_matches('%').parse().unwrap_or(0);
            let product = whole * percent;
            if up { (product + 99) / 100 } else { product / 100 }
        }
        _ => 0,
    }
}

/// Moves a Deployment one step on.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(deployment) = cx.get("deployments.apps", ns, own) else { return };
    if deleting(&deployment) {
        return;
    }
    let mut view = look(cx, deployment);
    let paused = flag(&view.deployment, "/spec/paused");
    if !paused {
        number(cx, &mut view);
    }
    if scaled_meanwhile(&view) || paused {
        roll::rescale(cx, &view);
    } else {
        if view.new.is_none() {
            make_set(cx, &mut view);
        }
        roll::step(cx, &view);
        roll::clean_up(cx, &view);
    }
    if let Some(deployment) = cx.get("deployments.apps", ns, own) {
        let view = look(cx, deployment);
        report::write(cx, &view);
    }
}

/// Finds a Deployment's ReplicaSets and counts their pods.
fn look(cx: &mut Cluster, deployment: Arc<Value>) -> View {
    let ns = namespace(&deployment).to_owned();
    let hash = cx.template_hash(&deployment);
    let mut parts: Vec<Part> = cx
        .owned("replicasets.apps", &ns, uid(&deployment))
        .into_iter()
        .map(|set| {
            let counts = replicasets::count(cx, &set);
            Part { set, counts }
        })
        .collect();
    parts.sort_by_key(|p| revision(&p.set));
    let at = parts.iter().position(|p| entry(&p.set, "/metadata/labels", "pod-template-hash") == hash);
    let new = at.map(|i| parts.remove(i));
    View { deployment, new, old: parts }
}

fn revision(set: &Value) -> i64 {
    entry(set, "/metadata/annotations", REVISION).parse().unwrap_or(0)
}

/// The new ReplicaSet carries the highest number, and the Deployment carries it too.
fn number(cx: &mut Cluster, view: &mut View) {
    let Some(new) = &mut view.new else { return };
    let ns = namespace(&view.deployment).to_owned();
    let highest = view.old.iter().map(|p| revision(&p.set)).max().unwrap_or(0);
    let current = revision(&new.set);
    let wanted = current.max(highest + 1);
    if wanted != current {
        let set_name = name(&new.set).to_owned();
        let updated = cx.update("replicasets.apps", &ns, &set_name, |s| {
            let past = entry(s, "/metadata/annotations", HISTORY).to_owned();
            let past = if past.is_empty() { current.to_string() } else { format!("{past},{current}") };
            if current != 0 {
                set(s, &["metadata", "annotations", HISTORY], json!(past));
            }
            set(s, &["metadata", "annotations", REVISION], json!(wanted.to_string()));
        });
        if let Some(set) = updated {
            new.set = set;
        }
    }
    let lacks = |set: &Value| {
        passed_on(&view.deployment).any(|(key, value)| set["metadata"]["annotations"].get(key) != Some(value))
    };
    if lacks(&new.set) {
        let updated = cx.update("replicasets.apps", &ns, name(&new.set), |s| {
            for (key, value) in passed_on(&view.deployment) {
                set(s, &["metadata", "annotations", key], value.clone());
            }
        });
        if let Some(set) = updated {
            new.set = set;
        }
    }
    carry(cx, &view.deployment, wanted);
}

/// The annotations that a Deployment's newest ReplicaSet gets from it, such as the cause of a change.
fn passed_on(deployment: &Value) -> impl Iterator<Item = (&String, &Value)> {
    map(deployment, "/metadata/annotations").into_iter().flatten().filter(|(key, _)| {
        *key != "kubectl.kubernetes.io/last-applied-configuration"
            && !key.starts_with("deployment.kubernetes.io/")
    })
}

fn carry(cx: &mut Cluster, deployment: &Value, revision: i64) {
    if entry(deployment, "/metadata/annotations", REVISION) != revision.to_string() {
        cx.update("deployments.apps", namespace(deployment), name(deployment), |d| {
            set(d, &["metadata", "annotations", REVISION], json!(revision.to_string()));
        });
    }
}

/// Whether the wanted number changed since the ReplicaSets were last scaled.
fn scaled_meanwhile(view: &View) -> bool {
    view.all().any(|p| {
        let noted = entry(&p.set, "/metadata/annotations", DESIRED);
        p.replicas() > 0 && !noted.is_empty() && noted.parse() != Ok(view.wanted())
    })
}

/// Makes the ReplicaSet of the present template.
fn make_set(cx: &mut Cluster, view: &mut View) {
    let deployment = view.deployment.clone();
    let ns = namespace(&deployment).to_owned();
    let mut template = deployment.pointer("/spec/template").cloned().unwrap_or(json!({}));
    let hash = cx.template_hash(&deployment);
    set(&mut template, &["metadata", "labels", "pod-template-hash"], json!(hash));
    let mut selector = deployment.pointer("/spec/selector").cloned().unwrap_or(json!({}));
    set(&mut selector, &["matchLabels", "pod-template-hash"], json!(hash));
    let number = view.old.iter().map(|p| revision(&p.set)).max().unwrap_or(0) + 1;
    let (surge, _) = view.bounds();
    let replicas = roll::first_size(view);
    let mut annotations = json!({});
    for (key, value) in passed_on(&deployment) {
        annotations[key] = value.clone();
    }
    annotations[REVISION] = json!(number.to_string());
    annotations[DESIRED] = json!(view.wanted().to_string());
    annotations[MAX] = json!((view.wanted() + surge).to_string());
    let set_name = format!("{}-{hash}", name(&deployment));
    let mut spec = json!({"replicas": replicas, "selector": selector, "template": template});
    if int(&deployment, "/spec/minReadySeconds") > 0 {
        spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"].clone();
    }
    let made = cx.create(
        "replicasets.apps",
        json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": set_name, "namespace": ns, "labels": template["metadata"]["labels"],
                         "annotations": annotations, "ownerReferences": [pods::reference(&deployment)]},
            "spec": spec, "status": {"replicas": 0},
        }),
    );
    carry(cx, &deployment, number);
    cx.note_progress(uid(&deployment));
    if let Some(set) = made {
        if replicas > 0 {
            let message = format!("Scaled up replica set {set_name} from 0 to {replicas}");
            events::tell(cx, &deployment, "", NORMAL, "ScalingReplicaSet", &message, COMPONENT);
        }
        report::created(cx, &deployment, &set_name);
        view.new = Some(Part { set, counts: Counts::default() });
    }
}

/// Sets a ReplicaSet's size and says so.
fn scale(cx: &mut Cluster, view: &View, part: &Part, size: i64) {
    let ns = namespace(&view.deployment).to_owned();
    let from = part.replicas();
    let (wanted, (surge, _)) = (view.wanted(), view.bounds());
    let set_name = name(&part.set).to_owned();
    cx.update("replicasets.apps", &ns, &set_name, |s| {
        set(s, &["spec", "replicas"], json!(size));
        set(s, &["metadata", "annotations", DESIRED], json!(wanted.to_string()));
        set(s, &["metadata", "annotations", MAX], json!((wanted + surge).to_string()));
    });
    if from == size {
        return;
    }
    let way = if size > from { "up" } else { "down" };
    let message = format!("Scaled {way} replica set {set_name} from {from} to {size}");
    events::tell(cx, &view.deployment, "", NORMAL, "ScalingReplicaSet", &message, COMPONENT);
}

#[cfg(test)]
mod tests {
    use super::share;
    use serde_json::json;

    #[test]
    fn surge_rounds_up_and_unavailable_down() {
        assert_eq!(share(&json!("25%"), 3, true), 1);
        assert_eq!(share(&json!("25%"), 3, false), 0);
        assert_eq!(share(&json!("25%"), 4, false), 1);
        assert_eq!(share(&json!(2), 10, true), 2);
    }
}
