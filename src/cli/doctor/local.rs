//! What this machine brings: the terminal, git, keymap and theme files.

use std::io::{IsTerminal, stdout};
use std::process::Stdio;

use super::{FILES, failures};
use crate::cli::Global;
use crate::config::{Config, Folders};
use crate::keymap::Keymaps;
use crate::report::Check;
use crate::text::clean;
use crate::theme::{self, Depth, Themes};

const AREA: &str = "terminal";

/// What the surroundings say of the terminal.
#[derive(Clone, Debug, Default)]
pub struct Terminal {
    /// Standard output is one.
    pub is_terminal: bool,
    /// Columns and rows.
    pub size: Option<(u16, u16)>,
    /// How many colours.
    pub depth: Option<Depth>,
    /// The locale speaks UTF-8.
    pub unicode: bool,
    /// `TERM`
    pub term: String,
    /// Inside of tmux.
    pub tmux: bool,
    /// Inside of GNU screen.
    pub screen: bool,
    /// Over SSH.
    pub ssh: bool,
}

impl Terminal {
    /// That of this process.
    pub fn of_this_process() -> Terminal {
        let var = |name: &str| std::env::var(name).ok();
        let is_terminal = stdout().is_terminal();
        Terminal {
            is_terminal,
            size: is_terminal.then(|| crossterm::terminal::size().ok()).flatten(),
            depth: is_terminal.then(|| Depth::detect(&stdout())),
            unicode: std::ptr::eq(theme::by_locale(var), &raw const theme::UNICODE),
            term: clean(&var("TERM").unwrap_or_default()).into_owned(),
            tmux: var("TMUX").is_some(),
            screen: var("STY").is_some(),
            ssh: var("SSH_CONNECTION").is_some(),
        }
    }
}

/// What the terminal can do.
pub fn terminal(terminal: &Terminal) -> Vec<Check> {
    if !terminal.is_terminal {
        return vec![Check::warn(
            AREA,
            "screen",
            "standard output is no terminal: the screen cannot be shown here",
            "run it in a terminal; `status` and `snapshot` need none",
        )];
    }
    let mut checks = vec![match terminal.size {
        Some((columns, rows)) if columns < 80 || rows < 24 => Check::warn(
            AREA,
            "size",
            format!("{columns}x{rows}: less than 80x24, much will be cut"),
            "make the window larger",
        ),
        Some((columns, rows)) => Check::ok(AREA, "size", format!("{columns}x{rows}")),
        None => {
            Check::warn(AREA, "size", "the terminal does not tell its size", "`stty size` should tell it")
        }
    }];
    checks.push(match terminal.depth {
        Some(Depth::TrueColor) => Check::ok(AREA, "colours", "truecolor"),
        Some(Depth::Ansi256) => Check::ok(AREA, "colours", "256"),
        Some(Depth::Ansi16) => {
            Check::ok(AREA, "colours", "16: the theme `ansi16` is used unless another is chosen")
        }
        Some(Depth::Mono) | None => {
            Check::ok(AREA, "colours", "none (NO_COLOR or a plain terminal): signs and words say everything")
        }
    });
    checks.push(match terminal.unicode {
        true => Check::ok(AREA, "signs", "Unicode"),
        false => Check::warn(
            AREA,
            "signs",
            "the locale is not UTF-8: ASCII signs are used",
            "set LANG to a UTF-8 locale such as C.UTF-8",
        ),
    });
    checks.push(match terminal.term.as_str() {
        "" | "dumb" => Check::fail(
            AREA,
            "type",
            format!("TERM is `{}`", terminal.term),
            "set TERM to what your terminal is, such as xterm-256color",
        ),
        term => Check::ok(AREA, "type", format!("TERM is `{term}`")),
    });
    checks.push(clipboard(terminal));
    checks
}

/// Copying goes through the terminal (OSC 52), which reaches the person's own
/// clipboard over SSH too, if every layer lets it pass.
fn clipboard(terminal: &Terminal) -> Check {
    if terminal.screen {
        return Check::warn(
            AREA,
            "copy",
            "GNU screen does not pass copied text on (OSC 52)",
            "use tmux, or select with the terminal's own mouse selection",
        );
    }
    if terminal.tmux {
        return Check::ok(AREA, "copy", "by OSC 52; tmux passes it on with `set -g set-clipboard on`");
    }
    let over = if terminal.ssh { ", over SSH too" } else { "" };
    Check::ok(AREA, "copy", format!("by OSC 52{over}, if the terminal allows it in its settings"))
}

/// Whether git can be run.
pub async fn git() -> Check {
    let asked = tokio::process::Command::new("git")
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await;
    match asked {
        Ok(output) if output.status.success() => {
            let words = String::from_utf8_lossy(&output.stdout);
            Check::ok("tools", "git", clean(words.trim()).into_owned())
        }
        _ => Check::warn(
            "tools",
            "git",
            "git cannot be run: what concerns GitOps repositories will not work",
            "install git, and see that it is on the PATH",
        ),
    }
}

/// Whether the keymap and theme files are well: all of the person's own, and
/// the ones that are in use.
pub fn keymaps_and_themes(global: &Global, folders: &Folders, config: &Config) -> Vec<Check> {
    let keymaps = Keymaps::new(folders.keymaps());
    let themes = Themes::new(folders.themes());
    let keymap = global.keymap.as_deref().unwrap_or(&config.ui.keymap);
    let theme_name = global.theme.as_deref().unwrap_or(&config.ui.theme);
    let own = |entries: Vec<crate::yaml::Entry>| -> Vec<String> {
        entries.into_iter().filter(|entry| entry.file.is_some()).map(|entry| entry.name).collect()
    };
    let mut checks = Vec::new();
    let mut names = own(keymaps.entries());
    names.insert(0, keymap.to_owned());
    names.dedup();
    let before = checks.len();
    for name in &names {
        if let Err(problems) = keymaps.load(name) {
            checks.extend(failures("keymaps", &problems));
        }
    }
    if checks.len() == before {
        checks.push(Check::ok(FILES, "keymaps", format!("`{}` in use", clean(keymap))));
    }
    let before = checks.len();
    let depth = Depth::TrueColor;
    if let Err(problems) = themes.load(theme_name, depth, None) {
        checks.extend(failures("themes", &problems));
    }
    for name in own(themes.entries()) {
        if name != theme_name
            && let Err(problems) = themes.check(&name)
        {
            checks.extend(failures("themes", &problems));
        }
    }
    if checks.len() == before {
        checks.push(Check::ok(FILES, "themes", format!("`{}` in use", clean(theme_name))));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;

    fn good() -> Terminal {
        Terminal {
            is_terminal: true,
            size: Some((120, 40)),
            depth: Some(Depth::TrueColor),
            unicode: true,
            term: "xterm-256color".to_owned(),
            ..Terminal::default()
        }
    }

    #[test]
    fn terminals_are_judged_by_what_they_lack() {
        for (seen, what, verdict) in [
            (good(), "size", Verdict::Ok),
            (Terminal { size: Some((79, 24)), ..good() }, "size", Verdict::Warn),
            (Terminal { size: None, ..good() }, "size", Verdict::Warn),
            (Terminal { depth: Some(Depth::Mono), ..good() }, "colours", Verdict::Ok),
            (Terminal { unicode: false, ..good() }, "signs", Verdict::Warn),
            (Terminal { term: "dumb".to_owned(), ..good() }, "type", Verdict::Fail),
            (Terminal { screen: true, ..good() }, "copy", Verdict::Warn),
            (Terminal { tmux: true, ..good() }, "copy", Verdict::Ok),
            (Terminal { is_terminal: false, ..good() }, "screen", Verdict::Warn),
        ] {
            let checks = terminal(&seen);
            let check = checks.iter().find(|check| check.what == what).unwrap();
            assert_eq!(check.verdict, verdict, "{what}: {}", check.words);
            assert_eq!(check.verdict == Verdict::Ok, check.mend.is_empty(), "every fault has a mend");
        }
    }
}
