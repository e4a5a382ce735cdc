//! The signs of the screen, in Unicode and in plain ASCII. Status is never colour alone: a sign goes with it.

use ratatui::symbols::border;
use ratatui::symbols::scrollbar;

use crate::domain::level::Level;

/// One set of signs. Every status sign takes one cell in both sets, so columns do not move when the set changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbols {
    /// Whether this is the ASCII set: the drawn screen then goes through `text::asciify` as well.
    pub ascii: bool,
    /// Well.
    pub ok: &'static str,
    /// At rest by intent.
    pub idle: &'static str,
    /// On its way.
    pub progressing: &'static str,
    /// Wants a look.
    pub warning: &'static str,
    /// Broken.
    pub critical: &'static str,
    /// Not known.
    pub unknown: &'static str,
    /// An action of ours is running; also syncing.
    pub running: &'static str,
    /// Differs: drift.
    pub differs: &'static str,
    /// Muted by a person.
    pub silenced: &'static str,
    /// A protected environment.
    pub protected: &'static str,
    /// Done, in sync.
    pub check: &'static str,
    /// A marked row.
    pub mark: &'static str,
    /// Between parts of a title: `58 · faults first`.
    pub dot: &'static str,
    /// From the whole to the part: `pilothouse ▸ production`.
    pub crumb: &'static str,
    /// Leads to: `blue → green`.
    pub arrow: &'static str,
    /// Ahead of the next stage, sorted upwards.
    pub up: &'static str,
    /// Behind, sorted downwards.
    pub down: &'static str,
    /// How many: `×3`.
    pub times: &'static str,
    /// Something was cut away.
    pub ellipsis: &'static str,
    /// Filled cell of a bar.
    pub bar: &'static str,
    /// Empty cell of a bar.
    pub bar_empty: &'static str,
    /// Steps of a bar's last cell and of sparklines, lowest first.
    pub steps: &'static [&'static str],
    /// Frames of the spinner.
    pub spinner: &'static [&'static str],
    /// A limit line in charts.
    pub dash: &'static str,
    /// A deploy or action under a time axis.
    pub event: &'static str,
    /// The cursor in text being typed.
    pub caret: &'static str,
    /// A child that has younger siblings.
    pub branch: &'static str,
    /// The last child.
    pub last_branch: &'static str,
    /// The line past a child that has younger siblings.
    pub trunk: &'static str,
    /// The frame of a pane.
    pub border: border::Set<'static>,
    /// The frame of the focused pane.
    pub border_focused: border::Set<'static>,
    /// The scroll bar of long panes.
    pub scrollbar: scrollbar::Set<'static>,
    /// Whether charts may use braille dots.
    pub braille: bool,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// The signs of screens.md for terminals that show Unicode.
pub static UNICODE: Symbols = Symbols {
    ascii: false,
    ok: "●",
    idle: "○",
    progressing: "◐",
    warning: "▲",
    critical: "✖",
    unknown: "?",
    running: "↻",
    differs: "≠",
    silenced: "∅",
    protected: "⛨",
    check: "✓",
    mark: "┃",
    dot: "·",
    crumb: "▸",
    arrow: "→",
    up: "↑",
    down: "↓",
    times: "×",
    ellipsis: "…",
    bar: "▇",
    bar_empty: "▁",
    steps: &["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
    dash: "┄",
    event: "▲",
    caret: "▏",
    branch: "├─ ",
    last_branch: "└─ ",
    trunk: "│  ",
    border: border::PLAIN,
    border_focused: border::THICK,
    scrollbar: scrollbar::Set { track: "│", thumb: "█", begin: "│", end: "│" },
    braille: true,
};

/// The signs for a C locale, the Linux console, or whoever asks for ASCII.
pub static ASCII: Symbols = Symbols {
    ascii: true,
    ok: "o",
    idle: ".",
    progressing: "~",
    warning: "!",
    critical: "x",
    unknown: "?",
    running: ">",
    differs: "#",
    silenced: "-",
    protected: "P",
    check: "+",
    mark: "*",
    dot: "-",
    crumb: ">",
    arrow: ">",
    up: "^",
    down: "v",
    times: "x",
    ellipsis: "~",
    bar: "#",
    bar_empty: ".",
    steps: &["_", ".", "-", "=", "+", "*", "%", "#"],
    spinner: &["|", "/", "-", "\\"],
    dash: "-",
    event: "^",
    caret: "_",
    branch: "|- ",
    last_branch: "`- ",
    trunk: "|  ",
    border: ASCII_BORDER,
    border_focused: border::Set {
        vertical_left: "#",
        vertical_right: "#",
        horizontal_top: "=",
        horizontal_bottom: "=",
        top_left: "#",
        top_right: "#",
        bottom_left: "#",
        bottom_right: "#",
    },
    scrollbar: scrollbar::Set { track: "|", thumb: "#", begin: "^", end: "v" },
    braille: false,
};

impl Symbols {
    /// The sign of a level of health.
    #[must_use]
    pub fn level(&self, level: Level) -> &'static str {
        match level {
            Level::Ok => self.ok,
            Level::Idle => self.idle,
            Level::Progressing => self.progressing,
            Level::Unknown => self.unknown,
            Level::Warning => self.warning,
            Level::Critical => self.critical,
        }
    }

    /// A frame of the spinner; `beat` counts up for ever.
    #[must_use]
    pub fn spin(&self, beat: u64) -> &'static str {
        let n = self.spinner.len() as u64;
        usize::try_from(beat % n).map_or("", |i| self.spinner[i])
    }
}

/// Which set a terminal of this environment shows, by POSIX's rule: the first of LC_ALL, LC_CTYPE and LANG that is
/// set names the character set. The Linux console has a font of 512 glyphs without our signs.
#[must_use]
pub fn by_locale(var: impl Fn(&str) -> Option<String>) -> &'static Symbols {
    if var("TERM").as_deref() == Some("linux") {
        return &ASCII;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| var(name).filter(|v| !v.is_empty()));
    let charset = locale.unwrap_or_default().to_ascii_lowercase();
    if charset.contains("utf-8") || charset.contains("utf8") { &UNICODE } else { &ASCII }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::width;

    fn status_signs(s: &Symbols) -> Vec<&'static str> {
        let mut signs: Vec<_> = Level::ALL.iter().map(|l| s.level(*l)).collect();
        signs.extend([s.running, s.differs, s.silenced, s.protected]);
        signs
    }

    #[test]
    fn signs_take_one_cell_and_differ() {
        for set in [&UNICODE, &ASCII] {
            let signs = status_signs(set);
            for sign in &signs {
                assert_eq!(width(sign), 1, "{sign}");
                assert_eq!(signs.iter().filter(|s| s == &sign).count(), 1, "{sign}");
            }
            for sign in set.steps.iter().chain(set.spinner) {
                assert_eq!(width(sign), 1, "{sign}");
            }
            for sign in [
                set.check,
                set.mark,
                set.dot,
                set.crumb,
                set.arrow,
                set.up,
                set.down,
                set.times,
                set.ellipsis,
                set.bar,
                set.bar_empty,
                set.dash,
                set.event,
                set.caret,
            ] {
                assert_eq!(width(sign), 1, "{sign}");
            }
        }
        assert_eq!(
            [ASCII.branch, ASCII.last_branch, ASCII.trunk].map(width),
            [UNICODE.branch, UNICODE.last_branch, UNICODE.trunk].map(width)
        );
    }

    #[test]
    fn the_ascii_set_is_ascii() {
        assert!(format!("{ASCII:?}").is_ascii());
    }

    #[test]
    fn locales() {
        let pick = |vars: &'static [(&str, &str)]| {
            by_locale(|name| {
                let hit = vars.iter().find(|(n, _)| *n == name)?;
                Some(hit.1.to_owned())
            })
            .ascii
        };
        assert!(pick(&[]));
        assert!(!pick(&[("LANG", "de_CH.UTF-8")]));
        assert!(!pick(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(pick(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(pick(&[("TERM", "linux"), ("LANG", "en_US.UTF-8")]));
    }
}
