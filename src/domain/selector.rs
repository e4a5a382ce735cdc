//! Label selectors: `matchLabels`/`matchExpressions` of objects and the text
//! form that people type (`app=cart,tier in (web, api),!canary`).

use super::id::Name;
use super::meta::Labels;

/// A conjunction of requirements; an empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector(pub Box<[Requirement]>);

/// One requirement of a [`Selector`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The label's key.
    pub key: Name,
    /// What must hold for its value.
    pub is: Operator,
}

/// What must hold for a label's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The label has one of these values.
    In(Box<[Name]>),
    /// The label has none of these values, or is absent.
    NotIn(Box<[Name]>),
    /// The label is there.
    Exists,
    /// The label is absent.
    Absent,
}

impl Selector {
    /// A selector from plain pairs, all of which must hold.
    pub fn equal(pairs: impl IntoIterator<Item = (Name, Name)>) -> Selector {
        Selector(
            pairs
                .into_iter()
                .map(|(key, value)| Requirement { key, is: Operator::In(Box::new([value])) })
                .collect(),
        )
    }

    /// The pairs of a selector that consists of nothing else, as those of Services do.
    pub fn pairs(&self) -> Vec<(Name, Name)> {
        let pair = |requirement: &Requirement| match &requirement.is {
            Operator::In(values) => match &**values {
                [one] => Some((requirement.key.clone(), one.clone())),
                _ => None,
            },
            _ => None,
        };
        self.0.iter().filter_map(pair).collect()
    }

    /// Whether the labels satisfy every requirement.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match &requirement.is {
                Operator::In(values) => value.is_some_and(|v| values.contains(v)),
                Operator::NotIn(values) => value.is_none_or(|v| !values.contains(v)),
                Operator::Exists => value.is_some(),
                Operator::Absent => value.is_none(),
            }
        })
    }

    /// Reads the text form of kubectl's `-l`: `k=v`, `k==v`, `k!=v`,
    /// `k in (a, b)`, `k notin (a)`, `k`, `!k`, joined by commas.
    ///
    /// # Errors
    /// A sentence that quotes the requirement that could not be read.
    pub fn parse(text: &str) -> Result<Selector, String> {
        let mut requirements = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if !part.is_empty() {
                requirements.push(requirement(part)?);
            }
        }
        Ok(Selector(requirements.into()))
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0usize, 0usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Result<Requirement, String> {
    let made = |key: &str, is: Operator| {
        let key = key.trim();
        if key.is_empty() || key.contains(|c: char| c.is_whitespace() || "=!(),".contains(c)) {
            return Err(format!(
                "`{part}` is no label requirement: write key=value, key!=value, key in (a,b), key or !key"
            ));
        }
        Ok(Requirement { key: key.into(), is })
    };
    let one = |value: &str| -> Box<[Name]> { Box::new([Name::from(value.trim())]) };
    if let Some((key, value)) = part.split_once("!=") {
        return made(key, Operator::NotIn(one(value)));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return made(key, Operator::In(one(value)));
    }
    if let Some(key) = part.strip_prefix('!') {
        return made(key, Operator::Absent);
    }
    if let Some(list) = part.strip_suffix(')')
        && let Some((head, values)) = list.split_once('(')
    {
        let values: Box<[Name]> =
            values.split(',').map(str::trim).filter(|v| !v.is_empty()).map(Name::from).collect();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => made(key, Operator::In(values)),
            (Some(key), Some("notin"), None) => made(key, Operator::NotIn(values)),
            _ => made("", Operator::Exists),
        };
    }
    made(part, Operator::Exists)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::new(pairs.iter().map(|(k, v)| (Name::from(*k), Name::from(*v))).collect())
    }

    #[test]
    fn text_selectors_match_as_kubectl_does() {
        let cart = labels(&[("app", "cart"), ("tier", "web")]);
        for (text, expected) in [
            ("app=cart", true),
            ("app==cart,tier=web", true),
            ("app!=cart", false),
            ("missing!=x", true),
            ("app in (cart, payments), tier", true),
            ("app notin (cart)", false),
            ("!canary", true),
            ("!app", false),
            ("", true),
        ] {
            let selector = Selector::parse(text).unwrap();
            assert_eq!(selector.matches(&cart), expected, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_own_words() {
        for text in ["=x", "a b", "app of (x)", "in (a)"] {
            let error = Selector::parse(text).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }
}
