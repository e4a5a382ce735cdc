//! What drawing needs besides facts: the theme and the signs.

use ratatui::style::Style;

use crate::theme::{Role, Symbols, Theme};

/// How things look.
#[derive(Clone, Debug)]
pub struct Look {
    /// Styles by role.
    pub theme: Theme,
    /// The signs.
    pub symbols: &'static Symbols,
}

impl Look {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }
}
