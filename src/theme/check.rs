//! Whether people can read a theme: the contrast of every text role, by WCAG 2's formula.

use ratatui::style::{Color, Modifier, Style};

use super::role::Role;
use super::sheet::Sheet;
use crate::error::{Problem, Problems};

/// Checks the contrast of all text roles. Colours of the terminal's own palette cannot be judged, but for a text
/// in the colour of its own ground.
pub(super) fn contrast(sheet: &Sheet, styles: &[Style]) -> Result<(), Problems> {
    let assumed = sheet.assumed_ground()?;
    let ground_of_text = styles[Role::Text as usize].bg.or(assumed);
    let text = styles[Role::Text as usize].fg;
    let mut problems = Vec::new();
    for (role, written) in &sheet.roles {
        let style = styles[*role as usize];
        if !role.is_text() || style.add_modifier.contains(Modifier::REVERSED) {
            continue;
        }
        let (front, back) = (style.fg.or(text), style.bg.or(ground_of_text));
        let (Some(front), Some(back)) = (front, back) else {
            continue;
        };
        if front == back {
            problems.push(hard_to_read(written, *role, 1.0, sheet.contrast));
        } else if let (Some(a), Some(b)) = (luminance(front), luminance(back)) {
            let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            if ratio < sheet.contrast {
                problems.push(hard_to_read(written, *role, ratio, sheet.contrast));
            }
        }
    }
    Problems(problems).or_ok()
}

fn hard_to_read(written: &super::sheet::Written, role: Role, ratio: f64, least: f64) -> Problem {
    written.problem(
        format!("`{}` is hard to read: contrast {ratio:.1} to 1, at least {least} wanted", role.name()),
        "take a lighter or darker colour",
    )
}

/// Relative luminance from 0 to 1; `None` for the terminal's own sixteen colours, which every person sets.
fn luminance(colour: Color) -> Option<f64> {
    let (r, g, b) = match colour {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(i @ 16..) => {
            let rgb = termprofile::ansi256_to_rgb(i.into());
            (rgb.0, rgb.1, rgb.2)
        }
        _ => return None,
    };
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    Some(0.212_6 * linear(r) + 0.715_2 * linear(g) + 0.072_2 * linear(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_on_white_is_twenty_one() {
        let (a, b) = (luminance(Color::Rgb(255, 255, 255)).unwrap(), luminance(Color::Rgb(0, 0, 0)).unwrap());
        assert!(((a + 0.05) / (b + 0.05) - 21.0).abs() < 0.01);
        assert!(luminance(Color::Indexed(231)).unwrap() > 0.99);
        assert_eq!(luminance(Color::Red), None);
    }
}
