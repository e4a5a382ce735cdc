//! Label sets: sorted pairs of names and values, cheap to clone. Leads into results, signatures of vector matching and
//! JSON.

use std::sync::Arc;

use serde_json::{Map, Value};

/// The label that holds a metric's name.
pub const NAME: &str = "__name__";

type Pair = (Arc<str>, Arc<str>);

/// A label set, sorted by name; an empty value is no label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[Pair]>);

impl Labels {
    /// A set out of pairs in any order. Of two pairs with one name the later one counts.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut all: Vec<Pair> = Vec::new();
        for (name, value) in pairs {
            all.retain(|(n, _)| **n != *name.as_ref());
            if !value.as_ref().is_empty() {
                all.push((name.as_ref().into(), value.as_ref().into()));
            }
        }
        all.sort();
        Self(all.into())
    }

    /// The value of a label, empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| **n == *name).map_or("", |(_, v)| v)
    }

    /// All pairs, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (&**n, &**v))
    }

    fn filter(&self, keep: impl Fn(&str) -> bool) -> Self {
        if self.0.iter().all(|(n, _)| keep(n)) {
            return self.clone();
        }
        Self(self.0.iter().filter(|(n, _)| keep(n)).cloned().collect())
    }

    /// Without the metric's name.
    pub fn nameless(&self) -> Self {
        self.filter(|n| n != NAME)
    }

    /// Only these labels.
    pub fn keep(&self, names: &[String]) -> Self {
        self.filter(|n| names.iter().any(|k| k == n))
    }

    /// Without these labels.
    pub fn drop(&self, names: &[String]) -> Self {
        self.filter(|n| names.iter().all(|k| k != n))
    }

    /// With one label set; with an empty value: without it.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut all: Vec<Pair> = self.0.iter().filter(|(n, _)| **n != *name).cloned().collect();
        if !value.is_empty() {
            all.push((name.into(), value.into()));
            all.sort();
        }
        Self(all.into())
    }

    /// As the API writes it.
    pub fn json(&self) -> Value {
        Value::Object(self.iter().map(|(n, v)| (n.to_owned(), v.into())).collect::<Map<_, _>>())
    }
}

impl std::fmt::Display for Labels {
    /// As Prometheus writes it in messages: `{app="cart", pod="a"}`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{")?;
        for (n, (name, value)) in self.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}
