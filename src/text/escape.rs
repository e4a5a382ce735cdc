//! Where an escape sequence begins and ends, by ECMA-48 (control functions for coded character sets).
//!
//! Only measures: what to do with a sequence is for [`super::clean`] and [`super::log`]. Both the seven-bit
//! forms (ESC and a letter) and the eight-bit C1 forms are known, since a UTF-8 terminal may obey either.

/// What stands at the start of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequence {
    /// A whole sequence of this many bytes. `sgr` tells a plain "select graphic rendition" (colours), the only
    /// kind a log line may keep.
    Whole {
        /// Length in bytes, introducer and terminator included.
        bytes: usize,
        /// True for `ESC [ digits ; : m`.
        sgr: bool,
    },
    /// An introducer (of this many bytes) whose sequence never ends: cutting to the end would hide the text that
    /// follows, so only the introducer is to be made visible.
    Unfinished(usize),
    /// Not an introducer.
    None,
}

/// Looks for an escape sequence at the very start of `s`.
pub(super) fn at_start(s: &str) -> Sequence {
    let b = s.as_bytes();
    match b {
        [0x1b, b'[', ..] => control_sequence(b, 2),
        [0xc2, 0x9b, ..] => control_sequence(b, 2),
        // OSC, DCS, SOS, PM and APC carry a string up to a terminator.
        [0x1b, b']' | b'P' | b'X' | b'^' | b'_', ..] => string_sequence(b, 2),
        [0xc2, 0x9d | 0x90 | 0x98 | 0x9e | 0x9f, ..] => string_sequence(b, 2),
        [0x1b, rest @ ..] => {
            let middle = rest.iter().take_while(|c| (0x20..=0x2f).contains(*c)).count();
            match rest.get(middle) {
                // A lone ESC before ordinary text is a two-character escape (ESC c resets the terminal).
                Some(0x30..=0x7e) => Sequence::Whole { bytes: middle + 2, sgr: false },
                _ => Sequence::Unfinished(1),
            }
        }
        _ => Sequence::None,
    }
}

/// `CSI parameters intermediates final`. A sequence broken by another byte ends before that byte, as terminals
/// end it; one broken by the end of the string (a truncated log line) is whole, for nothing follows it.
fn control_sequence(b: &[u8], start: usize) -> Sequence {
    let mut i = start;
    let mut plain = b[0] == 0x1b;
    while let Some(c @ 0x20..=0x3f) = b.get(i) {
        plain &= matches!(c, b'0'..=b'9' | b';' | b':');
        i += 1;
    }
    match b.get(i) {
        Some(c @ 0x40..=0x7e) => Sequence::Whole { bytes: i + 1, sgr: plain && *c == b'm' },
        _ => Sequence::Whole { bytes: i, sgr: false },
    }
}

/// A string sequence runs to BEL or to the string terminator (`ESC \` or U+009C). A line end, another escape or
/// CAN/SUB before that means that it was never closed.
fn string_sequence(b: &[u8], start: usize) -> Sequence {
    let mut i = start;
    while let Some(c) = b.get(i) {
        match (c, b.get(i + 1)) {
            (0x07, _) => {
                return Sequence::Whole { bytes: i + 1, sgr: false };
            }
            (0x1b, Some(b'\\')) | (0xc2, Some(0x9c)) => {
                return Sequence::Whole { bytes: i + 2, sgr: false };
            }
            (0x1b | 0x18 | 0x1a | b'\n' | b'\r', _) => break,
            _ => i += 1,
        }
    }
    Sequence::Unfinished(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(s: &str) -> Option<(usize, bool)> {
        match at_start(s) {
            Sequence::Whole { bytes, sgr } => Some((bytes, sgr)),
            _ => None,
        }
    }

    #[test]
    fn knows_the_families() {
        assert_eq!(whole("\x1b[31mred"), Some((5, true)));
        assert_eq!(whole("\x1b[38:2::1:2:3mred"), Some((14, true)));
        assert_eq!(whole("\x1b[?1049hx"), Some((8, false)));
        assert_eq!(whole("\u{9b}2Jx"), Some((4, false)));
        assert_eq!(whole("\x1b]52;c;AAAA\x07x"), Some((12, false)));
        assert_eq!(whole("\x1b]8;;http://a\x1b\\x"), Some((15, false)));
        assert_eq!(whole("\x1bPq#0\x1b\\x"), Some((7, false)));
        assert_eq!(whole("\u{9d}0;t\u{9c}x"), Some((7, false)));
        assert_eq!(whole("\x1bcx"), Some((2, false)));
        assert_eq!(whole("\x1b(Bx"), Some((3, false)));
    }

    #[test]
    fn a_broken_one_never_swallows_the_rest() {
        assert_eq!(at_start("\x1b]0;never closed and more"), Sequence::Unfinished(2));
        assert_eq!(at_start("\x1b]0;x\nBEL later\x07"), Sequence::Unfinished(2));
        assert_eq!(at_start("\x1b"), Sequence::Unfinished(1));
        assert_eq!(whole("\x1b[12;é"), Some((5, false)));
        assert_eq!(whole("\x1b[12"), Some((4, false)));
        assert_eq!(at_start("plain"), Sequence::None);
    }
}
