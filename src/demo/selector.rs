//! Label and field selectors as query parameters spell them. Parsed by lists and watches, judged against a stored
//! object's index; no object is parsed for them.

use super::error::ApiError;
use super::store::Entry;
use super::store::entry::selectable_fields;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Equals(String),
    Differs(String),
    OneOf(Vec<String>),
    NoneOf(Vec<String>),
    Present,
    Absent,
    Above(i64),
    Below(i64),
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match self {
            Test::Equals(wanted) => value == Some(wanted.as_str()),
            Test::Differs(other) => value != Some(other.as_str()),
            Test::OneOf(wanted) => value.is_some_and(|v| wanted.iter().any(|w| w == v)),
            Test::NoneOf(others) => value.is_none_or(|v| others.iter().all(|o| o != v)),
            Test::Present => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Above(bound) => number().is_some_and(|n| n > *bound),
            Test::Below(bound) => number().is_some_and(|n| n < *bound),
        }
    }
}

/// What a list or a watch is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    labels: Vec<(String, Test)>,
    fields: Vec<(String, Test)>,
}

impl Selector {
    /// Parses both parameters; 400 for what cannot be read or is not selectable for the kind.
    pub fn parse(resource: &str, labels: &str, fields: &str) -> Result<Self, ApiError> {
        let labels = parse_labels(labels).map_err(|why| match why.strip_prefix("found '=', ") {
            // At the very beginning it is not yet a requirement.
            Some(_) => ApiError::bad_request(why),
            None => ApiError::bad_request(format!("unable to parse requirement: {why}")),
        })?;
        let fields = parse_fields(resource, fields)?;
        Ok(Self { labels, fields })
    }

    /// A selector of labels alone, as in a `LabelSelector` turned to text.
    pub fn labels(text: &str) -> Result<Self, ApiError> {
        Self::parse("", text, "")
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object passes.
    pub fn matches(&self, entry: &Entry) -> bool {
        let labelled = self.labels.iter().all(|(key, test)| test.holds(entry.label(key)));
        labelled
            && self.fields.iter().all(|(field, test)| {
                let value = match field.as_str() {
                    "metadata.name" => Some(&*entry.name),
                    "metadata.namespace" => Some(&*entry.ns),
                    _ => entry.fields.iter().find(|(f, _)| f == field).map(|(_, v)| &**v),
                };
                test.holds(Some(value.unwrap_or_default()))
            })
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn parse_labels(text: &str) -> Result<Vec<(String, Test)>, String> {
    split(text).into_iter().map(parse_label).collect()
}

fn parse_label(part: &str) -> Result<(String, Test), String> {
    let key = |text: &str| -> Result<String, String> {
        let text = text.trim();
        let good = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if text.is_empty() || !text.chars().all(good) {
            return Err(format!("found '{text}', expected: identifier"));
        }
        Ok(text.to_owned())
    };
    if let Some(rest) = part.strip_prefix('!') {
        return Ok((key(rest)?, Test::Absent));
    }
    if part.starts_with('=') {
        return Err("found '=', expected: !, identifier, or 'end of string'".to_owned());
    }
    if let Some((left, right)) = part.split_once("!=") {
        return Ok((key(left)?, Test::Differs(right.trim().to_owned())));
    }
    if let Some((left, right)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok((key(left)?, Test::Equals(right.trim().to_owned())));
    }
    if let Some((left, right)) = part.split_once('(') {
        let values = right
            .strip_suffix(')')
            .ok_or_else(|| format!("found '{right}', expected: ')'"))?
            .split(',')
            .map(|v| v.trim().to_owned())
            .collect();
        let mut words = left.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(k), Some("in"), None) => Ok((key(k)?, Test::OneOf(values))),
            (Some(k), Some("notin"), None) => Ok((key(k)?, Test::NoneOf(values))),
            _ => Err(format!("found '{left}', expected: in, notin")),
        };
    }
    for (sign, below) in [('>', false), ('<', true)] {
        if let Some((left, right)) = part.split_once(sign) {
            let bound = right.trim().parse().map_err(|_| format!("'{right}' is not a number"))?;
            return Ok((key(left)?, if below { Test::Below(bound) } else { Test::Above(bound) }));
        }
    }
    Ok((key(part)?, Test::Present))
}

fn parse_fields(resource: &str, text: &str) -> Result<Vec<(String, Test)>, ApiError> {
    split(text)
        .into_iter()
        .map(|part| {
            let (field, test) = if let Some((left, right)) = part.split_once("!=") {
                (left, Test::Differs(unescape(right)))
            } else if let Some((left, right)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (left, Test::Equals(unescape(right)))
            } else {
                let why = format!("invalid selector: '{part}'; can't understand '{part}'");
                return Err(ApiError::bad_request(why));
            };
            let known = matches!(field, "metadata.name" | "metadata.namespace")
                || selectable_fields(resource).contains(&field);
            if known {
                Ok((field.to_owned(), test))
            } else {
                Err(ApiError::bad_request(format!("field label not supported: {field}")))
            }
        })
        .collect()
}

fn unescape(value: &str) -> String {
    value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\")
}

/// A `LabelSelector` object as the text of a selector; an empty one selects all.
pub fn from_label_selector(selector: &serde_json::Value) -> String {
    let mut parts = Vec::new();
    if let Some(labels) = selector["matchLabels"].as_object() {
        parts.extend(labels.iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values: Vec<&str> = expression["values"]
            .as_array()
            .map(|v| v.iter().filter_map(|s| s.as_str()).collect())
            .unwrap_or_default();
        let values = values.join(",");
        parts.push(match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::store::entry::lone;
    use serde_json::json;

    fn pod() -> Entry {
        let pod = json!({"kind":"Pod","metadata":{"name":"cart-1","namespace":"shop","labels":{"app":"cart","tier":"web","n":"5"}},
                         "spec":{"nodeName":"n1"},"status":{"phase":"Running"}});
        lone("pods", &pod, 1)
    }

    #[test]
    fn labels() {
        let pod = pod();
        for (text, expected) in [
            ("app=cart", true),
            ("app==cart,tier=web", true),
            ("app!=cart", false),
            ("other!=x", true),
            ("app in (cart,search),tier", true),
            ("app notin (cart, search)", false),
            ("other notin (a)", true),
            ("!other", true),
            ("!app", false),
            ("other", false),
            ("n>4", true),
            ("n<5", false),
        ] {
            assert_eq!(Selector::parse("pods", text, "").unwrap().matches(&pod), expected, "{text}");
        }
        assert_eq!(Selector::parse("pods", "app in (a", "").unwrap_err().code, 400);
    }

    #[test]
    fn fields() {
        let pod = pod();
        for (text, expected) in [
            ("metadata.name=cart-1", true),
            ("metadata.namespace!=shop", false),
            ("status.phase=Running,spec.nodeName=n1", true),
            ("status.phase!=Running", false),
            ("spec.nodeName=", false),
        ] {
            assert_eq!(Selector::parse("pods", "", text).unwrap().matches(&pod), expected, "{text}");
        }
        assert!(
            Selector::parse("pods", "", "spec.foo=1")
                .unwrap_err()
                .message
                .contains("not supported: spec.foo")
        );
    }

    #[test]
    fn label_selector_objects() {
        let text = from_label_selector(
            &json!({"matchLabels":{"app":"cart"},"matchExpressions":[{"key":"tier","operator":"In","values":["web","x"]},{"key":"q","operator":"DoesNotExist"}]}),
        );
        assert_eq!(text, "app=cart,tier in (web,x),!q");
        assert!(Selector::labels(&text).unwrap().matches(&pod()));
    }
}
