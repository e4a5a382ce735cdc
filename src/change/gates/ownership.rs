//! Who will undo it: an autoscaler, KEDA, Argo CD, Flux, a controller. An honest answer here matters more than a
//! quick one: a change that is put back after a minute has helped nobody.

use serde_json::Value;

use super::{Evidence, Finding, Gate, Verdict};
use crate::change::actions::limits;
use crate::change::gather::controller_of;
use crate::change::json::{note, text};
use crate::change::owners::{Deliverer, Habit, git_sets};
use crate::change::plan::Touched;
use crate::domain::id::Kind;
use crate::text::clean;

/// `ownership`
pub struct Ownership;

impl Gate for Ownership {
    fn name(&self) -> &'static str {
        "ownership"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let own = |value: &&Touched| value.object == evidence.facts.object;
        // A status is nothing that Git says, or that an owner sets.
        let told = |value: &&Touched| value.is_changed() && !value.pointer.starts_with("/status/");
        let changed = || evidence.draft.touched.iter().filter(told);
        let mut worst = Finding::pass("nothing will undo it");
        if changed().next().is_none() {
            return worst;
        }
        let mut take = |finding: Finding| {
            if finding.verdict > worst.verdict || worst.why == "nothing will undo it" {
                worst = finding;
            }
        };
        for value in changed() {
            if own(&value) && value.pointer == "/spec/replicas" {
                take(autoscaled(evidence, value));
                take(keda(evidence));
            }
            if !own(&value) && value.object.kind == Kind::HorizontalPodAutoscaler {
                take(generated(evidence, value));
            }
        }
        let itself = changed().any(|value| own(&value));
        if let Some(owner) = controller_of(&evidence.facts.live).filter(|_| itself) {
            take(
                Finding::warn(format!("{} {} controls it and may put it back", owner.kind, owner.name))
                    .mend(format!("change the {} instead", owner.kind)),
            );
        }
        if let Some(manager) = operated(&evidence.facts.live).filter(|_| itself) {
            take(
                Finding::warn(format!("{manager} manages it and may put it back"))
                    .mend("change what it is made from"),
            );
        }
        for value in changed().filter(own) {
            take(delivered(&evidence.facts.deliverers, &evidence.facts.live, value));
        }
        worst
    }

    fn unknown_fails(&self) -> bool {
        true
    }
}

/// An operator that says so by the usual label, where nothing else tells: Helm and the deliverers are judged by their own
/// signs, and people who write it by hand mean themselves.
fn operated(live: &Value) -> Option<String> {
    const KNOWN: [&str; 6] = ["helm", "argocd", "argo-cd", "flux", "kubectl", "kustomize"];
    let manager = note(live, "labels", "app.kubernetes.io/managed-by").filter(|name| !name.is_empty())?;
    (!KNOWN.contains(&manager.to_lowercase().as_str())).then(|| clean(manager).into_owned())
}

fn autoscaled(evidence: &Evidence<'_>, value: &Touched) -> Finding {
    let hpas = match &evidence.facts.autoscalers {
        Ok(hpas) => hpas,
        Err(why) => return Finding::unknown(format!("whether an autoscaler rules it is not known: {why}")),
    };
    let Some(hpa) = hpas.first() else { return Finding::pass("nothing will undo it") };
    let (min, max) = limits(hpa);
    let name = text(hpa, "/metadata/name");
    if value.after == serde_json::json!(0) && min > 0 {
        return Finding::warn(format!("0 disables hpa/{name}: nothing brings it back up by itself"));
    }
    if value.before == serde_json::json!(0) && min > 0 {
        return Finding::warn(format!(
            "hpa/{name} is off at 0 replicas; a number switches it on again, and it then keeps {min} to {max} pods"
        ));
    }
    Finding::fail(format!("hpa/{name} keeps {min} to {max} pods and sets the number anew within 15 s"))
        .mend("change its limits instead (--min, --max)")
}

fn keda(evidence: &Evidence<'_>) -> Finding {
    let scaled = match &evidence.facts.scaled_objects {
        Ok(scaled) => scaled,
        Err(why) => return Finding::unknown(format!("whether KEDA rules it is not known: {why}")),
    };
    let Some(scaled) = scaled.first() else { return Finding::pass("nothing will undo it") };
    let name = text(scaled, "/metadata/name");
    let held = ["autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas"];
    let paused =
        held.iter().any(|key| note(scaled, "annotations", key).is_some_and(|value| value != "false"));
    match paused {
        true => Finding::warn(format!("KEDA's ScaledObject {name} is paused and holds the number")),
        false => Finding::fail(format!("KEDA's ScaledObject {name} rules the number and undoes this"))
            .mend(format!("change its minReplicaCount and maxReplicaCount, or pause ScaledObject {name}")),
    }
}

/// The autoscaler that is changed may be KEDA's own, and has its own deliverers.
fn generated(evidence: &Evidence<'_>, value: &Touched) -> Finding {
    let Some(hpa) = evidence.facts.autoscalers.iter().flatten().next() else {
        return Finding::unknown("whose the autoscaler is could not be read");
    };
    match controller_of(hpa) {
        Some(owner) => {
            Finding::fail(format!("{} {} made this autoscaler and puts it back", owner.kind, owner.name))
                .mend(format!("change the {} instead", owner.kind))
        }
        None => match operated(hpa) {
            Some(manager) => Finding::warn(format!(
                "{manager} manages hpa/{} and may put it back",
                text(hpa, "/metadata/name")
            ))
            .mend("change what it is made from"),
            None => delivered(&evidence.facts.scaler_deliverers, hpa, value),
        },
    }
}

fn delivered(deliverers: &[Deliverer], live: &Value, value: &Touched) -> Finding {
    let mut worst = Finding::pass("nothing will undo it");
    for deliverer in deliverers {
        let name = &deliverer.name;
        let finding = match &deliverer.habit {
            // What is not in Git at all is left alone by all of them.
            _ if value.pointer.contains("/annotations/") => {
                Finding::pass(format!("{name} leaves an annotation of this kind alone"))
            }
            _ if git_sets(live, &value.pointer) == Some(false) => {
                Finding::pass(format!("{name} does not set {}", value.what))
            }
            Err(why) => {
                Finding::unknown(format!("{name} delivers it; whether it puts this back is not known: {why}"))
            }
            Ok(Habit::Ignores { pointers, .. }) if pointers.contains(&value.pointer) => {
                Finding::pass(format!("{name} ignores {}", value.what))
            }
            Ok(Habit::Heals | Habit::Ignores { heals: true, .. }) => {
                Finding::warn(format!("{name} heals itself: it puts {} back soon", value.what))
                    .mend("change it in Git")
            }
            Ok(Habit::NextTime | Habit::Ignores { .. }) => {
                Finding::warn(format!("{name} puts {} back when it next syncs", value.what))
                    .mend("change it in Git too")
            }
            Ok(Habit::Stopped) => Finding::pass(format!("{name} is suspended")),
        };
        if finding.verdict > worst.verdict || worst.verdict == Verdict::Pass {
            worst = finding;
        }
    }
    worst
}
