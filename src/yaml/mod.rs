//! Our own YAML files (configuration, keymaps, themes) read so that every error can say its line.
//!
//! [`parse`] turns text into a tree whose every key and value knows where it stands; a [`Cursor`] walks it and
//! collects all that is wrong at once, with the path of the key and the nearest known name. This is the only room
//! that knows YAML's notation for files of ours; manifests of the cluster are not its business. The decoders in
//! `config`, `keymap` and `theme` receive cursors and give typed values.
//!
//! Why not serde: its errors tell one place at most, stop at the first, and lose the line of values that are
//! well-formed but wrong together (two bindings of one key). Syntax is read by `granit-parser`, the event parser
//! under `serde-saphyr`; writing goes through `serde_yaml`.

mod cursor;
mod shelf;
mod tree;

pub use cursor::{Cursor, Fields, Found};
pub use shelf::{Entry, Shelf, read_file};
pub use tree::{At, Key, Node, Value, parse};

/// A string written so that every YAML reader gives the same string back, quoted where it must be.
#[must_use]
pub fn scalar(text: &str) -> String {
    let plain_everywhere = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !NOT_STRINGS.contains(&text.to_ascii_lowercase().as_str());
    if plain_everywhere {
        text.to_owned()
    } else {
        // JSON strings are YAML strings.
        serde_json::Value::from(text).to_string()
    }
}

/// Plain words that some YAML version reads as something else than a string.
const NOT_STRINGS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_from_both_readers() {
        for text in [
            "dev", "no", "Yes", "1.10", "~", "", "a: b", "- x", "é", "\"q\"", "#c", "0644", "1_000", "a,b",
            "*", "x y",
        ] {
            let yaml = format!("key: {}\n", scalar(text));
            let by_serde: std::collections::BTreeMap<String, String> = serde_yaml::from_str(&yaml).unwrap();
            assert_eq!(by_serde["key"], text, "{yaml}");
            let found = Found::new("f".as_ref());
            let node = parse("f".as_ref(), &yaml).unwrap();
            let fields = found.root(&node).fields().unwrap();
            assert_eq!(fields.take("key").unwrap().text().unwrap(), text, "{yaml}");
        }
    }
}
