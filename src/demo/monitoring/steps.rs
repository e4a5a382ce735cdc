//! A value that holds from a moment until the next: all that is kept of the past.

/// Changes of a value, oldest first, each with the moment (milliseconds) from which it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps<T>(Vec<(i64, T)>);

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Steps<T> {
    /// From this moment on another value holds. What was known of later moments is forgotten.
    pub fn push(&mut self, at: i64, value: T) {
        while self.0.last().is_some_and(|(last, _)| *last >= at) {
            self.0.pop();
        }
        if self.0.last().is_none_or(|(_, last)| *last != value) {
            self.0.push((at, value));
        }
    }

    /// The value at a moment; None before the first.
    pub fn at(&self, at: i64) -> Option<&T> {
        let after = self.0.partition_point(|(from, _)| *from <= at);
        self.0.get(after.checked_sub(1)?).map(|(_, value)| value)
    }

    /// The newest value.
    pub fn last(&self) -> Option<&T> {
        self.0.last().map(|(_, value)| value)
    }

    /// The moments of change.
    pub fn moments(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::Steps;

    #[test]
    fn a_value_holds_until_the_next() {
        let mut steps = Steps::default();
        for (at, value) in [(10, 'a'), (20, 'a'), (30, 'b'), (30, 'c')] {
            steps.push(at, value);
        }
        let at = |t| steps.at(t).copied();
        assert_eq!(
            [at(9), at(10), at(29), at(30), at(99)],
            [None, Some('a'), Some('a'), Some('c'), Some('c')]
        );
        assert_eq!(steps.moments().collect::<Vec<_>>(), [10, 30]);
    }
}
