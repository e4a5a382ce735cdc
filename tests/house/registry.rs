//! The registry of actions against everything that has to know them: an action is one file and one line, and whoever
//! adds one is told here what a person would miss of it.

use std::collections::BTreeSet;
use std::fs;

use clap::CommandFactory;
use pilothouse::action::{Action, TABLE};
use pilothouse::change::actions::{self, ALL};
use pilothouse::cli::Cli;
use pilothouse::keymap::Keymaps;

use super::pages::{page, quoted, table};
use super::tree::root;

/// The row of the table of keys by which a key, the palette and the help know an action, and the one that asks for it
/// among others, where there is one.
fn rows(act: &dyn actions::Act) -> Vec<Action> {
    let names = [act.row(), act.asked_by()].into_iter().filter(|name| !name.is_empty());
    names.filter_map(Action::from_name).collect()
}

#[test]
fn every_action_is_one_file_of_its_name() {
    let folder = root().join("src/change/actions");
    let registry = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let (_, all) = registry.split_once("pub static ALL").unwrap();
    let lines = all.split("= &[").nth(1).unwrap().split("];").next().unwrap().lines();
    let modules: Vec<&str> =
        lines.filter_map(|line| line.trim().strip_prefix('&')?.split("::").next()).collect();
    let names: Vec<String> = ALL.iter().map(|act| act.name().replace('-', "_")).collect();
    assert_eq!(modules, names, "a line of the registry is not of the file that has the action's name");
    let mut files = BTreeSet::new();
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let acts = fs::read_to_string(&path).unwrap().matches("impl Act for ").count();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(acts < 2, "{} has several actions", path.display());
        if acts == 1 {
            files.insert(name);
        }
    }
    assert_eq!(files, names.into_iter().collect(), "a file has an action that the registry does not have");
}

#[test]
fn every_action_is_found_by_key_palette_and_help() {
    let keymap = Keymaps::new(None).load("default").unwrap();
    for act in ALL {
        let rows = rows(*act);
        let own = rows.first().unwrap_or_else(|| panic!("action::TABLE has no row for {}", act.name()));
        // Palette and help list the whole table.
        assert!(
            TABLE.iter().any(|info| info.action == *own && info.doc.starts_with("Plan ")),
            "{}",
            act.name()
        );
        let bound = |row: &Action| keymap.bindings().iter().any(|binding| binding.action == *row);
        assert!(rows.iter().any(bound), "keymaps/default.yaml has no key that leads to {}", act.name());
        assert!(actions::of_row(own.info().name).any(|verb| verb.name() == act.name()), "{}", act.name());
    }
}

#[test]
fn every_action_is_a_command_of_the_command_line() {
    let cli = Cli::command();
    for act in ALL {
        let command = cli.find_subcommand(act.name());
        let command = command.unwrap_or_else(|| panic!("there is no command {}", act.name()));
        let told: Vec<&str> = command.get_arguments().filter_map(|argument| argument.get_long()).collect();
        for long in ["env", "plan", "yes", "confirm", "reason", "wait", "output"] {
            assert!(told.contains(&long), "{} has no --{long}", act.name());
        }
    }
}

#[test]
fn every_action_is_in_the_readme() {
    let readme = page("README.md");
    let commands: Vec<String> = table(&readme, "| command |").iter().flat_map(|row| quoted(row[0])).collect();
    let plans = table(&readme, "| key |").into_iter().filter(|row| row[1].contains("plan"));
    let keys: Vec<String> = plans.flat_map(|row| quoted(&row.concat())).collect();
    let keymap = Keymaps::new(None).load("default").unwrap();
    for act in ALL {
        let rows = rows(*act);
        let mut bound = keymap.bindings().iter().filter(|binding| rows.contains(&binding.action));
        assert!(
            bound.any(|binding| keys.contains(&binding.keys.to_string())),
            "README's table of keys has no key that leads to {}",
            act.name()
        );
        let command = |named: &String| named.trim_start_matches("pilothouse ") == act.name();
        assert!(commands.iter().any(command), "README's table of commands has no {}", act.name());
    }
}
