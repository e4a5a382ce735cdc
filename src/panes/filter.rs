//! What people type behind `/`: text or a regular expression, `!` for the
//! inverse, `-l` for labels, `-f` for fuzzy.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use regex::{Regex, RegexBuilder};

use crate::domain::meta::Labels;
use crate::domain::selector::Selector;

/// A filter on rows.
#[derive(Debug, Default)]
pub struct Filter {
    text: String,
    kind: Kind,
    inverse: bool,
}

#[derive(Debug, Default)]
enum Kind {
    #[default]
    Everything,
    Text(Regex),
    Labels(Selector),
    Fuzzy(Pattern),
}

/// What a filter looks at: the texts of a row that are searched.
pub trait Haystack {
    /// Calls `found` with each text until one returns true.
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool;
    /// The row's labels.
    fn labels(&self) -> &Labels;
}

impl Filter {
    /// Reads what was typed.
    ///
    /// A text that is not a valid regular expression is searched for as it is,
    /// so that `cart[` half-way through typing does not blink an error; upper
    /// case in it makes it case-sensitive.
    ///
    /// # Errors
    /// A sentence about a label selector that cannot be read.
    pub fn parse(typed: &str) -> Result<Filter, String> {
        let mut rest = typed.trim();
        let inverse = rest.starts_with('!');
        if inverse {
            rest = rest[1..].trim_start();
        }
        let kind = if rest.is_empty() {
            Kind::Everything
        } else if let Some(labels) = option(rest, "-l") {
            Kind::Labels(Selector::parse(labels)?)
        } else if let Some(pattern) = option(rest, "-f") {
            Kind::Fuzzy(Pattern::new(pattern, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy))
        } else {
            let sensitive = rest.chars().any(char::is_uppercase);
            let build = |pattern: &str| {
                RegexBuilder::new(pattern).case_insensitive(!sensitive).size_limit(1 << 20).build()
            };
            match build(rest).or_else(|_| build(&regex::escape(rest))) {
                Ok(regex) => Kind::Text(regex),
                Err(_) => return Err(format!("`{rest}` is too long to search for.")),
            }
        };
        let inverse = inverse && !matches!(kind, Kind::Everything);
        Ok(Filter { text: typed.trim().to_owned(), kind, inverse })
    }

    /// What was typed; empty when everything passes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        matches!(self.kind, Kind::Everything)
    }

    /// A pass over rows; it keeps scratch memory, so make one for many rows.
    pub fn pass(&self) -> Pass<'_> {
        Pass { filter: self, matcher: None, chars: Vec::new() }
    }
}

fn option<'a>(typed: &'a str, flag: &str) -> Option<&'a str> {
    let rest = typed.strip_prefix(flag)?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
}

/// A filter at work.
pub struct Pass<'a> {
    filter: &'a Filter,
    matcher: Option<Matcher>,
    chars: Vec<char>,
}

impl Pass<'_> {
    /// Whether a row is shown.
    pub fn shows(&mut self, row: &dyn Haystack) -> bool {
        let hit = match &self.filter.kind {
            Kind::Everything => return true,
            Kind::Text(regex) => row.any_text(&mut |text| regex.is_match(text)),
            Kind::Labels(selector) => selector.matches(row.labels()),
            Kind::Fuzzy(pattern) => {
                let matcher = self.matcher.get_or_insert_with(|| Matcher::new(Config::DEFAULT));
                let chars = &mut self.chars;
                row.any_text(&mut |text| pattern.score(Utf32Str::new(text, chars), matcher).is_some())
            }
        };
        hit != self.filter.inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static str, Labels);

    impl Haystack for Row {
        fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
            found(self.0)
        }
        fn labels(&self) -> &Labels {
            &self.1
        }
    }

    #[test]
    fn every_form_of_filter_finds_what_it_should() {
        let row = Row("cart-7d9c-x2kfp", Labels::new(vec![("app".into(), "cart".into())]));
        for (typed, shown) in [
            ("", true),
            ("   ", true),
            ("cart", true),
            ("CART", false),
            ("^cart-.*kfp$", true),
            ("cart[", false),
            ("!cart", false),
            ("!payments", true),
            ("!", true),
            ("-l app=cart", true),
            ("-l app!=cart", false),
            ("!-l app=cart", false),
            ("-f ctkfp", true),
            ("-f zzz", false),
            ("-left", false),
        ] {
            let filter = Filter::parse(typed).unwrap();
            assert_eq!(filter.pass().shows(&row), shown, "{typed}");
        }
    }

    #[test]
    fn a_bad_selector_says_so() {
        assert!(Filter::parse("-l =x").unwrap_err().contains("=x"));
    }
}
