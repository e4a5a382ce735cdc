//! `cordon`: a node takes no new pods.

use super::nodes::{GATES, draft};
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::Intent;
use crate::change::pods::is_cordoned;
use crate::domain::id::Kind;

/// `cordon`
pub struct Cordon;

impl Act for Cordon {
    fn name(&self) -> &'static str {
        "cordon"
    }

    fn asked_by(&self) -> &'static str {
        "node"
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::actions::named;
    use crate::change::actions::uncordon::Uncordon;
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
