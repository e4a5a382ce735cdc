//! A theme file as written: palette and roles, possibly on top of another theme.

use std::path::PathBuf;

use ratatui::style::{Color, Modifier, Style};

use super::depth::{Depth, Ground};
use super::role::Role;
use crate::error::{Place, Problem, Problems, suggest};
use crate::text::clean;
use crate::yaml::{At, Found, Shelf, parse};

/// How many themes may extend one another.
const CHAIN_LIMIT: usize = 8;

/// Contrast that text must have unless the theme asks for more: WCAG's least for large text, which a terminal's
/// own choice of font cannot be held beyond.
const LEAST_CONTRAST: f64 = 3.0;

/// A style as typed, and where.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub text: String,
    pub file: PathBuf,
    pub at: At,
    pub key: String,
}

impl Written {
    pub fn problem(&self, what: impl Into<String>, mend: impl Into<String>) -> Problem {
        Problem::usage(what).mend(mend).at(Place {
            file: self.file.clone(),
            line: Some(self.at.line),
            column: Some(self.at.column),
            key: Some(self.key.clone()),
        })
    }
}

/// A theme file with everything it extends laid below it.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    pub doc: String,
    pub ground: Ground,
    /// The ground that contrast is measured against where a role names none.
    pub assumes: Option<Written>,
    pub contrast: f64,
    pub palette: Vec<(String, Written)>,
    pub roles: Vec<(Role, Written)>,
    pub file: PathBuf,
}

/// Reads a named theme and what it extends.
pub(super) fn read(shelf: &Shelf, name: &str) -> Result<Sheet, Problems> {
    let (file, text) = shelf.read(name)?;
    let mut chain = vec![name.to_owned()];
    read_text(shelf, file, &text, &mut chain)
}

fn read_text(shelf: &Shelf, file: PathBuf, text: &str, chain: &mut Vec<String>) -> Result<Sheet, Problems> {
    let node = parse(&file, text)?;
    let found = Found::new(&file);
    let mut parent = None;
    let mut sheet = Sheet {
        doc: String::new(),
        ground: Ground::Dark,
        assumes: None,
        contrast: LEAST_CONTRAST,
        palette: Vec::new(),
        roles: Vec::new(),
        file: file.clone(),
    };
    if let Some(fields) = found.root(&node).fields() {
        let extends = fields.take("extends");
        if let Some((cursor, base)) = extends.and_then(|c| Some((c.clone(), c.text()?))) {
            // A user's `dark` may extend the embedded `dark`.
            let own = chain.contains(&base);
            let source = if own {
                shelf.embedded(&base).filter(|(f, _)| *f != file).ok_or(None)
            } else {
                shelf.read(&base).map_err(Some)
            };
            match source {
                Ok((base_file, base_text)) if chain.len() < CHAIN_LIMIT => {
                    chain.push(base);
                    parent = Some(read_text(shelf, base_file, &base_text, chain)?);
                }
                Ok(_) | Err(None) => {
                    cursor.wrong(format!("`{base}` leads back to this theme"), "extend another theme")
                }
                Err(Some(problem)) => cursor.wrong(problem.what, problem.mend.unwrap_or_default()),
            }
        }
        if let Some(parent) = parent {
            sheet = Sheet { file: file.clone(), ..parent };
        }
        let written = |cursor: &crate::yaml::Cursor<'_>| {
            Some(Written {
                text: cursor.text()?,
                file: file.clone(),
                at: cursor.at(),
                key: cursor.path().to_owned(),
            })
        };
        if let Some(doc) = fields.take("doc").and_then(|c| c.text()) {
            sheet.doc = doc;
        }
        let grounds = [("dark", Ground::Dark), ("light", Ground::Light)];
        if let Some(ground) = fields.take("ground").and_then(|c| c.choice(&grounds)) {
            sheet.ground = ground;
        }
        if let Some(cursor) = fields.take("contrast") {
            match cursor.text().and_then(|t| t.parse::<f64>().ok()) {
                Some(ratio) if (1.0..=21.0).contains(&ratio) => sheet.contrast = ratio,
                _ => cursor.wrong("not a contrast ratio", "write a number from 1 to 21; 7 is strict"),
            }
        }
        if let Some(assumes) = fields.take("assumes").and_then(|c| written(&c)) {
            sheet.assumes = Some(assumes);
        }
        if let Some(palette) = fields.take("palette").and_then(|c| c.fields()) {
            for (key, cursor) in palette.all() {
                if let Some(w) = written(&cursor) {
                    put(&mut sheet.palette, key.name.clone(), w);
                }
            }
        }
        if let Some(roles) = fields.take("roles").and_then(|c| c.fields()) {
            for (key, cursor) in roles.all() {
                match Role::from_name(&key.name) {
                    Some(role) => {
                        if let Some(w) = written(&cursor) {
                            put(&mut sheet.roles, role, w);
                        }
                    }
                    None => roles.wrong_key(
                        key,
                        format!("unknown role `{}`", clean(&key.name)),
                        suggest(&key.name, Role::ALL.iter().map(|r| r.name())),
                    ),
                }
            }
        }
        fields.finish();
    }
    found.problems().or_ok()?;
    Ok(sheet)
}

fn put<K: PartialEq>(list: &mut Vec<(K, Written)>, key: K, value: Written) {
    match list.iter_mut().find(|(k, _)| *k == key) {
        Some(entry) => entry.1 = value,
        None => list.push((key, value)),
    }
}

/// The words that may follow the colours of a style.
const MODIFIERS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed-out", Modifier::CROSSED_OUT),
];

impl Sheet {
    /// The style of every role; roles that are missing or wrong are told all at once.
    pub fn styles(&self, depth: Depth) -> Result<Vec<Style>, Problems> {
        let mut problems = Vec::new();
        for (_, colour) in &self.palette {
            for side in colour.text.split('|') {
                if let Err(problem) = plain_colour(colour, side.trim()) {
                    problems.push(problem);
                }
            }
        }
        let mut styles = Vec::with_capacity(Role::COUNT);
        let mut missing = Vec::new();
        for role in Role::ALL {
            let style = match self.roles.iter().find(|(r, _)| r == role) {
                Some((_, written)) => self.style(written, depth).map_err(|p| problems.push(p)).ok(),
                None => {
                    missing.push(role.name());
                    None
                }
            };
            styles.push(style.unwrap_or_default());
        }
        if !missing.is_empty() {
            problems.push(
                Problem::usage(format!("roles are missing: {}", missing.join(", ")))
                    .in_file(&self.file)
                    .mend("write them, or begin the file with `extends: dark`"),
            );
        }
        problems.sort_by_key(|p| p.place.as_ref().map(|p| (p.file.clone(), p.line)));
        Problems(problems).or_ok()?;
        Ok(styles)
    }

    /// The ground to assume behind roles that name none.
    pub fn assumed_ground(&self) -> Result<Option<Color>, Problem> {
        self.assumes.as_ref().map(|w| self.colour(w, &w.text, Depth::TrueColor)).transpose()
    }

    /// Reads `COLOUR [on COLOUR] [modifiers]`; `default` is the terminal's own colour.
    fn style(&self, written: &Written, depth: Depth) -> Result<Style, Problem> {
        let mut style = Style::new();
        let mut words = written.text.split_whitespace().peekable();
        let mut has_colour = false;
        while let Some(word) = words.next() {
            if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word) {
                style = style.add_modifier(*modifier);
            } else if word == "on" {
                let Some(ground) = words.next() else {
                    return Err(written.problem("`on` without a colour", "write `on` and a colour"));
                };
                style.bg = some_colour(self.colour(written, ground, depth)?);
            } else if has_colour {
                let names = MODIFIERS.iter().map(|(name, _)| *name).chain(["on"]);
                return Err(
                    written.problem(format!("`{word}` after the colour is not known"), suggest(word, names))
                );
            } else {
                style.fg = some_colour(self.colour(written, word, depth)?);
                has_colour = true;
            }
        }
        Ok(style)
    }

    /// A colour by its name in the palette or by itself. A palette colour may be written `COLOUR | COLOUR`: the
    /// second is for terminals with sixteen colours, where the nearest is often a wrong one (light green: yellow).
    fn colour(&self, written: &Written, word: &str, depth: Depth) -> Result<Color, Problem> {
        match self.palette.iter().find(|(name, _)| name == word) {
            Some((_, colour)) => {
                let (rich, sixteen) = colour.text.split_once('|').unwrap_or((&colour.text, &colour.text));
                let side = if depth == Depth::Ansi16 { sixteen } else { rich };
                // A wrong colour of the palette has been told where it stands, not at each use.
                Ok(plain_colour(colour, side.trim()).unwrap_or(Color::Reset))
            }
            None => plain_colour(written, word).map_err(|problem| {
                let names = self.palette.iter().map(|(name, _)| name.as_str());
                match crate::error::nearest(word, names) {
                    Some(near) => problem.mend(format!("did you mean `{near}`?")),
                    None => problem,
                }
            }),
        }
    }
}

/// The terminal's own colour is no colour of ours: what is below shows through.
fn some_colour(colour: Color) -> Option<Color> {
    (colour != Color::Reset).then_some(colour)
}

fn plain_colour(written: &Written, word: &str) -> Result<Color, Problem> {
    match word {
        "default" => Ok(Color::Reset),
        _ => word.parse().map_err(|_| {
            written.problem(
                format!("`{word}` is not a colour"),
                "write \"#rrggbb\" (with quotes), a name (red, light-blue, ...), 0 to 255, `default`, or a name of the palette",
            )
        }),
    }
}
