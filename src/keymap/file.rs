//! A keymap file as written: sections by scope, `key: action`, possibly on top of another keymap.

use std::path::PathBuf;

use super::key::Keys;
use super::{Binding, Keymap};
use crate::action::{Action, Scope, TABLE};
use crate::error::{Problem, Problems, suggest};
use crate::text::clean;
use crate::yaml::{Fields, Found, Shelf, parse};

/// How many keymaps may extend one another.
const CHAIN_LIMIT: usize = 8;

/// Written instead of an action's name, takes an inherited binding away.
const UNBIND: &str = "none";

/// Actions without which a person would be locked in.
const NEEDED: [Action; 3] = [Action::Quit, Action::Palette, Action::Help];

/// Reads a named keymap and what it extends.
pub(super) fn read(shelf: &Shelf, name: &str) -> Result<Keymap, Problems> {
    let (file, text) = shelf.read(name)?;
    let mut chain = vec![name.to_owned()];
    let keymap = read_text(shelf, file.clone(), &text, &mut chain)?;
    let missing: Vec<_> = NEEDED
        .iter()
        .filter(|action| !keymap.bindings.iter().any(|b| b.action == **action))
        .map(|action| action.info().name)
        .collect();
    if !missing.is_empty() {
        return Err(Problem::usage(format!("no key is bound to {}", missing.join(", ")))
            .in_file(&file)
            .mend("bind them in `global`, or begin the file with `extends: default`")
            .into());
    }
    Ok(Keymap { name: name.to_owned(), ..keymap })
}

fn read_text(shelf: &Shelf, file: PathBuf, text: &str, chain: &mut Vec<String>) -> Result<Keymap, Problems> {
    let node = parse(&file, text)?;
    let found = Found::new(&file);
    let mut keymap = Keymap { name: String::new(), doc: String::new(), bindings: Vec::new() };
    if let Some(fields) = found.root(&node).fields() {
        if let Some(cursor) = fields.take("extends")
            && let Some(base) = cursor.text()
        {
            // A user's `default` may extend the embedded `default`.
            let source = if chain.contains(&base) {
                shelf.embedded(&base).filter(|(f, _)| *f != file).map(Ok)
            } else {
                Some(shelf.read(&base))
            };
            match source {
                Some(Ok((base_file, base_text))) if chain.len() < CHAIN_LIMIT => {
                    chain.push(base);
                    keymap = read_text(shelf, base_file, &base_text, chain)?;
                }
                Some(Err(problem)) => cursor.wrong(problem.what, problem.mend.unwrap_or_default()),
                _ => cursor.wrong(format!("`{base}` leads back to this keymap"), "extend another keymap"),
            }
        }
        if let Some(doc) = fields.take("doc").and_then(|c| c.text()) {
            keymap.doc = doc;
        }
        for scope in Scope::ALL {
            if let Some(section) = fields.take(scope.name()).and_then(|c| c.fields()) {
                read_section(&mut keymap, scope, &section);
            }
        }
        fields.finish();
    }
    found.problems().or_ok()?;
    Ok(keymap)
}

fn read_section(keymap: &mut Keymap, scope: Scope, section: &Fields<'_>) {
    let mut own: Vec<(Keys, String, usize)> = Vec::new();
    for (key, cursor) in section.all() {
        let keys = match Keys::parse(&key.name) {
            Ok(keys) => keys,
            Err((what, mend)) => {
                section.wrong_key(key, clean(&what).into_owned(), mend);
                continue;
            }
        };
        let Some(name) = cursor.text() else { continue };
        let action = match name.as_str() {
            UNBIND => None,
            name => match Action::from_name(name) {
                Some(action) => Some(action),
                None => {
                    let names = TABLE.iter().map(|info| info.name).chain([UNBIND]);
                    cursor.wrong(format!("unknown action `{name}`"), suggest(name, names));
                    continue;
                }
            },
        };
        let rival = own.iter().find(|(other, _, _)| begins(&keys, other) || begins(other, &keys));
        if let Some((other, other_name, line)) = rival {
            let what = if *other == keys {
                format!("`{keys}` is bound twice: `{other_name}` (line {line}) and `{name}`")
            } else {
                format!("`{keys}` and `{other}` (line {line}) cannot both be bound: one begins the other")
            };
            section.wrong_key(key, what, "keep one of them");
            continue;
        }
        keymap.bindings.retain(|b| b.scope != scope || !(begins(&b.keys, &keys) || begins(&keys, &b.keys)));
        if let Some(action) = action {
            keymap.bindings.push(Binding { scope, keys: keys.clone(), action });
        }
        own.push((keys, name, key.at.line));
    }
}

/// Whether `short` is the beginning of `long`, or all of it.
fn begins(short: &Keys, long: &Keys) -> bool {
    long.0.starts_with(&short.0)
}
