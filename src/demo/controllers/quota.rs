//! ResourceQuotas: what a namespace uses of what it may, and the refusal of a pod that would not fit.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Cluster, pods};
use crate::demo::json::{bytes_text, cpu_text, items, map, millis, name, namespace, set, text};
use crate::demo::store::Store;

/// Writes what is used.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(quota) = cx.get("resourcequotas", ns, own) else { return };
    let hard = quota.pointer("/spec/hard").cloned().unwrap_or(json!({}));
    let used = used(&cx.store, &cx.list("pods", Some(ns)), ns, &hard);
    cx.update("resourcequotas", ns, own, |q| {
        set(q, &["status", "hard"], hard.clone());
        set(q, &["status", "used"], used.clone());
    });
}

/// What is used of each resource that a quota names.
fn used(store: &Store, all: &[Arc<Value>], ns: &str, hard: &Value) -> Value {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for pod in all {
        if !pods::ended(pod) {
            for (key, amount) in needs(pod) {
                *sums.entry(key).or_insert(0) += amount;
            }
        }
    }
    let mut used = json!({});
    for key in map(hard, "").into_iter().flat_map(|h| h.keys()) {
        let amount = match key.as_str() {
            "services" | "secrets" | "configmaps" | "persistentvolumeclaims" => {
                store.entries(key, Some(ns)).1.len() as i64 * 1000
            }
            counted if counted.starts_with("count/") => {
                store.entries(&counted["count/".len()..], Some(ns)).1.len() as i64 * 1000
            }
            _ => sums.get(key).copied().unwrap_or(0),
        };
        used[key] = json!(quantity(key, amount));
    }
    used
}

/// What a pod takes of each resource, in thousandths.
fn needs(pod: &Value) -> Vec<(String, i64)> {
    let (cpu, memory) = pods::requests(pod);
    let limit = |r: &str| {
        items(pod, "/spec/containers")
            .iter()
            .filter_map(|c| c.pointer(&format!("/resources/limits/{r}")))
            .map(millis)
            .sum::<i64>()
    };
    vec![
        ("pods".into(), 1000),
        ("requests.cpu".into(), cpu),
        ("requests.memory".into(), memory * 1000),
        ("limits.cpu".into(), limit("cpu")),
        ("limits.memory".into(), limit("memory")),
    ]
}

fn quantity(key: &str, amount: i64) -> String {
    if key.ends_with("memory") { bytes_text(amount / 1000) } else { cpu_text(amount) }
}

/// Why a pod may not be made, in the API server's words; None when it may.
pub fn refusal(cx: &Cluster, pod: &Value) -> Option<String> {
    let ns = namespace(pod);
    let quotas = cx.list("resourcequotas", Some(ns));
    if quotas.is_empty() {
        return None;
    }
    refuse(&cx.store, &quotas, &cx.list("pods", Some(ns)), pod)
}

/// As [`refusal`], for a pod that a client makes.
pub fn refusal_of_client(store: &Store, pod: &Value) -> Option<String> {
    let all = |resource: &str| -> Vec<Arc<Value>> {
        store.entries(resource, Some(namespace(pod))).1.iter().map(|entry| Arc::new(entry.value())).collect()
    };
    let quotas = all("resourcequotas");
    if quotas.is_empty() { None } else { refuse(store, &quotas, &all("pods"), pod) }
}

fn refuse(store: &Store, quotas: &[Arc<Value>], all: &[Arc<Value>], pod: &Value) -> Option<String> {
    let ns = namespace(pod);
    for quota in quotas {
        let hard = quota.pointer("/spec/hard").cloned().unwrap_or(json!({}));
        let used = used(store, all, ns, &hard);
        let mut over: Vec<(String, String, String, String)> = Vec::new();
        for (key, amount) in needs(pod) {
            let Some(limit) = hard.get(&key) else { continue };
            let taken = used.get(&key).map_or(0, millis);
            if taken + amount > millis(limit) {
                let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                over.push((key.clone(), quantity(&key, amount), text(&used[&key]), text(limit)));
            }
        }
        if over.is_empty() {
            continue;
        }
        let list = |pick: fn(&(String, String, String, String)) -> &String| {
            over.iter().map(|o| format!("{}={}", o.0, pick(o))).collect::<Vec<_>>().join(",")
        };
        return Some(format!(
            "pods \"{}\" is forbidden: exceeded quota: {}, requested: {}, used: {}, limited: {}",
            text(pod, "/metadata/name"),
            name(quota),
            list(|o| &o.1),
            list(|o| &o.2),
            list(|o| &o.3)
        ));
    }
    None
}
