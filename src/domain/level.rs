//! How well a thing is: one scale for every kind of thing.

/// How well something is, from best to worst, so that sorting descending puts
/// the worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Is meant to be at rest: completed, scaled to zero, suspended. Below
    /// [`Level::Ok`], so that what is over stands behind what runs.
    Idle,
    /// Works as wanted.
    Ok,
    /// On its way to a wanted state.
    Progressing,
    /// Nothing trustworthy is known.
    #[default]
    Unknown,
    /// Works, but wants a look.
    Warning,
    /// Broken.
    Critical,
}

impl Level {
    /// All levels, best first.
    pub const ALL: [Level; 6] =
        [Level::Idle, Level::Ok, Level::Progressing, Level::Unknown, Level::Warning, Level::Critical];

    /// Whether the faults-only filter shows it.
    pub fn is_fault(self) -> bool {
        matches!(self, Level::Warning | Level::Critical | Level::Unknown)
    }

    /// The word that goes with the symbol, for people and for `-o json`.
    pub fn word(self) -> &'static str {
        match self {
            Level::Ok => "healthy",
            Level::Idle => "idle",
            Level::Progressing => "progressing",
            Level::Unknown => "unknown",
            Level::Warning => "degraded",
            Level::Critical => "critical",
        }
    }
}
