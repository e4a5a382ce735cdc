//! Back to an earlier release: the template of a ReplicaSet that the Deployment still keeps takes the place of its
//! own, as `kubectl rollout undo` does it. The server holds the old template (`test`) before it puts the new one.

use serde_json::{Value, json};

use super::{Act, Draft, rolled_out, step};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs, revision_of};
use crate::change::intent::Intent;
use crate::change::json::{at, flag, list, text};
use crate::change::plan::{Method, Touched};
use crate::domain::id::Kind;
use crate::text::clean;

/// The label by which a ReplicaSet tells its pods from those of others; never part of a template of its owner.
const HASH: &str = "pod-template-hash";

/// `undo`
pub struct Undo;

/// One release that a Deployment can go back to.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// Its number.
    pub number: u64,
    /// Its template, as the Deployment had it.
    pub template: Value,
}

/// The revisions that are kept, newest first.
#[must_use]
pub fn revisions(sets: &[Value]) -> Vec<Revision> {
    let mut found: Vec<Revision> = sets
        .iter()
        .filter_map(|set| Some(Revision { number: revision_of(set)?, template: template_of(set)? }))
        .collect();
    found.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    found
}

/// The template of a ReplicaSet without what its controller added.
fn template_of(set: &Value) -> Option<Value> {
    let mut template = set.pointer("/spec/template")?.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    Some(template)
}

/// The images of a template, by container.
fn images(template: &Value) -> Vec<(String, String)> {
    let containers =
        ["/spec/initContainers", "/spec/containers"].into_iter().flat_map(|at| list(template, at));
    containers
        .map(|one| (clean(text(one, "/name")).into_owned(), clean(text(one, "/image")).into_owned()))
        .collect()
}

/// What is different, as people say it: images first, else that something else is.
fn difference(before: &Value, after: &Value) -> String {
    let (old, new) = (images(before), images(after));
    let tag = |image: &str| {
        let name = image.rsplit('/').next().unwrap_or(image);
        let name = name.split('@').next().unwrap_or(name);
        name.split_once(':').map_or_else(|| name.to_owned(), |(_, tag)| tag.to_owned())
    };
    let changed: Vec<String> = new
        .iter()
        .filter_map(|(name, image)| {
            let (_, was) = old.iter().find(|(other, _)| other == name)?;
            (was != image).then(|| format!("{name} {} → {}", tag(was), tag(image)))
        })
        .collect();
    if changed.is_empty() { "images unchanged".to_owned() } else { changed.join(", ") }
}

impl Act for Undo {
    fn name(&self) -> &'static str {
        "undo"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Deployment]
    }

    fn needs(&self) -> Needs {
        Needs { revisions: true, ..Needs::default() }
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        &[
            (&gates::ReadOnly, Weight::Judges),
            (&gates::Rbac, Weight::Judges),
            (&gates::DryRunGate, Weight::Judges),
            (&gates::Ownership, Weight::Judges),
            (&gates::Protected, Weight::Informs),
            (&gates::Frozen, Weight::Informs),
            (&gates::Alerts, Weight::Informs),
            (&gates::Backup, Weight::Informs),
        ]
    }

    fn draft(&self, intent: &Intent, facts: &Facts) -> Result<Draft, String> {
        let name = facts.name();
        if flag(&facts.live, "/spec/paused") {
            return Err(format!("{name} is paused: nothing would roll out until it is resumed."));
        }
        let sets = facts
            .replica_sets
            .as_ref()
            .map_err(|why| format!("The revisions of {name} could not be read: {why}"))?;
        let all = revisions(sets);
        let before = at(&facts.live, "/spec/template");
        let current = revision_of(&facts.live).unwrap_or(0);
        let wanted = match intent.with.revision {
            Some(number) => all.iter().find(|revision| revision.number == number),
            None => all.iter().find(|revision| revision.number != current && revision.template != before),
        };
        let Some(wanted) = wanted else {
            let kept: Vec<String> = all.iter().map(|revision| revision.number.to_string()).collect();
            return Err(match intent.with.revision {
                Some(number) => format!("{name} keeps no revision {number}, only {}.", kept.join(", ")),
                None => format!("{name} keeps no earlier revision to go back to."),
            });
        };
        if wanted.template == before {
            return Err(format!("Revision {} is what {name} has already.", wanted.number));
        }
        let touched = Touched {
            object: facts.object.clone(),
            what: "template".to_owned(),
            pointer: "/spec/template".to_owned(),
            before: before.clone(),
            after: wanted.template.clone(),
        };
        let body = json!([
            {"op": "test", "path": "/metadata/uid", "value": text(&facts.live, "/metadata/uid")},
            {"op": "test", "path": "/spec/template", "value": before},
            {"op": "replace", "path": "/spec/template", "value": wanted.template},
        ]);
        let title = format!("undo {name} to revision {}", wanted.number);
        let step = step(&facts.object, title.clone(), "", Method::JsonPatch, body, false);
        let expect = rolled_out(facts);
        Ok(Draft {
            words: format!(
                "revision {current} → {}: {}",
                wanted.number,
                difference(&before, &wanted.template)
            ),
            then: format!("rollout of {} pods, within {} s", facts.replicas(), expect.deadline),
            back: format!("undo again: revision {current} is kept, under a new number"),
            back_with: None,
            touched: vec![touched],
            steps: vec![step],
            expect: vec![expect],
            mitigates: true,
            pods: 0,
            title,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::intent::With;
    use crate::change::testing::{facts, replica_set};

    fn wish(revision: Option<u64>) -> Intent {
        let with = With { revision, ..With::default() };
        Intent { verb: named("undo").unwrap(), objects: Vec::new(), with }
    }

    #[test]
    fn the_revision_before_is_gone_back_to_unless_another_is_named() {
        let mut facts = facts();
        facts.replica_sets =
            Ok(vec![replica_set(2, "1.30.4"), replica_set(4, "1.31.0"), replica_set(1, "1.29.0")]);
        let draft = Undo.draft(&wish(None), &facts).unwrap();
        assert_eq!(draft.title, "undo deploy/cart to revision 2");
        assert_eq!(draft.words, "revision 4 → 2: cart 1.31.0 → 1.30.4");
        let body = &draft.steps[0].request.body;
        assert_eq!(body[1]["op"], "test");
        assert_eq!(body[1]["value"], facts.live["spec"]["template"]);
        assert_eq!(body[2]["value"]["metadata"]["labels"], json!({"app": "cart"}), "without the hash");
        assert!(!draft.steps[0].versioned && draft.mitigates);
        let named = Undo.draft(&wish(Some(1)), &facts).unwrap();
        assert!(named.words.ends_with("1.31.0 → 1.29.0"), "{}", named.words);
        assert_eq!(
            Undo.draft(&wish(Some(9)), &facts).unwrap_err(),
            "deploy/cart keeps no revision 9, only 4, 2, 1."
        );
        assert!(Undo.draft(&wish(Some(4)), &facts).unwrap_err().contains("has already"));
        facts.replica_sets = Ok(Vec::new());
        assert!(Undo.draft(&wish(None), &facts).unwrap_err().contains("no earlier revision"));
    }
}
