//! ControllerRevisions: the history of StatefulSets and DaemonSets.

use serde_json::{Value, json};

use super::{Cluster, pods};
use crate::demo::defaults;
use crate::demo::json::{canonical, int, name, namespace, text, uid};
use crate::demo::seed::template_hash;

/// The hash of a pod template, without the labels that controllers add to it. What an API server fills in counts as
/// filled in, so that a write that brings only defaults makes no new revision.
pub fn hash(template: &Value) -> String {
    let mut bare = template.clone();
    defaults::template(&mut bare);
    if let Some(labels) = bare.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
        labels.remove("rollouts-pod-template-hash");
    }
    if let Some(spec) = bare.get_mut("spec").and_then(Value::as_object_mut) {
        // The older name of serviceAccountName.
        spec.remove("serviceAccount");
    }
    // What an API server adds and a writer may leave out.
    if let Some(metadata) = bare.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
        metadata.retain(|_, v| !v.as_object().is_some_and(serde_json::Map::is_empty));
    }
    let mut bytes = Vec::new();
    canonical(&bare, &mut bytes);
    template_hash(&bytes)
}

impl Cluster {
    /// The hash of an object's pod template, remembered until its spec changes.
    pub fn template_hash(&mut self, owner: &Value) -> String {
        let generation = int(owner, "/metadata/generation");
        if let Some((known, hash)) = self.hashes.get(uid(owner))
            && *known == generation
        {
            return hash.clone();
        }
        let hash = hash(owner.pointer("/spec/template").unwrap_or(&Value::Null));
        self.hashes.insert(uid(owner).to_owned(), (generation, hash.clone()));
        hash
    }
}

/// Makes the revision of an object's present template if it is new, raises it if it was used before;
/// gives its hash.
pub fn ensure(cx: &mut Cluster, owner: &Value) -> String {
    let template = owner.pointer("/spec/template").cloned().unwrap_or(Value::Null);
    let hash = cx.template_hash(owner);
    let (ns, own) = (namespace(owner), name(owner));
    let all = cx.owned("controllerrevisions.apps", ns, uid(owner));
    let newest = all.iter().map(|r| int(r, "/revision")).max().unwrap_or(0);
    let revision_name = format!("{own}-{hash}");
    match all.iter().find(|r| name(r) == revision_name) {
        Some(known) if int(known, "/revision") == newest => {}
        Some(_) => {
            cx.update("controllerrevisions.apps", ns, &revision_name, |r| {
                r["revision"] = json!(newest + 1);
            });
        }
        None => {
            let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or(json!({}));
            labels["controller-revision-hash"] = json!(hash);
            let revision = json!({
                "apiVersion": "apps/v1", "kind": "ControllerRevision",
                "metadata": {"name": revision_name, "namespace": ns, "labels": labels,
                             "ownerReferences": [pods::reference(owner)]},
                "data": {"spec": {"template": with_patch(&template)}},
                "revision": newest + 1,
            });
            cx.create("controllerrevisions.apps", revision);
        }
    }
    hash
}

/// The template as revisions keep it: to be put in place of the present one.
fn with_patch(template: &Value) -> Value {
    let mut template = template.clone();
    template["$patch"] = json!("replace");
    template
}

/// The revision label of a pod.
pub fn of_pod(pod: &Value) -> &str {
    text(pod, "/metadata/labels/controller-revision-hash")
}
