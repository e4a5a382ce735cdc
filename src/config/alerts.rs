//! What a platform's alerts mean, and how a person wants to be told of new ones.

use super::raw::text;
use crate::domain::alert::Severity;
use crate::yaml::Cursor;

/// `alerts`, as typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawAlerts {
    /// `severityLabel`
    pub label: Option<String>,
    /// `severities`: words of that label with their meaning.
    pub severities: Vec<(String, Severity)>,
}

/// `alerts`, as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// The label that holds the severity of an alert.
    pub label: String,
    /// Words of that label with their meaning, besides those that are known without.
    pub severities: Vec<(String, Severity)>,
}

/// How a new critical alert is told, besides the bell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Notify {
    /// Not.
    #[default]
    None,
    /// By the terminal's bell.
    Bell,
    /// By the sequence OSC 9: iTerm2, kitty, WezTerm, Windows Terminal, ConEmu.
    Osc9,
    /// By the sequence OSC 777: urxvt, foot, Ghostty, WezTerm, VTE.
    Osc777,
}

impl RawAlerts {
    /// Reads it.
    pub(super) fn read(c: &Cursor<'_>) -> Option<RawAlerts> {
        let meanings = [Severity::Critical, Severity::Warning, Severity::Info, Severity::None]
            .map(|severity| (severity.word(), severity));
        let f = c.fields()?;
        let severities = f
            .take("severities")
            .and_then(|c| c.fields())
            .map(|f| f.all().filter_map(|(key, c)| Some((key.name.clone(), c.choice(&meanings)?))).collect());
        let alerts =
            RawAlerts { label: text(&f, "severityLabel"), severities: severities.unwrap_or_default() };
        f.finish();
        Some(alerts)
    }
}

impl From<RawAlerts> for Alerts {
    fn from(raw: RawAlerts) -> Alerts {
        Alerts { label: raw.label.unwrap_or_else(|| "severity".to_owned()), severities: raw.severities }
    }
}

/// The ways to tell, by their names in the file.
pub(super) const NOTIFY: [(&str, Notify); 4] =
    [("none", Notify::None), ("bell", Notify::Bell), ("osc9", Notify::Osc9), ("osc777", Notify::Osc777)];
