//! A log line as it is shown: JSON lines as fields (time, level and message
//! first), levels coloured, escape sequences gone.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::domain::level::Level;
use crate::panes::views::painted::{Paint, Painted};
use crate::text;
use crate::theme::Role;

/// Keys that loggers use, best known first (zap, logrus, slog, bunyan, pino, logback, ECS).
const TIME: [&str; 7] = ["time", "ts", "timestamp", "@timestamp", "t", "datetime", "asctime"];
const LEVEL: [&str; 6] = ["level", "severity", "lvl", "log.level", "levelname", "loglevel"];
const MESSAGE: [&str; 4] = ["msg", "message", "event", "log"];

/// A line ready to draw. With `json` lines that are JSON objects become fields;
/// `time` shows their own time (not needed beside the one of the kubelet).
pub fn shown(raw: &str, json: bool, time: bool) -> Painted {
    if json
        && raw.trim_start().starts_with('{')
        && let Ok(Fields(fields)) = serde_json::from_str(raw.trim())
        && !fields.is_empty()
    {
        return of_fields(&fields, time);
    }
    let line = text::log_line(raw);
    let own_colours = line.spans.iter().any(|span| span.style != ratatui::style::Style::new());
    let mut painted = Painted::default();
    if own_colours {
        for span in &line.spans {
            painted.push_paint(Paint::Own(span.style), &span.content);
        }
        return painted;
    }
    let content: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    match level_word(&content) {
        Some((range, level)) => {
            painted.push_plain(content.get(..range.start).unwrap_or_default());
            painted.push(role_of(level), content.get(range.clone()).unwrap_or_default());
            painted.push_plain(content.get(range.end..).unwrap_or_default());
        }
        None => painted.push_plain(&content),
    }
    painted
}

/// The plain text of a line as it came, for searching, copying and saving.
pub fn plain(raw: &str) -> std::borrow::Cow<'_, str> {
    text::clean(raw)
}

/// An object's fields in their order; the parser's own map would sort them.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry::<String, Value>()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

fn of_fields(fields: &[(String, Value)], with_time: bool) -> Painted {
    let find = |names: &[&str]| {
        names.iter().find_map(|name| {
            fields.iter().position(|(key, value)| key.eq_ignore_ascii_case(name) && is_scalar(value))
        })
    };
    let (time, level, message) = (find(&TIME), find(&LEVEL), find(&MESSAGE));
    let mut line = Painted::default();
    let separate = |line: &mut Painted| {
        if !line.text().is_empty() {
            line.push_plain(" ");
        }
    };
    if let Some((_, value)) = time.filter(|_| with_time).and_then(|at| fields.get(at)) {
        line.push(Role::LogTime, &time_words(value));
    }
    if let Some((_, value)) = level.and_then(|at| fields.get(at)) {
        separate(&mut line);
        let (word, level) = level_of(value);
        line.push(level.map_or(Role::Muted, role_of), &text::pad(&word, 5));
    }
    if let Some((_, value)) = message.and_then(|at| fields.get(at)) {
        separate(&mut line);
        line.push(Role::Text, &scalar_words(value));
    }
    for (at, (key, value)) in fields.iter().enumerate() {
        if [time, level, message].contains(&Some(at)) {
            continue;
        }
        separate(&mut line);
        line.push(Role::LogKey, &text::clean(key));
        line.push_plain("=");
        let role = match value {
            Value::String(_) => Role::LogString,
            Value::Object(_) | Value::Array(_) => Role::Muted,
            _ => Role::LogNumber,
        };
        line.push(role, &value_words(value));
    }
    line
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_) | Value::Null)
}

fn scalar_words(value: &Value) -> String {
    match value {
        Value::String(s) => text::clean(s).into_owned(),
        other => other.to_string(),
    }
}

fn value_words(value: &Value) -> String {
    match value {
        Value::String(s)
            if s.is_empty() || s.contains(|c: char| c.is_whitespace() || c == '"' || c == '=') =>
        {
            text::clean(&Value::String(s.clone()).to_string()).into_owned()
        }
        Value::String(s) => text::clean(s).into_owned(),
        other => text::clean(&other.to_string()).into_owned(),
    }
}

/// `14:31:59.123` of a time of today or any day: the date is in the timestamps' column.
fn time_words(value: &Value) -> String {
    let nanos = match value {
        Value::String(s) => match s.parse::<jiff::Timestamp>() {
            Ok(stamp) => Some(stamp.as_nanosecond()),
            Err(_) => return text::clean(s).into_owned(),
        },
        // Seconds, milliseconds, microseconds or nanoseconds since the epoch: told apart by their size.
        Value::Number(n) => n.as_f64().map(|n| {
            let unit = match n.abs() {
                ..1e11 => 1e9,
                ..1e14 => 1e6,
                ..1e17 => 1e3,
                _ => 1.0,
            };
            (n * unit) as i128
        }),
        _ => None,
    };
    match nanos.and_then(|nanos| i64::try_from(nanos).ok()) {
        Some(nanos) => clock(nanos),
        None => scalar_words(value),
    }
}

/// `14:31:59.123` in UTC.
pub fn clock(nanos: i64) -> String {
    let of_day = nanos.rem_euclid(86_400_000_000_000) / 1_000_000;
    let (seconds, millis) = (of_day / 1_000, of_day % 1_000);
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// The word to show for a level and how bad it is.
fn level_of(value: &Value) -> (String, Option<Level>) {
    if let Some(n) = value.as_u64() {
        // bunyan and pino count in tens.
        let (word, level) = match n {
            60.. => ("FATAL", Level::Critical),
            50.. => ("ERROR", Level::Critical),
            40.. => ("WARN", Level::Warning),
            30.. => ("INFO", Level::Ok),
            20.. => ("DEBUG", Level::Idle),
            10.. => ("TRACE", Level::Idle),
            _ => return (n.to_string(), None),
        };
        return (word.to_owned(), Some(level));
    }
    let word = scalar_words(value).to_uppercase();
    let level = level_named(&word);
    (word, level)
}

fn level_named(upper: &str) -> Option<Level> {
    match upper {
        "FATAL" | "PANIC" | "DPANIC" | "CRITICAL" | "CRIT" | "EMERGENCY" | "ALERT" | "ERROR" | "ERR"
        | "SEVERE" => Some(Level::Critical),
        "WARN" | "WARNING" => Some(Level::Warning),
        "INFO" | "NOTICE" | "INFORMATION" => Some(Level::Ok),
        "DEBUG" | "TRACE" | "DBG" | "FINE" => Some(Level::Idle),
        _ => None,
    }
}

fn role_of(level: Level) -> Role {
    match level {
        Level::Critical => Role::Critical,
        Level::Warning => Role::Warning,
        Level::Ok => Role::Ok,
        _ => Role::Muted,
    }
}

/// The word that tells the level of a plain line, if one does: an upper-case
/// word near its start, `level=warn`, or klog's `E0102 `.
fn level_word(line: &str) -> Option<(std::ops::Range<usize>, Level)> {
    const NEAR: usize = 80;
    let bytes = line.as_bytes();
    if let [letter @ (b'I' | b'W' | b'E' | b'F'), a, b, c, d, b' ', ..] = bytes
        && [a, b, c, d].iter().all(|digit| digit.is_ascii_digit())
    {
        let level = match letter {
            b'I' => Level::Ok,
            b'W' => Level::Warning,
            _ => Level::Critical,
        };
        return Some((0..5, level));
    }
    let mut start = None;
    for (at, byte) in bytes.iter().chain(b" ").enumerate().take(NEAR + 1) {
        if byte.is_ascii_alphabetic() {
            start.get_or_insert(at);
            continue;
        }
        let Some(from) = start.take() else { continue };
        let Some(word) = line.get(from..at) else { continue };
        if word.bytes().all(|b| b.is_ascii_uppercase())
            && let Some(level) = level_named(word)
        {
            return Some((from..at, level));
        }
        let named = ["level=", "lvl=", "level=\"", "severity="];
        let head = line.get(..from).unwrap_or_default();
        if named.iter().any(|name| head.ends_with(name))
            && let Some(level) = level_named(&word.to_ascii_uppercase())
        {
            return Some((from..at, level));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> String {
        shown(raw, true, true).text().to_owned()
    }

    #[test]
    fn json_lines_become_fields_with_time_level_and_message_first() {
        for (raw, expected) in [
            (
                r#"{"level":"error","ts":"2026-11-21T14:31:59.1234Z","msg":"upstream payments timed out","status":504,"path":"/cart"}"#,
                "14:31:59.123 ERROR upstream payments timed out status=504 path=/cart",
            ),
            (r#"{"msg":"hi there","time":1795271519.5,"level":"warn"}"#, "14:31:59.500 WARN  hi there"),
            (r#"{"level":50,"time":1795271519500,"msg":"x"}"#, "14:31:59.500 ERROR x"),
            (r#"{"a":"b c","n":null,"o":{"x":[1]},"e":""}"#, r#"a="b c" n=null o={"x":[1]} e="""#),
            (r#"{"message":"one\ntwo","t":"soon"}"#, "soon one↵two"),
            (r#"{"msg":{"nested":1}}"#, r#"msg={"nested":1}"#),
        ] {
            assert_eq!(text(raw), expected);
            assert_eq!(shown(raw, false, true).text(), raw);
        }
    }

    #[test]
    fn what_only_looks_like_json_stays_as_it_came() {
        for raw in ["{", "{}", "{not json}", "{\"a\":1} trailing", "[1,2]", "\"text\"", ""] {
            assert_eq!(text(raw), raw);
        }
    }

    #[test]
    fn levels_of_plain_lines_are_found() {
        for (line, word) in [
            ("2026-11-21 ERROR upstream", Some("ERROR")),
            ("[WARN] slow", Some("WARN")),
            ("E1121 14:31:59.1 1 main.go:1] boom", Some("E1121")),
            ("level=warn msg=x", Some("warn")),
            ("an error happened", None),
            ("ERRORS are many", None),
            ("", None),
            ("東 WARN", Some("WARN")),
        ] {
            let found = level_word(line).map(|(range, _)| &line[range]);
            assert_eq!(found, word, "{line}");
        }
    }

    #[test]
    fn colours_of_the_line_itself_stay_and_sequences_go() {
        let line = shown("\x1b[31mERROR\x1b[0m \x1b]52;c;AAAA\x07x\x1b[2J", true, true);
        assert_eq!(line.text(), "ERROR x");
    }
}
