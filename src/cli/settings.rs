//! From configuration, keymap, theme and flags to what the screen uses: at the
//! start, and again when one of the files changes.

use std::io::stdout;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::Global;
use super::start::Canvas;
use crate::config::{self, Config, Folders, GroundChoice, SymbolChoice};
use crate::connect::contexts::Contexts;
use crate::domain::id::Name;
use crate::error::Problems;
use crate::fleet::wanted::Wanted;
use crate::keymap::Keymaps;
use crate::look::Look;
use crate::state::Settings;
use crate::theme::{self, Depth, Ground, Symbols, Themes};

/// How long the terminal may take to tell its ground. One that cannot tell is
/// known after a round trip, for it answers the question that goes with it. An
/// answer that came after the wait would be taken for keys, so the wait is long
/// enough for slow lines.
const GROUND_WAIT: Duration = Duration::from_secs(1);

/// Where settings come from.
#[derive(Clone, Debug)]
pub struct Origin {
    global: Global,
    folders: Folders,
    canvas: Canvas,
    ground: Option<Ground>,
    current_context: Name,
}

/// Settings as read.
pub struct Read {
    /// For the screen.
    pub settings: Settings,
    /// The whole configuration.
    pub config: Config,
}

impl Origin {
    /// Looks at the surroundings once. On a terminal it asks for the ground's
    /// colour, so it must come before the terminal is taken.
    pub fn find(global: &Global, canvas: Canvas, contexts: &Contexts) -> Origin {
        let folders = Folders::find(|name| std::env::var(name).ok());
        let ground = match canvas {
            Canvas::Terminal => ground(global, &folders),
            Canvas::Picture => None,
        };
        Origin { global: global.clone(), ground, folders, ..Origin::bare(global, canvas, contexts) }
    }

    /// An origin without any file of the person's: defaults and flags alone.
    pub fn bare(global: &Global, canvas: Canvas, contexts: &Contexts) -> Origin {
        let current = contexts.current.and_then(|at| contexts.list.get(at));
        Origin {
            global: Global { config: None, ..global.clone() },
            folders: Folders::default(),
            canvas,
            ground: None,
            current_context: current.map(|info| info.name.clone()).unwrap_or_default(),
        }
    }

    /// What is drawn on.
    pub fn canvas(&self) -> Canvas {
        self.canvas
    }

    /// The folder of what is remembered between starts.
    pub fn state_folder(&self) -> Option<PathBuf> {
        self.folders.state.clone()
    }

    /// Reads all files.
    ///
    /// # Errors
    /// Everything that is wrong with them, each with its line and mend.
    pub fn read(&self) -> Result<Read, Problems> {
        let config = config::load(self.global.config.as_deref(), &self.folders)?.config;
        let keymap = Keymaps::new(self.folders.keymaps())
            .load(self.global.keymap.as_deref().unwrap_or(&config.ui.keymap))?;
        let depth = match self.canvas {
            Canvas::Terminal => config.ui.colour.unwrap_or_else(|| Depth::detect(&stdout())),
            Canvas::Picture => Depth::TrueColor,
        };
        let theme = self.global.theme.as_deref().unwrap_or(&config.ui.theme);
        let theme = Themes::new(self.folders.themes()).load(theme, depth, self.ground)?;
        let settings = Settings {
            wanted: Wanted::of(&config, Some(&self.current_context)),
            read_only: self.global.read_only || config.read_only,
            look: Look { theme, symbols: self.symbols(config.ui.symbols) },
            keymap,
        };
        Ok(Read { settings, config })
    }

    fn symbols(&self, choice: SymbolChoice) -> &'static Symbols {
        match (self.global.ascii, choice, self.canvas) {
            (true, ..) | (_, SymbolChoice::Ascii, _) => &theme::ASCII,
            (_, SymbolChoice::Unicode, _) | (_, SymbolChoice::Auto, Canvas::Picture) => &theme::UNICODE,
            (_, SymbolChoice::Auto, Canvas::Terminal) => theme::by_locale(|name| std::env::var(name).ok()),
        }
    }

    /// Changes when one of the files does: names, sizes and times. Files are
    /// looked at and not watched, since editors replace them in many ways.
    pub fn fingerprint(&self) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
        let mut files: Vec<PathBuf> =
            self.global.config.clone().or_else(|| self.folders.config_file()).into_iter().collect();
        for folder in [self.folders.keymaps(), self.folders.themes()].into_iter().flatten() {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            files.extend(entries.map(|entry| entry.path()));
        }
        files.sort();
        files
            .into_iter()
            .filter_map(|file| {
                let meta = std::fs::metadata(&file).ok()?;
                Some((file, meta.len(), meta.modified().ok()))
            })
            .collect()
    }
}

/// The terminal's ground, when the theme is chosen by it: as configured, else
/// from COLORFGBG, else by asking the terminal.
fn ground(global: &Global, folders: &Folders) -> Option<Ground> {
    // What is wrong with the file is told when it is read for good.
    let ui = config::load(global.config.as_deref(), folders).map(|loaded| loaded.config.ui).ok()?;
    let theme = global.theme.as_deref().unwrap_or(&ui.theme);
    let depth = ui.colour.unwrap_or_else(|| Depth::detect(&stdout()));
    if theme != theme::AUTO || depth <= Depth::Ansi16 {
        return None;
    }
    match ui.ground {
        GroundChoice::Is(ground) => Some(ground),
        GroundChoice::Auto => std::env::var("COLORFGBG")
            .ok()
            .and_then(|value| theme::ground_by_variable(&value))
            .or_else(|| theme::probe_ground(GROUND_WAIT)),
    }
}
