//! Label matchers: `name="value"`, `!=`, `=~`, `!~`. Regular expressions are anchored and their dot matches newlines, as
//! in Prometheus 3. Also the matchers of Alertmanager's filters and silences.

use regex::Regex;

use super::labels::Labels;

/// How a matcher compares.
#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    Regex(Regex),
}

/// One matcher.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The label.
    pub name: String,
    test: Test,
    negative: bool,
}

impl Matcher {
    /// A matcher by its operator as written (`=`, `!=`, `=~`, `!~`). Fails on a regular expression that is none, with
    /// the reason.
    pub fn new(name: &str, op: &str, value: &str) -> Result<Self, String> {
        let test = if op.ends_with('~') {
            let regex = Regex::new(&format!("^(?s:{value})$"));
            // The last line of its words says what is wrong; those before draw it.
            let why = |error: regex::Error| {
                let words = error.to_string();
                let last = words.lines().last().unwrap_or_default();
                format!("error parsing regexp: {}: `{value}`", last.trim_start_matches("error: "))
            };
            Test::Regex(regex.map_err(why)?)
        } else {
            Test::Equal(value.to_owned())
        };
        Ok(Self { name: name.to_owned(), test, negative: op.starts_with('!') })
    }

    /// A matcher for one value.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), test: Test::Equal(value.to_owned()), negative: false }
    }

    /// Whether a value passes. A label that is not there has the empty value.
    pub fn accepts(&self, value: &str) -> bool {
        let hit = match &self.test {
            Test::Equal(wanted) => wanted == value,
            Test::Regex(regex) => regex.is_match(value),
        };
        hit != self.negative
    }

    /// Whether a label set passes.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.get(&self.name))
    }

    /// The one value that passes, if the matcher is that plain.
    pub fn only_value(&self) -> Option<&str> {
        match &self.test {
            Test::Equal(value) if !self.negative => Some(value),
            _ => None,
        }
    }
}

/// Whether all matchers pass.
pub fn all(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|m| m.matches(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_anchored_and_a_missing_label_is_empty() {
        let labels = Labels::new([("app", "cart"), ("status", "503")]);
        let is = |name: &str, op: &str, value: &str| Matcher::new(name, op, value).unwrap().matches(&labels);
        assert!(is("app", "=", "cart") && !is("app", "=", "car") && is("app", "!=", "car"));
        assert!(is("status", "=~", "5..") && !is("status", "=~", "5.") && is("status", "!~", "2.."));
        assert!(is("pod", "=", "") && is("pod", "=~", ".*") && !is("pod", "=~", ".+"));
        assert!(Matcher::new("a", "=~", "(").unwrap_err().starts_with("error parsing regexp"));
        assert!(Matcher::new("a", "=~", "x.y").unwrap().accepts("x\ny"));
    }
}
