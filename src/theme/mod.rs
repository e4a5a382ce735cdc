//! Themes: from a file of roles to ready styles, and the signs that go with them.
//!
//! A theme is read once (at start, or when its file changes), checked, and shrunk to the colours the terminal has;
//! drawing only looks a style up by its [`Role`]. This room knows health levels and nothing else of the facts, and
//! it never asks the environment while drawing. Next stop of a style: `view` and the panes' drawing code.

mod check;
mod depth;
mod role;
mod sheet;
mod symbols;

use std::path::PathBuf;

use ratatui::style::Style;

pub use depth::{Depth, Ground, ground_by_variable, probe_ground};
pub use role::Role;
pub use symbols::{ASCII, Symbols, UNICODE, by_locale};

use crate::domain::level::Level;
use crate::error::Problems;
use crate::yaml::{Entry, Shelf};

/// The themes embedded in the binary; their files are also the manual.
const EMBEDDED: &[(&str, &str)] = &[
    ("ansi16", include_str!("../../themes/ansi16.yaml")),
    ("colour-blind", include_str!("../../themes/colour-blind.yaml")),
    ("dark", include_str!("../../themes/dark.yaml")),
    ("high-contrast", include_str!("../../themes/high-contrast.yaml")),
    ("light", include_str!("../../themes/light.yaml")),
    ("mono", include_str!("../../themes/mono.yaml")),
];

/// The name in the configuration that leaves the choice to us.
pub const AUTO: &str = "auto";

/// A theme ready for drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// The colours it was shrunk to.
    pub depth: Depth,
    /// The ground it was made for.
    pub ground: Ground,
    styles: [Style; Role::COUNT],
}

impl Theme {
    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The style of a level of health.
    #[must_use]
    pub fn level(&self, level: Level) -> Style {
        self.style(Role::of_level(level))
    }
}

/// All themes that can be named.
#[derive(Debug, Clone)]
pub struct Themes {
    shelf: Shelf,
}

impl Themes {
    /// The embedded ones, and those of the user's folder (`themes/` beside the configuration).
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Themes { shelf: Shelf { noun: "theme", embedded: EMBEDDED, folder } }
    }

    /// Their names and files.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.shelf.entries()
    }

    /// What a theme says about itself.
    ///
    /// # Errors
    /// As [`Themes::load`].
    pub fn doc(&self, name: &str) -> Result<String, Problems> {
        sheet::read(&self.shelf, name).map(|sheet| sheet.doc)
    }

    /// The theme for a terminal: the named one, or for `auto` the one that suits colours and ground. Without
    /// colours it is always `mono`, whose modifiers are chosen to carry the meaning alone.
    ///
    /// # Errors
    /// No such theme, or a file that is wrong: every problem with its place.
    pub fn load(&self, name: &str, depth: Depth, ground: Option<Ground>) -> Result<Theme, Problems> {
        let name = match (name, depth, ground) {
            (_, Depth::Mono, _) => "mono",
            (AUTO, Depth::Ansi16, _) => "ansi16",
            (AUTO, _, Some(Ground::Light)) => "light",
            (AUTO, ..) => "dark",
            (name, ..) => name,
        };
        let sheet = sheet::read(&self.shelf, name)?;
        let styles = sheet.styles(depth)?;
        let mut fixed = [Style::new(); Role::COUNT];
        for (to, from) in fixed.iter_mut().zip(styles) {
            *to = depth.adapt(from);
        }
        Ok(Theme { name: name.to_owned(), depth, ground: sheet.ground, styles: fixed })
    }

    /// Everything that is wrong with a theme, poor contrast included.
    ///
    /// # Errors
    /// Every problem with its place.
    pub fn check(&self, name: &str) -> Result<(), Problems> {
        let sheet = sheet::read(&self.shelf, name)?;
        let styles = sheet.styles(Depth::TrueColor)?;
        check::contrast(&sheet, &styles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::{Color, Modifier};

    fn themes(files: &[(&str, &str)]) -> (tempfile::TempDir, Themes) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let themes = Themes::new(Some(folder.path().to_owned()));
        (folder, themes)
    }

    fn complaints(text: &str) -> String {
        let (folder, themes) = themes(&[("mine.yaml", text)]);
        let problems = themes.check("mine").unwrap_err().to_string();
        problems.replace(folder.path().to_str().unwrap(), "THEMES")
    }

    #[test]
    fn every_embedded_theme_is_whole_and_readable() {
        let themes = Themes::new(None);
        for (name, _) in EMBEDDED {
            themes.check(name).unwrap_or_else(|p| panic!("{name}:\n{p}"));
            assert!(themes.doc(name).unwrap().ends_with('.'), "{name} has no doc");
            for depth in [Depth::TrueColor, Depth::Ansi256, Depth::Ansi16, Depth::Mono] {
                themes.load(name, depth, None).unwrap();
            }
        }
    }

    /// With 256 colours each colour moves to a neighbour; it must stay readable there.
    #[test]
    fn themes_stay_readable_with_256_colours() {
        let themes = Themes::new(None);
        for (name, _) in EMBEDDED {
            let mut sheet = sheet::read(&themes.shelf, name).unwrap();
            sheet.contrast *= 0.85;
            let styles: Vec<_> =
                sheet.styles(Depth::Ansi256).unwrap().into_iter().map(|s| Depth::Ansi256.adapt(s)).collect();
            check::contrast(&sheet, &styles).unwrap_or_else(|p| panic!("{name}:\n{p}"));
        }
    }

    /// What must never look alike, at any depth: the row under the cursor and the others, health levels by colour
    /// where there is colour.
    #[test]
    fn what_differs_looks_different() {
        let themes = Themes::new(None);
        for (name, _) in EMBEDDED {
            for depth in [Depth::TrueColor, Depth::Ansi256, Depth::Ansi16, Depth::Mono] {
                let theme = themes.load(name, depth, None).unwrap();
                assert_ne!(theme.style(Role::Selection), theme.style(Role::Text), "{name} {depth:?}");
                assert_ne!(theme.style(Role::Match), theme.style(Role::Text), "{name} {depth:?}");
                assert_ne!(theme.style(Role::TabActive), theme.style(Role::Tab), "{name} {depth:?}");
                if theme.name != "mono" {
                    let faults = [Level::Ok, Level::Warning, Level::Critical].map(|l| theme.level(l));
                    assert!(faults[0] != faults[1] && faults[1] != faults[2], "{name} {depth:?} {faults:?}");
                }
            }
        }
    }

    #[test]
    fn sixteen_colours_are_sixteen_and_mono_has_none() {
        let themes = Themes::new(None);
        let ansi = themes.load("ansi16", Depth::TrueColor, None).unwrap();
        let mono = themes.load("mono", Depth::TrueColor, None).unwrap();
        for role in Role::ALL {
            let style = ansi.style(*role);
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{}", role.name());
            }
            assert_eq!((mono.style(*role).fg, mono.style(*role).bg), (None, None), "{}", role.name());
        }
    }

    #[test]
    fn auto_suits_the_terminal() {
        let themes = Themes::new(None);
        let pick = |depth, ground| themes.load(AUTO, depth, ground).unwrap().name;
        assert_eq!(pick(Depth::TrueColor, None), "dark");
        assert_eq!(pick(Depth::Ansi256, Some(Ground::Light)), "light");
        assert_eq!(pick(Depth::Ansi16, Some(Ground::Light)), "ansi16");
        assert_eq!(pick(Depth::Mono, None), "mono");
        assert_eq!(themes.load("light", Depth::Mono, None).unwrap().name, "mono");
    }

    #[test]
    fn a_theme_extends_another_and_its_palette_recolours_it() {
        let (_folder, themes) = themes(&[(
            "dark.yaml",
            "extends: dark\npalette: {red: \"#ff8080\"}\nroles:\n  key: red bold underlined\n",
        )]);
        let mine = themes.load("dark", Depth::TrueColor, None).unwrap();
        assert_eq!(mine.level(Level::Critical).fg, Some(Color::Rgb(0xff, 0x80, 0x80)));
        assert!(mine.style(Role::Key).add_modifier.contains(Modifier::BOLD | Modifier::UNDERLINED));
        let embedded = Themes::new(None).load("dark", Depth::TrueColor, None).unwrap();
        assert_eq!(mine.style(Role::Series2), embedded.style(Role::Series2));
    }

    #[test]
    fn wrong_files_are_told_with_place_and_mend() {
        insta::assert_snapshot!(
            "unknown_names",
            complaints("extends: dark\nroels: {}\nroles:\n  selction: red\n  oak: red\n")
        );
        insta::assert_snapshot!(
            "bad_colours",
            complaints(
                "extends: dark\npalette: {blue: \"#12\"}\nroles:\n  key: gren\n  ok: green onn black\n  title: red on\n"
            )
        );
        insta::assert_snapshot!(
            "poor_contrast",
            complaints(
                "extends: dark\nroles:\n  muted: \"#202020\"\n  selection: \"#808080 on #808081\"\n  border: \"#202020\"\n"
            )
        );
        insta::assert_snapshot!("leads_back", complaints("extends: mine\n"));
        insta::assert_snapshot!("missing_base", complaints("extends: drak\n"));
        assert!(complaints("roles: {text: red}\n").contains("roles are missing: muted, accent"));
    }
}
