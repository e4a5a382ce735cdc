//! A frame as text, as text with ANSI colours, or as an SVG picture: for bug
//! reports, documents and tests.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// The frame as plain text, one line a row, trailing blanks cut.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in rows(buffer) {
        let mut line = String::new();
        for cell in row {
            line.push_str(cell.symbol());
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The frame as text with SGR sequences; each line ends with a reset.
pub fn ansi(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in rows(buffer) {
        let mut last = None;
        for cell in row {
            let style = (cell.fg, cell.bg, cell.modifier);
            if last != Some(style) {
                sgr(&mut out, cell);
                last = Some(style);
            }
            out.push_str(cell.symbol());
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

/// Rows of cells without those that a wide character covers.
fn rows(buffer: &Buffer) -> impl Iterator<Item = Vec<&Cell>> {
    let width = usize::from(buffer.area.width).max(1);
    buffer.content.chunks(width).map(|row| {
        let mut covered = 0;
        row.iter()
            .filter(|cell| {
                if covered > 0 {
                    covered -= 1;
                    return false;
                }
                covered = crate::text::width(cell.symbol()).saturating_sub(1);
                true
            })
            .collect()
    })
}

fn sgr(out: &mut String, cell: &Cell) {
    out.push_str("\x1b[0");
    for (modifier, code) in [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
        (Modifier::CROSSED_OUT, 9),
    ] {
        if cell.modifier.contains(modifier) {
            let _ = write!(out, ";{code}");
        }
    }
    colour(out, cell.fg, 30);
    colour(out, cell.bg, 40);
    out.push('m');
}

fn colour(out: &mut String, colour: Color, base: u8) {
    let _ = match colour {
        Color::Reset => return,
        Color::Rgb(r, g, b) => write!(out, ";{};2;{r};{g};{b}", base + 8),
        Color::Indexed(n) => write!(out, ";{};5;{n}", base + 8),
        other => match ansi16(other) {
            Some(n @ 0..=7) => write!(out, ";{}", base + n),
            Some(n) => write!(out, ";{}", base + 60 + n - 8),
            None => return,
        },
    };
}

/// The place of a named colour among the sixteen.
fn ansi16(colour: Color) -> Option<u8> {
    Some(match colour {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        _ => return None,
    })
}

/// The sixteen colours as a picture shows them.
const SIXTEEN: [&str; 16] = [
    "#1c1f26", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4", "#5c6370",
    "#ff7a85", "#b5e890", "#ffd68a", "#82c7ff", "#e08fff", "#7fe0ea", "#ffffff",
];
const GROUND: &str = "#16181d";
const INK: &str = "#d7dae0";
/// Cell size in pixels, for a monospaced face of 16 pixels.
const CELL: (f32, f32) = (9.6, 20.0);

/// The frame as an SVG picture.
pub fn svg(buffer: &Buffer) -> String {
    let (width, height) = (f32::from(buffer.area.width) * CELL.0, f32::from(buffer.area.height) * CELL.1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{GROUND}\"/>\n\
         <g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"16\" xml:space=\"preserve\">\n"
    );
    let columns = usize::from(buffer.area.width).max(1);
    for (y, row) in buffer.content.chunks(columns).enumerate() {
        let top = y as f32 * CELL.1;
        for (x, run, cell) in runs(row) {
            let (ink, ground) = colours(cell);
            let left = x as f32 * CELL.0;
            let wide = crate::text::width(&run) as f32 * CELL.0;
            if ground != GROUND {
                let _ = writeln!(
                    out,
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{ground}\"/>",
                    CELL.1
                );
            }
            if !run.trim().is_empty() {
                let weight =
                    if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
                let faint = if cell.modifier.contains(Modifier::DIM) { " opacity=\"0.6\"" } else { "" };
                let _ = writeln!(
                    out,
                    "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{ink}\"{weight}{faint}>{}</text>",
                    top + 15.0,
                    escape(&run)
                );
            }
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Stretches of a row that look alike: where, what, how.
fn runs(row: &[Cell]) -> Vec<(usize, String, &Cell)> {
    let mut runs: Vec<(usize, String, &Cell)> = Vec::new();
    let mut covered = 0;
    for (x, cell) in row.iter().enumerate() {
        if covered > 0 {
            covered -= 1;
            continue;
        }
        covered = crate::text::width(cell.symbol()).saturating_sub(1);
        match runs.last_mut() {
            Some((_, run, first))
                if (first.fg, first.bg, first.modifier) == (cell.fg, cell.bg, cell.modifier)
                    && covered == 0 =>
            {
                run.push_str(cell.symbol());
            }
            _ => runs.push((x, cell.symbol().to_owned(), cell)),
        }
    }
    runs
}

fn colours(cell: &Cell) -> (String, String) {
    let ink = hex(cell.fg, INK);
    let ground = hex(cell.bg, GROUND);
    if cell.modifier.contains(Modifier::REVERSED) { (ground, ink) } else { (ink, ground) }
}

fn hex(colour: Color, default: &str) -> String {
    match colour {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(n @ 0..=15) => SIXTEEN[usize::from(n)].to_owned(),
        Color::Indexed(n @ 16..=231) => {
            let n = n - 16;
            let level = |v: u8| if v == 0 { 0 } else { 55 + v * 40 };
            format!("#{:02x}{:02x}{:02x}", level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        Color::Indexed(n) => {
            let grey = 8 + (n - 232) * 10;
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
        other => ansi16(other).map_or(default, |n| SIXTEEN[usize::from(n)]).to_owned(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn frame() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        buffer.set_string(0, 0, "a<b 漢x", Style::new().fg(Color::Rgb(1, 2, 3)));
        buffer.set_string(0, 1, "no", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        buffer
    }

    #[test]
    fn text_has_wide_characters_once_and_no_trailing_blanks() {
        assert_eq!(text(&frame()), "a<b 漢x\nno\n");
    }

    #[test]
    fn ansi_names_colours_and_ends_each_line_reset() {
        let ansi = ansi(&frame());
        assert!(ansi.starts_with("\x1b[0;38;2;1;2;3ma<b 漢x"), "{ansi:?}");
        assert!(ansi.contains("\x1b[0;1;31mno"), "{ansi:?}");
        assert_eq!(ansi.matches("\x1b[0m\n").count(), 2);
    }

    #[test]
    fn svg_escapes_and_keeps_columns() {
        let svg = svg(&frame());
        assert!(svg.contains("a&lt;b"), "{svg}");
        assert!(svg.contains("#010203"), "{svg}");
    }
}
