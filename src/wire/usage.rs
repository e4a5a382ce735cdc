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

/// A PodMetricsList: (namespace, pod, sum over its containers), sorted by namespace and name.
///
/// # Errors
/// The body is no JSON.
pub fn pods(
    body: &[u8],
    interner: &mut Interner,
) -> Result<Vec<(Name, Box<str>, Resources)>, serde_json::Error> {
    let list: Items = serde_json::from_slice(body)?;
    let mut rows: Vec<_> = list
        .items
        .iter()
        .map(|item| {
            let sum = item.containers.iter().fold(Resources::default(), |sum, c| sum + c.usage.resources());
            let pod: Box<str> = clean(&item.metadata.name).into();
            (name(interner, &item.metadata.namespace), pod, sum)
        })
        .collect();
    rows.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    Ok(rows)
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

    #[test]
    fn containers_are_added_up() {
        let body = br#"{"kind":"PodMetricsList","items":[
            {"metadata":{"name":"b","namespace":"shop"},"containers":[
                {"name":"x","usage":{"cpu":"1500000n","memory":"64Mi"}},{"name":"y","usage":{"cpu":"10m","memory":"1Ki"}}]},
            {"metadata":{"name":"a","namespace":"shop"},"containers":[]}]}"#;
        let rows = pods(body, &mut Interner::new()).unwrap();
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
