//! What is typed behind `/` in a text: text or a regular expression, `!` for the inverse.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// A search in lines of text.
#[derive(Clone, Debug, Default)]
pub struct Search {
    text: String,
    regex: Option<Regex>,
    inverse: bool,
}

impl Search {
    /// Reads what was typed. What is no regular expression is searched for as it
    /// stands, so that `cart[` half-way through typing does not blink an error;
    /// upper case in it makes it case-sensitive.
    ///
    /// # Errors
    /// It is too long.
    pub fn parse(typed: &str) -> Result<Search, String> {
        let (pattern, inverse) = match typed.strip_prefix('!') {
            Some(rest) => (rest, true),
            None => (typed, false),
        };
        if pattern.is_empty() {
            return Ok(Search { text: typed.to_owned(), ..Search::default() });
        }
        let sensitive = pattern.chars().any(char::is_uppercase);
        let build = |pattern: &str| {
            RegexBuilder::new(pattern).case_insensitive(!sensitive).size_limit(1 << 20).build()
        };
        match build(pattern).or_else(|_| build(&regex::escape(pattern))) {
            Ok(regex) => Ok(Search { text: typed.to_owned(), regex: Some(regex), inverse }),
            Err(_) => Err("That is too long to search for.".to_owned()),
        }
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing is searched for.
    pub fn is_empty(&self) -> bool {
        self.regex.is_none()
    }

    /// Whether a line is one of those that are looked for.
    pub fn hits(&self, line: &str) -> bool {
        self.finds(line) != self.inverse
    }

    /// Whether the pattern is in the line, the inverse or not.
    pub fn finds(&self, line: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(line))
    }

    /// Whether lines without the pattern are looked for.
    pub fn is_inverse(&self) -> bool {
        self.inverse && self.regex.is_some()
    }

    /// Where the pattern is in a line, to be highlighted.
    pub fn ranges(&self, line: &str) -> Vec<Range<usize>> {
        const MOST: usize = 1_000;
        match &self.regex {
            Some(regex) if !self.inverse => regex
                .find_iter(line)
                .take(MOST)
                .map(|found| found.range())
                .filter(|range| !range.is_empty())
                .collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_regex_and_inverse() {
        for (typed, line, hit) in [
            ("", "anything", true),
            ("!", "anything", true),
            ("oom", "OOMKilled", true),
            ("Oom", "OOMKilled", false),
            ("5\\d\\d", "status=503", true),
            ("cart[", "cart[0]", true),
            ("!oom", "OOMKilled", false),
            ("!oom", "fine", true),
        ] {
            assert_eq!(Search::parse(typed).unwrap().hits(line), hit, "{typed} in {line}");
        }
    }

    #[test]
    fn ranges_are_what_is_highlighted() {
        assert_eq!(Search::parse("a+").unwrap().ranges("caat a"), [1..3, 5..6]);
        assert_eq!(Search::parse("x*").unwrap().ranges("ab"), Vec::<Range<usize>>::new());
        assert_eq!(Search::parse("!a").unwrap().ranges("ab"), Vec::<Range<usize>>::new());
    }
}
