//! From a query's text to its tree, refused in Prometheus' words when it is none: with line and column.
//!
//! The parser crate knows the grammar; what it does not judge is judged here: types of arguments, names of functions,
//! selectors that select everything, and how deep a query may nest (the parser is recursive).

use rusty_promql_parser::ast::{BinaryOp, Expr};
use rusty_promql_parser::lexer::whitespace::ws_opt;
use rusty_promql_parser::parser::function::{ValueType, get_function};

use super::Refusal;

/// The longest query taken, in bytes.
const LONGEST: usize = 16 << 10;
/// How deep a query may nest, by brackets, signs and powers together.
const DEEPEST: usize = 48;

/// Reads and judges a query.
pub fn parse(query: &str) -> Result<Expr, Refusal> {
    if query.len() > LONGEST {
        return Err(Refusal::execution(format!("the query is longer than {LONGEST} bytes")));
    }
    brackets(query)?;
    if query.trim().is_empty() {
        // Nothing is nowhere.
        let words = "unknown position: parse error: no expression found in input";
        return Err(Refusal::BadData(words.to_owned()));
    }
    let (rest, expr) = match rusty_promql_parser::expr(query) {
        Ok((rest, expr)) => (ws_opt(rest).map_or(rest, |(rest, ())| rest), expr),
        Err(nom_error) => {
            let rest = match &nom_error {
                nom::Err::Error(error) | nom::Err::Failure(error) => error.input,
                nom::Err::Incomplete(_) => "",
            };
            return Err(unexpected(query, rest));
        }
    };
    if !rest.is_empty() {
        return Err(unexpected(query, rest));
    }
    kind(query, &expr)?;
    Ok(expr)
}

/// A refusal at a byte of the query, as `line:column: parse error: words`.
fn at(query: &str, byte: usize, words: &str) -> Refusal {
    let before = &query[..byte.min(query.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().len() + 1;
    Refusal::BadData(format!("{line}:{column}: parse error: {words}"))
}

/// A refusal of what stands at the beginning of `rest`.
fn unexpected(query: &str, rest: &str) -> Refusal {
    let rest = rest.trim_start();
    let byte = query.len() - rest.len();
    let mut letters = rest.chars();
    let Some(first) = letters.next() else { return at(query, byte, "unexpected end of input") };
    let word: String =
        rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '.')).collect();
    let words = match first {
        '(' => "unexpected left parenthesis '('".to_owned(),
        ')' => "unexpected right parenthesis ')'".to_owned(),
        '{' => "unexpected left brace '{'".to_owned(),
        '}' => "unexpected right brace '}'".to_owned(),
        '[' => "unexpected left bracket '['".to_owned(),
        ']' => "unexpected right bracket ']'".to_owned(),
        ',' => "unexpected \",\"".to_owned(),
        '"' | '\'' | '`' => "unexpected string".to_owned(),
        '=' | '!' | '<' | '>' | '+' | '-' | '*' | '/' | '%' | '^' => format!("unexpected <op:{first}>"),
        _ if ["by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool"]
            .contains(&&*word) =>
        {
            format!("unexpected <{word}>")
        }
        _ if first.is_ascii_digit() => format!("unexpected number {word:?}"),
        _ if !word.is_empty() => format!("unexpected identifier {word:?}"),
        other => format!("unexpected character: {other:?}"),
    };
    at(query, byte, &words)
}

/// Quotes and brackets that do not close, and nesting that is too deep.
fn brackets(query: &str) -> Result<(), Refusal> {
    let mut open: Vec<(char, usize)> = Vec::new();
    let (mut signs, mut powers) = (0, 0);
    let mut letters = query.char_indices();
    while let Some((byte, letter)) = letters.next() {
        match letter {
            '"' | '\'' | '`' => {
                let mut closed = false;
                while let Some((_, inner)) = letters.next() {
                    if inner == '\\' && letter != '`' {
                        letters.next();
                    } else if inner == letter {
                        closed = true;
                        break;
                    }
                }
                if !closed {
                    return Err(at(query, byte, "unterminated quoted string"));
                }
            }
            '#' => while letters.next().is_some_and(|(_, inner)| inner != '\n') {},
            '(' | '{' | '[' => open.push((letter, byte)),
            ')' | '}' | ']' => {
                let wanted = match letter {
                    ')' => '(',
                    '}' => '{',
                    _ => '[',
                };
                if open.pop().is_none_or(|(there, _)| there != wanted) {
                    let name = match letter {
                        ')' => "right parenthesis ')'",
                        '}' => "right brace '}'",
                        _ => "right bracket ']'",
                    };
                    // Prometheus' lexer has read the bracket when it stumbles.
                    return Err(at(query, byte + 1, &format!("unexpected {name}")));
                }
            }
            '^' => powers += 1,
            _ => {}
        }
        signs = match letter {
            '+' | '-' => signs + 1,
            c if c.is_whitespace() => signs,
            _ => 0,
        };
        if open.len() + powers + signs > DEEPEST {
            return Err(Refusal::execution("the query nests deeper than the demo's PromQL goes"));
        }
    }
    match open.last() {
        Some(('(', _)) => Err(at(query, query.len(), "unclosed left parenthesis")),
        Some(('{', _)) => Err(at(query, query.len(), "unexpected end of input inside braces")),
        Some((_, byte)) if query[byte + 1..].trim().is_empty() => {
            Err(at(query, query.len(), "unexpected end of input in duration expression"))
        }
        Some(_) => Err(at(query, query.len(), "unclosed left bracket")),
        None => Ok(()),
    }
}

fn name(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Scalar => "scalar",
        ValueType::Vector => "instant vector",
        ValueType::Matrix => "range vector",
        ValueType::String => "string",
    }
}

/// Where a call begins, for positions: the tree has none. With one call of the name the position is exact.
fn call_at(query: &str, function: &str) -> usize {
    query
        .match_indices(function)
        .find(|(byte, _)| {
            let boundary =
                query[..*byte].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
            boundary && query[byte + function.len()..].trim_start().starts_with('(')
        })
        .map_or(0, |(byte, _)| byte)
}

fn expect(query: &str, wanted: ValueType, expr: &Expr, of: &str, function: &str) -> Result<(), Refusal> {
    let got = kind(query, expr)?;
    if got == wanted {
        return Ok(());
    }
    let start = call_at(query, function);
    let argument = query[start..].find('(').map_or(start, |offset| start + offset + 1);
    let words = format!("expected type {} in {of}, got {}", name(wanted), name(got));
    Err(at(query, argument, &words))
}

/// What an expression yields; refuses what Prometheus refuses by types.
pub fn kind(query: &str, expr: &Expr) -> Result<ValueType, Refusal> {
    match expr {
        Expr::Number(_) => Ok(ValueType::Scalar),
        Expr::String(_) => Ok(ValueType::String),
        Expr::VectorSelector(selector) => {
            if selector.name.is_none() && !selector.has_non_empty_matcher() {
                let words = "vector selector must contain at least one non-empty matcher";
                return Err(at(query, query.find('{').unwrap_or(0), words));
            }
            Ok(ValueType::Vector)
        }
        Expr::MatrixSelector(matrix) => {
            if matrix.range.as_millis() <= 0 {
                return Err(at(
                    query,
                    query.find('[').map_or(0, |b| b + 1),
                    "duration must be greater than 0",
                ));
            }
            Ok(ValueType::Matrix)
        }
        Expr::Paren(inner) => kind(query, inner),
        Expr::Subquery(sub) => {
            let inner = kind(query, &sub.expr)?;
            if inner != ValueType::Vector {
                let words = format!("subquery is only allowed on instant vector, got {}", name(inner));
                return Err(at(query, 0, &words));
            }
            Ok(ValueType::Matrix)
        }
        Expr::Unary(unary) => {
            let inner = kind(query, &unary.expr)?;
            if !matches!(inner, ValueType::Scalar | ValueType::Vector) {
                let words = format!(
                    "unary expression only allowed on expressions of type scalar or instant vector, got {:?}",
                    name(inner)
                );
                return Err(at(query, 0, &words));
            }
            Ok(inner)
        }
        Expr::Binary(binary) => operands(query, binary),
        Expr::Aggregation(aggregation) => {
            let function = aggregation.op.as_str();
            if let Some(param) = &aggregation.param {
                let wanted = if function == "count_values" { ValueType::String } else { ValueType::Scalar };
                expect(query, wanted, param, &format!("aggregation parameter of {function:?}"), function)?;
            }
            expect(query, ValueType::Vector, &aggregation.expr, "aggregation expression", function)?;
            Ok(ValueType::Vector)
        }
        Expr::Call(call) => {
            let Some(function) = get_function(&call.name) else {
                let words = format!("unknown function with name {:?}", call.name);
                return Err(at(query, call_at(query, &call.name), &words));
            };
            let count = call.args.len();
            let (least, most) = (function.min_args(), function.max_args());
            let start = call_at(query, &call.name);
            if count < least || most.is_some_and(|most| count > most) {
                let bound = match most {
                    Some(most) if most == least => format!("expected {least} argument(s)"),
                    Some(most) if count > most => format!("expected at most {most} argument(s)"),
                    _ => format!("expected at least {least} argument(s)"),
                };
                return Err(at(query, start, &format!("{bound} in call to {:?}, got {count}", call.name)));
            }
            for (n, argument) in call.args.iter().enumerate() {
                let Some(wanted) = function.arg_types.get(n).or(function.arg_types.last()) else { continue };
                expect(query, *wanted, argument, &format!("call to function {:?}", call.name), &call.name)?;
            }
            Ok(function.return_type)
        }
    }
}

fn operands(query: &str, binary: &rusty_promql_parser::ast::BinaryExpr) -> Result<ValueType, Refusal> {
    let (left, right) = (kind(query, &binary.lhs)?, kind(query, &binary.rhs)?);
    let byte = query.find(binary.op.as_str()).unwrap_or(0);
    // Types are refused at the beginning of what is on both sides.
    let whole = query.find(&binary.lhs.to_string()).unwrap_or(0);
    for side in [left, right] {
        if !matches!(side, ValueType::Scalar | ValueType::Vector) {
            let words = "binary expression must contain only scalar and instant vector types";
            return Err(at(query, whole, words));
        }
    }
    let modifier = binary.modifier.as_ref();
    let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
    if scalars && binary.op.is_comparison() && !modifier.is_some_and(|m| m.return_bool) {
        return Err(at(query, byte, "comparisons between scalars must use BOOL modifier"));
    }
    if modifier.is_some_and(|m| m.return_bool) && !binary.op.is_comparison() {
        return Err(at(query, byte, "bool modifier can only be used on comparison operators"));
    }
    if binary.op.is_set_operator() && (left != ValueType::Vector || right != ValueType::Vector) {
        let words = format!("set operator {:?} not allowed in binary scalar expression", binary.op.as_str());
        return Err(at(query, whole, &words));
    }
    if let Some(group) = modifier.and_then(|m| m.matching.as_ref()).and_then(|m| m.group.as_ref()) {
        if matches!(binary.op, BinaryOp::And | BinaryOp::Or | BinaryOp::Unless) {
            return Err(at(
                query,
                byte,
                &format!("no grouping allowed for {:?} operation", binary.op.as_str()),
            ));
        }
        let shared = modifier.and_then(|m| m.matching.as_ref()).is_some_and(|m| {
            m.op == rusty_promql_parser::ast::VectorMatchingOp::On
                && m.labels.iter().any(|l| group.labels.contains(l))
        });
        if shared {
            return Err(at(query, byte, "label must not occur in ON and GROUP clause at once"));
        }
    }
    Ok(if scalars { ValueType::Scalar } else { ValueType::Vector })
}
