//! A node takes no new pods, or takes them again.

use serde_json::{Value, json};

use super::{Act, Draft, merge};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::{Intent, Way};
use crate::change::json::{at, text};
use crate::change::plan::{Expect, Goal, Step, Touched};
use crate::change::pods::is_cordoned;
use crate::domain::id::Kind;

const UNSCHEDULABLE: &str = "/spec/unschedulable";

const GATES: &[(&dyn Gate, Weight)] = &[
    (&gates::ReadOnly, Weight::Judges),
    (&gates::Rbac, Weight::Judges),
    (&gates::DryRunGate, Weight::Judges),
    (&gates::Protected, Weight::Informs),
    (&gates::Frozen, Weight::Judges),
];

/// `cordon`
pub struct Cordon;
/// `uncordon`
pub struct Uncordon;

/// The value of a node that says whether it takes pods, and the request that sets it.
pub(super) fn set(facts: &Facts, cordoned: bool, title: &str) -> (Touched, Step) {
    let touched = Touched {
        object: facts.object.clone(),
        what: "unschedulable".to_owned(),
        pointer: UNSCHEDULABLE.to_owned(),
        before: at(&facts.live, UNSCHEDULABLE),
        // The server leaves a value of false out.
        after: if cordoned { json!(true) } else { Value::Null },
    };
    let uid = text(&facts.live, "/metadata/uid");
    let step = merge(&facts.object, uid, title.to_owned(), "", &[&touched]);
    (touched, step)
}

fn draft(facts: &Facts, cordoned: bool) -> Draft {
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

impl Act for Cordon {
    fn name(&self) -> &'static str {
        "cordon"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Node]
    }

    fn several(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        GATES
    }

    fn draft(&self, _: &Intent, facts: &Facts) -> Result<Draft, String> {
        match is_cordoned(&facts.live) {
            true => Err(format!("{} is cordoned already.", facts.name())),
            false => Ok(draft(facts, true)),
        }
    }
}

impl Act for Uncordon {
    fn name(&self) -> &'static str {
        "uncordon"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Node]
    }

    fn several(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        GATES
    }

    fn draft(&self, _: &Intent, facts: &Facts) -> Result<Draft, String> {
        match is_cordoned(&facts.live) {
            true => Ok(draft(facts, false)),
            false => Err(format!("{} is not cordoned.", facts.name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::intent::With;
    use crate::change::testing::{facts_of, node};

    #[test]
    fn a_node_is_cordoned_and_uncordoned_by_one_value() {
        let wish = |name| Intent { verb: named(name).unwrap(), objects: Vec::new(), with: With::default() };
        let mut facts = facts_of(Kind::Node, node());
        let draft = Cordon.draft(&wish("cordon"), &facts).unwrap();
        assert_eq!(draft.title, "cordon node/worker-1");
        assert_eq!(draft.steps[0].request.path, "/api/v1/nodes/worker-1?fieldManager=pilothouse");
        assert_eq!(draft.steps[0].request.body["spec"], json!({"unschedulable": true}));
        assert!(Uncordon.draft(&wish("uncordon"), &facts).unwrap_err().contains("not cordoned"));
        facts.live["spec"]["unschedulable"] = json!(true);
        assert!(Cordon.draft(&wish("cordon"), &facts).unwrap_err().contains("already"));
        let draft = Uncordon.draft(&wish("uncordon"), &facts).unwrap();
        assert_eq!(draft.steps[0].request.body["spec"], json!({"unschedulable": null}));
    }
}
