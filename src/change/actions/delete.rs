//! A pod is deleted: its controller makes another one. Held to the uid, so that its successor of the same name is
//! never hit.

use serde_json::json;

use super::{Act, Draft, being, held, step};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs, controller_of};
use crate::change::intent::Intent;
use crate::change::json::text;
use crate::change::plan::{Expect, Goal, Method};
use crate::change::pods::{grace, has_ended, ready_of};
use crate::domain::id::Kind;

/// Seconds for its successor to be ready, after it is gone.
const AGAIN: u64 = 180;

/// `delete`
pub struct Delete;

impl Act for Delete {
    fn name(&self) -> &'static str {
        "delete"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Pod]
    }

    fn several(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs { budgets: true, pods: true, ..Needs::default() }
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        // Whoever deletes a pod often does so because an alert fires: that informs.
        &[
            (&gates::ReadOnly, Weight::Judges),
            (&gates::Rbac, Weight::Judges),
            (&gates::DryRunGate, Weight::Judges),
            (&gates::Replacement, Weight::Judges),
            (&gates::Budget, Weight::Judges),
            (&gates::Protected, Weight::Informs),
            (&gates::Frozen, Weight::Judges),
            (&gates::Alerts, Weight::Informs),
        ]
    }

    fn draft(&self, _: &Intent, facts: &Facts) -> Result<Draft, String> {
        let live = &facts.live;
        let pods = facts
            .pods
            .as_ref()
            .map_err(|why| format!("The pods beside {} could not be read: {why}", facts.name()))?;
        let title = format!("delete {}", facts.name());
        let body = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": {"uid": text(live, "/metadata/uid")},
        });
        let mut step = step(&facts.object, title.clone(), "", Method::Delete, body, false);
        step.request.right.verb = "delete";
        // A deletion has no field manager.
        step.request.path.truncate(step.request.path.len() - super::MANAGER.len());
        let gone = grace(live) + 30;
        let controller = controller_of(live).filter(|_| !has_ended(live));
        let (then, goal, deadline) = match &controller {
            Some(owner) => {
                let ready = ready_of(pods, owner.uid, facts.object.uid) + 1;
                let ready = u32::try_from(ready).unwrap_or(u32::MAX);
                let then = format!(
                    "it ends within {} s; {} {} makes another one, which is ready within {AGAIN} s more",
                    grace(live),
                    owner.kind,
                    owner.name
                );
                (then, Goal::Replaced { controller: owner.uid, ready }, gone + AGAIN)
            }
            None => (format!("it ends within {} s", grace(live)), Goal::Gone, gone),
        };
        Ok(Draft {
            title,
            words: match &controller {
                Some(owner) => format!("it is replaced by its {}", owner.kind),
                None if has_ended(live) => "it has ended and is tidied away".to_owned(),
                None => "nobody makes it again".to_owned(),
            },
            // What the plan says of its successor is true of this controller.
            touched: std::iter::once(being(&facts.object, "pod", true, false))
                .chain(held(&facts.object, live, &[("controller", "/metadata/ownerReferences")], &[]))
                .collect(),
            steps: vec![step],
            then,
            back: "there is none: a pod that ended does not come back".to_owned(),
            way: None,
            expect: vec![Expect { object: facts.object.clone(), goal, deadline }],
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
    use crate::change::testing::{facts_of, pod};

    #[test]
    fn a_pod_is_deleted_by_its_uid_and_waited_for_until_it_is_replaced() {
        let wish = Intent { verb: named("delete").unwrap(), objects: Vec::new(), with: With::default() };
        let mut facts = facts_of(Kind::Pod, pod("cart-a", Some("ReplicaSet")));
        facts.pods = Ok(vec![facts.live.clone(), pod("cart-b", Some("ReplicaSet"))]);
        let draft = Delete.draft(&wish, &facts).unwrap();
        let request = &draft.steps[0].request;
        assert_eq!(request.path, "/api/v1/namespaces/shop/pods/cart-a");
        assert_eq!(request.body["preconditions"]["uid"], facts.live["metadata"]["uid"]);
        assert_eq!(request.right.to_string(), "delete pods");
        assert!(matches!(draft.expect[0].goal, Goal::Replaced { ready: 2, .. }), "{:?}", draft.expect);

        let bare = facts_of(Kind::Pod, pod("cart-a", None));
        let draft = Delete.draft(&wish, &bare).unwrap();
        assert_eq!((draft.words.as_str(), &draft.expect[0].goal), ("nobody makes it again", &Goal::Gone));
    }
}
