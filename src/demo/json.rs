//! Short ways to read and change JSON objects by path. They never fail: what is absent reads as
//! empty or zero, as clients of the Kubernetes API have to read it.

use serde_json::{Map, Value};

/// What stands at a path of keys and places such as `/spec/containers/0/name`. Unlike a JSON pointer it knows
/// no escapes (keys with a slash are reached by [`entry`]), and so costs no copies.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').skip(1).try_fold(value, |value, key| match value {
        Value::Object(m) => m.get(key),
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The text at a JSON pointer, or "".
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).and_then(Value::as_str).unwrap_or("")
}

/// The whole number at a JSON pointer, or 0.
pub fn int(value: &Value, pointer: &str) -> i64 {
    at(value, pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// The truth at a JSON pointer, or false.
pub fn flag(value: &Value, pointer: &str) -> bool {
    at(value, pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// The array at a JSON pointer, or an empty one.
pub fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    at(value, pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The object at a JSON pointer, if there is one.
pub fn map<'a>(value: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    at(value, pointer).and_then(Value::as_object)
}

/// An annotation's or label's text (keys may hold slashes, so no pointer), or "".
pub fn entry<'a>(value: &'a Value, pointer: &str, key: &str) -> &'a str {
    map(value, pointer).and_then(|m| m.get(key)).and_then(Value::as_str).unwrap_or("")
}

/// An object's name.
pub fn name(value: &Value) -> &str {
    text(value, "/metadata/name")
}

/// An object's namespace, "" for cluster-scoped ones.
pub fn namespace(value: &Value) -> &str {
    text(value, "/metadata/namespace")
}

/// An object's uid.
pub fn uid(value: &Value) -> &str {
    text(value, "/metadata/uid")
}

/// Whether an object is being deleted.
pub fn deleting(value: &Value) -> bool {
    value.pointer("/metadata/deletionTimestamp").is_some()
}

/// The owner that manages an object: (kind, name, uid).
pub fn controller(value: &Value) -> Option<(&str, &str, &str)> {
    items(value, "/metadata/ownerReferences")
        .iter()
        .find(|o| flag(o, "/controller"))
        .map(|o| (text(o, "/kind"), text(o, "/name"), text(o, "/uid")))
}

/// Puts a value at a path of keys, making the objects on the way; what stands there and is no object
/// is replaced.
pub fn set(value: &mut Value, path: &[&str], new: Value) {
    let mut at = value;
    for key in path {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        match at {
            Value::Object(m) => at = m.entry(*key).or_insert(Value::Null),
            _ => return,
        }
    }
    *at = new;
}

/// Takes away what stands at a path of keys.
pub fn unset(value: &mut Value, path: &[&str]) {
    let Some((last, way)) = path.split_last() else {
        return;
    };
    let mut at = value;
    for key in way {
        match at.get_mut(*key) {
            Some(next) => at = next,
            None => return,
        }
    }
    if let Value::Object(m) = at {
        m.remove(*last);
    }
}

/// The condition of a type in `/status/conditions`.
pub fn condition<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    items(value, "/status/conditions").iter().find(|c| text(c, "/type") == kind)
}

/// Whether a condition stands at "True".
pub fn holds(value: &Value, kind: &str) -> bool {
    condition(value, kind).is_some_and(|c| text(c, "/status") == "True")
}

/// Sets a condition in `/status/conditions`. The transition time moves only when the status does; the
/// fields named in `extra` (such as lastUpdateTime) are written as given when anything else changed.
pub fn set_condition(
    value: &mut Value,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
    stamp: &str,
    extra: &[&str],
) {
    if !value.pointer("/status/conditions").is_some_and(Value::is_array) {
        set(value, &["status", "conditions"], Value::Array(Vec::new()));
    }
    let of_a_pod = text(value, "/kind") == "Pod";
    let Some(list) = value.pointer_mut("/status/conditions").and_then(Value::as_array_mut) else {
        return;
    };
    let position = list.iter().position(|c| text(c, "/type") == kind);
    let old = position.map(|i| list[i].clone()).unwrap_or(Value::Null);
    if text(&old, "/status") == status && text(&old, "/reason") == reason && text(&old, "/message") == message
    {
        return;
    }
    let mut new = Map::new();
    new.insert("type".into(), kind.into());
    new.insert("status".into(), status.into());
    if !reason.is_empty() {
        new.insert("reason".into(), reason.into());
    }
    if !message.is_empty() {
        new.insert("message".into(), message.into());
    }
    // Of pods only, and nobody writes it: Go has no way to leave it out.
    if of_a_pod {
        new.insert("lastProbeTime".into(), Value::Null);
    }
    for field in extra {
        new.insert((*field).into(), stamp.into());
    }
    let moved = text(&old, "/status") != status;
    let transition = if moved { stamp } else { text(&old, "/lastTransitionTime") };
    new.insert("lastTransitionTime".into(), transition.into());
    match position {
        Some(i) => list[i] = Value::Object(new),
        None => list.push(Value::Object(new)),
    }
}

/// As [`set_condition`], but a condition that changed goes to the end, as controllers of Deployments do it.
pub fn set_condition_last(
    value: &mut Value,
    kind: &str,
    status: &str,
    (reason, message): (&str, &str),
    stamp: &str,
    extra: &[&str],
) {
    let before = condition(value, kind).cloned();
    set_condition(value, kind, status, reason, message, stamp, extra);
    let Some(list) = value.pointer_mut("/status/conditions").and_then(Value::as_array_mut) else { return };
    let place = list.iter().position(|c| text(c, "/type") == kind);
    if let Some(at) = place.filter(|at| before.as_ref() != Some(&list[*at])) {
        list[at..].rotate_left(1);
    }
}

/// Takes a condition away.
pub fn drop_condition(value: &mut Value, kind: &str) {
    if let Some(list) = value.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        list.retain(|c| text(c, "/type") != kind);
    }
}

/// Whether labels satisfy a LabelSelector object (`matchLabels`, `matchExpressions`).
/// An absent selector matches nothing; an empty one everything.
pub fn selects(selector: Option<&Value>, labels: Option<&Map<String, Value>>) -> bool {
    let Some(selector) = selector.filter(|s| s.is_object()) else {
        return false;
    };
    let label = |key: &str| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
    let plain = map(selector, "/matchLabels").is_none_or(|m| m.iter().all(|(k, v)| label(k) == v.as_str()));
    plain
        && items(selector, "/matchExpressions").iter().all(|e| {
            let have = label(text(e, "/key"));
            let listed = || have.is_some_and(|h| items(e, "/values").iter().any(|v| v.as_str() == Some(h)));
            match text(e, "/operator") {
                "In" => listed(),
                "NotIn" => !listed(),
                "Exists" => have.is_some(),
                "DoesNotExist" => have.is_none(),
                _ => false,
            }
        })
}

/// Whether labels hold every pair of a plain selector (a Service's); an empty one matches nothing.
pub fn selects_plain(selector: Option<&Map<String, Value>>, labels: Option<&Map<String, Value>>) -> bool {
    selector.is_some_and(|s| !s.is_empty() && s.iter().all(|(k, v)| labels.and_then(|l| l.get(k)) == Some(v)))
}

/// A resource quantity in thousandths (of a core, of a byte): `250m` is 250, `1Gi` 1073741824000.
/// What cannot be read counts as 0.
pub fn millis(quantity: &Value) -> i64 {
    let text = match quantity {
        Value::String(s) => s.clone(),
        Value::Number(n) => n.to_string(),
        _ => return 0,
    };
    let split =
        text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+')).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().unwrap_or(0.0);
    let factor = match unit {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return 0,
    };
    (number * factor * 1000.0).round() as i64
}

/// Thousandths of a core as a quantity: `1500m`, `2`.
pub fn cpu_text(millis: i64) -> String {
    if millis % 1000 == 0 { (millis / 1000).to_string() } else { format!("{millis}m") }
}

/// Bytes as a quantity in the largest binary unit that divides them: `1536Mi`, `2Gi`.
pub fn bytes_text(bytes: i64) -> String {
    for (unit, size) in [("Gi", 1i64 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
        if bytes != 0 && bytes % size == 0 {
            return format!("{}{unit}", bytes / size);
        }
    }
    bytes.to_string()
}

/// The value as JSON with sorted keys: equal values give equal bytes.
pub fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(m) => {
            // An absent value and a null are the same to an API server.
            let mut keys: Vec<_> = m.iter().filter(|(_, v)| !v.is_null()).collect();
            keys.sort_by(|a, b| a.0.cmp(b.0));
            out.push(b'{');
            for (key, inner) in keys {
                out.extend_from_slice(Value::from(key.as_str()).to_string().as_bytes());
                out.push(b':');
                canonical(inner, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(list) => {
            out.push(b'[');
            for inner in list {
                canonical(inner, out);
                out.push(b',');
            }
            out.push(b']');
        }
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_read_in_all_their_forms() {
        for (text, expected) in [
            ("250m", 250),
            ("2", 2000),
            ("1.5", 1500),
            ("128Mi", 134_217_728_000),
            ("1k", 1_000_000),
            ("nonsense", 0),
        ] {
            assert_eq!(millis(&json!(text)), expected, "{text}");
        }
        assert_eq!(cpu_text(1500), "1500m");
        assert_eq!(cpu_text(2000), "2");
        assert_eq!(bytes_text(3 << 29), "1536Mi");
    }

    #[test]
    fn a_condition_keeps_its_transition_time_until_its_status_moves() {
        let mut v = json!({});
        set_condition(&mut v, "Ready", "False", "A", "", "t1", &[]);
        set_condition(&mut v, "Ready", "False", "B", "", "t2", &[]);
        assert_eq!(condition(&v, "Ready").map(|c| text(c, "/lastTransitionTime")), Some("t1"));
        set_condition(&mut v, "Ready", "True", "", "", "t3", &[]);
        assert_eq!(condition(&v, "Ready").map(|c| text(c, "/lastTransitionTime")), Some("t3"));
        assert!(holds(&v, "Ready"));
        // Only pods have the time of a probe, of which nobody knows.
        assert!(condition(&v, "Ready").is_some_and(|c| c.get("lastProbeTime").is_none()));
        let mut pod = json!({"kind": "Pod"});
        set_condition(&mut pod, "Ready", "True", "", "", "t1", &[]);
        assert!(condition(&pod, "Ready").is_some_and(|c| c.get("lastProbeTime") == Some(&Value::Null)));
    }

    #[test]
    fn selectors_know_their_operators() {
        let labels = json!({"app": "cart", "tier": "web"});
        let selector = json!({"matchLabels": {"app": "cart"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["web"]},
            {"key": "gone", "operator": "DoesNotExist"}]});
        assert!(selects(Some(&selector), labels.as_object()));
        let other = json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]});
        assert!(!selects(Some(&other), labels.as_object()));
        assert!(!selects(None, labels.as_object()));
    }

    #[test]
    fn canonical_text_ignores_the_order_of_keys() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        canonical(&json!({"a": 1, "b": [true]}), &mut a);
        canonical(&json!({"b": [true], "a": 1}), &mut b);
        assert_eq!(a, b);
    }
}
