//! What a style is for. Views name roles, themes give each a colour; nobody else names a colour.

use crate::domain::level::Level;

/// Makes the enum, its names, sentences and whether its text must be readable from one table.
macro_rules! roles {
    ($($role:ident $name:literal $text:literal $doc:literal;)*) => {
        /// What a style is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role { $(#[doc = $doc] $role,)* }

        impl Role {
            /// All roles, in the order in which theme files list them.
            pub const ALL: &[Role] = &[$(Role::$role,)*];

            /// Its name in theme files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Role::$role => $name,)* }
            }

            /// One sentence: what it is for.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $(Role::$role => $doc,)* }
            }

            /// Whether people must be able to read it, so that its contrast is checked. Lines and empty bars need
            /// less.
            #[must_use]
            pub fn is_text(self) -> bool {
                match self { $(Role::$role => $text == "text",)* }
            }
        }
    };
}

roles! {
    Text "text" "text" "Ordinary text, and the ground everything stands on.";
    Muted "muted" "text" "Text of second rank: ages, units, column heads, dim cards.";
    Accent "accent" "text" "The one colour for focus: what the person is on.";
    Strong "strong" "text" "Text of first rank: names in titles, the release that matters.";
    Selection "selection" "text" "The row under the cursor in the focused pane.";
    SelectionIdle "selection-idle" "text" "The row under the cursor in a pane without focus.";
    Marked "marked" "text" "A marked row.";
    Border "border" "line" "The frame of a pane.";
    BorderFocused "border-focused" "line" "The frame of the focused pane.";
    Title "title" "text" "The title of a pane.";
    TitleFocused "title-focused" "text" "The title of the focused pane.";
    Header "header" "text" "The line at the top of the screen.";
    Footer "footer" "text" "The lines at the bottom of the screen.";
    Key "key" "text" "The name of a key in the footer and in help.";
    Tab "tab" "text" "A tab that is not chosen.";
    TabActive "tab-active" "text" "The chosen tab.";
    Overlay "overlay" "text" "The ground of dialogs, help and palette.";
    Input "input" "text" "Text being typed.";
    Ok "ok" "text" "Well.";
    Idle "idle" "text" "Meant to be at rest: completed, suspended, scaled to zero.";
    Progressing "progressing" "text" "On its way to a wanted state.";
    Warning "warning" "text" "Works, but wants a look.";
    Critical "critical" "text" "Broken.";
    Unknown "unknown" "text" "Nothing trustworthy is known.";
    Stale "stale" "text" "Data that is no longer fresh.";
    Silenced "silenced" "text" "Known and muted by a person.";
    Protected "protected" "text" "The sign of a protected environment.";
    Differs "differs" "text" "Ahead, behind or drifted.";
    Match "match" "text" "What a search found.";
    Added "added" "text" "Lines that a change adds.";
    Removed "removed" "text" "Lines that a change removes.";
    Series1 "series1" "text" "First line of a chart.";
    Series2 "series2" "text" "Second line of a chart.";
    Series3 "series3" "text" "Third line of a chart.";
    Series4 "series4" "text" "Fourth line of a chart.";
    Series5 "series5" "text" "Fifth line of a chart.";
    Series6 "series6" "text" "Sixth line of a chart.";
    Axis "axis" "text" "Axes of a chart and their labels.";
    Threshold "threshold" "text" "The limit line of a chart.";
    Bar "bar" "text" "The filled part of a bar.";
    BarHigh "bar-high" "text" "The filled part of a bar that is nearly full.";
    BarEmpty "bar-empty" "line" "The empty part of a bar, and scroll tracks.";
    LogKey "log-key" "text" "Keys of JSON log lines and of YAML.";
    LogString "log-string" "text" "Strings of JSON log lines and of YAML.";
    LogNumber "log-number" "text" "Numbers, booleans and null.";
    LogTime "log-time" "text" "Timestamps of log lines and comments of YAML.";
}

impl Role {
    /// How many roles there are.
    pub const COUNT: usize = Role::ALL.len();

    /// The role of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// The role that shows a level of health.
    #[must_use]
    pub fn of_level(level: Level) -> Role {
        match level {
            Level::Ok => Role::Ok,
            Level::Idle => Role::Idle,
            Level::Progressing => Role::Progressing,
            Level::Unknown => Role::Unknown,
            Level::Warning => Role::Warning,
            Level::Critical => Role::Critical,
        }
    }

    /// The role of the nth line of a chart, from 0; after the sixth they begin again.
    #[must_use]
    pub fn series(n: usize) -> Role {
        [Role::Series1, Role::Series2, Role::Series3, Role::Series4, Role::Series5, Role::Series6][n % 6]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        for (at, role) in Role::ALL.iter().enumerate() {
            assert_eq!(*role as usize, at);
            assert_eq!(Role::from_name(role.name()), Some(*role));
            assert!(role.doc().ends_with('.'));
        }
    }
}
