//! Tests of keymaps: the embedded ones hold what the product promises, and wrong files say where.

use super::*;

const LIST: &[Scope] = &[Scope::List, Scope::Global];
const LOGS: &[Scope] = &[Scope::Logs, Scope::Text, Scope::Global];
const GRAPH: &[Scope] = &[Scope::Graph, Scope::Global];
const YAML: &[Scope] = &[Scope::Yaml, Scope::Text, Scope::Global];

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn with(files: &[(&str, &str)]) -> (tempfile::TempDir, Keymaps) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let keymaps = Keymaps::new(Some(folder.path().to_owned()));
    (folder, keymaps)
}

fn complaints(text: &str) -> String {
    let (folder, keymaps) = with(&[("mine.yaml", text)]);
    let problems = keymaps.load("mine").unwrap_err().to_string();
    problems.replace(folder.path().to_str().unwrap(), "KEYMAPS")
}

#[test]
fn every_embedded_keymap_is_right_and_says_what_it_is() {
    for (name, _) in EMBEDDED {
        let keymap = Keymaps::new(None).load(name).unwrap_or_else(|p| panic!("{name}:\n{p}"));
        assert!(keymap.doc.ends_with('.'), "{name} has no doc");
    }
}

/// Every action is on some key of the default keymap where it makes sense, and no binding is dead.
#[test]
fn the_default_keymap_reaches_every_action() {
    let keymap = Keymaps::new(None).load("default").unwrap();
    for info in crate::action::TABLE {
        let places: &[&[Scope]] = match info.scope {
            Scope::Global => &[&[Scope::Global]],
            Scope::List => &[LIST],
            Scope::Text => &[&[Scope::Text, Scope::Global], LOGS, YAML],
            Scope::Logs => &[LOGS],
            Scope::Yaml => &[YAML],
            Scope::Graph => &[GRAPH],
        };
        for scopes in places {
            assert!(keymap.label(scopes, info.action).is_some(), "{} has no key in {scopes:?}", info.name);
        }
    }
}

/// Moving, leaving and asking for help work everywhere in every keymap.
#[test]
fn the_ways_out_are_open_everywhere() {
    for (name, _) in EMBEDDED {
        let keymap = Keymaps::new(None).load(name).unwrap();
        for scopes in [LIST, LOGS, YAML, GRAPH] {
            for (keys, action) in [
                ("esc", Action::Back),
                ("ctrl-c", Action::Quit),
                ("ctrl-z", Action::Suspend),
                ("?", Action::Help),
            ] {
                let found = keymap.resolve(scopes, &[], key(keys));
                assert_eq!(found, Resolution::Action(action), "{name}: {keys} in {scopes:?}");
            }
            for action in
                [Action::Up, Action::Down, Action::Palette, Action::Filter, Action::Top, Action::Bottom]
            {
                assert!(keymap.label(scopes, action).is_some(), "{name}: {action:?} in {scopes:?}");
            }
        }
    }
}

#[test]
fn the_default_keys_are_those_of_the_manual() {
    let keymap = Keymaps::new(None).load("default").unwrap();
    for (keys, name) in [
        ("h", "left"),
        ("j", "down"),
        ("k", "up"),
        ("right", "right"),
        ("g", "top"),
        ("G", "bottom"),
        ("ctrl-d", "half-page-down"),
        ("ctrl-u", "half-page-up"),
        ("tab", "next-pane"),
        ("shift-tab", "previous-pane"),
        ("1", "environments"),
        ("3", "pods"),
        ("0", "journal"),
        ("enter", "open"),
        ("esc", "back"),
        ("[", "previous-environment"),
        ("]", "next-environment"),
        ("/", "filter"),
        ("space", "mark"),
        ("F", "faults"),
        ("o", "sort"),
        ("O", "sort-direction"),
        ("l", "logs"),
        ("d", "describe"),
        ("y", "yaml"),
        ("e", "events"),
        ("x", "shell"),
        ("c", "connect"),
        ("Y", "copy"),
        (":", "palette"),
        ("?", "help"),
        ("q", "quit"),
        ("ctrl-c", "quit"),
        ("ctrl-r", "redraw"),
        ("ctrl-z", "suspend"),
    ] {
        let wanted = Action::from_name(name).unwrap();
        assert_eq!(keymap.resolve(LIST, &[], key(keys)), Resolution::Action(wanted), "{keys}");
    }
    assert_eq!(keymap.resolve(&[Scope::Global], &[], key("l")), Resolution::Action(Action::Right));
}

#[test]
fn sequences_wait_and_inner_scopes_hide_outer_ones() {
    let vim = Keymaps::new(None).load("vim").unwrap();
    assert_eq!(vim.resolve(LIST, &[], key("g")), Resolution::Pending);
    assert_eq!(vim.resolve(LIST, &[key("g")], key("g")), Resolution::Action(Action::Top));
    assert_eq!(vim.resolve(LIST, &[key("g")], key("x")), Resolution::None);
    assert_eq!(vim.resolve(LIST, &[], key("f24")), Resolution::None);

    let (_folder, keymaps) = with(&[("m.yaml", "extends: default\nlist:\n  q: mark\n")]);
    let mine = keymaps.load("m").unwrap();
    assert_eq!(mine.label(LIST, Action::Quit).as_deref(), Some("ctrl-c"), "a hidden key is not shown");
    assert_eq!(mine.label(&[Scope::Global], Action::Quit).as_deref(), Some("q"));
}

#[test]
fn a_keymap_extends_and_unbinds() {
    let text = "extends: default\nglobal:\n  q: none\n  \"g g\": top\n  ctrl-q: quit\n";
    let (_folder, keymaps) = with(&[("default.yaml", text)]);
    let mine = keymaps.load("default").unwrap();
    assert_eq!(mine.resolve(LIST, &[], key("q")), Resolution::None);
    assert_eq!(mine.resolve(LIST, &[], key("ctrl-q")), Resolution::Action(Action::Quit));
    assert_eq!(mine.resolve(LIST, &[], key("g")), Resolution::Pending, "`g g` takes the place of `g`");
    assert_eq!(mine.resolve(LIST, &[], key("j")), Resolution::Action(Action::Down));
}

#[test]
fn wrong_files_are_told_with_place_and_mend() {
    insta::assert_snapshot!(
        "unknown_names",
        complaints("extends: default\nglobl: {}\nglobal:\n  ctrl-q: qiut\n  entr: open\n  shift-x: shell\n")
    );
    insta::assert_snapshot!(
        "conflicts",
        complaints("extends: default\nglobal:\n  ctrl-q: quit\n  ctrl-Q: help\n  z: top\n  z z: bottom\n")
    );
    insta::assert_snapshot!("leads_back", complaints("extends: mine\n"));
    insta::assert_snapshot!("locked_in", complaints("global:\n  j: down\n  \":\": palette\n"));
}
