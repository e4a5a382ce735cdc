//! Whether fewer pods would break a disruption budget: the API server holds budgets only against evictions, so
//! nobody else says so when a workload is made smaller.

use serde_json::Value;

use super::{Evidence, Finding, Gate};
use crate::change::gather::Facts;
use crate::change::json::{at, count, text};
use crate::change::pods::is_ready;
use crate::domain::id::Kind;
use crate::text::clean;

/// `disruption budget`
pub struct Budget;

impl Gate for Budget {
    fn name(&self) -> &'static str {
        "disruption budget"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        if evidence.facts.object.kind == Kind::Pod {
            return of_pod(evidence);
        }
        if evidence.draft.pods >= 0 {
            return Finding::pass("no pod is taken away");
        }
        let facts = evidence.facts;
        let budgets = match &facts.budgets {
            Ok(budgets) => budgets,
            Err(why) => return Finding::unknown(format!("disruption budgets could not be read: {why}")),
        };
        let after = (i64::from(facts.replicas()) + evidence.draft.pods).max(0);
        let labels = at(&facts.live, "/spec/template/metadata/labels");
        for budget in budgets.iter().filter(|budget| selects(budget, &labels)) {
            let name = text(budget, "/metadata/name");
            let Some(needed) = least(budget, facts.replicas()) else { continue };
            if after < needed {
                return Finding::warn(format!(
                    "budget {name} wants {needed} pods well, {after} would be left"
                ));
            }
        }
        Finding::pass("every disruption budget is kept")
    }
}

/// A deletion does not ask budgets, as an eviction would.
fn of_pod(evidence: &Evidence<'_>) -> Finding {
    let pod = &evidence.facts.live;
    let budgets = match &evidence.facts.budgets {
        Ok(budgets) => budgets,
        Err(why) => return Finding::unknown(format!("disruption budgets could not be read: {why}")),
    };
    let labels = at(pod, "/metadata/labels");
    if !is_ready(pod) {
        return Finding::pass("every disruption budget is kept");
    }
    for budget in budgets.iter().filter(|budget| selects(budget, &labels)) {
        let Some(allowed) = count(budget, "/status/disruptionsAllowed") else { continue };
        let together = deleted_with(evidence, budget);
        if allowed < together {
            let name = clean(text(budget, "/metadata/name")).into_owned();
            let why = match (allowed, together) {
                (0, 1) => format!("budget {name} allows no disruption now, and a deletion does not ask it"),
                _ => format!(
                    "budget {name} allows {allowed} disruptions now, {together} ready pods are deleted, and a \
                     deletion does not ask it"
                ),
            };
            return Finding::warn(why);
        }
    }
    Finding::pass("every disruption budget is kept")
}

/// How many ready pods of a budget the order deletes.
fn deleted_with(evidence: &Evidence<'_>, budget: &Value) -> u64 {
    let own = &evidence.facts.object;
    let of_it = |facts: &&Facts| {
        facts.object.kind == own.kind
            && facts.object.namespace == own.namespace
            && is_ready(&facts.live)
            && selects(budget, &at(&facts.live, "/metadata/labels"))
    };
    evidence.all.iter().filter(of_it).count() as u64
}

/// Whether a budget is about pods with these labels. One that selects by expressions is taken for a match.
fn selects(budget: &Value, labels: &Value) -> bool {
    let wanted = budget.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    wanted.into_iter().flatten().all(|(key, value)| labels.get(key) == Some(value))
        && budget.pointer("/spec/selector").is_some_and(Value::is_object)
}

/// How many pods it wants well, of so many.
fn least(budget: &Value, pods: u32) -> Option<i64> {
    let of = |value: &Value, up: bool| -> Option<i64> {
        if let Some(number) = value.as_i64() {
            return Some(number);
        }
        let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
        let whole = i64::from(pods).saturating_mul(percent);
        Some(if up { (whole + 99).div_euclid(100) } else { whole.div_euclid(100) })
    };
    if let Some(least) = budget.pointer("/spec/minAvailable") {
        return of(least, true);
    }
    // What may be missing moves with the number that is wanted: making it smaller never breaks such a budget.
    None
}
