//! The order of rows in a pane, kept up to date by what changed.
//!
//! With 50,000 pods and 200 changes a second a full sort at every frame would
//! cost more than everything else; so the rows that did not change keep their
//! order, and the place of each that did is searched among them.

use std::cmp::Ordering;
use std::hash::Hash;

/// Rows that pass the filter, in order.
#[derive(Debug)]
pub struct Order<R> {
    rows: Vec<R>,
}

impl<R> Default for Order<R> {
    fn default() -> Order<R> {
        Order { rows: Vec::new() }
    }
}

impl<R: Copy + Eq + Hash> Order<R> {
    /// The rows.
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// Sorts everything anew.
    pub fn rebuild(&mut self, rows: impl Iterator<Item = R>, mut compare: impl FnMut(R, R) -> Ordering) {
        self.rows.clear();
        self.rows.extend(rows);
        self.rows.sort_unstable_by(|a, b| compare(*a, *b));
    }

    /// Takes in what changed: `changed` are all rows that came, went or are
    /// otherwise than before; `shown` tells whether a row is (still) shown.
    ///
    /// `compare` is never asked about a row that is gone.
    pub fn update(
        &mut self,
        changed: &[R],
        mut shown: impl FnMut(R) -> bool,
        mut compare: impl FnMut(R, R) -> Ordering,
    ) {
        if changed.is_empty() {
            return;
        }
        let changed: std::collections::HashSet<R> = changed.iter().copied().collect();
        self.rows.retain(|row| !changed.contains(row));
        let mut fresh: Vec<R> = changed.into_iter().filter(|row| shown(*row)).collect();
        fresh.sort_unstable_by(|a, b| compare(*a, *b));
        let mut merged = Vec::with_capacity(self.rows.len() + fresh.len());
        let mut rest = self.rows.as_slice();
        for next in fresh {
            let (before, after) =
                rest.split_at(rest.partition_point(|row| compare(*row, next) == Ordering::Less));
            merged.extend_from_slice(before);
            merged.push(next);
            rest = after;
        }
        merged.extend_from_slice(rest);
        self.rows = merged;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn taking_in_changes_gives_what_sorting_anew_gives(
            before in proptest::collection::vec(0u32..50, 40),
            changes in proptest::collection::vec((0usize..40, 0u32..50, any::<bool>()), 0..30),
        ) {
            let mut values: Vec<Option<u32>> = before.into_iter().map(Some).collect();
            let compare_in = |values: &[Option<u32>], a: usize, b: usize| {
                values[a].cmp(&values[b]).then(a.cmp(&b))
            };
            let shown_in = |values: &[Option<u32>], row: usize| values[row].is_some_and(|v| v % 3 != 0);
            let mut order = Order::default();
            order.rebuild((0..40).filter(|row| shown_in(&values, *row)), |a, b| compare_in(&values, a, b));
            let mut changed = Vec::new();
            for (row, value, there) in changes {
                values[row] = there.then_some(value);
                changed.push(row);
            }
            order.update(&changed, |row| shown_in(&values, row), |a, b| compare_in(&values, a, b));
            let mut anew = Order::default();
            anew.rebuild((0..40).filter(|row| shown_in(&values, *row)), |a, b| compare_in(&values, a, b));
            prop_assert_eq!(order.rows(), anew.rows());
        }
    }
}
