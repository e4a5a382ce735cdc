//! The lines of a log in bounded memory: sorted by time as they come from
//! several containers, the oldest let go first, with an index of those that a
//! filter keeps.

use std::collections::VecDeque;

/// Longest line that is kept whole, in bytes. Longer ones are cut and say so:
/// nobody reads more on a screen, and one line must not push out all others.
const LONGEST: usize = 64 << 10;

/// What a kept line costs besides its text, roughly: its slot and the allocator's share.
const OVERHEAD: usize = std::mem::size_of::<Kept>() + 16;

/// A line's place in the order: by time, then as it came. It stays the same
/// while other lines come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Nanoseconds since the epoch.
    pub at: i64,
    /// Its number of arrival.
    pub seq: u64,
}

/// A line as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its place.
    pub key: Key,
    /// Which container it came from.
    pub source: u16,
    /// Not a line of the log, but something to say about its source (it ended).
    pub remark: bool,
    /// The text as it came, cut at 64 KiB.
    pub text: Box<str>,
}

/// A line that comes in.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Nanoseconds since the epoch; 0 when the line carries no time.
    pub at: i64,
    /// Which container it came from.
    pub source: u16,
    /// See [`Kept::remark`].
    pub remark: bool,
    /// The text.
    pub text: Box<str>,
}

/// Lines in bounded memory.
#[derive(Debug)]
pub struct Store {
    lines: VecDeque<Kept>,
    /// Keys of the lines that the filter keeps, in order; `None` when all are.
    kept: Option<VecDeque<Key>>,
    /// The newest time of each source: a line without a time, or with one that
    /// runs backwards, stands behind the line before it.
    newest: Vec<i64>,
    bytes: usize,
    limit: usize,
    seq: u64,
    let_go: u64,
}

impl Store {
    /// An empty store that keeps so many bytes.
    pub fn new(limit: usize) -> Store {
        Store { lines: VecDeque::new(), kept: None, newest: Vec::new(), bytes: 0, limit, seq: 0, let_go: 0 }
    }

    /// Takes lines in; `passes` is the filter, asked about new lines only.
    /// Returns how many of them are shown.
    pub fn take(&mut self, batch: Vec<Incoming>, passes: &mut dyn FnMut(&Kept) -> bool) -> usize {
        let mut fresh: Vec<Kept> = batch.into_iter().map(|line| self.key(line)).collect();
        fresh.sort_by_key(|line| line.key);
        let Some(first) = fresh.first().map(|line| line.key) else { return 0 };
        // Lines of several containers overlap by moments only: the tail that is
        // newer than the batch is taken off and merged with it.
        let mut tail: Vec<(Kept, bool)> = Vec::new();
        while self.lines.back().is_some_and(|line| line.key > first) {
            let Some(line) = self.lines.pop_back() else { break };
            let was_kept = match &mut self.kept {
                None => true,
                Some(kept) => kept.back() == Some(&line.key) && kept.pop_back().is_some(),
            };
            tail.push((line, was_kept));
        }
        let mut shown = 0;
        let mut fresh = fresh.into_iter().peekable();
        while let Some((line, was_kept)) = tail.pop() {
            while let Some(new) = fresh.next_if(|new| new.key < line.key) {
                shown += self.add(new, passes);
            }
            if was_kept && let Some(kept) = &mut self.kept {
                kept.push_back(line.key);
            }
            self.lines.push_back(line);
        }
        for new in fresh {
            shown += self.add(new, passes);
        }
        self.shrink();
        shown
    }

    fn key(&mut self, line: Incoming) -> Kept {
        let source = usize::from(line.source);
        if self.newest.len() <= source {
            self.newest.resize(source + 1, i64::MIN);
        }
        let last = self.lines.back().map_or(0, |line| line.key.at);
        let newest = self.newest.get_mut(source);
        let at = match (line.at, newest.as_deref().copied()) {
            (0, Some(i64::MIN) | None) => last,
            (0, Some(newest)) => newest,
            (at, Some(newest)) => at.max(newest),
            (at, None) => at,
        };
        if let Some(newest) = newest {
            *newest = at;
        }
        self.seq += 1;
        let text = cut(line.text);
        Kept { key: Key { at, seq: self.seq }, source: line.source, remark: line.remark, text }
    }

    fn add(&mut self, line: Kept, passes: &mut dyn FnMut(&Kept) -> bool) -> usize {
        let passes = self.kept.is_none() || passes(&line);
        if passes && let Some(kept) = &mut self.kept {
            kept.push_back(line.key);
        }
        self.bytes += line.text.len() + OVERHEAD;
        self.lines.push_back(line);
        usize::from(passes)
    }

    fn shrink(&mut self) {
        while self.bytes > self.limit && self.lines.len() > 1 {
            let Some(line) = self.lines.pop_front() else { break };
            self.bytes -= line.text.len() + OVERHEAD;
            if !line.remark {
                self.let_go += 1;
            }
            if let Some(kept) = &mut self.kept
                && kept.front() == Some(&line.key)
            {
                kept.pop_front();
            }
        }
    }

    /// Takes everything out of another store, as if it came now.
    pub fn take_all(&mut self, other: &mut Store, passes: &mut dyn FnMut(&Kept) -> bool) -> usize {
        self.let_go += std::mem::take(&mut other.let_go);
        other.bytes = 0;
        let batch = other.lines.drain(..).map(|line| Incoming {
            at: line.key.at,
            source: line.source,
            remark: line.remark,
            text: line.text,
        });
        let batch = batch.collect();
        self.take(batch, passes)
    }

    /// Looks at every line anew; `None` keeps all.
    pub fn refilter(&mut self, passes: Option<&mut dyn FnMut(&Kept) -> bool>) {
        self.kept =
            passes.map(|passes| self.lines.iter().filter(|line| passes(line)).map(|line| line.key).collect());
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Store { kept: self.kept.take().map(|_| VecDeque::new()), ..Store::new(self.limit) };
    }

    /// How many lines are shown.
    pub fn len(&self) -> usize {
        self.kept.as_ref().map_or(self.lines.len(), VecDeque::len)
    }

    /// How many lines there are, shown or not.
    pub fn total(&self) -> usize {
        self.lines.len()
    }

    /// How many lines were let go to stay within bounds.
    pub fn let_go(&self) -> u64 {
        self.let_go
    }

    /// Bytes kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The nth line that is shown.
    pub fn get(&self, n: usize) -> Option<&Kept> {
        match &self.kept {
            None => self.lines.get(n),
            Some(kept) => {
                let key = kept.get(n)?;
                self.lines.get(self.lines.binary_search_by_key(key, |line| line.key).ok()?)
            }
        }
    }

    /// The index of the first line shown that is not before a place.
    pub fn position(&self, key: Key) -> usize {
        match &self.kept {
            None => self.lines.partition_point(|line| line.key < key),
            Some(kept) => kept.partition_point(|known| *known < key),
        }
    }

    /// The lines that are shown, in order.
    pub fn shown(&self) -> impl Iterator<Item = &Kept> {
        (0..self.len()).filter_map(|n| self.get(n))
    }
}

fn cut(text: Box<str>) -> Box<str> {
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let head = text.get(..end).unwrap_or_default();
    format!("{head}… ({} bytes more are not kept)", text.len() - end).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(at: i64, source: u16, text: &str) -> Incoming {
        Incoming { at, source, remark: false, text: text.into() }
    }

    fn texts(store: &Store) -> Vec<&str> {
        store.shown().map(|line| &*line.text).collect()
    }

    fn all(_: &Kept) -> bool {
        true
    }

    #[test]
    fn lines_of_several_containers_are_merged_by_time() {
        let mut store = Store::new(1 << 20);
        store.take(vec![line(1, 0, "a1"), line(5, 0, "a5")], &mut all);
        store.take(vec![line(2, 1, "b2"), line(6, 1, "b6")], &mut all);
        store.take(vec![line(0, 1, "b without a time"), line(3, 0, "a back in time")], &mut all);
        assert_eq!(texts(&store), ["a1", "b2", "a5", "a back in time", "b6", "b without a time"]);
    }

    #[test]
    fn old_lines_are_let_go_and_counted() {
        let mut store = Store::new(100 * (OVERHEAD + 10));
        for n in 0..1_000 {
            store.take(vec![line(n, 0, "0123456789")], &mut all);
        }
        assert_eq!((store.total(), store.let_go()), (100, 900));
        assert!(store.bytes() <= 100 * (OVERHEAD + 10));
        store.take(vec![line(2_000, 0, &"x".repeat(1 << 20))], &mut all);
        let long = store.get(store.len() - 1).unwrap();
        assert!(long.text.ends_with("(983040 bytes more are not kept)"), "{}", long.text.len());
    }

    #[test]
    fn places_outlive_lines_that_come_before() {
        let mut store = Store::new(1 << 20);
        store.take(vec![line(10, 0, "ten")], &mut all);
        let key = store.get(0).unwrap().key;
        store.take(vec![line(5, 1, "five")], &mut all);
        assert_eq!(store.position(key), 1);
    }

    proptest! {
        #[test]
        fn the_index_of_a_filter_says_what_filtering_says(
            batches in proptest::collection::vec(proptest::collection::vec((0i64..60, 0u16..3, 0u8..4), 0..12), 0..12),
            limit in 200usize..4_000,
        ) {
            let mut plain = Store::new(limit);
            let mut filtered = Store::new(limit);
            filtered.refilter(Some(&mut |line: &Kept| line.text.starts_with('1')));
            for batch in batches {
                let lines: Vec<Incoming> =
                    batch.iter().map(|(at, source, text)| line(*at, *source, &text.to_string())).collect();
                plain.take(lines.clone(), &mut all);
                filtered.take(lines, &mut |line: &Kept| line.text.starts_with('1'));
                prop_assert!(plain.bytes() <= limit);
            }
            let keys: Vec<Key> = plain.shown().map(|line| line.key).collect();
            let mut sorted = keys.clone();
            sorted.sort();
            prop_assert_eq!(&keys, &sorted);
            let expected: Vec<Key> =
                plain.shown().filter(|line| line.text.starts_with('1')).map(|line| line.key).collect();
            let kept: Vec<Key> = filtered.shown().map(|line| line.key).collect();
            prop_assert_eq!(kept, expected);
        }
    }
}
