//! metrics.k8s.io: what pods and nodes use now.

use serde::Deserialize;

use super::lenient::{Fields, List, Text};
use super::name;
use super::resources::Amounts;
use crate::domain::id::Name;
use crate::domain::meta::{Interner, Resources};
use crate::text::clean;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Items {
    items: List<Fields<Item>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    metadata: Fields<ItemMeta>,
    containers: List<Fields<Container>>,
    usage: Fields<Amounts>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ItemMeta {
    name: Text,
    namespace: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    usage: Fields<Amounts>,
}

/// (namespace, pod, sum over its containers)
pub type PodUse = (Name, Box<str>, Resources);

/// Reads a PodMetricsList as it comes in, part by part. The answer for 10,000 pods has 6 MB and cannot be asked for in
/// pages: kept whole, and its items beside it, it would be the most that the program ever holds.
#[derive(Debug, Default)]
pub struct PodsReader {
    /// What came and is no whole item yet.
    rest: Vec<u8>,
    place: Place,
    rows: Vec<PodUse>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Inside,
    After,
}

impl PodsReader {
    /// Takes the next part.
    ///
    /// # Errors
    /// It is no JSON.
    pub fn feed(&mut self, part: &[u8], interner: &mut Interner) -> Result<(), serde_json::Error> {
        if self.place == Place::After {
            return Ok(());
        }
        self.rest.extend_from_slice(part);
        let mut at = 0;
        if self.place == Place::Before {
            let first = self.rest.iter().find(|byte| !byte.is_ascii_whitespace());
            // A login page is not searched for its items to its end.
            if first.is_some_and(|first| *first != b'{') {
                return serde_json::from_slice::<Items>(&self.rest).map(|_| ());
            }
            let Some(begin) = begin_of_items(&self.rest) else { return Ok(()) };
            (self.place, at) = (Place::Inside, begin);
        }
        loop {
            let between =
                self.rest[at..].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',');
            at += between.count();
            match self.rest.get(at) {
                None => break,
                Some(b']') => {
                    self.place = Place::After;
                    at = self.rest.len();
                    break;
                }
                Some(_) => {}
            }
            let mut items =
                serde_json::Deserializer::from_slice(&self.rest[at..]).into_iter::<Fields<Item>>();
            match items.next() {
                Some(Ok(item)) => {
                    at += items.byte_offset();
                    self.rows.push(pod(&item, interner));
                }
                Some(Err(error)) if error.is_eof() => break,
                Some(Err(error)) => return Err(error),
                None => break,
            }
        }
        self.rest.drain(..at);
        Ok(())
    }

    /// The rows, sorted by namespace and name.
    ///
    /// # Errors
    /// The body was no JSON, or not whole.
    pub fn end(mut self, interner: &mut Interner) -> Result<Vec<PodUse>, serde_json::Error> {
        if self.place != Place::After {
            // A body without a list of items; of one that was cut off it says where.
            let list: Items = serde_json::from_slice(&self.rest)?;
            self.rows.extend(list.items.iter().map(|item| pod(item, interner)));
        }
        self.rows.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        Ok(self.rows)
    }
}

/// Where the first item of a list may stand.
fn begin_of_items(body: &[u8]) -> Option<usize> {
    const KEY: &[u8] = b"\"items\"";
    let keys = body.windows(KEY.len()).enumerate().filter(|(_, window)| *window == KEY);
    keys.map(|(at, _)| at + KEY.len()).find_map(|key| {
        let mut after = body[key..].iter().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace());
        match (after.next()?.1, after.next()?) {
            (b':', (at, b'[')) => Some(key + at + 1),
            _ => None,
        }
    })
}

fn pod(item: &Item, interner: &mut Interner) -> PodUse {
    let sum = item.containers.iter().fold(Resources::default(), |sum, c| sum + c.usage.resources());
    (name(interner, &item.metadata.namespace), clean(&item.metadata.name).into(), sum)
}

/// A NodeMetricsList: (node, use).
///
/// # Errors
/// The body is no JSON.
pub fn nodes(body: &[u8], interner: &mut Interner) -> Result<Vec<(Name, Resources)>, serde_json::Error> {
    let list: Items = serde_json::from_slice(body)?;
    Ok(list.items.iter().map(|item| (name(interner, &item.metadata.name), item.usage.resources())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rows of a body that comes in parts of these lengths.
    fn pods(body: &[u8], lengths: &[usize]) -> Result<Vec<PodUse>, serde_json::Error> {
        let (mut reader, mut interner) = (PodsReader::default(), Interner::new());
        let mut rest = body;
        for length in lengths.iter().chain([&usize::MAX]) {
            let (part, others) = rest.split_at((*length).min(rest.len()));
            reader.feed(part, &mut interner)?;
            rest = others;
        }
        reader.end(&mut interner)
    }

    const BODY: &[u8] = br#"{"kind":"PodMetricsList","metadata":{"items":"x","resourceVersion":""},"items": [
        {"metadata":{"name":"b","namespace":"shop","labels":{"items":"x","a":"]}"}},"containers":[
            {"name":"x","usage":{"cpu":"1500000n","memory":"64Mi"}},{"name":"y","usage":{"cpu":"10m","memory":"1Ki"}}]},
        null, {"metadata":{"name":"a\u00e9","namespace":"shop"},"containers":null} ],"more":[1]}"#;

    proptest! {
        #[test]
        fn however_a_body_is_cut_it_says_the_same(lengths in proptest::collection::vec(0usize..40, 0..60)) {
            let whole = pods(BODY, &[]).unwrap();
            prop_assert_eq!(whole.len(), 3);
            prop_assert_eq!(pods(BODY, &lengths).unwrap(), whole);
        }

        #[test]
        fn what_is_no_list_is_an_error_or_empty_and_never_a_panic(
            body in proptest::collection::vec(any::<u8>(), 0..80),
            lengths in proptest::collection::vec(0usize..9, 0..20),
        ) {
            let _ = pods(&body, &lengths);
            let _ = pods(&[br#"{"items":["#, &body[..]].concat(), &lengths);
        }
    }

    #[test]
    fn what_is_cut_off_is_an_error_wherever_it_ends() {
        let end = BODY.len() - br#" ],"more":[1]}"#.len();
        for at in 0..end {
            assert!(pods(&BODY[..at], &[7, 30]).is_err(), "{at}");
        }
        assert_eq!(pods(br#"{"items":null}"#, &[]).unwrap(), []);
        assert!(pods(b"<html>", &[]).is_err());
    }

    #[test]
    fn containers_are_added_up() {
        let body = br#"{"kind":"PodMetricsList","items":[
            {"metadata":{"name":"b","namespace":"shop"},"containers":[
                {"name":"x","usage":{"cpu":"1500000n","memory":"64Mi"}},{"name":"y","usage":{"cpu":"10m","memory":"1Ki"}}]},
            {"metadata":{"name":"a","namespace":"shop"},"containers":[]}]}"#;
        let rows = pods(body, &[]).unwrap();
        assert_eq!(&*rows[0].1, "a");
        assert_eq!(rows[1].2, Resources { cpu_milli: 12, memory: (64 << 20) + 1024 });
    }

    #[test]
    fn nodes_name_their_use_themselves() {
        let body = br#"{"items":[{"metadata":{"name":"n"},"usage":{"cpu":"250m","memory":"1Gi"}}]}"#;
        let rows = nodes(body, &mut Interner::new()).unwrap();
        assert_eq!((&*rows[0].0, rows[0].1.cpu_milli, rows[0].1.memory), ("n", 250, 1 << 30));
    }
}
