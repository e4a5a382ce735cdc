//! Strategic merge patch: like a merge patch, but some lists merge by a key of their items, and directives order,
//! delete and replace. Which lists have which key is a fact of the built-in kinds' Go types; the keys below are those
//! of apps, batch, core, autoscaling and networking, by field name. Server-side apply is served with the same merge.

use serde_json::{Map, Value};

/// The key by which a list's items are told apart, if the field is such a list.
fn merge_key(field: &str, items: &[Value]) -> Option<&'static str> {
    Some(match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "resourceClaims"
        | "secrets"
        | "webhooks"
        | "matchConditions" => "name",
        "ports" if items.iter().any(|item| item.get("containerPort").is_some()) => "containerPort",
        "ports" if items.iter().any(|item| item.get("port").is_some()) => "port",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "hostAliases" | "podIPs" => "ip",
        "conditions" | "addresses" => "type",
        "topologySpreadConstraints" => "topologyKey",
        "ownerReferences" => "uid",
        _ => return None,
    })
}

fn merges_as_set(field: &str) -> bool {
    matches!(field, "finalizers" | "podCIDRs")
}

/// Merges a patch into an object.
pub fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    if let Value::Object(map) = object {
        merge_map(map, changes);
    }
}

fn merge_map(map: &mut Map<String, Value>, changes: &Map<String, Value>) {
    if changes.get("$patch").is_some_and(|directive| directive == "replace") {
        map.clear();
    }
    if changes.get("$patch").is_some_and(|directive| directive == "delete") {
        map.clear();
        return;
    }
    if let Some(kept) = changes.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| kept.iter().any(|k| k == key));
    }
    for (key, change) in changes {
        if let Some(field) = key.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = change.as_array().cloned().unwrap_or_default();
            if let Some(Value::Array(list)) = map.get_mut(field) {
                list.retain(|item| !gone.contains(item));
            }
        }
    }
    for (key, change) in changes.iter().filter(|(key, _)| !key.starts_with('$')) {
        match change {
            Value::Null => {
                map.remove(key);
            }
            Value::Array(items) => {
                let list = map.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
                merge_list(key, list, items);
            }
            Value::Object(inner) if inner.get("$patch").is_some_and(|d| d == "delete") => {
                map.remove(key);
            }
            other => merge(map.entry(key.clone()).or_insert(Value::Null), other),
        }
    }
    for (key, order) in changes {
        let Some(field) = key.strip_prefix("$setElementOrder/") else { continue };
        if let (Some(Value::Array(list)), Some(order)) = (map.get_mut(field), order.as_array()) {
            sort_by_order(field, list, order);
        }
    }
}

fn merge_list(field: &str, list: &mut Value, items: &[Value]) {
    let replaced = items.iter().any(|item| item.get("$patch").is_some_and(|d| d == "replace"));
    let present = list.as_array().cloned().unwrap_or_default();
    let key = merge_key(field, items).or_else(|| merge_key(field, &present));
    let Some(key) = key.filter(|_| !replaced) else {
        let mut result = if merges_as_set(field) && !replaced { present } else { Vec::new() };
        for item in items.iter().filter(|item| item.get("$patch").is_none()) {
            if !merges_as_set(field) || !result.contains(item) {
                result.push(item.clone());
            }
        }
        *list = Value::Array(result);
        return;
    };
    let mut result = present;
    // A port is told from another by its protocol too; a patch without one means TCP.
    let protocol = |v: &Value| v["protocol"].as_str().unwrap_or("TCP").to_owned();
    for item in items {
        let same = |other: &Value| {
            other.get(key) == item.get(key) && (field != "ports" || protocol(other) == protocol(item))
        };
        if item.get("$patch").is_some_and(|d| d == "delete") {
            result.retain(|other| other.get(key) != item.get(key));
        } else if let Some(other) = result.iter_mut().find(|other| same(other)) {
            merge(other, item);
        } else {
            let mut fresh = Value::Object(Map::new());
            merge(&mut fresh, item);
            result.push(fresh);
        }
    }
    let before = list.as_array().cloned().unwrap_or_default();
    let identity = |v: &Value| (v.get(key).cloned(), (field == "ports").then(|| protocol(v)));
    *list = Value::Array(woven(result, &before, items, identity));
}

/// The order that a merged list has when the patch gives none: items that the patch names stand in its order, the
/// others in theirs, and of two from both the one that stood first goes first; a new item goes before what follows.
fn woven<I: PartialEq>(
    mut merged: Vec<Value>,
    before: &[Value],
    items: &[Value],
    identity: impl Fn(&Value) -> I,
) -> Vec<Value> {
    let stood = |item: &Value| before.iter().position(|other| identity(other) == identity(item));
    let mut named = Vec::new();
    for item in items {
        if let Some(at) = merged.iter().position(|other| identity(other) == identity(item)) {
            named.push(merged.remove(at));
        }
    }
    let (mut named, mut others) = (named.into_iter().peekable(), merged.into_iter().peekable());
    let mut all = Vec::new();
    loop {
        let next = match (named.peek(), others.peek()) {
            (Some(item), Some(other)) if stood(item) > stood(other) => others.next(),
            (Some(_), _) => named.next(),
            (None, _) => others.next(),
        };
        match next {
            Some(item) => all.push(item),
            None => return all,
        }
    }
}

/// Puts the items that `order` names into its order; the others keep their distance from the start.
fn sort_by_order(field: &str, list: &mut [Value], order: &[Value]) {
    let key = merge_key(field, list);
    let place = |item: &Value| {
        order.iter().position(|wanted| match key {
            Some(key) => wanted.get(key) == item.get(key),
            None => wanted == item,
        })
    };
    let slots: Vec<usize> = (0..list.len()).filter(|&i| place(&list[i]).is_some()).collect();
    let mut named: Vec<Value> = slots.iter().map(|&i| list[i].clone()).collect();
    named.sort_by_key(|item| place(item));
    for (slot, item) in slots.into_iter().zip(named) {
        list[slot] = item;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(mut object: Value, patch: Value) -> Value {
        merge(&mut object, &patch);
        object
    }

    #[test]
    fn containers_env_and_ports_merge_by_key() {
        let object = json!({"spec":{"containers":[
            {"name":"app","image":"a:1","env":[{"name":"X","value":"1"}],"ports":[{"containerPort":80}]},
            {"name":"side","image":"s:1"}]}});
        let patch = json!({"spec":{"containers":[{"name":"app","image":"a:2","env":[{"name":"Y","value":"2"}],"ports":[{"containerPort":81}]}]}});
        assert_eq!(
            merged(object, patch),
            json!({"spec":{"containers":[
                {"name":"app","image":"a:2","env":[{"name":"Y","value":"2"},{"name":"X","value":"1"}],"ports":[{"containerPort":81},{"containerPort":80}]},
                {"name":"side","image":"s:1"}]}})
        );
    }

    #[test]
    fn directives_delete_replace_retain_and_order() {
        let object = json!({"volumes":[{"name":"a"},{"name":"b"},{"name":"c"}],"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}},"finalizers":["x","y"]});
        let patch = json!({
            "$setElementOrder/volumes":[{"name":"c"},{"name":"a"},{"name":"d"}],
            "volumes":[{"$patch":"delete","name":"b"},{"name":"d"}],
            "strategy":{"$retainKeys":["type"],"type":"Recreate"},
            "$deleteFromPrimitiveList/finalizers":["x"]});
        assert_eq!(
            merged(object, patch),
            json!({"volumes":[{"name":"c"},{"name":"a"},{"name":"d"}],"strategy":{"type":"Recreate"},"finalizers":["y"]})
        );
        let replaced = merged(
            json!({"env":[{"name":"a"}],"m":{"a":1}}),
            json!({"env":[{"$patch":"replace"},{"name":"b"}],"m":{"$patch":"replace","b":2}}),
        );
        assert_eq!(replaced, json!({"env":[{"name":"b"}],"m":{"b":2}}));
    }

    #[test]
    fn lists_without_key_replace_and_nulls_remove() {
        let object =
            json!({"tolerations":[{"key":"a"}],"conditions":[{"type":"Ready","status":"True"}],"x":1});
        let patch =
            json!({"tolerations":[{"key":"b"}],"conditions":[{"type":"Ready","status":"False"}],"x":null});
        assert_eq!(
            merged(object, patch),
            json!({"tolerations":[{"key":"b"}],"conditions":[{"type":"Ready","status":"False"}]})
        );
    }
}
