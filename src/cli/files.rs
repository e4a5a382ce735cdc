//! The person's own files, for the commands that list, show and check them: configuration, keymaps, themes.

use std::io::IsTerminal;

use super::Global;
use crate::config::{self, Folders, Loaded, SymbolChoice};
use crate::error::Problems;
use crate::keymap::Keymaps;
use crate::theme::{self, Depth, Symbols, Themes};

/// The files, and which of them are in use.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub folders: Folders,
    pub loaded: Loaded,
    pub keymaps: Keymaps,
    pub themes: Themes,
    /// Name of the keymap in use: by flag, else by file.
    pub keymap: String,
    /// Name of the theme in use: by flag, else by file.
    pub theme: String,
    ascii: bool,
}

impl Files {
    /// Reads the configuration; keymaps and themes are read when they are asked for.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    pub fn find(global: &Global) -> Result<Files, Problems> {
        let folders = Folders::find(variable);
        let loaded = config::load(global.config.as_deref(), &folders)?;
        let ui = &loaded.config.ui;
        Ok(Files {
            keymaps: Keymaps::new(folders.keymaps()),
            themes: Themes::new(folders.themes()),
            keymap: global.keymap.clone().unwrap_or_else(|| ui.keymap.clone()),
            theme: global.theme.clone().unwrap_or_else(|| ui.theme.clone()),
            ascii: global.ascii,
            folders,
            loaded,
        })
    }

    /// How many colours this output shows: as configured, else as the environment says.
    pub fn depth(&self, output: &impl IsTerminal) -> Depth {
        self.loaded.config.ui.colour.unwrap_or_else(|| Depth::detect(output))
    }

    /// Which signs: by flag, by file, by locale.
    pub fn symbols(&self) -> &'static Symbols {
        match self.loaded.config.ui.symbols {
            _ if self.ascii => &theme::ASCII,
            SymbolChoice::Ascii => &theme::ASCII,
            SymbolChoice::Unicode => &theme::UNICODE,
            SymbolChoice::Auto => theme::by_locale(variable),
        }
    }
}

/// An environment variable; one that is not UTF-8 counts as unset, for it names no file or locale of ours.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
