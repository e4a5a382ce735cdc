//! A node is emptied: cordoned, then its pods are evicted one by one, each as soon as its disruption budget allows it.
//! Pods of DaemonSets and the kubelet's own stay, as with `kubectl drain --ignore-daemonsets`.

use super::{Act, Draft, being, eviction, nodes};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::{Intent, Way};
use crate::change::plan::{Expect, Goal};
use crate::change::pods::{Fate, fate, grace, is_cordoned, is_ending, reference};
use crate::domain::id::Kind;

/// `drain`
pub struct Drain;

impl Act for Drain {
    fn name(&self) -> &'static str {
        "drain"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Node]
    }

    fn asked_by(&self) -> &'static str {
        "node"
    }

    fn needs(&self) -> Needs {
        Needs { pods: true, ..Needs::default() }
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        &[
            (&gates::ReadOnly, Weight::Judges),
            (&gates::Rbac, Weight::Judges),
            (&gates::DryRunGate, Weight::Judges),
            (&gates::Losses, Weight::Judges),
            (&gates::Capacity, Weight::Judges),
            (&gates::Protected, Weight::Informs),
            (&gates::Frozen, Weight::Judges),
            (&gates::Alerts, Weight::Informs),
        ]
    }

    fn draft(&self, _: &Intent, facts: &Facts) -> Result<Draft, String> {
        let name = facts.name();
        let pods =
            facts.pods.as_ref().map_err(|why| format!("The pods on {name} could not be read: {why}"))?;
        let (mut touched, mut steps) = (Vec::new(), Vec::new());
        let cordoned = is_cordoned(&facts.live);
        if !cordoned {
            let (value, step) = nodes::set(facts, true, &format!("cordon {name}"));
            touched.push(value);
            steps.push(step);
        }
        let stay = pods.iter().filter(|pod| fate(pod) == Fate::Stays).count();
        let ending = pods.iter().filter(|pod| fate(pod) != Fate::Stays && is_ending(pod)).count();
        let mut going: Vec<_> =
            pods.iter().filter(|pod| fate(pod) != Fate::Stays && !is_ending(pod)).collect();
        going.sort_by_key(|pod| {
            let pod = reference(facts.object.cluster, pod);
            (pod.namespace, pod.name)
        });
        for pod in &going {
            let pod = reference(facts.object.cluster, pod);
            touched.push(being(&pod, &format!("pod in {}", pod.namespace), true, false));
            steps.push(eviction(&pod));
        }
        if steps.is_empty() {
            return Err(match ending {
                0 => format!("{name} is cordoned, and has no pod that could be evicted."),
                n => format!("{name} is cordoned, and its last {n} pods are ending already."),
            });
        }
        let longest = pods.iter().map(grace).max().unwrap_or(30);
        let deadline = longest + 60;
        let count = match going.len() {
            1 => "1 pod".to_owned(),
            n => format!("{n} pods"),
        };
        let kept = match stay {
            0 => String::new(),
            n => format!("; {n} of DaemonSets and the kubelet stay"),
        };
        Ok(Draft {
            title: format!("drain {name}"),
            words: format!("cordoned, {count} evicted{kept}"),
            touched,
            steps,
            then: format!(
                "its pods are made anew elsewhere; the last is gone within {deadline} s of its eviction"
            ),
            back: match cordoned {
                true => {
                    "none: it was cordoned before, and stays so; pods that went do not come back".to_owned()
                }
                false => "uncordon it: new pods come to it again, those that went do not".to_owned(),
            },
            // Why it was cordoned before is not known here.
            way: (!cordoned).then(|| Way::by("uncordon")),
            expect: vec![Expect { object: facts.object.clone(), goal: Goal::Drained, deadline }],
            mitigates: false,
            pods: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::intent::With;
    use crate::change::plan::Method;
    use crate::change::testing::{facts_of, node, pod};
    use serde_json::json;

    #[test]
    fn a_node_is_cordoned_first_and_then_emptied_of_what_can_go() {
        let wish = Intent { verb: named("drain").unwrap(), objects: Vec::new(), with: With::default() };
        let mut facts = facts_of(Kind::Node, node());
        let mut ending = pod("ending", Some("ReplicaSet"));
        ending["metadata"]["deletionTimestamp"] = json!("2026-11-21T14:00:00Z");
        facts.pods = Ok(vec![
            pod("web", Some("ReplicaSet")),
            pod("agent", Some("DaemonSet")),
            pod("cart", Some("ReplicaSet")),
            ending,
        ]);
        let draft = Drain.draft(&wish, &facts).unwrap();
        let titles: Vec<&str> = draft.steps.iter().map(|step| step.title.as_str()).collect();
        assert_eq!(titles, ["cordon node/worker-1", "evict shop/cart", "evict shop/web"]);
        assert_eq!(draft.words, "cordoned, 2 pods evicted; 1 of DaemonSets and the kubelet stay");
        let request = &draft.steps[1].request;
        assert_eq!(request.method, Method::Evict);
        assert_eq!(request.path, "/api/v1/namespaces/shop/pods/cart/eviction?fieldManager=pilothouse");
        assert_eq!(
            request.body["deleteOptions"]["preconditions"]["uid"],
            facts.pods.as_ref().unwrap()[2]["metadata"]["uid"]
        );
        assert_eq!(request.right.to_string(), "create pods/eviction");

        facts.live["spec"]["unschedulable"] = json!(true);
        facts.pods = Ok(vec![pod("agent", Some("DaemonSet"))]);
        assert!(Drain.draft(&wish, &facts).unwrap_err().contains("no pod that could be evicted"));
        facts.pods = Err("forbidden".to_owned());
        assert!(Drain.draft(&wish, &facts).unwrap_err().contains("could not be read: forbidden"));
    }
}
