//! Where our files live on this machine, by the XDG rules; the system's own customs where XDG says nothing.

use std::path::PathBuf;

use directories::{BaseDirs, ProjectDirs};

/// Our folders. None of them need exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folders {
    /// Holds `config.yaml`, `keymaps/` and `themes/`.
    pub config: Option<PathBuf>,
    /// Holds what the program remembers by itself.
    pub state: Option<PathBuf>,
    /// The person's home.
    pub home: Option<PathBuf>,
}

impl Folders {
    /// Finds them; `var` reads an environment variable. XDG_CONFIG_HOME and XDG_STATE_HOME count on every system,
    /// for people who set them on macOS mean it.
    #[must_use]
    pub fn find(var: impl Fn(&str) -> Option<String>) -> Folders {
        // By the XDG specification a relative path there is to be ignored.
        let xdg =
            |name| var(name).map(PathBuf::from).filter(|p| p.is_absolute()).map(|p| p.join("pilothouse"));
        let project = ProjectDirs::from("", "", "pilothouse");
        let usual_config = || project.as_ref().map(|p| p.config_dir().to_owned());
        let usual_state = || {
            let project = project.as_ref()?;
            Some(project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_owned())
        };
        Folders {
            config: xdg("XDG_CONFIG_HOME").or_else(usual_config),
            state: xdg("XDG_STATE_HOME").or_else(usual_state),
            home: BaseDirs::new().map(|b| b.home_dir().to_owned()),
        }
    }

    /// The configuration file.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        self.config.as_ref().map(|c| c.join("config.yaml"))
    }

    /// The folder of the user's keymaps.
    #[must_use]
    pub fn keymaps(&self) -> Option<PathBuf> {
        self.config.as_ref().map(|c| c.join("keymaps"))
    }

    /// The folder of the user's themes.
    #[must_use]
    pub fn themes(&self) -> Option<PathBuf> {
        self.config.as_ref().map(|c| c.join("themes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xdg_goes_first_when_it_is_absolute() {
        let folders = Folders::find(|name| match name {
            "XDG_CONFIG_HOME" => Some("/c".to_owned()),
            "XDG_STATE_HOME" => Some("relative".to_owned()),
            _ => None,
        });
        assert_eq!(folders.config_file(), Some("/c/pilothouse/config.yaml".into()));
        assert_eq!(folders.themes(), Some("/c/pilothouse/themes".into()));
        assert_ne!(folders.state, Some("relative/pilothouse".into()));
    }
}
