//! What the actions have in common that keep pods from a node, and let them come again.

use serde_json::{Value, json};

use super::{Draft, changed, merge};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::Facts;
use crate::change::intent::Way;
use crate::change::json::text;
use crate::change::plan::{Expect, Goal, Step, Touched};

const UNSCHEDULABLE: &str = "/spec/unschedulable";

/// Those that judge both ways.
pub(super) const GATES: &[(&dyn Gate, Weight)] = &[
    (&gates::ReadOnly, Weight::Judges),
    (&gates::Rbac, Weight::Judges),
    (&gates::DryRunGate, Weight::Judges),
    (&gates::Protected, Weight::Informs),
    (&gates::Frozen, Weight::Judges),
];

/// The value of a node that says whether it takes pods, and the request that sets it.
pub(super) fn set(facts: &Facts, cordoned: bool, title: &str) -> (Touched, Step) {
    // The server leaves a value of false out.
    let after = if cordoned { json!(true) } else { Value::Null };
    let touched = changed(facts, "unschedulable", UNSCHEDULABLE, after);
    let uid = text(&facts.live, "/metadata/uid");
    let step = merge(&facts.object, uid, title.to_owned(), "", &[&touched]);
    (touched, step)
}

/// What either does to one node.
pub(super) fn draft(facts: &Facts, cordoned: bool) -> Draft {
    let verb = if cordoned { "cordon" } else { "uncordon" };
    let title = format!("{verb} {}", facts.name());
    let (touched, step) = set(facts, cordoned, &title);
    let (words, then, back) = match cordoned {
        true => ("no new pods come to it", "the pods that it has stay", "uncordon it"),
        false => (
            "new pods come to it again",
            "pods that went elsewhere do not come back by themselves",
            "cordon it",
        ),
    };
    Draft {
        title,
        words: words.to_owned(),
        touched: vec![touched],
        steps: vec![step],
        then: then.to_owned(),
        back: back.to_owned(),
        way: Some(Way::by(if cordoned { "uncordon" } else { "cordon" })),
        expect: vec![Expect { object: facts.object.clone(), goal: Goal::Stands, deadline: 10 }],
        // Keeping pods from a sick node, and giving them room again, lead out of trouble.
        mitigates: true,
        pods: 0,
    }
}
