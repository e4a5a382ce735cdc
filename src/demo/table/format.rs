//! How cells spell durations, ages, selectors and lists. Pure; the forms are those of kubectl.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A duration in the two largest units that matter: `45s`, `3m20s`, `2d4h`, `1y30d`.
pub fn human_duration(duration: SignedDuration) -> String {
    let s = duration.as_secs();
    let (m, h) = (s / 60, s / 3600);
    let pair = |big: i64, unit: char, small: i64, unit_small: char| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{unit_small}") }
    };
    match s {
        ..=-2 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{s}s"),
        120..600 => pair(m, 'm', s % 60, 's'),
        600..10_800 => format!("{m}m"),
        10_800..28_800 => pair(h, 'h', m % 60, 'm'),
        28_800..172_800 => format!("{h}h"),
        172_800..691_200 => pair(h / 24, 'd', h % 24, 'h'),
        691_200..63_072_000 => format!("{}d", h / 24),
        63_072_000..252_288_000 => pair(h / 8760, 'y', h / 24 % 365, 'd'),
        _ => format!("{}y", h / 8760),
    }
}

/// A timestamp in an object, if it is there and readable.
pub fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// How long ago a timestamp was.
pub fn since(value: &Value, now: Timestamp) -> String {
    time(value).map_or_else(|| "<unknown>".to_owned(), |at| human_duration(now.duration_since(at)))
}

/// The age of an object.
pub fn age(object: &Value, now: Timestamp) -> Value {
    since(&object["metadata"]["creationTimestamp"], now).into()
}

/// The name of an object.
pub fn name(object: &Value) -> Value {
    object["metadata"]["name"].clone()
}

/// A string, or something else when it is missing or empty.
pub fn text_or(value: &Value, missing: &str) -> String {
    value.as_str().filter(|t| !t.is_empty()).unwrap_or(missing).to_owned()
}

/// A number, 0 when it is missing.
pub fn number(value: &Value) -> Value {
    value.as_i64().unwrap_or_default().into()
}

/// A number or string as text.
pub fn scalar(value: &Value, missing: &str) -> String {
    match value {
        Value::Null => missing.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The items of a list, none when it is missing.
pub fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Texts of a list, at most `max`, then how many more.
pub fn some(list: &[String], max: usize) -> String {
    if list.is_empty() {
        return "<none>".to_owned();
    }
    let shown = list[..list.len().min(max)].join(",");
    if list.len() > max { format!("{shown} + {} more...", list.len() - max) } else { shown }
}

/// `a=b,c=d`, or `<none>`.
pub fn labels(map: &Value) -> String {
    let pairs: Vec<String> = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

/// A LabelSelector object as text.
pub fn selector(selector: &Value) -> String {
    let text = crate::demo::selector::from_label_selector(selector);
    if text.is_empty() { "<none>".to_owned() } else { text }
}

/// Names and images of a pod template's containers.
pub fn containers(spec: &Value) -> [Value; 2] {
    let of = |key: &str| -> Value {
        let list: Vec<&str> =
            items(&spec["containers"]).iter().map(|c| c[key].as_str().unwrap_or_default()).collect();
        list.join(",").into()
    };
    [of("name"), of("image")]
}

/// Whether a condition of a type is True.
pub fn condition(object: &Value, kind: &str) -> bool {
    items(&object["status"]["conditions"]).iter().any(|c| c["type"] == kind && c["status"] == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_kubectl_prints_them() {
        for (seconds, text) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (11_000, "3h3m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
            (300_000_000, "9y"),
        ] {
            assert_eq!(human_duration(SignedDuration::from_secs(seconds)), text, "{seconds}");
        }
    }
}
