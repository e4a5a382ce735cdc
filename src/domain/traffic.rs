//! Blue/green pairs: what makes a Service one, and how a switch of it is watched. Plain data and pure rules, which the
//! panes apply to what is watched and a plan to what it reads anew.
//!
//! A pair is a Service whose selector holds a label that tells colours apart, before at least two workloads that match
//! the rest of the selector and have different values of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::id::Name;
use super::meta::Labels;

/// Last parts of labels that tell colours apart, the most telling first: `shop.example/color` is one of them.
pub const KEYS: [&str; 6] = ["color", "colour", "slot", "version", "track", "deployment"];

/// The label that Argo Rollouts adds to the selectors that it writes.
const OF_ROLLOUTS: &str = "rollouts-pod-template-hash";

/// The annotation of a Service that Argo Rollouts writes to.
pub const MANAGED_BY_ROLLOUTS: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";

/// By which rules pairs are recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Labels that tell colours apart besides [`KEYS`], whole or their last part.
    pub keys: Vec<Name>,
    /// Pairs that were named: they need no two workloads.
    pub named: Vec<Named>,
}

/// A pair that was named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Named {
    /// The Service.
    pub service: Name,
    /// Its namespace; empty: any.
    pub namespace: Name,
    /// The label that tells its colours apart.
    pub key: Name,
    /// The path of its own smoke check.
    pub smoke: Option<Name>,
}

/// How a switch is judged and watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Switching {
    /// How pairs are recognised.
    pub rules: Rules,
    /// Ready pods that the new colour must have, in per cent of those that the old one serves with.
    pub standby: u32,
    /// How long the pods of the new colour must have been ready; zero: any time will do.
    pub soak: Duration,
    /// A path that pods of the new colour must answer, for pairs that have none of their own.
    pub smoke: Option<Name>,
    /// How long the new colour is watched.
    pub window: Duration,
    /// What is a breach.
    pub limits: Limits,
}

/// What is a breach while the new colour is watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The share of failed requests, in millionths...
    pub errors: u32,
    /// ...which is a breach only when it is so many times what the old colour had, in hundredths.
    pub times: u32,
    /// The 99th percentile of the latency.
    pub latency: Duration,
    /// So many requests are needed to judge either.
    pub requests: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { errors: 50_000, times: 200, latency: Duration::from_secs(2), requests: 30 }
    }
}

impl Default for Switching {
    fn default() -> Switching {
        Switching {
            rules: Rules::default(),
            standby: 100,
            soak: Duration::ZERO,
            smoke: None,
            window: Duration::from_secs(120),
            limits: Limits::default(),
        }
    }
}

impl Switching {
    /// The path that pods of a Service's new colour must answer before they are led to, where there is one.
    #[must_use]
    pub fn smoke_of(&self, namespace: &str, service: &str) -> Option<&Name> {
        self.rules.name_of(namespace, service).and_then(|named| named.smoke.as_ref()).or(self.smoke.as_ref())
    }
}

/// A selector as a Service has it: keys with their values.
pub type Pairs<'a> = &'a [(Name, Name)];

/// Whether Argo Rollouts writes to this selector: such Services are never pairs of ours.
#[must_use]
pub fn is_of_rollouts(selector: Pairs<'_>) -> bool {
    selector.iter().any(|(key, _)| &**key == OF_ROLLOUTS)
}

impl Rules {
    /// How a Service was named as a pair, where it was.
    fn name_of(&self, namespace: &str, service: &str) -> Option<&Named> {
        let here = |named: &&Named| {
            *named.service == *service && (named.namespace.is_empty() || *named.namespace == *namespace)
        };
        self.named.iter().find(here)
    }

    /// The keys of a selector that may tell colours apart, the most telling first; whether the pair was named.
    #[must_use]
    pub fn keys_of(&self, namespace: &str, service: &str, selector: Pairs<'_>) -> (Vec<Name>, bool) {
        if is_of_rollouts(selector) {
            return (Vec::new(), false);
        }
        let holds = |key: &Name| selector.iter().any(|(known, _)| known == key);
        if let Some(named) = self.name_of(namespace, service) {
            return (Some(named.key.clone()).filter(holds).into_iter().collect(), true);
        }
        // What is left of the selector says which app it is: without it everything with a colour would be one.
        if selector.len() < 2 {
            return (Vec::new(), false);
        }
        let wanted = self.keys.iter().map(|key| &**key).chain(KEYS);
        let mut found: Vec<Name> = Vec::new();
        for wanted in wanted {
            let is = |key: &str| key == wanted || key.rsplit('/').next() == Some(wanted);
            for (key, _) in selector.iter().filter(|(key, _)| is(key)) {
                if !found.contains(key) {
                    found.push(key.clone());
                }
            }
        }
        (found, false)
    }

    /// Recognises a pair. `workloads` are those of the Service's namespace, with the labels of their pods.
    pub fn recognise<W: Copy>(
        &self,
        namespace: &str,
        service: &str,
        selector: Pairs<'_>,
        workloads: &[(&Labels, W)],
    ) -> Option<Recognised<W>> {
        let (keys, named) = self.keys_of(namespace, service, selector);
        keys.into_iter().find_map(|key| {
            let (_, live) = selector.iter().find(|(known, _)| *known == key)?;
            let mut colours: BTreeMap<Name, Vec<W>> = BTreeMap::new();
            for (labels, workload) in workloads {
                if let Some(colour) = colour_of(labels, &key, selector) {
                    colours.entry(colour.clone()).or_default().push(*workload);
                }
            }
            (named || colours.len() > 1).then(|| Recognised { live: live.clone(), key, colours })
        })
    }
}

/// The colour of what has these labels, when all but the colour is as the selector wants it.
#[must_use]
pub fn colour_of<'a>(labels: &'a Labels, key: &str, selector: Pairs<'_>) -> Option<&'a Name> {
    let rest = selector.iter().filter(|(known, _)| **known != *key);
    let colour = labels.get(key)?;
    rest.into_iter().all(|(key, value)| labels.get(key) == Some(value)).then_some(colour)
}

/// A pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised<W> {
    /// The label that tells its colours apart.
    pub key: Name,
    /// The colour that the Service selects.
    pub live: Name,
    /// The workloads of each colour that has any.
    pub colours: BTreeMap<Name, Vec<W>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(Name, Name)> {
        let parts = text.split(',').filter_map(|part| part.split_once('='));
        parts.map(|(key, value)| (key.into(), value.into())).collect()
    }

    fn labels(text: &str) -> Labels {
        Labels::new(pairs(text))
    }

    fn told(rules: &Rules, selector: &str, workloads: &[&str]) -> Option<String> {
        let labels: Vec<Labels> = workloads.iter().map(|text| labels(text)).collect();
        let workloads: Vec<(&Labels, usize)> = labels.iter().enumerate().map(|(n, one)| (one, n)).collect();
        let found = rules.recognise("shop", "cart", &pairs(selector), &workloads)?;
        let colours: Vec<String> =
            found.colours.iter().map(|(name, of)| format!("{name}:{}", of.len())).collect();
        Some(format!("{} {} of {}", found.key, found.live, colours.join(" ")))
    }

    #[test]
    fn a_pair_is_told_by_a_key_and_two_workloads() {
        let rules = Rules::default();
        let two = ["app=cart,color=blue,x=1", "app=cart,color=green"];
        assert_eq!(
            told(&rules, "app=cart,color=blue", &two).as_deref(),
            Some("color blue of blue:1 green:1")
        );
        for key in KEYS {
            let long = format!("shop.example/{key}");
            let of = |colour: &str| format!("app=cart,{long}={colour}");
            let found = told(&rules, &of("a"), &[&of("a"), &of("b")]);
            assert_eq!(found, Some(format!("{long} a of a:1 b:1")));
        }
    }

    #[test]
    fn what_is_no_pair() {
        let rules = Rules::default();
        let two = ["app=cart,color=blue", "app=cart,color=green"];
        let cases: [(&str, &[&str]); 6] = [
            ("app=cart", &two),
            ("app=cart,color=blue", &two[..1]),
            ("app=cart,color=blue", &["app=cart,color=blue", "app=other,color=green"]),
            ("app=cart,color=blue", &["app=cart,color=blue", "app=cart"]),
            ("color=blue", &two),
            ("app=cart,color=blue,rollouts-pod-template-hash=7d9c", &two),
        ];
        for (selector, workloads) in cases {
            assert_eq!(told(&rules, selector, workloads), None, "{selector}");
        }
        assert_eq!(
            told(&rules, "app=cart,discolor=blue", &["app=cart,discolor=blue", "app=cart,discolor=red"]),
            None
        );
    }

    #[test]
    fn of_two_keys_the_one_that_has_two_values_is_it() {
        let both = ["app=cart,version=1,slot=a", "app=cart,version=1,slot=b"];
        let found = told(&Rules::default(), "app=cart,version=1,slot=a", &both);
        assert_eq!(found.as_deref(), Some("slot a of a:1 b:1"));
        let both = ["app=cart,version=1,slot=a", "app=cart,version=2,slot=a"];
        let found = told(&Rules::default(), "app=cart,version=1,slot=a", &both);
        assert_eq!(found.as_deref(), Some("version 1 of 1:1 2:1"));
    }

    #[test]
    fn the_configuration_names_keys_and_pairs() {
        let two = ["app=cart,lane=a", "app=cart,lane=b"];
        assert_eq!(told(&Rules::default(), "app=cart,lane=a", &two), None);
        let keys = Rules { keys: vec!["lane".into()], named: Vec::new() };
        assert_eq!(told(&keys, "app=cart,lane=a", &two).as_deref(), Some("lane a of a:1 b:1"));
        let named = |namespace: &str, key: &str| Rules {
            keys: Vec::new(),
            named: vec![Named {
                service: "cart".into(),
                namespace: namespace.into(),
                key: key.into(),
                smoke: None,
            }],
        };
        assert_eq!(told(&named("shop", "lane"), "app=cart,lane=a", &[]).as_deref(), Some("lane a of "));
        assert_eq!(told(&named("other", "lane"), "app=cart,lane=a", &two), None);
        assert_eq!(told(&named("", "line"), "app=cart,lane=a", &two), None, "its selector has no such key");
    }

    proptest! {
        #[test]
        fn every_colour_matches_the_rest_and_differs(
            selector in prop::collection::btree_map("app|tier|color|slot|x/version|rollouts-pod-template-hash", "[ab]", 0..5),
            workloads in prop::collection::vec(
                prop::collection::btree_map("app|tier|color|slot|x/version|more", "[abc]", 0..6), 0..6),
        ) {
            let selector: Vec<(Name, Name)> =
                selector.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
            let labels: Vec<Labels> = workloads
                .iter()
                .map(|one| Labels::new(one.iter().map(|(k, v)| (k.as_str().into(), v.as_str().into())).collect()))
                .collect();
            let all: Vec<(&Labels, usize)> = labels.iter().enumerate().map(|(n, one)| (one, n)).collect();
            let found = Rules::default().recognise("ns", "svc", &selector, &all);
            prop_assert!(found.is_none() || !is_of_rollouts(&selector));
            let Some(found) = found else { return Ok(()) };
            prop_assert!(found.colours.len() > 1 && selector.len() > 1);
            prop_assert!(selector.contains(&(found.key.clone(), found.live.clone())));
            for (colour, of) in &found.colours {
                for at in of {
                    // Pointed at this colour, the Service would select the workload.
                    let matches = selector.iter().all(|(key, value)| {
                        let wanted = if *key == found.key { colour } else { value };
                        labels[*at].get(key) == Some(wanted)
                    });
                    prop_assert!(matches);
                }
            }
        }
    }
}
