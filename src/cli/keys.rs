//! `pilothouse keys`: what each key does, and whether keymap files are well.

use clap::Args;

use super::files::Files;
use super::{Exit, Global, print};
use crate::action::{Scope, TABLE};
use crate::error::Problems;
use crate::keymap::Keymap;
use crate::text;
use crate::yaml::Entry;

/// Arguments of `keys`.
#[derive(Clone, Debug, Args)]
pub struct KeysArgs {
    /// A keymap or its file; left out: the one in use
    #[arg(value_name = "KEYMAP")]
    pub name: Option<String>,
    /// List the keymaps there are
    #[arg(long, conflicts_with = "name")]
    pub list: bool,
    /// Check all keymaps, or the one named, and say what is wrong
    #[arg(long, conflicts_with = "list")]
    pub check: bool,
    /// Print JSON
    #[arg(long, conflicts_with_all = ["list", "check"])]
    pub json: bool,
}

/// Runs it.
///
/// # Errors
/// Everything that is wrong with the configuration or the keymap.
pub fn run(global: &Global, args: &KeysArgs) -> Result<Exit, Problems> {
    let files = Files::find(global)?;
    let name = args.name.as_ref().unwrap_or(&files.keymap);
    if args.check {
        let names: Vec<String> = match &args.name {
            Some(name) => vec![name.clone()],
            None => files.keymaps.entries().into_iter().map(|e| e.name).collect(),
        };
        return check("keymap", &names, |name| files.keymaps.load(name).map(|_| ()));
    }
    if args.list {
        let doc = |name: &str| files.keymaps.load(name).map(|keymap| keymap.doc);
        print(&listing(&files.keymaps.entries(), &files.keymap, doc))?;
        return Ok(Exit::Done);
    }
    let keymap = files.keymaps.load(name)?;
    print(&if args.json { json(&keymap) } else { table(&keymap) })?;
    Ok(Exit::Done)
}

/// Loads each and reports on each; all that is wrong is told in the end.
///
/// # Errors
/// Everything that is wrong.
pub(super) fn check(
    noun: &str,
    names: &[String],
    load: impl Fn(&str) -> Result<(), Problems>,
) -> Result<Exit, Problems> {
    let mut problems = Problems::default();
    for name in names {
        match load(name) {
            Ok(()) => print(&format!("{noun} {}: well\n", text::clean(name)))?,
            Err(found) => {
                print(&format!("{noun} {}: wrong\n", text::clean(name)))?;
                problems.0.extend(found.0);
            }
        }
    }
    problems.or_ok()?;
    Ok(Exit::Done)
}

/// A line for each file of a shelf: name, where it is, what it says about itself.
pub(super) fn listing(
    entries: &[Entry],
    in_use: &str,
    doc: impl Fn(&str) -> Result<String, Problems>,
) -> String {
    let mut rows = Vec::new();
    for entry in entries {
        let place = match &entry.file {
            Some(file) => text::clean(&file.display().to_string()).into_owned(),
            None => "built in".to_owned(),
        };
        let said = doc(&entry.name).unwrap_or_else(|_| "wrong: see --check".to_owned());
        let mark = if entry.name == in_use { "*" } else { " " };
        rows.push([format!("{mark} {}", text::clean(&entry.name)), said, place]);
    }
    let mut out = columns(&rows);
    if !entries.iter().any(|e| e.name == in_use) {
        out.push_str(&format!("\nIn use: {}\n", text::clean(in_use)));
    }
    out
}

/// Rows of aligned columns, two spaces between them.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (i, column) in row.iter().enumerate() {
            let widest = rows.iter().map(|r| text::width(&r[i])).max().unwrap_or(0);
            line.push_str(&text::pad(column, widest));
            line.push_str("  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The bindings of a scope: keys, action's name, sentence; in the order of the table of actions.
fn rows(keymap: &Keymap, scope: Scope) -> Vec<(Vec<String>, &'static str, &'static str)> {
    TABLE
        .iter()
        .filter_map(|info| {
            let bound = keymap.bindings().iter().filter(|b| b.scope == scope && b.action == info.action);
            let keys: Vec<_> = bound.map(|b| b.keys.to_string()).collect();
            (!keys.is_empty()).then_some((keys, info.name, info.doc))
        })
        .collect()
}

fn table(keymap: &Keymap) -> String {
    let all: Vec<_> = Scope::ALL.into_iter().map(|scope| (scope, rows(keymap, scope))).collect();
    let lines: Vec<[String; 3]> = all
        .iter()
        .flat_map(|(_, rows)| rows)
        .map(|(keys, name, doc)| [format!("  {}", keys.join(", ")), (*name).to_owned(), (*doc).to_owned()])
        .collect();
    let aligned = columns(&lines);
    let mut aligned = aligned.lines();
    let mut out = format!("{}: {}\n", text::clean(&keymap.name), keymap.doc);
    for (scope, rows) in &all {
        out.push_str(&format!("\n{}\n", scope.name()));
        for line in aligned.by_ref().take(rows.len()) {
            out.push_str(line);
            out.push('\n');
        }
    }
    let unbound: Vec<_> = TABLE
        .iter()
        .filter(|info| !keymap.bindings().iter().any(|b| b.action == info.action))
        .map(|info| info.name)
        .collect();
    if !unbound.is_empty() {
        out.push_str(&format!("\nOn no key, but in the palette: {}\n", unbound.join(", ")));
    }
    out
}

fn json(keymap: &Keymap) -> String {
    let rows: Vec<_> = Scope::ALL
        .into_iter()
        .flat_map(|scope| {
            rows(keymap, scope).into_iter().map(move |(keys, action, doc)| {
                serde_json::json!({"scope": scope.name(), "keys": keys, "action": action, "doc": doc})
            })
        })
        .collect();
    let all = serde_json::json!({"keymap": keymap.name, "doc": keymap.doc, "bindings": rows});
    format!("{all:#}\n")
}
