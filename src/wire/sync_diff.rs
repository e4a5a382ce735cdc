//! How an object differs from what it should be, field by field: two JSON texts compared, or the fields that others
//! than the delivering controller own. Values of a Secret never leave this room.

use std::collections::BTreeMap;

use serde_json::Value;

use super::stamp;
use crate::domain::sync_detail::{FieldChange, FieldOwner, Found};
use crate::text::{clean, fit};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Most fields that are told of one object.
const MOST: usize = 200;
/// Cells of a value that are told.
const VALUE: usize = 200;

/// The field managers of Argo CD and Flux.
const DELIVERERS: [&str; 6] = [
    "argocd-controller",
    "argocd-application-controller",
    "kustomize-controller",
    "helm-controller",
    "flux-client-side-apply",
    "gotk-kustomize-controller",
];

/// What a live object says of itself: last applied against live, or who owns which field.
pub fn of_live(live: &Value) -> Found {
    let secret = is_secret(live);
    let note = live.pointer("/metadata/annotations").and_then(|notes| notes.get(LAST_APPLIED));
    if let Some(text) = note.and_then(Value::as_str)
        && let Ok(wanted) = serde_json::from_str::<Value>(text)
    {
        return Found::LastApplied(wanted_fields(&wanted, live, secret));
    }
    let managed = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let Some(managed) = managed else { return Found::Untold };
    let manager = |entry: &Value| entry.get("manager").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !managed.iter().any(|entry| DELIVERERS.contains(&manager(entry).as_str())) {
        return Found::Untold;
    }
    let mut owners: Vec<FieldOwner> = managed
        .iter()
        .filter(|entry| !DELIVERERS.contains(&manager(entry).as_str()))
        // The status and the scale of an HPA are written by controllers as they should be.
        .filter(|entry| entry.get("subresource").and_then(Value::as_str) != Some("status"))
        .map(|entry| {
            let mut fields = Vec::new();
            if let Some(tree) = entry.get("fieldsV1") {
                owned(tree, String::new(), &mut fields, 0);
            }
            fields.retain(|field| !is_of_no_account(field));
            fields.sort();
            fields.truncate(MOST);
            FieldOwner {
                manager: clean(&manager(entry)).into(),
                operation: clean(entry.get("operation").and_then(Value::as_str).unwrap_or_default()).into(),
                at: entry.get("time").and_then(Value::as_str).and_then(stamp::parse),
                fields,
            }
        })
        .filter(|owner| !owner.fields.is_empty())
        .collect();
    owners.sort_by_key(|owner| std::cmp::Reverse(owner.at));
    Found::Owners(owners)
}

/// The fields that one side says and the other does not say alike: the API server's own comparison.
pub fn of_server(wanted: Option<&Value>, live: Option<&Value>) -> Found {
    match (wanted, live) {
        (None, None) => Found::Untold,
        (Some(_), None) => Found::Missing,
        (None, Some(_)) => Found::Extra,
        (Some(wanted), Some(live)) => {
            let secret = is_secret(wanted) || is_secret(live);
            let mut out = Vec::new();
            compare(
                Some(wanted),
                Some(live),
                String::new(),
                &mut Walk { secret, whole: true, out: &mut out, depth: 0 },
            );
            Found::Git(told(out))
        }
    }
}

/// Fields of `wanted` that are not so in `live`; what only `live` has was filled in by the cluster.
fn wanted_fields(wanted: &Value, live: &Value, secret: bool) -> Vec<FieldChange> {
    let mut out = Vec::new();
    compare(
        Some(wanted),
        Some(live),
        String::new(),
        &mut Walk { secret, whole: false, out: &mut out, depth: 0 },
    );
    told(out)
}

fn told(mut changes: Vec<FieldChange>) -> Vec<FieldChange> {
    changes.retain(|change| !is_of_no_account(&change.path));
    changes.truncate(MOST);
    changes
}

/// Bookkeeping of the API server that is nobody's wish.
fn is_of_no_account(path: &str) -> bool {
    const PREFIXES: [&str; 8] = [
        "status",
        "metadata.managedFields",
        "metadata.resourceVersion",
        "metadata.uid",
        "metadata.generation",
        "metadata.creationTimestamp",
        "metadata.selfLink",
        "metadata.annotations.deployment.kubernetes.io/revision",
    ];
    path.contains(LAST_APPLIED)
        || PREFIXES.iter().any(|prefix| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
}

fn is_secret(value: &Value) -> bool {
    value.get("kind").and_then(Value::as_str) == Some("Secret")
}

struct Walk<'a> {
    secret: bool,
    /// Both ways; else only what is wanted.
    whole: bool,
    out: &'a mut Vec<FieldChange>,
    depth: usize,
}

fn compare(wanted: Option<&Value>, live: Option<&Value>, path: String, walk: &mut Walk<'_>) {
    if wanted == live || walk.depth > 60 || walk.out.len() > 4 * MOST {
        return;
    }
    walk.depth += 1;
    match (wanted, live) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for (key, value) in a {
                // A null that was applied asks for absence.
                if (value.is_null() || is_dropped(key, value)) && !b.contains_key(key) {
                    continue;
                }
                compare(Some(value), b.get(key), join(&path, key), walk);
            }
            if walk.whole {
                for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                    compare(None, Some(value), join(&path, key), walk);
                }
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => lists(a, b, &path, walk),
        _ if same_amount(wanted, live) => {}
        (wanted, live) => walk.out.push(FieldChange {
            wanted: wanted.map(|value| shown(value, &path, walk.secret)),
            live: live.map(|value| shown(value, &path, walk.secret)),
            path: clean(&path).into_owned(),
        }),
    }
    walk.depth -= 1;
}

/// What is empty and not kept: the API server drops lists and maps of texts without entries. Other objects count by being
/// there (`emptyDir: {}`).
fn is_dropped(key: &str, value: &Value) -> bool {
    const MAPS: [&str; 7] =
        ["annotations", "labels", "matchLabels", "nodeSelector", "data", "limits", "requests"];
    match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty() && MAPS.contains(&key),
        _ => false,
    }
}

/// Elements are told apart by what Kubernetes tells them apart by, where they have it; else by their place.
fn lists(a: &[Value], b: &[Value], path: &str, walk: &mut Walk<'_>) {
    let keys = |list: &[Value]| -> Option<BTreeMap<String, usize>> {
        let mut found = BTreeMap::new();
        for (at, item) in list.iter().enumerate() {
            if found.insert(element(item)?, at).is_some() {
                return None;
            }
        }
        Some(found)
    };
    let whole = walk.whole;
    match (keys(a), keys(b)) {
        (Some(left), Some(right)) => {
            for (key, at) in &left {
                let other = right.get(key).and_then(|at| b.get(*at));
                compare(a.get(*at), other, format!("{path}[{key}]"), walk);
            }
            let only_live = right.iter().filter(|(key, _)| !left.contains_key(*key));
            for (key, at) in only_live.filter(|_| whole) {
                compare(None, b.get(*at), format!("{path}[{key}]"), walk);
            }
        }
        _ => {
            let most = if walk.whole { a.len().max(b.len()) } else { a.len() };
            for at in 0..most {
                compare(a.get(at), b.get(at), format!("{path}[{at}]"), walk);
            }
            // Without keys a list is one whole: what follows at its end was not wanted.
            for at in most..b.len() {
                compare(None, b.get(at), format!("{path}[{at}]"), walk);
            }
        }
    }
}

fn element(item: &Value) -> Option<String> {
    let item = item.as_object()?;
    if let Some(name) = item.get("name").and_then(Value::as_str) {
        return Some(name.to_owned());
    }
    for key in ["containerPort", "port", "mountPath", "ip", "key"] {
        if let Some(value) = item.get(key) {
            let protocol = item.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return Some(if key.ends_with("ort") { format!("{value}/{protocol}") } else { value });
        }
    }
    None
}

/// Amounts that are written in two ways: `1000m` and `1`, `"80"` and `80`.
fn same_amount(wanted: Option<&Value>, live: Option<&Value>) -> bool {
    let (Some(wanted), Some(live)) = (wanted, live) else { return false };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let (Some(wanted), Some(live)) = (text(wanted), text(live)) else { return false };
    if wanted == live {
        return true;
    }
    // Only what looks like an amount: an image's tag is none.
    let amount = |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains([':', '/']);
    amount(&wanted)
        && amount(&live)
        && super::quantity::milli(&wanted).is_some()
        && super::quantity::milli(&wanted) == super::quantity::milli(&live)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn shown(value: &Value, path: &str, secret: bool) -> String {
    if secret && (path.starts_with("data") || path.starts_with("stringData") || path.contains("annotations"))
    {
        return "•••••• (not shown)".to_owned();
    }
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    fit(&clean(&text), VALUE).into_owned()
}

/// The paths of a `fieldsV1` tree.
fn owned(tree: &Value, path: String, out: &mut Vec<String>, depth: usize) {
    let Some(fields) = tree.as_object() else { return };
    if depth > 60 || out.len() > 4 * MOST {
        return;
    }
    let mut leaf = true;
    for (key, inner) in fields {
        let next = if let Some(name) = key.strip_prefix("f:") {
            join(&path, name)
        } else if let Some(keys) = key.strip_prefix("k:") {
            let keys = serde_json::from_str::<Value>(keys).ok();
            let named = keys.as_ref().and_then(element).unwrap_or_else(|| "…".to_owned());
            format!("{path}[{named}]")
        } else if let Some(value) = key.strip_prefix("v:") {
            format!("{path}[{value}]")
        } else {
            continue;
        };
        leaf = false;
        owned(inner, next, out, depth + 1);
    }
    if leaf && !path.is_empty() {
        out.push(clean(&path).into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::argocd_detail::tests::any_json;
    use proptest::prelude::*;
    use serde_json::json;

    fn with_note(mut live: Value, applied: &Value) -> Value {
        live["metadata"]["annotations"][LAST_APPLIED] = applied.to_string().into();
        live
    }

    fn lines(found: &Found) -> Vec<String> {
        let (Found::LastApplied(changes) | Found::Git(changes)) = found else { panic!("{found:?}") };
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
        changes.iter().map(|c| format!("{}: {} → {}", c.path, text(&c.wanted), text(&c.live))).collect()
    }

    #[test]
    fn what_was_applied_is_held_against_what_is() {
        let applied = json!({"kind": "Deployment", "metadata": {"name": "cart", "labels": {"a": "1"}}, "spec": {"replicas": 3,
            "paused": null, "template": {"spec": {"containers": [{"name": "side", "image": "s:1"}, {"name": "cart",
            "image": "cart:1.31.0", "args": ["a"], "resources": {"limits": {"cpu": "1000m"}}}]}}}});
        let live = json!({"kind": "Deployment", "metadata": {"name": "cart", "uid": "1", "labels": {"a": "1", "b": "2"}},
            "status": {"replicas": 5}, "spec": {"replicas": 5, "strategy": {"type": "RollingUpdate"}, "template": {"spec":
            {"containers": [{"name": "cart", "image": "cart:1.30.4", "args": ["a", "b"], "resources": {"limits": {"cpu": "1"}}},
            {"name": "side", "image": "s:1", "imagePullPolicy": "Always"}]}}}});
        assert_eq!(
            lines(&of_live(&with_note(live, &applied))),
            [
                "spec.replicas: 3 → 5",
                "spec.template.spec.containers[cart].args[1]: absent → b",
                "spec.template.spec.containers[cart].image: cart:1.31.0 → cart:1.30.4",
            ]
        );
    }

    #[test]
    fn what_the_api_server_drops_since_it_is_empty_does_not_differ() {
        let applied =
            json!({"metadata": {"labels": {}}, "spec": {"tolerations": [], "volumes": {"emptyDir": {}}}});
        let live = json!({"metadata": {"name": "cart"}, "spec": {"volumes": {"hostPath": {"path": "/"}}}});
        assert_eq!(lines(&of_live(&with_note(live, &applied))), ["spec.volumes.emptyDir: {} → absent"]);
    }

    #[test]
    fn secrets_tell_that_they_differ_and_nothing_more() {
        let applied = json!({"kind": "Secret", "data": {"password": "aHVudGVyMg=="}});
        let live =
            json!({"kind": "Secret", "data": {"password": "b3RoZXI="}, "metadata": {"annotations": {}}});
        let found = lines(&of_live(&with_note(live.clone(), &applied)));
        assert_eq!(found.len(), 1);
        assert!(!found[0].contains("aHVudGVyMg") && !found[0].contains("b3RoZXI"), "{found:?}");
        let found = lines(&of_server(Some(&applied), Some(&live)));
        assert!(!found.concat().contains("b3RoZXI"), "{found:?}");
    }

    #[test]
    fn applied_by_the_server_there_are_only_owners() {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:template": {}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {"f:x": {}}}},
            {"manager": "kubectl-scale", "operation": "Update", "time": "2026-11-21T14:20:00Z", "subresource": "scale",
                "fieldsV1": {"f:spec": {"f:replicas": {}, "f:containers": {"k:{\"name\":\"cart\"}": {".": {}, "f:image": {}}}}}}]}});
        let Found::Owners(owners) = of_live(&live) else { panic!() };
        assert_eq!(owners.len(), 1);
        assert_eq!(&*owners[0].manager, "kubectl-scale");
        assert_eq!(owners[0].fields, ["spec.containers[cart].image", "spec.replicas"]);
        assert_eq!(of_live(&json!({"metadata": {}})), Found::Untold);
    }

    #[test]
    fn the_api_servers_comparison_goes_both_ways() {
        let (wanted, live) = (json!({"spec": {"a": 1}}), json!({"spec": {"a": 1, "b": {"c": 2}}}));
        assert_eq!(lines(&of_server(Some(&wanted), Some(&live))), ["spec.b: absent → {\"c\":2}"]);
        assert_eq!(of_server(Some(&wanted), None), Found::Missing);
        assert_eq!(of_server(None, Some(&live)), Found::Extra);
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(value in any_json()) {
            prop_assert_eq!(of_server(Some(&value), Some(&value)), Found::Git(Vec::new()));
            let mut live = value.clone();
            if live.get("metadata").is_some_and(Value::is_object) {
                live["metadata"]["annotations"] = json!({LAST_APPLIED: value.to_string()});
                let mut applied = value;
                applied["metadata"]["annotations"] = Value::Null;
                // The note itself is no field that anybody wants.
                let found = of_live(&live);
                prop_assert!(matches!(&found, Found::LastApplied(changes) if changes.iter().all(|c| c.path.starts_with("metadata.annotations"))), "{:?}", found);
            }
        }

        #[test]
        fn whatever_comes_is_compared(a in any_json(), b in any_json()) {
            of_server(Some(&a), Some(&b));
            of_live(&a);
        }
    }
}
