//! The configuration: a YAML file of the person's, read once at start and again when it changes.
//!
//! The way of a setting: file text, `yaml` tree, [`raw`] (as typed, checked value by value), [`Config`] (as meant).
//! The command line hands the result to `fleet`, `connect`, `theme` and `keymap`. A missing file is no error: all
//! defaults, environments inferred. This room opens no connection and knows no cluster.

pub mod raw;
pub mod raw_services;

mod alerts;
mod changes;
mod folders;
mod metrics;
mod remembered;
mod resolved;
pub mod sample;
mod traffic;

use std::path::{Path, PathBuf};

pub use alerts::{Alerts, Notify};
pub use folders::Folders;
pub use metrics::{Family, Favourite, Limits, Metrics};
pub use raw::{GroundChoice, SymbolChoice};
pub use raw_services::RawAddress as Address;
pub use remembered::{Memo, Remembered};
pub use resolved::{
    App, Argocd, Base, Changes, Config, Environment, Gitops, InCluster, Monitoring, Secret, Stage, Ui,
};

use crate::error::{Problem, Problems};
use crate::yaml::{self, Found};

/// A configuration and the file it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The file; `None` when there is none and all are defaults.
    pub file: Option<PathBuf>,
}

/// Reads the file that was named, else the one of the person's folder if it is there, else gives the defaults.
///
/// # Errors
/// A named file that is missing, and everything that is wrong with a file, each with its line and mend.
pub fn load(named: Option<&Path>, folders: &Folders) -> Result<Loaded, Problems> {
    let file = match named {
        Some(file) if !file.exists() => {
            return Err(Problem::usage("the file does not exist")
                .in_file(file)
                .mend("name another, or write one with `pilothouse config init`")
                .into());
        }
        Some(file) => Some(file.to_owned()),
        None => folders.config_file().filter(|f| f.exists()),
    };
    let Some(file) = file else {
        return Ok(Loaded { config: Config::default(), file: None });
    };
    let (file, text) = yaml::read_file(&file)?;
    let base =
        Base { folder: file.parent().map(Path::to_owned).unwrap_or_default(), home: folders.home.clone() };
    let config = parse(&file, &text, &base)?;
    Ok(Loaded { config, file: Some(file) })
}

/// Reads a configuration from text; `file` is for messages.
///
/// # Errors
/// Everything that is wrong, each with its line and mend.
pub fn parse(file: &Path, text: &str, base: &Base) -> Result<Config, Problems> {
    let node = yaml::parse(file, text)?;
    let found = Found::new(file);
    let raw = raw::RawConfig::read(&found.root(&node));
    found.problems().or_ok()?;
    Ok(Config::resolve(raw, base))
}
