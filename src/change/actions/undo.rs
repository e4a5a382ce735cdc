//! Back to an earlier release: a template that is still kept takes the place of the present one, as `kubectl rollout undo`
//! does it. A Deployment and a Rollout keep theirs in ReplicaSets, a StatefulSet and a DaemonSet in ControllerRevisions. The
//! server holds the old template (`test`) before it puts the new one.

use serde_json::{Value, json};

use super::{Act, Draft, changed, rolled_out, step};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs, revision_of};
use crate::change::intent::{Intent, Way, With};
use crate::change::json::{at, count, flag, list, note, text};
use crate::change::plan::{Goal, Method};
use crate::change::rollouts::Rollout;
use crate::domain::id::Kind;
use crate::domain::time::Stamp;
use crate::text::clean;

/// The labels by which a ReplicaSet tells its pods from those of others; never part of a template of its owner.
const HASHES: [&str; 2] = ["pod-template-hash", "rollouts-pod-template-hash"];
/// What Argo Rollouts adds to the pods of one side only, as JSON: with it the template would be a third one.
const EPHEMERAL: &str = "rollout.argoproj.io/ephemeral-metadata";
/// Until when the old side of a blue/green pair is kept; the key has no prefix.
const KEPT_UNTIL: &str = "scale-down-deadline";

/// What the plan shows, and what follows from it, besides the template.
/// Not the number of pods: an autoscaler changes it every few seconds where there is trouble, and the way out waits for none.
/// Nor the number of the revision: its controller writes it a moment after the template, which the request itself tests.
const HELD: &[(&str, &str)] = &[
    ("pause", "/spec/paused"),
    ("update strategy", "/spec/updateStrategy"),
    ("stable template", "/status/stableRS"),
];

/// `undo`
pub struct Undo;

/// One release that is kept: by a ReplicaSet, or by a ControllerRevision.
struct Revision {
    /// Its number.
    number: u64,
    /// Its template, as the workload had it.
    template: Value,
}

/// A revision that a StatefulSet or a DaemonSet can go back to, as it is chosen from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub number: u64,
    /// The images of its containers.
    pub images: Vec<String>,
    /// When it was made.
    pub made: Stamp,
}

/// The revisions that an object can go back to, newest first; not the present one.
///
/// # Errors
/// They could not be read.
pub fn kept(facts: &Facts) -> Result<Vec<Kept>, String> {
    let all = facts
        .replica_sets
        .as_ref()
        .map_err(|why| format!("The revisions of {} could not be read: {why}", facts.name()))?;
    let made = |number: u64| {
        let one = all.iter().find(|one| count(one, "/revision") == Some(number));
        one.and_then(|one| text(one, "/metadata/creationTimestamp").parse::<jiff::Timestamp>().ok())
    };
    let now = current(facts);
    let others = revisions(all).into_iter().filter(|revision| Some(revision.number) != now);
    Ok(others
        .map(|revision| Kept {
            number: revision.number,
            images: list(&revision.template, "/spec/containers")
                .map(|one| clean(text(one, "/image")).into_owned())
                .collect(),
            made: made(revision.number).map_or(facts.now.wall, |at| Stamp(at.as_second())),
        })
        .collect())
}

/// The revisions that are kept, newest first: by ReplicaSets, or by ControllerRevisions.
fn revisions(kept: &[Value]) -> Vec<Revision> {
    let mut found: Vec<Revision> = kept
        .iter()
        .filter_map(|one| match one.get("data") {
            Some(data) => Some(Revision { number: count(one, "/revision")?, template: kept_in(data)? }),
            None => Some(Revision { number: revision_of(one)?, template: template_of(one)? }),
        })
        .collect();
    found.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    found
}

/// The template of a ControllerRevision, which is a patch that puts it in place of the present one.
fn kept_in(data: &Value) -> Option<Value> {
    let mut template = data.pointer("/spec/template")?.clone();
    template.as_object_mut()?.remove("$patch");
    without_birth(&mut template);
    Some(template)
}

/// What older servers write as null wherever there is metadata, in a template and in the claims of its volumes.
const BIRTH: &str = "creationTimestamp";

/// Takes out what older servers write into a template and newer ones do not: revisions of then are compared with now.
fn without_birth(template: &mut Value) {
    match template {
        Value::Object(fields) => {
            fields.retain(|key, value| key != BIRTH || !value.is_null());
            fields.values_mut().for_each(without_birth);
        }
        Value::Array(all) => all.iter_mut().for_each(without_birth),
        _ => {}
    }
}

/// A template as this server serves it: the older ones write a birth that is null.
fn as_served(template: &Value, live: &Value) -> Value {
    let mut served = template.clone();
    if live.pointer("/metadata").is_some_and(|metadata| metadata.get(BIRTH) == Some(&Value::Null))
        && let Some(metadata) = served.pointer_mut("/metadata").and_then(Value::as_object_mut)
    {
        metadata.entry(BIRTH).or_insert(Value::Null);
    }
    served
}

/// Whether a revision is this template.
fn is_of(revision: &Revision, template: &Value) -> bool {
    let bare = |template: &Value| {
        let mut bare = template.clone();
        without_birth(&mut bare);
        bare
    };
    revision.template == *template || bare(&revision.template) == bare(template)
}

/// The template of a ReplicaSet without what its controller added.
fn template_of(set: &Value) -> Option<Value> {
    let mut template = set.pointer("/spec/template")?.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        for hash in HASHES {
            labels.remove(hash);
        }
    }
    if let Some(added) = note(set, "annotations", EPHEMERAL).and_then(|text| serde_json::from_str(text).ok())
    {
        take_out(&mut template, &added);
    }
    Some(template)
}

/// Takes labels and annotations out of a template again that were added to it.
fn take_out(template: &mut Value, added: &Value) {
    let Some(metadata) = template.pointer_mut("/metadata").and_then(Value::as_object_mut) else { return };
    for map in ["labels", "annotations"] {
        let keys = added.get(map).and_then(Value::as_object).into_iter().flat_map(|keys| keys.keys());
        let Some(entries) = metadata.get_mut(map).and_then(Value::as_object_mut) else { continue };
        for key in keys {
            entries.remove(key);
        }
        if entries.is_empty() {
            metadata.remove(map);
        }
    }
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

/// What comes of a Rollout's way back: it depends on what still runs.
fn follows(facts: &Facts, sets: &[Value], revision: u64) -> String {
    let rollout = Rollout(&facts.live);
    let set = sets.iter().find(|set| revision_of(set) == Some(revision));
    let hash = set.and_then(|set| note(set, "labels", HASHES[1]));
    let stable = hash.is_some_and(|hash| hash == rollout.stable());
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
    let runs = set.is_some_and(|set| {
        let kept = note(set, "annotations", KEPT_UNTIL).and_then(time);
        kept.is_some_and(|until| until > facts.now.wall.0) && count(set, "/spec/replicas").unwrap_or(0) > 0
    });
    // Its controller goes back at once, and forward it waits: what is older is told by whole seconds.
    let active = text(&facts.live, "/status/blueGreen/activeSelector");
    let live = sets.iter().find(|set| note(set, "labels", HASHES[1]) == Some(active));
    let born = |set: Option<&Value>| time(text(set?, "/metadata/creationTimestamp"));
    let older = born(set).zip(born(live)).is_some_and(|(set, live)| set < live);
    match (stable, rollout.is_blue_green(), runs, older) {
        (true, ..) => "it is the stable release: all goes back to it at once, without steps and pauses",
        (false, true, true, true) => {
            "its pods still run: the traffic goes to them at once, without a pause or an analysis"
        }
        (false, true, true, false) => "its pods still run; it waits for a promotion, where it does so",
        (false, true, false, _) => "its pods are made first; then it waits for a promotion, where it does so",
        (false, false, ..) => "it goes through all its steps, as a new release does",
    }
    .to_owned()
}

/// The revision that a workload has now; `None` when that cannot be told. The controllers of StatefulSets and DaemonSets put
/// no number on them: once they have seen the present template it is the revision that they name, else the newest.
fn current(facts: &Facts) -> Option<u64> {
    let own = facts.replica_sets.as_deref().unwrap_or_default();
    let seen = count(&facts.live, "/status/observedGeneration") >= count(&facts.live, "/metadata/generation");
    let named = match facts.object.kind {
        Kind::StatefulSet if seen => {
            let name = Some(text(&facts.live, "/status/updateRevision")).filter(|name| !name.is_empty());
            let named = own.iter().find(|one| name == Some(text(one, "/metadata/name")));
            named.and_then(|one| count(one, "/revision"))
        }
        Kind::StatefulSet | Kind::DaemonSet => None,
        _ => revision_of(&facts.live),
    };
    let newest = || match is_set(facts) && seen {
        true => revisions(own).first().map(|revision| revision.number),
        false => None,
    };
    let same = || {
        let now = facts.live.pointer("/spec/template")?;
        revisions(own).into_iter().find(|revision| is_of(revision, now)).map(|revision| revision.number)
    };
    named.or_else(newest).or_else(same)
}

/// Whether its revisions are ControllerRevisions.
fn is_set(facts: &Facts) -> bool {
    matches!(facts.object.kind, Kind::StatefulSet | Kind::DaemonSet)
}

/// The revision of the template that a Rollout had promoted last.
pub(super) fn stable_revision(facts: &Facts) -> Option<u64> {
    let stable = Rollout(&facts.live).stable();
    let set =
        facts.replica_sets.as_ref().ok()?.iter().find(|set| note(set, "labels", HASHES[1]) == Some(stable));
    revision_of(set?)
}

/// What follows for what is not steered by Argo Rollouts.
fn rolls(facts: &Facts, deadline: u64) -> String {
    let words = match facts.object.kind {
        Kind::DaemonSet => format!("its pod on every node replaced, within {deadline} s"),
        _ => format!("rollout of {} pods, within {deadline} s", facts.replicas()),
    };
    let ordered = facts.object.kind == Kind::StatefulSet
        && text(&facts.live, "/spec/podManagementPolicy") != "Parallel";
    match ordered {
        // Its controller waits for each pod to be ready, also for one of a template that never will be.
        true => {
            format!("{words}, one after another: a pod that is never ready holds it up until it is deleted")
        }
        false => words,
    }
}

/// The way back to the template that a workload has now: its revision is kept, whatever comes after it.
pub(super) fn back_to(facts: &Facts) -> Option<Way> {
    let revision = Some(current(facts)?);
    Some(Way::by_with("undo", With { revision, ..With::default() }))
}

impl Act for Undo {
    fn name(&self) -> &'static str {
        "undo"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Deployment, Kind::Rollout, Kind::StatefulSet, Kind::DaemonSet]
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
        if let Some((kind, other)) = Rollout(&facts.live).template_of() {
            return Err(format!(
                "The template of {name} stands in {}/{}: undo that one.",
                clean(&kind.to_lowercase()),
                clean(other)
            ));
        }
        let sets = facts
            .replica_sets
            .as_ref()
            .map_err(|why| format!("The revisions of {name} could not be read: {why}"))?;
        let all = revisions(sets);
        let before = at(&facts.live, "/spec/template");
        let current = current(facts);
        let kept = || all.iter().map(|one| one.number.to_string()).collect::<Vec<_>>().join(", ");
        let wanted = match intent.with.revision {
            Some(number) => all.iter().find(|revision| revision.number == number),
            None if current.is_none() && !all.is_empty() => {
                return Err(format!(
                    "Which revision {name} has now cannot be told: say which to go back to, of {}.",
                    kept()
                ));
            }
            None => all.iter().find(|revision| Some(revision.number) != current && !is_of(revision, &before)),
        };
        let Some(wanted) = wanted else {
            return Err(match intent.with.revision {
                Some(number) => format!("{name} keeps no revision {number}, only {}.", kept()),
                None => format!("{name} keeps no earlier revision to go back to."),
            });
        };
        // The number of a Deployment is written a moment after its template, and may be that of the one before.
        if is_of(wanted, &before) || is_set(facts) && Some(wanted.number) == current {
            return Err(format!("Revision {} is what {name} has already.", wanted.number));
        }
        let after = as_served(&wanted.template, &before);
        let touched = changed(facts, "template", "/spec/template", after.clone());
        let body = json!([
            {"op": "test", "path": "/metadata/uid", "value": text(&facts.live, "/metadata/uid")},
            {"op": "test", "path": "/spec/template", "value": before},
            {"op": "replace", "path": "/spec/template", "value": after},
        ]);
        let title = format!("undo {name} to revision {}", wanted.number);
        let step = step(&facts.object, title.clone(), "", Method::JsonPatch, body, false);
        let mut held = vec![touched];
        held.extend(super::held(&facts.object, &facts.live, HELD, &held));
        let expect = rolled_out(facts);
        let different = difference(&before, &wanted.template);
        Ok(Draft {
            words: match current {
                Some(current) => format!("revision {current} → {}: {different}", wanted.number),
                None => format!("to revision {}: {different}", wanted.number),
            },
            then: match (facts.object.kind, &expect.goal) {
                (Kind::Rollout, _) => follows(facts, sets, wanted.number),
                (_, Goal::Stands) => super::ON_DELETE.to_owned(),
                _ => rolls(facts, expect.deadline),
            },
            back: match current {
                Some(current) => format!("undo again: revision {current} is kept, under a new number"),
                None => "none by key: no revision is known to hold what runs now".to_owned(),
            },
            way: back_to(facts),
            touched: held,
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
    use crate::change::rollouts::tests::blue_green;
    use crate::change::testing::{facts, facts_of, replica_set, template};

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

    #[test]
    fn a_rollout_gets_the_template_that_it_had_without_what_was_added_to_one_side() {
        let mut facts = facts_of(Kind::Rollout, blue_green());
        let mut set = replica_set(1, "1.30.4");
        set["metadata"]["annotations"] = json!({
            "rollout.argoproj.io/revision": "1", KEPT_UNTIL: "2026-11-21T14:33:00Z",
            EPHEMERAL: r#"{"labels":{"role":"preview"},"annotations":{"side":"b"}}"#,
        });
        set["metadata"]["labels"] = json!({HASHES[1]: "older"});
        set["spec"]["replicas"] = json!(4);
        let template = &mut set["spec"]["template"]["metadata"];
        template["labels"] = json!({"app": "cart", HASHES[1]: "older", "role": "preview"});
        template["annotations"] = json!({"side": "b"});
        set["metadata"]["creationTimestamp"] = json!("2026-11-21T14:00:00Z");
        let mut live = replica_set(2, "1.31.0");
        live["metadata"]["labels"] = json!({HASHES[1]: "old"});
        live["metadata"]["creationTimestamp"] = json!("2026-11-21T14:10:00Z");
        facts.replica_sets = Ok(vec![set.clone(), live.clone()]);
        let draft = Undo.draft(&wish(None), &facts).unwrap();
        let body = &draft.steps[0].request.body;
        assert_eq!(body[2]["value"]["metadata"], json!({"labels": {"app": "cart"}}));
        assert!(draft.then.contains("at once, without a pause"), "{}", draft.then);
        // To what is not older, or no longer kept, it goes as a new release does.
        live["metadata"]["creationTimestamp"] = json!("2026-11-21T14:00:00Z");
        facts.replica_sets = Ok(vec![set.clone(), live.clone()]);
        let then = Undo.draft(&wish(None), &facts).unwrap().then;
        assert_eq!(then, "its pods still run; it waits for a promotion, where it does so");
        live["metadata"]["creationTimestamp"] = json!("2026-11-21T14:10:00Z");
        set["metadata"]["annotations"][KEPT_UNTIL] = json!("2026-11-21T14:31:00Z");
        facts.replica_sets = Ok(vec![set.clone(), live]);
        assert!(Undo.draft(&wish(None), &facts).unwrap().then.starts_with("its pods are made first"));
        set["metadata"]["labels"] = json!({HASHES[1]: "old"});
        facts.replica_sets = Ok(vec![set]);
        assert!(Undo.draft(&wish(None), &facts).unwrap().then.contains("stable release"));
        facts.live["spec"]["workloadRef"] = json!({"kind": "Deployment", "name": "cart"});
        assert!(Undo.draft(&wish(None), &facts).unwrap_err().contains("deployment/cart"));
    }

    #[test]
    fn a_set_goes_back_by_its_controller_revisions() {
        let revision = |number: u64, release: &str| {
            let mut template = template(release);
            template["$patch"] = json!("replace");
            json!({"metadata": {"name": format!("cart-{number}")}, "revision": number,
                "data": {"spec": {"template": template}}})
        };
        let mut facts = facts_of(Kind::StatefulSet, facts().live);
        facts.live["status"]["updateRevision"] = json!("cart-7");
        facts.replica_sets = Ok(vec![revision(1, "1.29.0"), revision(7, "1.31.0"), revision(5, "1.30.4")]);
        let draft = Undo.draft(&wish(None), &facts).unwrap();
        assert_eq!(draft.words, "revision 7 → 5: cart 1.31.0 → 1.30.4");
        assert_eq!(
            draft.steps[0].request.body[2]["value"],
            template("1.30.4"),
            "without the patch's own word"
        );
        assert_eq!(draft.way.unwrap().with.revision, Some(7));
        assert!(draft.then.contains("holds it up until it is deleted"), "{}", draft.then);
        facts.live["spec"]["podManagementPolicy"] = json!("Parallel");
        assert!(!Undo.draft(&wish(None), &facts).unwrap().then.contains("holds it up"));
        // One is chosen from those that do not run now.
        let chosen: Vec<_> = kept(&facts).unwrap().into_iter().map(|one| (one.number, one.images)).collect();
        let image = |release: &str| vec![format!("registry.example/cart:{release}")];
        assert_eq!(chosen, [(5, image("1.30.4")), (1, image("1.29.0"))]);
        // A server of then wrote what the one of now leaves out.
        let mut old = revision(7, "1.31.0");
        old["data"]["spec"]["template"]["metadata"]["creationTimestamp"] = Value::Null;
        facts.replica_sets = Ok(vec![old, revision(1, "1.29.0")]);
        assert_eq!(Undo.draft(&wish(None), &facts).unwrap().words, "revision 7 → 1: cart 1.31.0 → 1.29.0");
        facts.object.kind = Kind::DaemonSet;
        let draft = Undo.draft(&wish(Some(1)), &facts).unwrap();
        assert!(draft.words.ends_with("1.31.0 → 1.29.0") && draft.then.starts_with("its pod on every node"));
    }

    #[test]
    fn what_a_set_has_now_is_never_gone_back_to() {
        // Written by a server of then: what this one fills in stands in none of them, so that no two templates are equal.
        let revision = |number: u64, release: &str| {
            let mut template = template(release);
            template["spec"]["securityContext"] = json!({});
            template["spec"]["volumes"] = json!([{"name": "data", "ephemeral": {"volumeClaimTemplate":
                {"metadata": {"creationTimestamp": null}, "spec": {}}}}]);
            json!({"metadata": {"name": format!("cart-{number}")}, "revision": number,
                "data": {"spec": {"template": template}}})
        };
        let mut facts = facts_of(Kind::StatefulSet, facts().live);
        facts.replica_sets = Ok(vec![revision(5, "1.30.4"), revision(7, "1.31.0")]);
        facts.live["status"]["updateRevision"] = json!("cart-7");
        assert_eq!(Undo.draft(&wish(None), &facts).unwrap().title, "undo sts/cart to revision 5");
        assert_eq!(kept(&facts).unwrap().iter().map(|one| one.number).collect::<Vec<_>>(), [5]);
        assert!(Undo.draft(&wish(Some(7)), &facts).unwrap_err().contains("has already"));
        assert_eq!(back_to(&facts).unwrap().with.revision, Some(7));
        facts.live["status"]["updateRevision"] = json!("cart-5");
        assert_eq!(Undo.draft(&wish(None), &facts).unwrap().title, "undo sts/cart to revision 7");
        // The controller of a DaemonSet gives the present one the highest number.
        facts.object.kind = Kind::DaemonSet;
        assert_eq!(Undo.draft(&wish(None), &facts).unwrap().title, "undo ds/cart to revision 5");
        // It has not seen the newest template, and none is like it.
        facts.live["status"]["observedGeneration"] = json!(3);
        let why = Undo.draft(&wish(None), &facts).unwrap_err();
        assert_eq!(why, "Which revision ds/cart has now cannot be told: say which to go back to, of 7, 5.");
        assert!(Undo.draft(&wish(Some(5)), &facts).is_ok());
        assert_eq!(kept(&facts).unwrap().len(), 2, "any of them may be another one");
        let mut like = revision(6, "1.31.0");
        like["data"]["spec"]["template"]["spec"].as_object_mut().unwrap().remove("securityContext");
        facts.live["spec"]["template"] = like["data"]["spec"]["template"].clone();
        without_birth(&mut facts.live["spec"]["template"]);
        facts.replica_sets = Ok(vec![revision(5, "1.30.4"), like]);
        assert_eq!(Undo.draft(&wish(None), &facts).unwrap().title, "undo ds/cart to revision 5");
    }
}
