//! More or fewer pods: by the scale subresource; where an autoscaler rules the number, by its limits.

use serde_json::{Value, json};

use super::{Act, Draft, changed, held, merge};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs, uid_of};
use crate::change::intent::{Intent, Way, With};
use crate::change::json::{at, count, text};
use crate::change::plan::{Expect, Goal, Touched};
use crate::change::rollouts::Rollout;
use crate::domain::id::{Kind, ObjectRef};

/// More pods than this are a slip of the finger.
const MOST: u32 = 10_000;
/// Seconds within which the pods are expected.
const DEADLINE: u64 = 300;

/// What the plan of an autoscaler shows, whichever of it is changed.
const HELD: &[(&str, &str)] =
    &[("fewest", "/spec/minReplicas"), ("most", "/spec/maxReplicas"), ("target", "/spec/scaleTargetRef")];

/// `scale`
pub struct Scale;

impl Act for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet, Kind::Rollout]
    }

    fn needs(&self) -> Needs {
        Needs { scaling: true, ..Needs::default() }
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        &[
            (&gates::ReadOnly, Weight::Judges),
            (&gates::Rbac, Weight::Judges),
            (&gates::DryRunGate, Weight::Judges),
            (&gates::Ownership, Weight::Judges),
            (&gates::Protected, Weight::Informs),
            (&gates::Frozen, Weight::Judges),
            (&gates::Budget, Weight::Judges),
            (&gates::Quota, Weight::Judges),
            (&gates::Capacity, Weight::Judges),
            (&gates::Alerts, Weight::Judges),
        ]
    }

    fn draft(&self, intent: &Intent, facts: &Facts) -> Result<Draft, String> {
        let with = &intent.with;
        match (with.replicas, with.min, with.max) {
            (Some(replicas), None, None) => by_hand(replicas, facts),
            (None, None, None) => Err("How many? Say the number of replicas.".to_owned()),
            (None, min, max) => by_limits(min, max, facts),
            _ => Err("Either replicas, or the limits of the autoscaler: not both.".to_owned()),
        }
    }
}

fn by_hand(replicas: u32, facts: &Facts) -> Result<Draft, String> {
    let before = facts.replicas();
    if replicas > MOST {
        return Err(format!("{replicas} replicas are more than {MOST}: that is taken for a slip."));
    }
    if replicas == before {
        return Err(format!("{} has {before} replicas already.", facts.name()));
    }
    let object = &facts.object;
    if object.kind == Kind::Rollout && Rollout(&facts.live).is_held() {
        return Err(format!("{} was paused by hand: it is scaled only when it is resumed.", facts.name()));
    }
    let touched = changed(facts, "replicas", "/spec/replicas", json!(replicas));
    let uid = text(&facts.live, "/metadata/uid");
    let title = format!("scale {} {before} → {replicas}", facts.name());
    let step = merge(object, uid, format!("scale {} to {replicas}", facts.name()), "scale", &[&touched]);
    let mut touched = vec![touched];
    if object.kind == Kind::Rollout {
        touched.extend(held(object, &facts.live, &[("pause by hand", "/spec/paused")], &touched));
    }
    let goal = Goal::Scaled(replicas);
    Ok(Draft {
        title,
        words: format!("replicas {before} → {replicas}"),
        touched,
        steps: vec![step],
        then: match replicas {
            0 => "its pods end".to_owned(),
            _ => format!("{replicas} pods ready, within {DEADLINE} s"),
        },
        back: format!("scale to {before} again"),
        way: Some(Way::same(With { replicas: Some(before), ..With::default() })),
        expect: vec![Expect { object: object.clone(), goal, deadline: DEADLINE }],
        mitigates: replicas > before,
        pods: i64::from(replicas) - i64::from(before),
    })
}

fn by_limits(min: Option<u32>, max: Option<u32>, facts: &Facts) -> Result<Draft, String> {
    let autoscalers = facts
        .autoscalers
        .as_ref()
        .map_err(|why| format!("Whether an autoscaler rules {} could not be read: {why}", facts.name()))?;
    let hpa = match autoscalers.as_slice() {
        [] => return Err(format!("No autoscaler rules {}: say the number of replicas.", facts.name())),
        [hpa] => hpa,
        several => {
            let names: Vec<&str> = several.iter().map(|hpa| text(hpa, "/metadata/name")).collect();
            return Err(format!("{} rule {} together: mend that first.", names.join(" and "), facts.name()));
        }
    };
    let object = scaler(&facts.object, hpa);
    let (low, high) = limits(hpa);
    let (new_low, new_high) = (min.unwrap_or(low), max.unwrap_or(high));
    if new_low > new_high {
        return Err(format!("The least, {new_low}, is more than the most, {new_high}."));
    }
    if new_high > MOST {
        return Err(format!("{new_high} replicas are more than {MOST}: that is taken for a slip."));
    }
    let mut touched = Vec::new();
    for (what, pointer, before, after) in
        [("fewest", "/spec/minReplicas", low, new_low), ("most", "/spec/maxReplicas", high, new_high)]
    {
        if before != after {
            touched.push(Touched {
                object: object.clone(),
                what: what.to_owned(),
                pointer: pointer.to_owned(),
                before: at(hpa, pointer),
                after: json!(after),
            });
        }
    }
    touched.extend(held(&object, hpa, HELD, &touched));
    if touched.iter().all(|value| !value.is_changed()) {
        return Err(format!("{} keeps {low} to {high} pods already.", object.name));
    }
    let name = format!("hpa/{}", object.name);
    let values: Vec<&Touched> = touched.iter().filter(|value| value.is_changed()).collect();
    let title = format!("scale {} {low}–{high} → {new_low}–{new_high}", facts.name());
    let step = merge(
        &object,
        text(hpa, "/metadata/uid"),
        format!("let {name} keep {new_low} to {new_high} pods"),
        "",
        &values,
    );
    Ok(Draft {
        title,
        words: format!("{name} {low}–{high} → {new_low}–{new_high}"),
        steps: vec![step],
        then: format!("{name} decides within {new_low} to {new_high} pods, at its next look (15 s)"),
        back: format!("limits {low} and {high} again"),
        way: Some(Way::same(With { min: Some(low), max: Some(high), ..With::default() })),
        expect: vec![Expect { object, goal: Goal::Stands, deadline: 10 }],
        mitigates: new_low >= low && new_high >= high,
        pods: i64::from(new_low.max(facts.replicas())) - i64::from(facts.replicas()),
        touched,
    })
}

/// The autoscaler of a workload, as it is named.
pub(in crate::change) fn scaler(workload: &ObjectRef, hpa: &Value) -> ObjectRef {
    ObjectRef {
        kind: Kind::HorizontalPodAutoscaler,
        name: text(hpa, "/metadata/name").into(),
        uid: uid_of(hpa),
        ..workload.clone()
    }
}

/// The limits of an autoscaler.
pub(in crate::change) fn limits(hpa: &Value) -> (u32, u32) {
    let limit = |pointer| count(hpa, pointer).and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
    (limit("/spec/minReplicas"), limit("/spec/maxReplicas"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::testing::{autoscaler, facts};

    fn wish(with: With) -> Intent {
        Intent { verb: named("scale").unwrap(), objects: Vec::new(), with }
    }

    #[test]
    fn a_number_goes_to_the_scale_subresource_held_to_the_uid() {
        let facts = facts();
        let draft = Scale.draft(&wish(With { replicas: Some(5), ..With::default() }), &facts).unwrap();
        assert_eq!(draft.title, "scale deploy/cart 3 → 5");
        let step = &draft.steps[0];
        assert_eq!(
            step.request.path,
            "/apis/apps/v1/namespaces/shop/deployments/cart/scale?fieldManager=pilothouse"
        );
        let uid = text(&facts.live, "/metadata/uid");
        assert_eq!(step.request.body, json!({"metadata": {"uid": uid}, "spec": {"replicas": 5}}));
        assert_eq!(step.request.right.to_string(), "patch deployments/scale (apps)");
        assert!(step.versioned && draft.mitigates);
        let fewer = Scale.draft(&wish(With { replicas: Some(0), ..With::default() }), &facts).unwrap();
        assert!(!fewer.mitigates && fewer.pods == -3);
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let mut facts = facts();
        let refused = |with, facts: &Facts| Scale.draft(&wish(with), facts).unwrap_err();
        let replicas = |n| With { replicas: Some(n), ..With::default() };
        assert_eq!(refused(replicas(3), &facts), "deploy/cart has 3 replicas already.");
        assert!(refused(replicas(50_000), &facts).contains("slip"));
        assert!(refused(With::default(), &facts).starts_with("How many?"));
        let min = With { min: Some(4), ..With::default() };
        assert!(refused(min.clone(), &facts).starts_with("No autoscaler rules deploy/cart"));
        facts.autoscalers = Ok(vec![autoscaler("cart", 2, 6)]);
        assert!(refused(With { min: Some(7), ..With::default() }, &facts).contains("more than the most"));
        facts.autoscalers = Err("forbidden".to_owned());
        assert!(refused(min, &facts).contains("could not be read: forbidden"));
    }

    #[test]
    fn limits_go_to_the_autoscaler() {
        let mut facts = facts();
        facts.autoscalers = Ok(vec![autoscaler("cart", 2, 6)]);
        let draft = Scale.draft(&wish(With { max: Some(9), ..With::default() }), &facts).unwrap();
        assert_eq!(draft.title, "scale deploy/cart 2–6 → 2–9");
        assert_eq!(draft.steps[0].request.body["spec"], json!({"maxReplicas": 9}));
        assert!(draft.steps[0].request.path.contains("/horizontalpodautoscalers/cart?"));
        assert!(draft.mitigates);
    }
}
