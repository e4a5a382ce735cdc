//! A blue/green pair as a plan reads it anew: the colours by their pods, who serves, who could. Pure.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::gather::{Facts, uid_of};
use super::intent::With;
use super::json::{flag, list, note, text};
use super::pods::{has_ended, is_ready};
use crate::connect::paths;
use crate::domain::id::{Kind, Name, ObjectRef, Uid};
use crate::domain::traffic::{MANAGED_BY_ROLLOUTS, Switching, is_of_rollouts};
use crate::text::clean;

/// Where a Service says which pods are behind it.
pub(super) const SELECTOR: &str = "/spec/selector";

/// The selector of a Service, key by key.
fn selector(service: &Value) -> Vec<(Name, Name)> {
    let pairs = service.pointer(SELECTOR).and_then(Value::as_object).into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into()))).collect()
}

/// A selector as the API has it.
fn written(selector: &[(Name, Name)]) -> Value {
    Value::Object(
        selector.iter().map(|(key, value)| (key.to_string(), json!(&**value))).collect::<Map<_, _>>(),
    )
}

/// The path of the pods of all colours of a Service.
pub(super) fn pods_path(object: &ObjectRef, service: &Value, settings: &Switching) -> String {
    let selector = selector(service);
    let (keys, _) = settings.rules.keys_of(&object.namespace, &object.name, &selector);
    // Keys and values of labels have no characters that mean anything in a query but the slash, which is none there.
    let rest = selector.iter().filter(|(key, _)| !keys.contains(key));
    let wanted: Vec<String> = rest.map(|(key, value)| format!("{key}%3D{value}")).collect();
    format!("{}?labelSelector={}", paths::collection(Kind::Pod, &object.namespace), wanted.join("%2C"))
}

/// The path of the EndpointSlices of a Service.
pub(super) fn slices_path(object: &ObjectRef) -> String {
    format!(
        "{}?labelSelector=kubernetes.io/service-name%3D{}",
        paths::collection(Kind::EndpointSlice, &object.namespace),
        object.name
    )
}

/// A pair, and where it is to lead.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    /// The label that tells its colours apart.
    pub(super) key: Name,
    /// The colour that it leads to.
    pub(super) from: Name,
    /// The colour that it is to lead to.
    pub(super) to: Name,
    /// The whole selector as it is.
    pub(super) old: Value,
    /// As it is to be.
    pub(super) new: Value,
}

/// Recognises the pair and where it is to lead.
///
/// # Errors
/// It is no pair, or it cannot be told where it is to lead.
pub(super) fn pair(
    service: &ObjectRef,
    live: &Value,
    pods: &[Value],
    settings: &Switching,
    with: &With,
) -> Result<Pair, String> {
    let name = format!("service/{}", service.name);
    let selector = selector(live);
    let managed = note(live, "annotations", MANAGED_BY_ROLLOUTS);
    if let Some(rollout) = managed.or(is_of_rollouts(&selector).then_some("")) {
        let of = if rollout.is_empty() { String::new() } else { format!(" {}", clean(rollout)) };
        return Err(format!(
            "{name} belongs to Argo Rollouts: rollout{of} writes its selector, and puts it back."
        ));
    }
    let (keys, _) = settings.rules.keys_of(&service.namespace, &service.name, &selector);
    let Some(first) = keys.first() else {
        return Err(format!(
            "{name} is no blue/green pair: its selector has no label color, colour, slot, version, track or \
             deployment (others are named in the configuration, under traffic)."
        ));
    };
    let colours = |key: &Name| {
        let mut found: BTreeMap<Name, usize> = BTreeMap::new();
        for colour in pods.iter().filter_map(|pod| colour_of(pod, key, &selector)) {
            *found.entry(colour.into()).or_default() += 1;
        }
        found
    };
    let key = keys.iter().find(|key| colours(key).len() > 1).unwrap_or(first).clone();
    let (_, from) = selector.iter().find(|(known, _)| *known == key).cloned().unwrap_or_default();
    let others: Vec<Name> = colours(&key).into_keys().filter(|colour| *colour != from).collect();
    let to: Name = match (&with.to, others.as_slice()) {
        (Some(to), _) => to.as_str().into(),
        (None, [only]) => only.clone(),
        (None, []) => {
            return Err(format!(
                "{name} leads to {from}, and no pod of another {key} is there to switch to."
            ));
        }
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|name| &**name).collect();
            return Err(format!("Where is {name} to lead? {} stand by.", names.join(" and ")));
        }
    };
    if to == from {
        return Err(format!("{name} leads to {to} already."));
    }
    let turned: Vec<(Name, Name)> = selector
        .iter()
        .map(|(known, value)| (known.clone(), if *known == key { to.clone() } else { value.clone() }))
        .collect();
    let pair = Pair { old: written(&selector), new: written(&turned), key, from, to };
    // What is not text would be lost on the way.
    match live.pointer(SELECTOR) == Some(&pair.old) {
        true => Ok(pair),
        false => Err(format!("{name} has a selector that is not understood.")),
    }
}

/// The colour of a pod, when all but the colour is as the selector wants it.
fn colour_of<'a>(pod: &'a Value, key: &str, selector: &[(Name, Name)]) -> Option<&'a str> {
    let label = |key: &str| note(pod, "labels", key);
    let rest = |(known, value): &(Name, Name)| **known == *key || label(known) == Some(&**value);
    (!has_ended(pod) && selector.iter().all(rest)).then(|| label(key))?
}

/// Whether a pod would be a ready endpoint of a Service: it is ready, and has the ports that are named.
fn would_serve(pod: &Value, service: &Value) -> bool {
    let named = list(service, "/spec/ports").filter_map(|port| port.get("targetPort")?.as_str());
    let mut named = named.filter(|name| !name.is_empty());
    let has = |name: &str| {
        list(pod, "/spec/containers")
            .flat_map(|one| list(one, "/ports"))
            .any(|port| text(port, "/name") == name)
            || list(pod, "/spec/initContainers")
                .flat_map(|one| list(one, "/ports"))
                .any(|port| text(port, "/name") == name)
    };
    is_ready(pod) && named.all(has)
}

/// Pods of each colour: those that would be ready endpoints, and all.
pub(super) fn by_colour(pair_key: &str, service: &Value, pods: &[Value]) -> HashMap<String, (u32, u32)> {
    let selector = selector(service);
    let mut found: HashMap<String, (u32, u32)> = HashMap::new();
    for pod in pods {
        if let Some(colour) = colour_of(pod, pair_key, &selector) {
            let (ready, all) = found.entry(colour.to_owned()).or_default();
            *ready += u32::from(would_serve(pod, service));
            *all += 1;
        }
    }
    found
}

/// The pods of the colour that is to be live that would be ready endpoints.
pub(super) fn standing_by<'a>(
    pair: &'a Pair,
    service: &'a Value,
    pods: &'a [Value],
) -> impl Iterator<Item = &'a Value> {
    let selector = selector(service);
    pods.iter().filter(move |pod| {
        colour_of(pod, &pair.key, &selector) == Some(&*pair.to) && would_serve(pod, service)
    })
}

/// The pair of a switch with its settings and the pods of all colours, from what was read.
///
/// # Errors
/// Something was not read, or it is no pair.
pub(super) fn look<'a>(facts: &'a Facts, with: &With) -> Result<(Pair, &'a Switching, &'a [Value]), String> {
    let pods = facts.pods.as_ref().map_err(|why| format!("pods could not be read: {why}"))?;
    let switched = facts.switched.as_ref().ok_or("nothing is known of pairs here")?;
    let found = pair(&facts.object, &facts.live, pods, &switched.settings, with)?;
    Ok((found, &switched.settings, pods))
}

/// Pods that receive traffic by the slices of a Service, of each colour; pods that are not known are of none.
pub(super) fn receiving(key: &str, slices: &[Value], pods: &[Value]) -> HashMap<String, u32> {
    let colours: HashMap<Uid, &str> =
        pods.iter().filter_map(|pod| Some((uid_of(pod), note(pod, "labels", key)?))).collect();
    // A pod stands in a slice for each family of addresses: it counts once.
    let mut seen: HashMap<Uid, (bool, bool)> = HashMap::new();
    for endpoint in slices.iter().flat_map(|slice| list(slice, "/endpoints")) {
        let of = |name: &str| endpoint.pointer(&format!("/conditions/{name}")).and_then(Value::as_bool);
        let (ready, serving) = (of("ready").unwrap_or(true), of("serving").unwrap_or(true));
        let leaving = flag(endpoint, "/conditions/terminating");
        let uid = Uid::parse(text(endpoint, "/targetRef/uid"));
        seen.insert(uid, (ready, serving && leaving));
    }
    let any_ready = seen.values().any(|(ready, _)| *ready);
    let mut found: HashMap<String, u32> = HashMap::new();
    for (uid, (ready, falls_back)) in seen {
        // Where none is ready, those that still answer on their way out get it.
        if ready || !any_ready && falls_back {
            *found.entry(colours.get(&uid).copied().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    found
}

/// How the new colour stands beside the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Readiness {
    /// Pods that serve now.
    pub(super) serving: u32,
    /// Ready pods of the new colour.
    pub(super) ready: u32,
    /// All pods of it.
    pub(super) all: u32,
    /// As many are needed.
    pub(super) needed: u32,
}

/// How the new colour of a pair stands.
pub(super) fn readiness(pair: &Pair, facts: &Facts, settings: &Switching) -> Readiness {
    let pods = facts.pods.as_deref().unwrap_or_default();
    let colours = by_colour(&pair.key, &facts.live, pods);
    let of = |name: &str| colours.get(name).copied().unwrap_or_default();
    let serving = match &facts.slices {
        Ok(slices) if !flag(&facts.live, "/spec/publishNotReadyAddresses") => {
            receiving(&pair.key, slices, pods).get(&*pair.from).copied().unwrap_or_default()
        }
        _ => of(&pair.from).0,
    };
    let (ready, all) = of(&pair.to);
    let share = u64::from(serving) * u64::from(settings.standby);
    let needed = u32::try_from(share.div_ceil(100)).unwrap_or(u32::MAX).max(1);
    Readiness { serving, ready, all, needed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::{colours, facts_of, service};
    use crate::domain::traffic::Rules;

    fn found(live: &Value, pods: &[Value], with: &With) -> Result<Pair, String> {
        let facts = facts_of(Kind::Service, live.clone());
        pair(&facts.object, live, pods, &Switching::default(), with)
    }

    #[test]
    fn the_whole_selector_is_kept_but_for_the_colour() {
        let pair = found(&service("blue"), &colours(2, 2), &With::default()).unwrap();
        assert_eq!((&*pair.key, &*pair.from, &*pair.to), ("color", "blue", "green"));
        assert_eq!(pair.old, json!({"app": "cart", "color": "blue"}));
        assert_eq!(pair.new, json!({"app": "cart", "color": "green"}));
    }

    #[test]
    fn what_cannot_be_switched_says_why() {
        let none = With::default();
        let to = |name: &str| With { to: Some(name.to_owned()), ..With::default() };
        let why = |live: &Value, pods: &[Value], with: &With| found(live, pods, with).unwrap_err();
        assert!(why(&service("blue"), &colours(2, 0), &none).contains("no pod of another color"));
        assert!(why(&service("blue"), &colours(2, 2), &to("blue")).contains("leads to blue already"));
        let mut managed = service("blue");
        managed["metadata"]["annotations"] = json!({MANAGED_BY_ROLLOUTS: "cart"});
        assert!(why(&managed, &colours(2, 2), &none).contains("belongs to Argo Rollouts: rollout cart"));
        let mut plain = service("blue");
        plain["spec"]["selector"] = json!({"app": "cart"});
        assert!(why(&plain, &colours(2, 2), &none).contains("no blue/green pair"));
        // A colour that nobody has yet can be wished for: the gates see to it.
        assert!(found(&service("blue"), &colours(2, 0), &to("green")).is_ok());
    }

    #[test]
    fn the_path_asks_for_all_colours() {
        let facts = facts_of(Kind::Service, service("blue"));
        let path = pods_path(&facts.object, &facts.live, &Switching::default());
        assert_eq!(path, "/api/v1/namespaces/shop/pods?labelSelector=app%3Dcart");
        let rules = Rules { keys: vec!["app".into()], named: Vec::new() };
        let settings = Switching { rules, ..Switching::default() };
        assert!(pods_path(&facts.object, &facts.live, &settings).ends_with("labelSelector="));
    }

    #[test]
    fn who_serves_is_told_by_slices_each_pod_once() {
        let pods = colours(2, 1);
        let of = |n: usize, conditions: Value| json!({"conditions": conditions, "targetRef": {"uid": pods[n]["metadata"]["uid"]}});
        let slice = |endpoints: Value| json!({"endpoints": endpoints});
        let both = slice(json!([of(0, json!({"ready": true})), of(1, json!({}))]));
        let found = receiving("color", &[both.clone(), both], &pods);
        assert_eq!(found, HashMap::from([("blue".to_owned(), 2)]));
        let leaving = json!({"ready": false, "serving": true, "terminating": true});
        let found =
            receiving("color", &[slice(json!([of(0, leaving), of(1, json!({"ready": false}))]))], &pods);
        assert_eq!(found, HashMap::from([("blue".to_owned(), 1)]));
        assert!(receiving("color", &[], &pods).is_empty());
    }

    #[test]
    fn a_pod_without_the_named_port_does_not_serve() {
        let pods = colours(1, 2);
        let mut service = service("blue");
        assert_eq!(by_colour("color", &service, &pods)["green"], (2, 2));
        service["spec"]["ports"] = json!([{"port": 80, "targetPort": "metrics"}]);
        assert_eq!(by_colour("color", &service, &pods)["green"], (0, 2));
    }

    #[test]
    fn as_many_are_needed_as_serve_or_a_share_of_them() {
        let mut facts = facts_of(Kind::Service, service("blue"));
        facts.pods = Ok(colours(3, 1));
        facts.slices = Err("forbidden".to_owned());
        let pair = found(&facts.live, facts.pods.as_ref().unwrap(), &With::default()).unwrap();
        let of = |standby: u32| readiness(&pair, &facts, &Switching { standby, ..Switching::default() });
        assert_eq!(of(100), Readiness { serving: 3, ready: 1, all: 1, needed: 3 });
        assert_eq!(of(50).needed, 2);
        assert_eq!(of(1).needed, 1);
    }
}
