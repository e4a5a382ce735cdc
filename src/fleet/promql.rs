//! PromQL as text that must hold to an environment: matchers are added to every selector of a query, whoever wrote it.
//!
//! A query is parsed, every selector in it gets the matchers, and it is written again. What was written is parsed once
//! more and compared, so that a mistake of the parser or of ours refuses a query and never asks for another
//! environment's series. Rules are taken apart here too ([`split`]). Pure.

mod limit;
mod rule;
mod unit;

use std::fmt::Write as _;

use rusty_promql_parser::{Expr, LabelMatchOp, LabelMatcher, MatrixSelector, VectorSelector, expr};

use crate::domain::id::Name;

pub use limit::{Limited, RuleLimit, read as read_limit};
pub use rule::{Split, Threshold, split};

/// Bytes of a query that is looked at.
const LONGEST: usize = 16_000;
/// Brackets inside of brackets: the parser is recursive.
const DEEPEST: usize = 24;

/// A matcher that is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// `label="value"`
    Is(Name, Name),
    /// `label=~"a|b"`: one of these.
    Among(Name, Vec<Name>),
    /// `label=~"..."`, as it is.
    Pattern(Name, String),
}

impl Matcher {
    fn parsed(&self) -> LabelMatcher {
        match self {
            Matcher::Is(label, value) => LabelMatcher::new(&**label, LabelMatchOp::Equal, &**value),
            Matcher::Pattern(label, pattern) => {
                LabelMatcher::new(&**label, LabelMatchOp::RegexMatch, pattern)
            }
            Matcher::Among(label, values) => match values.as_slice() {
                [one] => LabelMatcher::new(&**label, LabelMatchOp::Equal, &**one),
                _ => LabelMatcher::new(&**label, LabelMatchOp::RegexMatch, among(values)),
            },
        }
    }
}

/// `a|b`, each with the signs of regular expressions taken literally.
pub(crate) fn among(values: &[Name]) -> String {
    let values: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
    values.join("|")
}

/// `{label="value",other=~"a|b"}`, empty without matchers: a selector without its name.
#[must_use]
pub fn selector(matchers: &[Matcher]) -> String {
    let mut out = String::new();
    write_matchers(&mut out, &matchers.iter().map(Matcher::parsed).collect::<Vec<_>>());
    out
}

/// The environment's own matchers.
#[must_use]
pub fn matchers(pairs: &[(Name, Name)]) -> Vec<Matcher> {
    pairs.iter().map(|(label, value)| Matcher::Is(label.clone(), value.clone())).collect()
}

/// The query with these matchers in every selector.
///
/// # Errors
/// It cannot be read, in words; or it cannot be written again without changing its meaning.
pub fn confine(query: &str, matchers: &[Matcher]) -> Result<Name, String> {
    confined(parse(query)?, matchers)
}

fn confined(mut parsed: Expr, matchers: &[Matcher]) -> Result<Name, String> {
    let added: Vec<LabelMatcher> = matchers.iter().map(Matcher::parsed).collect();
    selectors(&mut parsed, &mut |selector| {
        // The one that is asked for stays: matchers are a conjunction.
        let missing = |one: &&LabelMatcher| !selector.matchers.contains(one);
        let missing: Vec<LabelMatcher> = added.iter().filter(missing).cloned().collect();
        selector.matchers.extend(missing);
    });
    let mut out = String::new();
    write(&mut out, &parsed);
    if out.len() > LONGEST {
        return Err(too_long());
    }
    let mut again = parse(&out).map_err(|_| unwritable())?;
    let mut held = true;
    selectors(&mut again, &mut |selector| {
        held &= added.iter().all(|one| selector.matchers.contains(one));
    });
    // NaN is not equal to itself: what is written counts.
    let mut third = String::new();
    write(&mut third, &again);
    if held && third == out && format!("{again:?}") == format!("{parsed:?}") {
        Ok(out.into())
    } else {
        Err(unwritable())
    }
}

/// Why a query is not looked at that is longer than can be, by itself or with its matchers.
pub(super) fn too_long() -> String {
    format!("the query is longer than {LONGEST} bytes")
}

fn unwritable() -> String {
    "this query cannot be narrowed to the environment without changing it".to_owned()
}

fn parse(query: &str) -> Result<Expr, String> {
    if query.trim().is_empty() {
        return Err("there is no query".to_owned());
    }
    if query.len() > LONGEST {
        return Err(too_long());
    }
    if depth(query) > DEEPEST {
        return Err(format!("the query has more than {DEEPEST} brackets inside of each other"));
    }
    match expr(query) {
        Ok((rest, parsed)) if is_blank(rest) => Ok(parsed),
        Ok((rest, _)) => Err(unread(query, rest)),
        Err(nom::Err::Error(error) | nom::Err::Failure(error)) => Err(unread(query, error.input)),
        Err(nom::Err::Incomplete(_)) => Err("the query ends in the middle".to_owned()),
    }
}

/// What is left of a query may be space and comments.
fn is_blank(rest: &str) -> bool {
    rest.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// Where reading stopped. The parser gives back, so the mistake may stand further on.
fn unread(query: &str, rest: &str) -> String {
    let read = query.get(..query.len().saturating_sub(rest.len())).unwrap_or_default();
    let line = read.matches('\n').count() + 1;
    let column = read.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    match rest.split_whitespace().next() {
        Some(word) => {
            let word: String = word.chars().take(24).collect();
            format!("{line}:{column}: not understood from here on: {}", crate::text::clean(&word))
        }
        None => "the query ends in the middle".to_owned(),
    }
}

/// How deep brackets and signs stand inside of each other, texts in quotes left out.
fn depth(query: &str) -> usize {
    let (mut deep, mut signs, mut powers, mut most) = (0usize, 0usize, 0usize, 0usize);
    let mut quote = None;
    let mut escaped = false;
    for c in query.chars() {
        if let Some(mark) = quote {
            if !escaped && c == mark {
                quote = None;
            }
            escaped = c == '\\' && !escaped && mark != '`';
            continue;
        }
        match c {
            '"' | '\'' | '`' => quote = Some(c),
            '(' | '[' | '{' => deep += 1,
            ')' | ']' | '}' => deep = deep.saturating_sub(1),
            _ => {}
        }
        // Signs and powers nest too.
        signs = match c {
            '-' | '+' => signs + 1,
            _ if c.is_whitespace() => signs,
            _ => 0,
        };
        powers += usize::from(c == '^');
        most = most.max(deep + signs + powers);
    }
    most
}

/// Every selector of an expression.
fn selectors(expr: &mut Expr, seen: &mut impl FnMut(&mut VectorSelector)) {
    match expr {
        Expr::Number(_) | Expr::String(_) => {}
        Expr::VectorSelector(selector) => seen(selector),
        Expr::MatrixSelector(matrix) => seen(&mut matrix.selector),
        Expr::Call(call) => call.args.iter_mut().for_each(|arg| selectors(arg, seen)),
        Expr::Aggregation(aggregation) => {
            if let Some(param) = &mut aggregation.param {
                selectors(param, seen);
            }
            selectors(&mut aggregation.expr, seen);
        }
        Expr::Binary(binary) => {
            selectors(&mut binary.lhs, seen);
            selectors(&mut binary.rhs, seen);
        }
        Expr::Unary(unary) => selectors(&mut unary.expr, seen),
        Expr::Paren(inner) => selectors(inner, seen),
        Expr::Subquery(subquery) => selectors(&mut subquery.expr, seen),
    }
}

/// Writes an expression as Prometheus reads it. (The parser's own writer escapes texts as Rust does, and leaves names
/// that want quotes without them.)
fn write(out: &mut String, expr: &Expr) {
    match expr {
        Expr::Number(_) => push(out, expr),
        Expr::String(text) => quoted(out, text),
        Expr::VectorSelector(selector) => {
            write_selector(out, selector);
            write_times(out, selector);
        }
        Expr::MatrixSelector(MatrixSelector { selector, range, .. }) => {
            write_selector(out, selector);
            push(out, &format_args!("[{range}]"));
            write_times(out, selector);
        }
        Expr::Call(call) => {
            push(out, &format_args!("{}(", call.name));
            for (n, arg) in call.args.iter().enumerate() {
                out.push_str(if n > 0 { ", " } else { "" });
                write(out, arg);
            }
            out.push(')');
        }
        Expr::Aggregation(aggregation) => {
            out.push_str(&aggregation.op);
            if let Some(grouping) = &aggregation.grouping {
                push(out, &format_args!(" {grouping} "));
            }
            out.push('(');
            if let Some(param) = &aggregation.param {
                write(out, param);
                out.push_str(", ");
            }
            write(out, &aggregation.expr);
            out.push(')');
        }
        Expr::Binary(binary) => {
            write(out, &binary.lhs);
            push(out, &format_args!(" {} ", binary.op));
            if let Some(modifier) = binary.modifier.as_ref().filter(|modifier| !modifier.is_empty()) {
                push(out, &format_args!("{modifier} "));
            }
            write(out, &binary.rhs);
        }
        Expr::Unary(unary) => {
            push(out, &unary.op);
            write(out, &unary.expr);
        }
        Expr::Paren(inner) => {
            out.push('(');
            write(out, inner);
            out.push(')');
        }
        Expr::Subquery(subquery) => {
            write(out, &subquery.expr);
            push(out, &format_args!("[{}:", subquery.range));
            if let Some(step) = &subquery.step {
                push(out, step);
            }
            out.push(']');
            if let Some(at) = &subquery.at {
                push(out, &format_args!(" {at}"));
            }
            if let Some(offset) = &subquery.offset {
                push(out, &format_args!(" offset {offset}"));
            }
        }
    }
}

/// Writing to a text cannot fail.
fn push(out: &mut String, what: &impl std::fmt::Display) {
    let _ = write!(out, "{what}");
}

fn write_selector(out: &mut String, selector: &VectorSelector) {
    let name = selector.name.as_deref().unwrap_or_default();
    if is_plain(name, true) {
        out.push_str(name);
        write_matchers(out, &selector.matchers);
        return;
    }
    let named = (!name.is_empty()).then(|| LabelMatcher::new("__name__", LabelMatchOp::Equal, name));
    let all: Vec<LabelMatcher> = named.into_iter().chain(selector.matchers.iter().cloned()).collect();
    write_matchers(out, &all);
}

fn write_matchers(out: &mut String, matchers: &[LabelMatcher]) {
    if matchers.is_empty() {
        return;
    }
    out.push('{');
    for (n, matcher) in matchers.iter().enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        match is_plain(&matcher.name, false) {
            true => out.push_str(&matcher.name),
            false => quoted(out, &matcher.name),
        }
        out.push_str(matcher.op.as_str());
        quoted(out, &matcher.value);
    }
    out.push('}');
}

fn write_times(out: &mut String, selector: &VectorSelector) {
    if let Some(at) = &selector.at {
        push(out, &format_args!(" {at}"));
    }
    if let Some(offset) = &selector.offset {
        push(out, &format_args!(" offset {offset}"));
    }
}

/// Whether a name may stand without quotes.
fn is_plain(name: &str, metric: bool) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || metric && c == ':';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

/// A text in double quotes, escaped as Go does.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => push(out, &format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eu() -> Vec<Matcher> {
        vec![
            Matcher::Is("cluster".into(), "eu".into()),
            Matcher::Among("namespace".into(), vec!["a".into(), "b.c".into()]),
        ]
    }

    #[test]
    fn every_selector_is_confined() {
        let cases = [
            ("up", r#"up{cluster="eu"}"#),
            (
                "sum by (pod) (rate(x_total{a=~\"b|c\"}[5m]))",
                r#"sum by (pod) (rate(x_total{a=~"b|c",cluster="eu"}[5m]))"#,
            ),
            (
                "a / on(pod) group_left(node) b offset 5m",
                r#"a{cluster="eu"} / on (pod) group_left (node) b{cluster="eu"} offset 5m"#,
            ),
            ("max_over_time(a[1h:1m]) > bool 2", r#"max_over_time(a{cluster="eu"}[1h:1m]) > bool 2"#),
            (
                "(a unless b{cluster=\"us\"}) or vector(0)",
                r#"(a{cluster="eu"} unless b{cluster="us",cluster="eu"}) or vector(0)"#,
            ),
            ("{__name__=~\"a.*\"}", r#"{__name__=~"a.*",cluster="eu"}"#),
            ("topk(3, a) - quantile(0.9, b)", r#"topk(3, a{cluster="eu"}) - quantile(0.9, b{cluster="eu"})"#),
            (
                "label_replace(a, \"x\", \"$1\", \"y\", \"(.*)\")",
                r#"label_replace(a{cluster="eu"}, "x", "$1", "y", "(.*)")"#,
            ),
            ("a{b='é\\n\"'}", r#"a{b="é\n\"",cluster="eu"}"#),
            ("a{cluster=\"eu\"}", r#"a{cluster="eu"}"#),
            ("1 + 2", "1 + 2"),
        ];
        let eu = &eu()[..1];
        for (query, expected) in cases {
            assert_eq!(confine(query, eu).as_deref(), Ok(expected), "{query}");
        }
        assert_eq!(confine("up", &self::eu()).as_deref(), Ok(r#"up{cluster="eu",namespace=~"a|b\\.c"}"#));
    }

    #[test]
    fn what_its_matchers_make_too_long_is_told_as_that() {
        let query = format!("up{{a=\"{}\"}}", "x".repeat(LONGEST - 20));
        assert_eq!(confine(&query, &[]).as_deref(), Ok(&*query));
        assert_eq!(confine(&query, &eu()), Err(too_long()));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let cases = [
            ("", "there is no query"),
            ("sum(", "middle|not understood"),
            ("up{a=}", "1:"),
            ("up up", "1:4: not understood from here on: up"),
            ("up +\n  )", "not understood"),
            (&"(".repeat(3_000), "brackets inside"),
            (&format!("{}1", "-".repeat(3_000)), "brackets inside"),
            (&"a+".repeat(10_000), "longer than"),
        ];
        for (query, expected) in cases {
            let words = confine(query, &eu()).unwrap_err();
            assert!(expected.split('|').any(|one| words.contains(one)), "{query:.30}: {words}");
        }
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z0-9.|*-]{0,8}", ".{0,8}"]
    }

    /// Queries as people write them, with texts as nobody does.
    fn query() -> impl Strategy<Value = String> {
        let selector = ("[a-z_:][a-z0-9_:]{0,8}", proptest::collection::vec(("l[a-z_]{0,5}", value()), 0..3))
            .prop_map(|(name, labels)| {
                let mut out = format!("m{name}");
                let labels: Vec<LabelMatcher> = labels
                    .into_iter()
                    .map(|(l, v)| LabelMatcher::new(l, LabelMatchOp::NotEqual, v))
                    .collect();
                write_matchers(&mut out, &labels);
                out
            });
        selector.prop_recursive(4, 12, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|q| format!("({q})")),
                inner.clone().prop_map(|q| format!("sum by (a, b) ({q})")),
                inner.clone().prop_map(|q| format!("-({q})")),
                inner.clone().prop_map(|q| format!("max_over_time(({q})[1h:5m])")),
                (inner.clone(), inner.clone(), 0usize..6).prop_map(|(a, b, n)| {
                    let op = ["+", "/ on(a) group_left()", "> bool", "or", "unless", "^"][n];
                    format!("{a} {op} {b}")
                }),
                (inner, 1u32..90_000).prop_map(|(q, s)| format!("histogram_quantile(0.9, {q} * {s})")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_confined_query_reads_back_and_every_selector_holds_the_matchers(query in query(), env in value()) {
            let added = [Matcher::Is("environment".into(), env.as_str().into())];
            let confined = confine(&query, &added).unwrap();
            let mut plain = parse(&query).unwrap();
            let mut again = parse(&confined).unwrap();
            let wanted = added[0].parsed();
            let (mut before, mut after) = (0, 0);
            selectors(&mut plain, &mut |_| before += 1);
            selectors(&mut again, &mut |selector| {
                after += 1;
                let last = selector.matchers.pop();
                assert_eq!(last.as_ref(), Some(&wanted));
            });
            prop_assert_eq!(before, after);
            prop_assert_eq!(format!("{plain:?}"), format!("{again:?}"));
        }

        #[test]
        fn anything_is_read_or_refused(text in "[ a-z0-9(){}\\[\\]\"'`~=!<>+*/^:.,@é\\\\-]{0,60}") {
            if let Ok(confined) = confine(&text, &eu()) {
                prop_assert!(confine(&confined, &eu()).is_ok());
            }
        }
    }
}
