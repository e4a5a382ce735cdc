//! How many colours the terminal has, and whether its ground is dark: asked once, before the first frame.

use std::io::IsTerminal;
use std::time::Duration;

use ratatui::style::{Color, Modifier, Style};
use termprofile::{DetectorSettings, TermProfile};

/// How many colours may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// None: bold, underline and reverse only (NO_COLOR, a dumb terminal).
    Mono,
    /// The sixteen of the terminal's own palette.
    Ansi16,
    /// The 256 of xterm.
    Ansi256,
    /// Any.
    TrueColor,
}

impl Depth {
    /// Names in the configuration.
    pub const NAMES: [(&'static str, Depth); 4] = [
        ("mono", Depth::Mono),
        ("16", Depth::Ansi16),
        ("256", Depth::Ansi256),
        ("truecolor", Depth::TrueColor),
    ];

    /// Reads the environment (NO_COLOR, FORCE_COLOR, COLORTERM, TERM, ...). Runs no program and asks the terminal
    /// nothing: `tmux info` would cost a process at every start.
    #[must_use]
    pub fn detect(output: &impl IsTerminal) -> Depth {
        let settings = DetectorSettings::new().enable_tmux_info(false);
        match TermProfile::detect(output, settings) {
            TermProfile::NoTty | TermProfile::NoColor => Depth::Mono,
            TermProfile::Ansi16 => Depth::Ansi16,
            TermProfile::Ansi256 => Depth::Ansi256,
            TermProfile::TrueColor => Depth::TrueColor,
        }
    }

    fn profile(self) -> TermProfile {
        match self {
            Depth::Mono => TermProfile::NoColor,
            Depth::Ansi16 => TermProfile::Ansi16,
            Depth::Ansi256 => TermProfile::Ansi256,
            Depth::TrueColor => TermProfile::TrueColor,
        }
    }

    /// The nearest style that this depth can show. What a lost or merged ground would hide is reversed instead.
    #[must_use]
    pub fn adapt(self, style: Style) -> Style {
        let adapted: Style = self.profile().adapt_style(style);
        let coloured = |c: Option<Color>| c.filter(|c| *c != Color::Reset);
        let had_ground = coloured(style.bg).is_some();
        let ground = coloured(adapted.bg);
        if had_ground && ground.is_none() {
            let mut plain = adapted.add_modifier(Modifier::REVERSED);
            (plain.fg, plain.bg) = (None, None);
            return plain;
        }
        if ground.is_some() && adapted.fg == adapted.bg {
            return adapted.fg(match adapted.bg {
                Some(Color::Black | Color::DarkGray | Color::Blue | Color::Red | Color::Magenta) => {
                    Color::White
                }
                _ => Color::Black,
            });
        }
        adapted
    }
}

/// Whether the terminal's ground is dark or light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    /// Dark: light text.
    Dark,
    /// Light: dark text.
    Light,
}

/// The ground that COLORFGBG names, as rxvt, Konsole and others set it: `15;0`, the last number being the ground in
/// the terminal's palette. `None` when it says nothing.
#[must_use]
pub fn ground_by_variable(colorfgbg: &str) -> Option<Ground> {
    match colorfgbg.rsplit(';').next()?.trim().parse::<u8>().ok()? {
        0..=6 | 8 => Some(Ground::Dark),
        7 | 9..=15 => Some(Ground::Light),
        _ => None,
    }
}

/// Asks the terminal for its colours. Call it before raw mode and the alternate screen; it waits no longer than
/// `timeout`. `None` when the terminal does not say.
#[must_use]
pub fn probe_ground(timeout: Duration) -> Option<Ground> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return None;
    }
    let mut options = terminal_colorsaurus::QueryOptions::default();
    options.timeout = timeout;
    match terminal_colorsaurus::theme_mode(options) {
        Ok(terminal_colorsaurus::ThemeMode::Light) => Some(Ground::Light),
        Ok(terminal_colorsaurus::ThemeMode::Dark) => Some(Ground::Dark),
        // Not saying is an answer: pipes, screen and some multiplexers never tell.
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_shrink_to_the_depth() {
        let style = Style::new().fg(Color::Rgb(255, 0, 0)).bold();
        assert_eq!(Depth::TrueColor.adapt(style), style);
        assert_eq!(Depth::Ansi256.adapt(style).fg, Some(Color::Indexed(196)));
        assert_eq!(Depth::Ansi16.adapt(style).fg, Some(Color::LightRed));
        assert_eq!(Depth::Mono.adapt(style), Style::new().bold());
    }

    #[test]
    fn grounds_by_variable() {
        assert_eq!(ground_by_variable("15;0"), Some(Ground::Dark));
        assert_eq!(ground_by_variable("0;default;15"), Some(Ground::Light));
        assert_eq!(ground_by_variable("default;default"), None);
        assert_eq!(ground_by_variable(""), None);
    }

    #[test]
    fn a_lost_ground_is_reversed() {
        let style = Style::new().fg(Color::White).bg(Color::Rgb(0, 0, 200));
        assert_eq!(Depth::Mono.adapt(style), Style::new().reversed());
        let near = Style::new().fg(Color::Rgb(60, 60, 60)).bg(Color::Rgb(61, 61, 61));
        let adapted = Depth::Ansi16.adapt(near);
        assert_ne!(adapted.fg, adapted.bg);
    }
}
