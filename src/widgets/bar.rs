//! A horizontal bar: how much of a whole is used.

use crate::look::Look;
use crate::theme::Role;
use crate::widgets::strip::Strip;

/// From this part of the whole on a bar warns, in per cent.
const HIGH: u64 = 85;

/// How many of `width` cells are filled: none only for nothing, all only for
/// everything.
pub fn filled(part: u64, whole: u64, width: u16) -> u16 {
    if whole == 0 || part == 0 || width == 0 {
        return 0;
    }
    if part >= whole {
        return width;
    }
    let cells = (u128::from(part) * u128::from(width) + u128::from(whole) / 2) / u128::from(whole);
    let most = width.saturating_sub(1).max(1);
    u16::try_from(cells).unwrap_or(most).clamp(1, most)
}

/// The colour of the filled cells.
pub fn role(part: u64, whole: u64) -> Role {
    let high = whole > 0 && u128::from(part) * 100 >= u128::from(whole) * u128::from(HIGH);
    if high { Role::BarHigh } else { Role::Bar }
}

/// A bar as a text, for places that have one colour.
pub fn text(look: &Look, part: u64, whole: u64, width: u16) -> String {
    let full = filled(part, whole, width);
    let cells = (0..width).map(|cell| if cell < full { look.symbols.bar } else { look.symbols.bar_empty });
    cells.collect()
}

/// Draws a bar of some cells.
pub fn bar(strip: &mut Strip<'_>, look: &Look, part: u64, whole: u64, width: u16) {
    let full = filled(part, whole, width);
    let role = role(part, whole);
    for cell in 0..width {
        if cell < full {
            strip.put(look.symbols.bar, look.style(role));
        } else {
            strip.put(look.symbols.bar_empty, look.style(Role::BarEmpty));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_empty_only_for_nothing_and_full_only_for_everything() {
        assert_eq!(filled(0, 10, 8), 0);
        assert_eq!(filled(1, 1000, 8), 1);
        assert_eq!(filled(61, 100, 8), 5);
        assert_eq!(filled(999, 1000, 8), 7);
        assert_eq!(filled(10, 10, 8), 8);
        assert_eq!(filled(20, 10, 8), 8);
        assert_eq!(filled(5, 0, 8), 0);
        assert_eq!(filled(5, 10, 0), 0);
        assert_eq!(filled(5, 10, 1), 1);
    }
}
