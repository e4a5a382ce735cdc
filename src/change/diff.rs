//! What a plan changes, in the terms of the thing: values beside each other, templates as a diff of their YAML.

use serde_json::Value;

use super::plan::{BEING, Plan};
use super::redact::redacted;
use super::verify::shown;

/// What changes, line by line: values beside each other, templates as a diff of their YAML.
#[must_use]
pub fn difference(plan: &Plan) -> Vec<(Mark, String)> {
    let mut lines = Vec::new();
    // What is only held to its value does not change.
    for value in plan.touched.iter().filter(|value| value.is_changed()) {
        match (&value.before, &value.after) {
            (Value::Object(_), Value::Object(_)) => lines.extend(texts(&value.before, &value.after)),
            (before, after) => {
                let words = match value.pointer == BEING {
                    true if after.is_null() => format!("{}  {} → gone", value.what, shown(before)),
                    true => format!("{}  none → {}", value.what, shown(after)),
                    false => format!("{}  {} → {}", value.what, shown(before), shown(after)),
                };
                lines.push((Mark::Same, words));
            }
        }
    }
    lines
}

/// How a line of a difference is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Is there before and afterwards.
    Same,
    /// Is there afterwards.
    Added,
    /// Was there before.
    Removed,
}

fn texts(before: &Value, after: &Value) -> Vec<(Mark, String)> {
    let yaml = |value: &Value| {
        serde_saphyr::to_string(&redacted(value)).unwrap_or_else(|_| redacted(value).to_string())
    };
    let (before, after) = (yaml(before), yaml(after));
    let diff = similar::TextDiff::from_lines(&before, &after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mark = match change.tag() {
                similar::ChangeTag::Equal => Mark::Same,
                similar::ChangeTag::Delete => Mark::Removed,
                similar::ChangeTag::Insert => Mark::Added,
            };
            lines.push((mark, crate::text::clean(change.value().trim_end()).into_owned()));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::template;

    #[test]
    fn a_template_is_shown_by_the_lines_that_differ() {
        let lines = texts(&template("1.31.0"), &template("1.30.4"));
        let told: Vec<String> = lines
            .iter()
            .filter(|(mark, _)| *mark != Mark::Same)
            .map(|(mark, line)| format!("{mark:?} {}", line.trim()))
            .collect();
        assert_eq!(
            told,
            ["Removed - image: registry.example/cart:1.31.0", "Added - image: registry.example/cart:1.30.4"]
        );
    }
}
