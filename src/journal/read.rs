//! Reading the journal back: actions with their steps and their end, torn lines told and passed over.

use std::collections::HashMap;
use std::io;

use jiff::Timestamp;

use super::record::{Closing, Intention, Record, StepDone};
use super::write::Journal;

/// What the journal tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Actions, oldest first.
    pub entries: Vec<Entry>,
    /// Lines that cannot be read: file and line, as `2026-11.jsonl:7`.
    pub torn: Vec<String>,
}

/// One action.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What was to be done.
    pub intent: Intention,
    /// How its requests ended.
    pub steps: Vec<StepDone>,
    /// How it ended; `None` while it runs, and for ever when its program was killed.
    pub end: Option<Closing>,
    /// It is being done now, by this program or another one.
    pub running: bool,
}

impl Entry {
    /// It was begun, nobody is at it, and how it ended is not known.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.end.is_none() && !self.running
    }
}

impl Journal {
    /// Reads what was begun since a moment, or everything.
    ///
    /// # Errors
    /// The folder or a file cannot be read. That there is none yet is no error.
    pub fn read(&self, since: Option<Timestamp>) -> io::Result<Reading> {
        let mut files: Vec<_> = match std::fs::read_dir(self.folder()) {
            Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?.into_iter().map(|e| e.path()).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Reading::default()),
            Err(error) => return Err(error),
        };
        files.retain(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
        files.sort();
        // What was begun in a month may end in the next one, never in an earlier one.
        let first = since.map(|since| since.strftime("%Y-%m.jsonl").to_string());
        let mut reading = Reading::default();
        let mut known: HashMap<String, usize> = HashMap::new();
        for file in files {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if first.as_ref().is_some_and(|first| name < *first) {
                continue;
            }
            let bytes = std::fs::read(&file)?;
            for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                if line.is_empty() {
                    continue;
                }
                let Ok(record) = serde_json::from_slice::<Record>(line) else {
                    reading.torn.push(format!("{name}:{}", at + 1));
                    continue;
                };
                let id = record.id().to_owned();
                let place = known.get(&id).copied();
                match (record, place.and_then(|place| reading.entries.get_mut(place))) {
                    (Record::Intent(intent), None) => {
                        known.insert(id, reading.entries.len());
                        reading.entries.push(Entry {
                            intent: *intent,
                            steps: Vec::new(),
                            end: None,
                            running: false,
                        });
                    }
                    (Record::Step(step), Some(entry)) => entry.steps.push(step),
                    (Record::End(end), Some(entry)) => entry.end = Some(end),
                    // The end of what was begun before, or a second beginning: there is nothing to tell.
                    _ => {}
                }
            }
        }
        for entry in &mut reading.entries {
            entry.running = entry.end.is_none() && self.is_held(&entry.intent.id);
        }
        if let Some(since) = since {
            reading.entries.retain(|entry| entry.intent.at.parse::<Timestamp>().is_ok_and(|at| at >= since));
        }
        Ok(reading)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::journal::record::Outcome;

    fn moment() -> Timestamp {
        "2026-11-21T14:32:00Z".parse().unwrap()
    }

    fn intent(id: &str) -> Record {
        let at = moment().to_string();
        Record::Intent(Box::new(Intention {
            id: id.to_owned(),
            at,
            action: "scale".to_owned(),
            ..Intention::default()
        }))
    }

    fn end(id: &str) -> Record {
        Record::End(Closing { id: id.to_owned(), outcome: Outcome::Done, ..Closing::default() })
    }

    #[test]
    fn what_is_written_is_read_back_and_is_the_owners_alone() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::within(state.path());
        assert_eq!(journal.read(None).unwrap(), Reading::default(), "no journal yet");
        journal.append(&intent("a"), moment()).unwrap();
        let step =
            StepDone { id: "a".to_owned(), step: 1, outcome: "done".to_owned(), ..StepDone::default() };
        journal.append(&Record::Step(step), moment()).unwrap();
        journal.append(&intent("b"), moment()).unwrap();
        journal.append(&end("a"), moment()).unwrap();
        let reading = journal.read(None).unwrap();
        let told: Vec<_> = reading.entries.iter().map(|e| (e.intent.id.as_str(), e.is_abandoned())).collect();
        assert_eq!(told, [("a", false), ("b", true)]);
        assert_eq!(reading.entries[0].steps.len(), 1);
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(journal.folder()), 0o700);
        assert_eq!(mode(&journal.folder().join("2026-11.jsonl")), 0o600);
    }

    #[test]
    fn a_torn_line_is_told_and_costs_nothing_else() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::within(state.path());
        journal.append(&intent("a"), moment()).unwrap();
        let file = journal.folder().join("2026-11.jsonl");
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str("{\"event\":\"end\",\"id\":\"a\",\"outc");
        std::fs::write(&file, text).unwrap();
        let reading = journal.read(None).unwrap();
        assert_eq!(reading.torn, ["2026-11.jsonl:2"]);
        assert!(reading.entries[0].is_abandoned());
        journal.append(&end("a"), moment()).unwrap();
        let reading = journal.read(None).unwrap();
        assert_eq!((reading.torn.len(), reading.entries[0].is_abandoned()), (1, false));
    }

    #[test]
    fn what_some_program_is_at_is_not_abandoned() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::within(state.path());
        let held = journal.hold("a-1").unwrap();
        journal.append(&intent("a-1"), moment()).unwrap();
        assert!(journal.read(None).unwrap().entries[0].running);
        drop(held);
        assert!(journal.read(None).unwrap().entries[0].is_abandoned());
    }

    #[test]
    fn many_writers_at_once_lose_nothing() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::within(state.path());
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let journal = &journal;
                scope.spawn(move || {
                    for n in 0..20 {
                        journal.append(&intent(&format!("{writer}-{n}")), moment()).unwrap();
                    }
                });
            }
        });
        let reading = journal.read(None).unwrap();
        assert_eq!((reading.entries.len(), reading.torn.len()), (160, 0));
    }

    #[test]
    fn only_what_was_begun_since_is_told() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::within(state.path());
        journal.append(&intent("a"), moment()).unwrap();
        let next_month: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        journal.append(&end("a"), next_month).unwrap();
        assert_eq!(journal.read(Some(moment())).unwrap().entries.len(), 1);
        assert!(journal.read(Some(moment())).unwrap().entries[0].end.is_some());
        assert_eq!(journal.read(Some(next_month)).unwrap().entries.len(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("journal"), "a file").unwrap();
        let journal = Journal::within(state.path());
        assert!(journal.append(&intent("a"), moment()).is_err());
        assert!(journal.hold("a").is_err());
    }
}
