//! The collector: what is owned goes when its owner is gone (or before it, when asked so), and a
//! namespace takes everything in it along. Also what every new namespace gets.

use serde_json::{Value, json};

use super::{Cluster, WATCHED};
use crate::demo::json::{items, name, namespace, text, uid};

/// The mark of an object that waits for what it owns to go first.
const FOREGROUND: &str = "foregroundDeletion";

/// An object is gone: those that only it owned go too.
pub fn owner_gone(cx: &mut Cluster, ns: &str, owner: &str) {
    for (resource, object) in dependents(cx, ns, owner) {
        let others = items(&object, "/metadata/ownerReferences").len() > 1;
        if others {
            cx.update(resource, namespace(&object), name(&object), |o| {
                if let Some(list) = o.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) {
                    list.retain(|r| text(r, "/uid") != owner);
                }
            });
        } else {
            cx.delete(resource, namespace(&object), name(&object));
        }
        // The last dependent may free an owner that waits.
        waiting_owners(cx, &object);
    }
}

/// An object waits to be deleted until what it owns is gone.
pub fn foreground(cx: &mut Cluster, resource: &'static str, object: &Value) {
    let waits = items(object, "/metadata/finalizers").iter().any(|f| f.as_str() == Some(FOREGROUND));
    if !waits {
        return;
    }
    let (ns, own) = (namespace(object).to_owned(), name(object).to_owned());
    let left = dependents(cx, &ns, uid(object));
    for (kind, dependent) in &left {
        if !crate::demo::json::deleting(dependent) {
            cx.delete(kind, namespace(dependent), name(dependent));
        }
    }
    if dependents(cx, &ns, uid(object)).is_empty() {
        cx.update(resource, &ns, &own, |o| {
            if let Some(list) = o.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut) {
                list.retain(|f| f.as_str() != Some(FOREGROUND));
            }
        });
    }
}

/// Looks again at the owners of an object that is gone or going.
pub fn waiting_owners(cx: &mut Cluster, object: &Value) {
    for owner in items(object, "/metadata/ownerReferences") {
        for resource in WATCHED {
            if let Some(found) = cx.get(resource, namespace(object), text(owner, "/name"))
                && uid(&found) == text(owner, "/uid")
                && crate::demo::json::deleting(&found)
            {
                foreground(cx, resource, &found);
            }
        }
    }
}

fn dependents(cx: &Cluster, ns: &str, owner: &str) -> Vec<(&'static str, std::sync::Arc<Value>)> {
    let mut found = Vec::new();
    let within = (!ns.is_empty()).then_some(ns);
    for resource in WATCHED {
        for object in cx.list(resource, within) {
            let owned = items(&object, "/metadata/ownerReferences").iter().any(|r| text(r, "/uid") == owner);
            if owned {
                found.push((resource, object));
            }
        }
    }
    found
}

/// What every namespace has: its default account and the cluster's certificate.
pub fn namespace_made(cx: &mut Cluster, own: &str) {
    if cx.store.entry("serviceaccounts", own, "default").is_none() {
        cx.create(
            "serviceaccounts",
            json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": own}}),
        );
    }
    if cx.store.entry("configmaps", own, "kube-root-ca.crt").is_none() {
        cx.create("configmaps", json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "kube-root-ca.crt", "namespace": own},
            "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nbm90IGEgcmVhbCBjZXJ0aWZpY2F0ZQ==\n-----END CERTIFICATE-----\n"}}));
    }
}

/// A namespace is gone, and with it all that was in it.
pub fn empty_namespace(cx: &mut Cluster, own: &str) {
    for resource in WATCHED.into_iter().filter(|r| *r != "pods") {
        for object in cx.list(resource, Some(own)) {
            cx.delete(resource, own, name(&object));
        }
    }
    for pod in cx.list("pods", Some(own)) {
        cx.delete_now("pods", own, name(&pod));
    }
    for resource in cx.store.resources() {
        for (ns, object) in cx.store.keys(&resource) {
            if ns == own
                && let Err(error) = cx.store.delete(&resource, &ns, &object)
            {
                tracing::debug!(%error, "an object was gone before its namespace");
            }
        }
    }
}
