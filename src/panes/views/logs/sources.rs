//! The containers that a log comes from, and the short names before its lines.

use crate::domain::id::Name;

/// A container that writes into this log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Pod name.
    pub pod: Name,
    /// Container name.
    pub container: Name,
    /// What stands before its lines.
    pub label: String,
    /// Why its stream ended; empty when it simply ended.
    pub ended: Option<String>,
    /// What hinders it for now; empty when nothing does.
    pub hindered: String,
}

/// The containers of one log, by their number in the request.
#[derive(Debug, Default)]
pub struct Sources {
    list: Vec<Option<Source>>,
    width: usize,
}

/// Longest label; beyond it the middle is cut.
const LONGEST: usize = 24;

impl Sources {
    /// A container joined, or came back.
    pub fn join(&mut self, number: u16, pod: Name, container: Name) {
        let at = usize::from(number);
        if self.list.len() <= at {
            self.list.resize(at + 1, None);
        }
        if let Some(slot) = self.list.get_mut(at) {
            *slot =
                Some(Source { pod, container, label: String::new(), ended: None, hindered: String::new() });
        }
        self.label();
    }

    /// A stream ended.
    pub fn end(&mut self, number: u16, reason: &str) {
        if let Some(source) = self.list.get_mut(usize::from(number)).and_then(Option::as_mut) {
            source.ended = Some(reason.to_owned());
        }
    }

    /// Something hinders a stream, or (empty) does so no longer.
    pub fn hinder(&mut self, number: u16, reason: &str) {
        if let Some(source) = self.list.get_mut(usize::from(number)).and_then(Option::as_mut) {
            reason.clone_into(&mut source.hindered);
        }
    }

    /// What hinders the first of the streams that are hindered.
    pub fn hindered(&self) -> Option<&str> {
        let hindered = |source: &&Source| source.ended.is_none() && !source.hindered.is_empty();
        self.iter().find(hindered).map(|source| source.hindered.as_str())
    }

    /// One container.
    pub fn get(&self, number: u16) -> Option<&Source> {
        self.list.get(usize::from(number))?.as_ref()
    }

    /// All that ever joined.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.list.iter().flatten()
    }

    /// How many joined.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether every stream that joined has ended.
    pub fn all_ended(&self) -> bool {
        self.len() > 0 && self.iter().all(|source| source.ended.is_some())
    }

    /// Names of the containers, each once, in the order in which they joined.
    pub fn containers(&self) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        for source in self.iter() {
            if !names.contains(&source.container) {
                names.push(source.container.clone());
            }
        }
        names
    }

    /// Columns of the widest label; 0 when lines need none.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Sources::default();
    }

    /// Labels name what differs: the end of the pod's name where there are
    /// several pods, the container where there are several of it.
    fn label(&mut self) {
        let all: Vec<(Name, Name)> = self.iter().map(|s| (s.pod.clone(), s.container.clone())).collect();
        let pods = all.iter().any(|(pod, _)| *pod != all[0].0);
        let containers = all.iter().any(|(_, container)| *container != all[0].1);
        for source in self.list.iter_mut().flatten() {
            let pod = short_pod(&source.pod, all.iter().map(|(pod, _)| &**pod));
            source.label = match (pods, containers) {
                (false, false) => String::new(),
                (true, false) => pod.to_owned(),
                (false, true) => source.container.to_string(),
                (true, true) => format!("{pod}/{}", source.container),
            };
            source.label = crate::text::fit_middle(&source.label, LONGEST).into_owned();
        }
        self.width = self.iter().map(|source| crate::text::width(&source.label)).max().unwrap_or(0);
    }
}

/// The end of a pod's name that no other pod of the log has: `x2kfp`, `cart-0`.
fn short_pod<'a>(pod: &'a str, others: impl Iterator<Item = &'a str> + Clone) -> &'a str {
    let mut starts: Vec<usize> = pod.match_indices('-').map(|(at, _)| at + 1).collect();
    starts.push(0);
    starts.sort_unstable_by(|a, b| b.cmp(a));
    for start in starts {
        let Some(end) = pod.get(start..) else { continue };
        let only_digits = end.bytes().all(|byte| byte.is_ascii_digit());
        let taken = others.clone().any(|other| other != pod && other.ends_with(end));
        if !end.is_empty() && !taken && (!only_digits || start == 0) {
            return end;
        }
    }
    pod
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(sources: &[(&str, &str)]) -> Vec<String> {
        let mut list = Sources::default();
        for (n, (pod, container)) in sources.iter().enumerate() {
            list.join(n as u16, (*pod).into(), (*container).into());
        }
        list.iter().map(|source| source.label.clone()).collect()
    }

    #[test]
    fn labels_say_what_differs_and_no_more() {
        assert_eq!(labels(&[("cart-7d9c-x2kfp", "app")]), [""]);
        assert_eq!(labels(&[("cart-7d9c-x2kfp", "app"), ("cart-7d9c-x2kfp", "proxy")]), ["app", "proxy"]);
        assert_eq!(labels(&[("cart-7d9c-x2kfp", "app"), ("cart-5b66-kk2p9", "app")]), ["x2kfp", "kk2p9"]);
        assert_eq!(labels(&[("cart-0", "app"), ("cart-1", "proxy")]), ["cart-0/app", "cart-1/proxy"]);
        assert_eq!(labels(&[("a-x", "c"), ("b-x", "c")]), ["a-x", "b-x"]);
    }
}
