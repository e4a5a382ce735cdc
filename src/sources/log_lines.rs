//! Bytes of a log into lines, and where in the log we are: pure, so that cuts can be played through in tests.

/// A line that is longer is cut into pieces of this size.
const LONGEST: usize = 256 * 1024;

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    open: Vec<u8>,
}

impl Splitter {
    /// The lines that are complete with this chunk, without their ends.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.open.extend_from_slice(&rest[..end]);
            lines.push(std::mem::take(&mut self.open));
            rest = &rest[end + 1..];
        }
        self.open.extend_from_slice(rest);
        while self.open.len() >= LONGEST {
            let more = self.open.split_off(LONGEST);
            lines.push(std::mem::replace(&mut self.open, more));
        }
        lines
    }

    /// What stands behind the last line end.
    pub(super) fn rest(&mut self) -> Option<Vec<u8>> {
        let rest = std::mem::take(&mut self.open);
        (!rest.is_empty()).then_some(rest)
    }
}

/// How far a log has been delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The kubelet's time of the last line, nanoseconds; 0 before the first one.
    last: i64,
    /// How many lines with exactly that time were delivered.
    at_last: u32,
    /// How many of those are still to be passed over after the stream was begun anew.
    skip: u32,
    /// The stream was begun anew and has not yet reached what is new.
    behind: bool,
}

impl Position {
    /// The time to read on from, for `sinceTime`. Whole seconds, for some servers read no finer.
    pub(super) fn since(&self) -> Option<String> {
        if self.last == 0 {
            return None;
        }
        jiff::Timestamp::from_second(self.last.div_euclid(1_000_000_000)).ok().map(|time| time.to_string())
    }

    /// A stream begins, perhaps again.
    pub(super) fn attached(&mut self) {
        self.behind = self.last != 0;
        self.skip = self.at_last;
    }

    /// The time and text of a line that is new; `None` for one that was delivered before. Bytes that are no UTF-8 are
    /// replaced.
    pub(super) fn accept(&mut self, line: &[u8]) -> Option<(i64, String)> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8_lossy(line);
        let (at, text) = stamped(&text);
        if at == 0 {
            return Some((0, text.to_owned()));
        }
        if self.behind {
            if at < self.last {
                return None;
            }
            if at == self.last && self.skip > 0 {
                self.skip -= 1;
                return None;
            }
            self.behind = at == self.last;
        }
        if at == self.last {
            self.at_last = self.at_last.saturating_add(1);
        } else {
            (self.last, self.at_last) = (at, 1);
        }
        Some((at, text.to_owned()))
    }
}

/// Parts the kubelet's time from the text; 0 when there is none.
fn stamped(line: &str) -> (i64, &str) {
    let (time, text) = line.split_once(' ').unwrap_or((line, ""));
    match time.parse::<jiff::Timestamp>() {
        Ok(time) => (i64::try_from(time.as_nanosecond()).unwrap_or(0), text),
        Err(_) => (0, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_whole_whatever_the_chunks() {
        let mut splitter = Splitter::default();
        assert!(splitter.feed(b"on").is_empty());
        assert_eq!(splitter.feed(b"e\ntwo\n\nth"), [b"one".to_vec(), b"two".to_vec(), b"".to_vec()]);
        assert_eq!(splitter.rest(), Some(b"th".to_vec()));
        assert_eq!(splitter.rest(), None);
    }

    #[test]
    fn a_line_without_end_does_not_grow_for_ever() {
        let mut splitter = Splitter::default();
        let lines = splitter.feed(&vec![b'x'; LONGEST + 10]);
        assert_eq!((lines.len(), lines[0].len()), (1, LONGEST));
        assert_eq!(splitter.rest().unwrap().len(), 10);
    }

    #[test]
    fn broken_utf8_and_missing_times_survive() {
        let mut position = Position::default();
        let (at, text) = position.accept(b"2026-01-01T00:00:00.5Z a\xffb\r").unwrap();
        assert_eq!((at, &*text), (1_767_225_600_500_000_000, "a\u{fffd}b"));
        assert_eq!(position.accept(b"no time here"), Some((0, "no time here".to_owned())));
        assert_eq!(position.since().as_deref(), Some("2026-01-01T00:00:00Z"));
    }

    proptest! {
        /// A log with many equal times, cut anywhere, read on from the last whole second: every line once, in order.
        #[test]
        fn a_cut_neither_loses_nor_doubles(
            steps in prop::collection::vec(prop::sample::select(vec![0i64, 0, 1, 300_000_000, 2_000_000_000]), 1..60),
            cuts in prop::collection::vec(0usize..60, 0..5),
        ) {
            let mut at = 1_767_225_600_000_000_000i64;
            let log: Vec<(i64, String)> = steps.iter().enumerate().map(|(n, step)| {
                at += step;
                (at, format!("{} line {n}", jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap()))
            }).collect();
            let mut position = Position::default();
            let mut seen = Vec::new();
            let mut lengths = cuts.clone();
            lengths.push(usize::MAX);
            for length in lengths {
                position.attached();
                let from = position.since().map_or(0, |since| {
                    since.parse::<jiff::Timestamp>().unwrap().as_nanosecond()
                });
                let rest = log.iter().filter(|(at, _)| i128::from(*at) >= from).take(length);
                seen.extend(rest.filter_map(|(_, line)| position.accept(line.as_bytes())));
            }
            let texts: Vec<String> = seen.into_iter().map(|(_, text)| text).collect();
            let wanted: Vec<String> = (0..log.len()).map(|n| format!("line {n}")).collect();
            prop_assert_eq!(texts, wanted);
        }
    }
}
