//! What the words of a platform's severity labels mean.

use crate::config::{Config, Notify};
use crate::domain::alert::Severity;
use crate::domain::id::Name;
use crate::domain::meta::Labels;

/// Alerts that always fire: their absence would be the alarm, or they only hold others back.
const ALWAYS: [&str; 4] = ["Watchdog", "InfoInhibitor", "DeadMansSwitch", "DeadMansSnitch"];

/// Words that many platforms use, each with its meaning.
const WORDS: [(Severity, &[&str]); 4] = [
    (
        Severity::Critical,
        &["critical", "crit", "page", "fatal", "emergency", "disaster", "error", "p1", "sev1", "sev-1", "s1"],
    ),
    (
        Severity::Warning,
        &["warning", "warn", "major", "minor", "high", "ticket", "p2", "p3", "sev2", "sev-2", "s2"],
    ),
    (
        Severity::Info,
        &["info", "information", "informational", "notice", "low", "debug", "p4", "p5", "sev3", "s3"],
    ),
    (Severity::None, &["none", "heartbeat"]),
];

/// What the settings say of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WantedAlerts {
    /// The label that holds the severity.
    pub label: Name,
    /// Words with their meaning, before those that are known here; lower case.
    pub words: Vec<(Name, Severity)>,
    /// Ring the bell on a new critical one.
    pub bell: bool,
    /// Notify of it.
    pub notify: Notify,
}

impl Default for WantedAlerts {
    fn default() -> WantedAlerts {
        WantedAlerts { label: "severity".into(), words: Vec::new(), bell: false, notify: Notify::None }
    }
}

impl WantedAlerts {
    /// The part of the settings that this room reads.
    pub fn of(config: &Config) -> WantedAlerts {
        let words =
            config.alerts.severities.iter().map(|(word, severity)| (word.to_lowercase().into(), *severity));
        WantedAlerts {
            label: config.alerts.label.as_str().into(),
            words: words.collect(),
            bell: config.ui.bell || config.ui.notify == Notify::Bell,
            notify: config.ui.notify,
        }
    }

    /// The severity that an alert's labels tell, and their word for it.
    pub fn severity(&self, name: &str, labels: &Labels) -> (Severity, Name) {
        let word = labels.get(&self.label).cloned().unwrap_or_default();
        let told = word.to_lowercase();
        let own = self.words.iter().find(|(known, _)| **known == *told).map(|(_, severity)| *severity);
        let known =
            || WORDS.iter().find(|(_, words)| words.contains(&told.as_str())).map(|(severity, _)| *severity);
        let always = || ALWAYS.contains(&name).then_some(Severity::None);
        (own.or_else(always).or_else(known).unwrap_or_default(), word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::labels;

    #[test]
    fn words_mean_what_the_settings_say_and_else_what_most_mean() {
        let wanted = WantedAlerts {
            label: "prio".into(),
            words: vec![("page".into(), Severity::Warning), ("schwer".into(), Severity::Critical)],
            ..WantedAlerts::default()
        };
        for (word, severity) in [
            ("page", Severity::Warning),
            ("Schwer", Severity::Critical),
            ("critical", Severity::Critical),
            ("NOTICE", Severity::Info),
            ("none", Severity::None),
            ("bright green", Severity::Unknown),
            ("", Severity::Unknown),
        ] {
            assert_eq!(wanted.severity("Any", &labels(&[("prio", word)])).0, severity, "{word}");
        }
        assert_eq!(
            wanted.severity("Any", &labels(&[("severity", "critical")])),
            (Severity::Unknown, "".into())
        );
        let plain = WantedAlerts::default();
        assert_eq!(plain.severity("Watchdog", &labels(&[("severity", "critical")])).0, Severity::None);
    }
}
