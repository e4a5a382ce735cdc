//! Colours for YAML and for descriptions, one line at a time: only visible lines
//! are looked at.
//!
//! What cannot be told from one line alone (whether it stands inside a block
//! scalar) is found in one pass when the text arrives.

use crate::panes::views::painted::Painted;
use crate::theme::Role;

/// For each line whether it is text of a block scalar (`key: |`), where nothing is a key.
pub fn blocks(lines: &[String]) -> Vec<bool> {
    let mut inside: Option<usize> = None;
    let mut found = Vec::with_capacity(lines.len());
    for line in lines {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let blank = line.trim().is_empty();
        if let Some(parent) = inside {
            if blank || indent > parent {
                found.push(true);
                continue;
            }
            inside = None;
        }
        found.push(false);
        let value = line.trim_end();
        let header = value.rsplit(' ').next().unwrap_or_default();
        let opens = header.starts_with(['|', '>'])
            && header.len() <= 3
            && (value.contains(": ") || value.contains("- "));
        if opens {
            // `- |` opens a block that is deeper than its dash; `- key: |` one that is deeper than its key.
            let dashes = value.trim_start_matches(' ');
            let dash = dashes.len() - dashes.trim_start_matches("- ").len();
            let keyed = value.contains(": ");
            inside = Some(if keyed { indent + dash } else { indent });
        }
    }
    found
}

/// A line of YAML.
pub fn yaml(line: &str, in_block: bool) -> Painted {
    let mut painted = Painted::default();
    if in_block {
        painted.push(Role::LogString, line);
        return painted;
    }
    let start = line.len() - line.trim_start_matches([' ']).len();
    let (indent, mut rest) = line.split_at(start);
    painted.push_plain(indent);
    while let Some(after) = rest.strip_prefix("- ") {
        painted.push(Role::Muted, "- ");
        rest = after;
    }
    if rest.starts_with('#') {
        painted.push(Role::LogTime, rest);
        return painted;
    }
    if let Some(end) = key_end(rest) {
        let (key, value) = rest.split_at(end);
        painted.push(Role::LogKey, key);
        painted.push(Role::Muted, ":");
        value_of(&mut painted, value.get(1..).unwrap_or_default());
    } else {
        value_of(&mut painted, rest);
    }
    painted
}

/// Where a key ends: at a colon that a space or the end of the line follows, outside of quotes.
fn key_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') if at == 0 => quote = Some(*byte),
            (Some(open), byte) if *byte == open => quote = None,
            (None, b':') if at > 0 && matches!(bytes.get(at + 1), None | Some(b' ')) => return Some(at),
            (None, b'#') if at > 0 && bytes.get(at - 1) == Some(&b' ') => return None,
            _ => {}
        }
    }
    None
}

fn value_of(painted: &mut Painted, text: &str) {
    let (value, comment) = match text.find(" #") {
        Some(at) if !text.trim_start().starts_with(['"', '\'']) => text.split_at(at),
        _ => (text, ""),
    };
    let bare = value.trim();
    let role = if bare.is_empty() {
        None
    } else if matches!(bare, "true" | "false" | "null" | "~" | "{}" | "[]") || bare.parse::<f64>().is_ok() {
        Some(Role::LogNumber)
    } else if bare.starts_with(['|', '>', '&', '*', '!', '[', '{']) {
        Some(Role::Muted)
    } else {
        Some(Role::LogString)
    };
    match role {
        Some(role) => painted.push(role, value),
        None => painted.push_plain(value),
    }
    painted.push(Role::LogTime, comment);
}

/// A line of a description, as `kubectl describe` sets it: `Name:    cart`.
pub fn described(line: &str) -> Painted {
    let mut painted = Painted::default();
    let trimmed = line.trim_start();
    let indent = line.len() - trimmed.len();
    painted.push_plain(line.get(..indent).unwrap_or_default());
    if trimmed.starts_with("Warning ") {
        painted.push(Role::Warning, trimmed);
        return painted;
    }
    match trimmed.find(':') {
        Some(at)
            if matches!(trimmed.as_bytes().get(at + 1), None | Some(b' '))
                && !trimmed.get(..at).unwrap_or_default().contains("  ") =>
        {
            let (key, value) = trimmed.split_at(at);
            painted.push(Role::LogKey, key);
            painted.push(Role::Muted, ":");
            let value = value.get(1..).unwrap_or_default();
            match word_role(value.trim()) {
                Some(role) => painted.push(role, value),
                None => painted.push_plain(value),
            }
        }
        _ => painted.push_plain(trimmed),
    }
    painted
}

/// Values that want a look, wherever they stand.
fn word_role(value: &str) -> Option<Role> {
    match value {
        "CrashLoopBackOff" | "ImagePullBackOff" | "ErrImagePull" | "OOMKilled" | "Error" | "Failed" => {
            Some(Role::Critical)
        }
        "Pending" | "ContainerCreating" | "Waiting" => Some(Role::Progressing),
        "<none>" | "<unset>" => Some(Role::Muted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_blocks_are_text() {
        let text = "apiVersion: v1\nmetadata:\n  name: \"a: b\" # who\n  labels: {}\ndata:\n  run.sh: |-\n    echo: 1\n\n    # no comment\n  n: 12\nlist:\n- a: |\n    x: 1\n  b: 2\n- plain\n- - 1\n'quoted: key': >-\n  folded";
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let blocks = blocks(&lines);
        let inside: Vec<&str> =
            lines.iter().zip(&blocks).filter(|(_, inside)| **inside).map(|(line, _)| line.as_str()).collect();
        assert_eq!(inside, ["    echo: 1", "", "    # no comment", "    x: 1", "  folded"]);
        for (line, inside) in lines.iter().zip(blocks) {
            assert_eq!(yaml(line, inside).text(), line);
            assert_eq!(described(line).text(), line);
        }
    }

    #[test]
    fn pieces_have_their_roles() {
        let debug = |line: &str| format!("{:?}", yaml(line, false));
        assert!(
            debug("replicas: 3").contains("10..11, Role(LogNumber)")
                || debug("replicas: 3").contains("9..11, Role(LogNumber)")
        );
        assert!(debug("# note").contains("0..6, Role(LogTime)"));
        assert!(debug("name: cart").contains("0..4, Role(LogKey)"));
        assert!(!debug("http://x").contains("LogKey"), "a colon inside of a value is no key");
    }
}
