//! Whether the namespace's quotas leave room for the pods that would come. A scale is answered 200 even where no pod
//! can be made, so nobody else says so before.

use serde_json::Value;

use super::{Evidence, Finding, Gate};
use crate::change::json::{list, text};
use crate::wire::quantity::milli;

/// `quota`
pub struct Quota;

impl Gate for Quota {
    fn name(&self) -> &'static str {
        "quota"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let Ok(more) = u128::try_from(evidence.draft.pods) else {
            return Finding::pass("no pod is added");
        };
        if more == 0 {
            return Finding::pass("no pod is added");
        }
        let quotas = match &evidence.facts.quotas {
            Ok(quotas) => quotas,
            Err(why) => return Finding::unknown(format!("quotas could not be read: {why}")),
        };
        if quotas.is_empty() {
            return Finding::pass("the namespace has no quota");
        }
        let mut doubt = None;
        for quota in quotas {
            let hard = quota.pointer("/status/hard").and_then(Value::as_object);
            for (resource, limit) in hard.into_iter().flatten() {
                let wanted = match per_pod(&evidence.facts.live, resource) {
                    Some(each) => each.saturating_mul(more),
                    None => continue,
                };
                let used = quota.pointer("/status/used").and_then(|used| used.get(resource));
                let (Some(limit), Some(used)) =
                    (limit.as_str().and_then(milli), used.and_then(Value::as_str).and_then(milli))
                else {
                    continue;
                };
                let left = limit.saturating_sub(used);
                if wanted > left {
                    let name = text(quota, "/metadata/name");
                    if is_scoped(quota) {
                        doubt = Some(Finding::unknown(format!(
                            "quota {name} counts only some pods, and leaves {} {resource}: whether these are among them \
                             is not known",
                            words(left, resource)
                        )));
                        continue;
                    }
                    return Finding::fail(format!(
                        "quota {name} leaves {} {resource}, {} are needed",
                        words(left, resource),
                        words(wanted, resource)
                    ))
                    .mend("scale to fewer, or have the quota raised");
                }
            }
        }
        doubt.unwrap_or_else(|| Finding::pass("the quota leaves room"))
    }
}

/// Whether a quota counts only pods of some kind: by priority, by class of service, those that end by themselves.
fn is_scoped(quota: &Value) -> bool {
    let scopes = quota.pointer("/spec/scopes").and_then(Value::as_array);
    scopes.is_some_and(|scopes| !scopes.is_empty()) || quota.pointer("/spec/scopeSelector").is_some()
}

/// What one pod of a workload takes of a resource of a quota, in thousandths; `None` for what pods do not take.
fn per_pod(live: &Value, resource: &str) -> Option<u128> {
    let containers = || list(live, "/spec/template/spec/containers");
    let requests = |resource: &str| containers().filter_map(|one| requested(one, resource)).sum();
    match resource {
        "pods" | "count/pods" => Some(1000),
        "cpu" | "memory" => Some(requests(resource)),
        other => match other.split_once('.')? {
            ("requests", resource) => Some(requests(resource)),
            ("limits", resource) => {
                Some(containers().filter_map(|one| amount(one, "limits", resource)).sum())
            }
            _ => None,
        },
    }
}

/// What a container is given of a resource, as `kind` (`requests`, `limits`) has it, in thousandths.
fn amount(container: &Value, kind: &str, resource: &str) -> Option<u128> {
    match container.pointer(&format!("/resources/{kind}/{resource}"))? {
        Value::String(text) => milli(text),
        // Custom resources may have bare numbers.
        number => milli(&number.to_string()),
    }
}

/// What a container asks for of a resource, in thousandths: where only a limit is written, that is the request too.
pub(super) fn requested(container: &Value, resource: &str) -> Option<u128> {
    amount(container, "requests", resource).or_else(|| amount(container, "limits", resource))
}

fn words(amount: u128, resource: &str) -> String {
    let whole = u64::try_from(amount / 1000).unwrap_or(u64::MAX);
    match resource.rsplit('.').next() {
        Some("memory") => crate::text::bytes(whole),
        Some("cpu") => crate::text::cpu_milli(u64::try_from(amount).unwrap_or(u64::MAX)),
        _ => crate::text::count(whole),
    }
}
