//! The list of commands, as it is written: a chapter begins with `## name`, a command is a line, and what is to be
//! known about it stands indented below.
//!
//! | below a command | means |
//! |---|---|
//! | `for: 2s` | it would go on for ever, and is ended after so long |
//! | `last` | only the last line counts |
//! | `sorted` | the order of lines does not count, nor how often one comes |
//! | `end` | only how it ended counts |
//! | `form` | only the number of lines counts |
//! | `events: any` | what stands below `Events:` does not count: it hangs on who came first |
//! | `differs: why` | the answers differ, and may |
//! | `real: text` | the real server's lines with this text are not in the demo's answer |
//! | `demo: text` | the demo's lines with this text are not in the real server's answer |
//! | `end: differs` | how it ended differs; without it that must be the same, whatever else differs |
//! | `rest: differs` | the other lines may differ too; without it they must be equal |

use std::time::Duration;

use color_eyre::eyre::{Result, bail, eyre};

/// Commands that follow each other, in a namespace of that name.
#[derive(Debug)]
pub struct Chapter {
    pub name: String,
    pub steps: Vec<Step>,
}

/// One command.
#[derive(Debug, Default)]
pub struct Step {
    /// Where it stands in the file, from one.
    pub line: usize,
    pub text: String,
    pub words: Vec<String>,
    pub limit: Option<Duration>,
    pub last: bool,
    pub sorted: bool,
    pub form: bool,
    pub any_events: bool,
    pub end: bool,
    pub differs: Option<Difference>,
}

/// A known difference.
#[derive(Debug, Default)]
pub struct Difference {
    /// Never empty.
    pub why: String,
    pub real: Vec<String>,
    pub demo: Vec<String>,
    /// Whether it ends differently.
    pub end: bool,
    /// Whether the lines that were not named are compared.
    pub rest: bool,
}

impl Step {
    /// Whether it may be asked again: it changes nothing.
    pub fn changes_nothing(&self) -> bool {
        const HARMLESS: [&str; 11] = [
            "get",
            "describe",
            "events",
            "top",
            "diff",
            "auth",
            "explain",
            "api-resources",
            "logs",
            "attach",
            "port-forward",
        ];
        let verb = self.words.first().map_or("", String::as_str);
        HARMLESS.contains(&verb)
    }

    fn known(&mut self) -> Result<&mut Difference> {
        self.differs.as_mut().ok_or_else(|| eyre!("how it differs comes after `differs: why`"))
    }

    fn note(&mut self, note: &str) -> Result<()> {
        let (key, value) = note.split_once(": ").unwrap_or((note, ""));
        let value = value.trim();
        match (key, value) {
            ("for", _) => {
                let seconds = value.strip_suffix('s').and_then(|n| n.parse().ok());
                self.limit = Some(Duration::from_secs(seconds.ok_or_else(|| eyre!("`{note}`"))?));
            }
            ("last", "") => self.last = true,
            ("sorted", "") => self.sorted = true,
            ("form", "") => self.form = true,
            ("events", "any") => self.any_events = true,
            ("end", "") => self.end = true,
            ("end", "differs") => self.known()?.end = true,
            ("differs", why) if !why.is_empty() => {
                self.differs = Some(Difference { why: why.into(), rest: true, ..Difference::default() });
            }
            ("real", text) if !text.is_empty() => self.known()?.real.push(text.into()),
            ("demo", text) if !text.is_empty() => self.known()?.demo.push(text.into()),
            ("rest", "differs") => self.known()?.rest = false,
            _ => bail!("`{note}` means nothing"),
        }
        Ok(())
    }
}

/// Reads the list.
pub fn read(text: &str) -> Result<Vec<Chapter>> {
    let mut chapters: Vec<Chapter> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let at = at + 1;
        if let Some(name) = line.strip_prefix("## ") {
            chapters.push(Chapter { name: name.trim().to_owned(), steps: Vec::new() });
            continue;
        }
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let chapter = chapters.last_mut().ok_or_else(|| eyre!("line {at}: no chapter yet"))?;
        if line.starts_with(' ') {
            let step = chapter.steps.last_mut().ok_or_else(|| eyre!("line {at}: no command yet"))?;
            step.note(line.trim()).map_err(|error| eyre!("line {at}: {error}"))?;
            continue;
        }
        let words = shlex::split(line).ok_or_else(|| eyre!("line {at}: a quote is open"))?;
        chapter.steps.push(Step { line: at, text: line.to_owned(), words, ..Step::default() });
    }
    for step in chapters.iter().flat_map(|chapter| &chapter.steps) {
        if let Some(known) = &step.differs
            && known.real.is_empty()
            && known.demo.is_empty()
            && !known.end
        {
            bail!("line {}: it differs ({}), but how?", step.line, known.why);
        }
    }
    Ok(chapters)
}
