//! What the pages say: the table of rooms, the paths they name, the keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex::Regex;

use super::tree::root;

/// Pages for people.
const PAGES: [&str; 4] = ["ARCHITECTURE.md", "README.md", "SECURITY.md", "CHANGELOG.md"];

pub fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_default()
}

/// The table of rooms: what each may import; `None` for "every room".
pub fn rooms() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let page = page("ARCHITECTURE.md");
    let (_, rest) = page.split_once("| room |").unwrap();
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    let rooms: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let room = cells[1].trim_matches('`').to_owned();
            let all = cells[3] == "every room";
            (room, (!all).then(|| quoted(cells[3]).into_iter().collect()))
        })
        .collect();
    assert!(rooms.len() > 10, "the table of rooms was not understood");
    rooms
}

/// Texts between back quotes.
pub fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Paths of the repository that a text names.
fn paths(text: &str) -> Vec<String> {
    let pattern = r"(?:^|[^\w/.~-])((?:src|tests|keymaps|themes|assets|benches|docs|\.ci)/[\w./*-]*)";
    let found = Regex::new(pattern).unwrap();
    // Of a pattern like keymaps/*.yaml, the folder is looked for.
    let known = |path: &str| path.split('*').next().unwrap_or_default().trim_end_matches('.').to_owned();
    found.captures_iter(text).map(|hit| known(&hit[1])).collect()
}

#[test]
fn pages_name_paths_that_exist() {
    let mut missing = Vec::new();
    for name in PAGES {
        for path in paths(&page(name)) {
            if !root().join(&path).exists() {
                missing.push(format!("{name} names {path}, which does not exist"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn paths_are_found_in_prose() {
    let text = "See `src/a.rs`, tests/b/ and [c](themes/c.yaml); not ~/.config/pilothouse/keymaps/mine.yaml. \
                Look at keymaps/*.yaml and .ci/run.";
    assert_eq!(paths(text), ["src/a.rs", "tests/b/", "themes/c.yaml", "keymaps/", ".ci/run"]);
}

/// The rows of the table of a page whose head begins like this, as their cells.
pub fn table<'a>(page: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let table = page.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').skip(1).map(str::trim).collect()).collect()
}

/// The keys in the first column of README's table of keys.
fn keys_of_the_readme(page: &str) -> Vec<String> {
    table(page, "| key |").iter().flat_map(|row| quoted(row[0])).collect()
}

#[test]
fn the_readme_names_keys_that_exist() {
    let keymap = pilothouse::keymap::Keymaps::new(None).load("default").unwrap();
    let known: Vec<String> = keymap.bindings().iter().map(|binding| binding.keys.to_string()).collect();
    let keys = keys_of_the_readme(&page("README.md"));
    assert!(keys.len() > 20, "README's table of keys was not found");
    for key in keys {
        assert!(
            known.contains(&key),
            "README names the key `{key}`, which keymaps/default.yaml does not bind"
        );
    }
}
