//! `pilothouse themes`: what the themes look like, and whether theme files are well.

use std::io::IsTerminal;

use clap::Args;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::files::Files;
use super::keys::{check, listing};
use super::{Exit, Global, print};
use crate::error::Problems;
use crate::picture;
use crate::text;
use crate::theme::{Depth, Role, Symbols, Theme};

/// Arguments of `themes`.
#[derive(Clone, Debug, Args)]
pub struct ThemesArgs {
    /// Show the roles of this theme, or theme file, in its colours; left out: list the themes
    #[arg(value_name = "THEME")]
    pub name: Option<String>,
    /// Check all themes, or the one named, contrast included, and say what is wrong
    #[arg(long)]
    pub check: bool,
}

/// Runs it.
///
/// # Errors
/// Everything that is wrong with the configuration or the theme.
pub fn run(global: &Global, args: &ThemesArgs) -> Result<Exit, Problems> {
    let files = Files::find(global)?;
    if args.check {
        let names: Vec<String> = match &args.name {
            Some(name) => vec![name.clone()],
            None => files.themes.entries().into_iter().map(|e| e.name).collect(),
        };
        return check("theme", &names, |name| files.themes.check(name));
    }
    let Some(name) = &args.name else {
        let doc = |name: &str| files.themes.doc(name);
        print(&listing(&files.themes.entries(), &files.theme, doc))?;
        return Ok(Exit::Done);
    };
    let output = std::io::stdout();
    let depth = files.depth(&output);
    // Written to a file, the colours are left out but the theme is the one that was asked for.
    let shown = if output.is_terminal() { depth } else { Depth::TrueColor };
    let theme = files.themes.load(name, shown, None)?;
    let buffer = sheet(&theme, files.symbols());
    print(&if output.is_terminal() && depth != Depth::Mono {
        picture::ansi(&buffer)
    } else {
        picture::text(&buffer)
    })?;
    Ok(Exit::Done)
}

/// A line for each role: its name in its own style, and what it is for.
fn sheet(theme: &Theme, symbols: &Symbols) -> Buffer {
    let names = Role::ALL.iter().map(|role| role.name().len()).max().unwrap_or(0);
    let docs = Role::ALL.iter().map(|role| role.doc().len()).max().unwrap_or(0);
    let size = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let mut buffer = Buffer::empty(Rect::new(0, 0, size(names + docs + 6), size(Role::COUNT)));
    buffer.set_style(buffer.area, theme.style(Role::Text));
    for (y, role) in Role::ALL.iter().enumerate() {
        let line = Line::from(vec![
            Span::styled(format!(" {} {} ", symbols.bar, text::pad(role.name(), names)), theme.style(*role)),
            Span::raw(" "),
            Span::styled(role.doc(), theme.style(Role::Muted)),
        ]);
        line.render(Rect::new(0, size(y), buffer.area.width, 1), &mut buffer);
    }
    if symbols.ascii {
        text::asciify(&mut buffer);
    }
    buffer
}
