//! The journal as a table and as JSON.

use serde_json::json;

use super::Table;
use crate::journal::{Entry, Reading};
use crate::text::clean;

/// How an action ended, or where it is.
#[must_use]
pub fn outcome(entry: &Entry) -> &'static str {
    match &entry.end {
        Some(end) => end.outcome.word(),
        None if entry.running => "running",
        None => "begun, no outcome",
    }
}

/// A table, oldest first.
#[must_use]
pub fn text(reading: &Reading) -> String {
    if reading.entries.is_empty() {
        return "Nothing was changed from here.\n".to_owned();
    }
    let mut table = Table::new(["at", "environment", "what", "by", "outcome", "in words", "why"]);
    for entry in &reading.entries {
        let intent = &entry.intent;
        let who = &intent.who;
        let by = match who.local.ssh.is_empty() {
            true => format!("{}@{} as {}", who.local.user, who.local.host, who.in_the_cluster()),
            false => format!(
                "{}@{} from {} as {}",
                who.local.user,
                who.local.host,
                who.local.ssh,
                who.in_the_cluster()
            ),
        };
        let place = if intent.environment.is_empty() { &intent.context } else { &intent.environment };
        // To the second: the rest is for programs.
        let at = intent.at.split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned() + "Z";
        let words = entry.end.as_ref().map(|end| end.words.clone()).unwrap_or_default();
        let cells = [
            at,
            place.clone(),
            intent.title.clone(),
            by,
            outcome(entry).to_owned(),
            words,
            intent.reason.clone(),
        ];
        table.row(cells.map(|cell| clean(&cell).into_owned()));
    }
    table.text()
}

/// JSON: every action with its steps and its end.
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(reading: &Reading) -> serde_json::Result<String> {
    let entries: Vec<_> = reading
        .entries
        .iter()
        .map(|entry| {
            json!({"intent": entry.intent, "steps": entry.steps, "end": entry.end, "outcome": outcome(entry)})
        })
        .collect();
    Ok(serde_json::to_string_pretty(&json!({"actions": entries, "unreadable": reading.torn}))? + "\n")
}
