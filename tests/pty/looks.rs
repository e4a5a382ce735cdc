//! Terminals that can do less.

use std::process::{Command, Stdio};

use super::program::{PILOTHOUSE, Platform, Program, surroundings};

fn cells(screen: &vt100::Screen) -> Vec<vt100::Cell> {
    let (rows, columns) = screen.size();
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    places.filter_map(|(row, column)| screen.cell(row, column).cloned()).collect()
}

fn coloured(cell: &vt100::Cell) -> bool {
    cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default
}

fn opened_with(platform: &Platform, name: &str, value: &str) -> Program {
    let mut command = platform.command();
    command.env(name, value);
    let program = Program::start(command, (120, 40));
    program.see("cart-");
    program
}

fn quit(mut program: Program) {
    program.press("q");
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
}

#[test]
fn colours_are_used_where_they_can_be() {
    let platform = Platform::start();
    let program = platform.open();
    assert!(program.with_screen(|screen| cells(screen).iter().any(coloured)));
    assert!(!program.text().is_ascii(), "signs and frames are drawn with Unicode");
    quit(program);
}

#[test]
fn no_color_is_honoured() {
    let platform = Platform::start();
    let program = opened_with(&platform, "NO_COLOR", "1");
    let found = program.with_screen(|screen| cells(screen).into_iter().find(coloured));
    assert!(found.is_none(), "{found:?}");
    quit(program);
}

#[test]
fn a_dumb_terminal_gets_no_colours() {
    let platform = Platform::start();
    let mut command = platform.command();
    command.env("TERM", "dumb");
    command.env_remove("COLORTERM");
    let program = Program::start(command, (120, 40));
    program.see("cart-");
    let found = program.with_screen(|screen| cells(screen).into_iter().find(coloured));
    assert!(found.is_none(), "{found:?}");
    quit(program);
}

#[test]
fn a_c_locale_gets_ascii_alone() {
    let platform = Platform::start();
    let program = opened_with(&platform, "LANG", "C");
    let text = program.text();
    let foreign: String = text.chars().filter(|char| !char.is_ascii()).collect();
    assert_eq!(foreign, "", "\n{text}");
    quit(program);
}

#[test]
fn the_mouse_is_given_back() {
    let platform = Platform::start();
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.yaml");
    std::fs::write(&config, "ui:\n  mouse: true\n").unwrap();
    let mut command = platform.command();
    command.args(["--config".as_ref(), config.as_os_str()]);
    let program = Program::start(command, (120, 40));
    program.see("cart-");
    assert_ne!(program.with_screen(vt100::Screen::mouse_protocol_mode), vt100::MouseProtocolMode::None);
    quit(program);
}

#[test]
fn without_a_terminal_it_says_so() {
    let platform = Platform::start();
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(PILOTHOUSE)
        .arg("--kubeconfig")
        .arg(platform.kubeconfig())
        .env_clear()
        .envs(surroundings(home.path()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("needs a terminal") && !said.contains('\x1b'), "{said:?}");
}
