//! The registry of actions: each is one file, and one line in [`ALL`]. What a key begins, what the palette and the help
//! know, and the commands of the command line follow from it; `tests/house` holds that none is left out anywhere.

// One file an action.
mod abort;
mod cordon;
mod delete;
mod drain;
mod pause;
mod promote_full;
mod promote_step;
mod restart;
mod resume;
mod retry;
mod scale;
mod suspend;
mod switch;
mod trigger;
mod uncordon;
mod undo;

// What several of them share.
mod holding;
mod nodes;
mod steering;

pub(in crate::change) use scale::{limits, scaler};
pub(in crate::change) use steering::unpaused;
pub(in crate::change) use trigger::begun;
pub use undo::{Kept, kept};

use serde_json::{Value, json};

use super::gates::{Gate, Weight};
use super::gather::{Facts, Needs};
use super::guard::Guard;
use super::intent::{Intent, Verb, Way};
use super::json::{at, count, list, nest, text};
use super::plan::{BEING, Expect, Goal, Method, Request, Right, Step, Touched};
use crate::connect::paths;
use crate::domain::id::{Kind, ObjectRef};

/// All actions, in the order in which they are listed.
pub static ALL: &[&dyn Act] = &[
    &scale::Scale,
    &restart::Restart,
    &undo::Undo,
    &pause::Pause,
    &suspend::Suspend,
    &resume::Resume,
    &trigger::Trigger,
    &delete::Delete,
    &cordon::Cordon,
    &uncordon::Uncordon,
    &drain::Drain,
    &promote_step::PromoteStep,
    &promote_full::PromoteFull,
    &abort::Abort,
    &retry::Retry,
    &switch::Switch,
];

/// The action of a name.
#[must_use]
pub fn named(name: &str) -> Option<Verb> {
    ALL.iter().find(|act| act.name() == name).map(|act| Verb(*act))
}

/// The actions that a row of the table of keys means: the one that is called so there, or those that it asks about.
pub fn of_row(row: &str) -> impl Iterator<Item = Verb> {
    ALL.iter().filter(move |act| act.row() == row || act.asked_by() == row).map(|act| Verb(*act))
}

/// One way to change something.
pub trait Act: Sync {
    /// Its name: in the table of keys, in the palette, on the command line, in the journal.
    fn name(&self) -> &'static str;

    /// Its name in the table of keys, where another thing has its own there.
    fn row(&self) -> &'static str {
        self.name()
    }

    /// The row of the table of keys that asks which of several actions is meant, and offers this one among them.
    fn asked_by(&self) -> &'static str {
        ""
    }

    /// What it can be done to.
    fn kinds(&self) -> &'static [Kind];

    /// Whether one plan may be about several objects: each gate is then right for each of them alone and for all
    /// together.
    fn several(&self) -> bool {
        false
    }

    /// What has to be read to plan it.
    fn needs(&self) -> Needs;

    /// The gates, with how each counts. For a mitigation some of those that judge inform, whatever stands here
    /// ([`Gate::yields`]).
    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)];

    /// How it is done to one object.
    ///
    /// # Errors
    /// It cannot be, for this reason.
    fn draft(&self, intent: &Intent, facts: &Facts) -> Result<Draft, String>;

    /// What leads back where this was asked for as a way back and cannot any more, as it stands now.
    fn instead(&self, intent: &Intent, facts: &Facts) -> Option<Way> {
        let _ = (intent, facts);
        None
    }

    /// The way back from the first of several steps, where no other was done and it is not that from all.
    fn way_from_first(&self) -> Option<Way> {
        None
    }

    /// What is watched afterwards, where that is more than that it comes true.
    fn guard(&self, intent: &Intent, facts: &Facts) -> Option<Guard> {
        let _ = (intent, facts);
        None
    }
}

/// What an action would do to one object.
#[derive(Clone, Debug)]
pub struct Draft {
    /// `scale deploy/cart 3 → 5`
    pub title: String,
    /// `replicas 3 → 5`
    pub words: String,
    /// The values that change.
    pub touched: Vec<Touched>,
    /// The requests.
    pub steps: Vec<Step>,
    /// What follows, in words.
    pub then: String,
    /// The way back, in words.
    pub back: String,
    /// How the way back is asked for, where a key can.
    pub way: Option<Way>,
    /// What has to come true.
    pub expect: Vec<Expect>,
    /// It is a way out of trouble.
    pub mitigates: bool,
    /// How many pods more (or fewer) there will be.
    pub pods: i64,
}

/// Who says in managedFields that he wrote it.
const MANAGER: &str = "?fieldManager=pilothouse";

/// A value of an object, as it is and as it is to be.
fn changed(facts: &Facts, what: &str, pointer: &str, after: Value) -> Touched {
    Touched {
        object: facts.object.clone(),
        what: what.to_owned(),
        pointer: pointer.to_owned(),
        before: at(&facts.live, pointer),
        after,
    }
}

/// A merge patch of these values, held to the object's uid and newest version.
fn merge(
    object: &ObjectRef,
    uid: &str,
    title: String,
    subresource: &'static str,
    touched: &[&Touched],
) -> Step {
    let mut body = json!({"metadata": {"uid": uid}});
    for value in touched {
        put(&mut body, nest(&value.pointer, value.after.clone()));
    }
    step(object, title, subresource, Method::Merge, body, true)
}

/// Adds one tree of objects to another.
fn put(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                put(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn step(
    object: &ObjectRef,
    title: String,
    subresource: &'static str,
    method: Method,
    body: Value,
    versioned: bool,
) -> Step {
    let (group, _, resource) = object.kind.api();
    let mut path = paths::path(object);
    if !subresource.is_empty() {
        path.push('/');
        path.push_str(subresource);
    }
    path.push_str(MANAGER);
    let right = Right {
        verb: "patch",
        group,
        resource,
        subresource,
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    };
    Step { title, object: object.clone(), request: Request { method, path, body, right }, versioned }
}

/// That a pod be evicted, held to its uid.
fn eviction(pod: &ObjectRef) -> Step {
    let body = json!({
        "apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": &*pod.name, "namespace": &*pod.namespace},
        "deleteOptions": {"preconditions": {"uid": pod.uid.to_string()}},
    });
    let title = format!("evict {}/{}", pod.namespace, pod.name);
    let mut step = step(pod, title, "eviction", Method::Evict, body, false);
    step.request.right.verb = "create";
    // One answer for all pods of the namespace.
    step.request.right.name = "".into();
    step
}

/// That an object is there, or is no more.
fn being(object: &ObjectRef, what: &str, before: bool, after: bool) -> Touched {
    let told = |there: bool| if there { json!(&*object.name) } else { Value::Null };
    Touched {
        object: object.clone(),
        what: what.to_owned(),
        pointer: BEING.to_owned(),
        before: told(before),
        after: told(after),
    }
}

/// Values that are not changed and must stand until the request is sent as they were read: what the plan shows, and what
/// it is judged by afterwards. What is changed besides is left out.
fn held(object: &ObjectRef, live: &Value, values: &[(&str, &str)], changed: &[Touched]) -> Vec<Touched> {
    let is_changed = |pointer: &str| {
        let of_it = changed.iter().filter(|value| value.object == *object);
        of_it.into_iter().any(|value| value.pointer == pointer)
    };
    let ruled = |pointer: &str| pointer == "/spec/replicas" && is_scaled(live);
    let others = values.iter().filter(|(_, pointer)| !is_changed(pointer) && !ruled(pointer));
    others
        .map(|(what, pointer)| {
            let now = at(live, pointer);
            Touched {
                object: object.clone(),
                what: (*what).to_owned(),
                pointer: (*pointer).to_owned(),
                before: now.clone(),
                after: now,
            }
        })
        .collect()
}

/// Whether an autoscaler has written the number of pods, and may at any moment again: such a number is nobody's decision
/// that a plan could be held to.
fn is_scaled(live: &Value) -> bool {
    let by = |entry: &Value| {
        let manager = text(entry, "/manager");
        text(entry, "/subresource") == "scale"
            && ["kube-controller-manager", "keda", "keda-operator"].contains(&manager)
    };
    list(live, "/metadata/managedFields").any(by)
}

/// What follows from a new template that no controller brings in.
const ON_DELETE: &str = "pods are made anew only when somebody deletes them (OnDelete)";

/// Seconds that a rollout of an object may take.
fn rollout_deadline(live: &Value) -> u64 {
    const SPARE: u64 = 30;
    count(live, "/spec/progressDeadlineSeconds").unwrap_or(600) + SPARE
}

/// That a new template runs everywhere.
fn rolled_out(facts: &Facts) -> Expect {
    let by_hand = facts.live.pointer("/spec/updateStrategy/type") == Some(&json!("OnDelete"));
    let (goal, deadline) =
        if by_hand { (Goal::Stands, 10) } else { (Goal::RolledOut, rollout_deadline(&facts.live)) };
    Expect { object: facts.object.clone(), goal, deadline }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_pods_is_held_unless_an_autoscaler_writes_it() {
        let facts = crate::change::testing::facts();
        let mut live = facts.live.clone();
        let replicas = [("replicas", "/spec/replicas")];
        assert_eq!(held(&facts.object, &live, &replicas, &[]).len(), 1);
        for (manager, subresource, count) in [
            ("kube-controller-manager", "status", 1),
            ("kubectl", "scale", 1),
            ("kube-controller-manager", "scale", 0),
        ] {
            live["metadata"]["managedFields"] = json!([{"manager": manager, "subresource": subresource}]);
            assert_eq!(held(&facts.object, &live, &replicas, &[]).len(), count, "{manager} {subresource}");
        }
    }

    #[test]
    fn every_action_has_its_own_name_and_is_found_by_it() {
        for act in ALL {
            assert_eq!(named(act.name()).map(|verb| verb.name()), Some(act.name()));
            assert!(!act.kinds().is_empty() && !act.gates().is_empty(), "{}", act.name());
        }
        assert!(named("demolish").is_none());
    }

    #[test]
    fn every_action_is_in_the_table_of_keys() {
        for act in ALL {
            assert!(crate::action::Action::from_name(act.row()).is_some(), "{}", act.row());
            assert_eq!(of_row(act.row()).map(|verb| verb.name()).collect::<Vec<_>>(), [act.name()]);
            let asked = act.asked_by();
            assert!(asked.is_empty() || crate::action::Action::from_name(asked).is_some(), "{asked}");
        }
    }

    #[test]
    fn what_can_be_taken_back_says_by_which_action() {
        use crate::change::rollouts::tests::canary;
        use crate::change::testing::{cron_job, facts, facts_of, node, replica_set};
        let way = |verb: &str, facts: &Facts| {
            let verb = named(verb).unwrap();
            let draft =
                verb.draft(&Intent { verb, objects: Vec::new(), with: Default::default() }, facts).unwrap();
            let way = draft.way?;
            assert!(verb.back_by(&way).is_some(), "{way:?} is in no registry");
            Some((way.action, way.with.revision))
        };
        let by = |action: &str| Some((action.to_owned(), None));
        let mut deployment = facts();
        assert_eq!(way("pause", &deployment), by("resume"));
        assert_eq!(way("restart", &deployment), Some(("undo".to_owned(), Some(4))));
        deployment.replica_sets = Ok(vec![replica_set(2, "1.30.4"), replica_set(4, "1.31.0")]);
        assert_eq!(way("undo", &deployment), Some(("undo".to_owned(), Some(4))));
        deployment.live["spec"]["paused"] = json!(true);
        assert_eq!(way("resume", &deployment), by("pause"));
        let mut set = facts_of(Kind::StatefulSet, facts().live);
        assert_eq!(way("restart", &set), None, "its revision is not known");
        let kept = json!({"revision": 3, "data": {"spec": {"template": facts().live["spec"]["template"]}}});
        set.replica_sets = Ok(vec![kept]);
        assert_eq!(way("restart", &set), Some(("undo".to_owned(), Some(3))));
        set.object.kind = Kind::Rollout;
        assert_eq!(way("restart", &set), None, "a Rollout makes no revision of it");
        let mut cron = facts_of(Kind::CronJob, cron_job());
        assert_eq!(way("suspend", &cron), by("resume"));
        cron.live["spec"]["suspend"] = json!(true);
        assert_eq!(way("resume", &cron), by("suspend"));
        let mut node = facts_of(Kind::Node, node());
        assert_eq!(way("cordon", &node), by("uncordon"));
        node.live["spec"]["unschedulable"] = json!(true);
        assert_eq!(way("uncordon", &node), by("cordon"));
        let rollout = facts_of(Kind::Rollout, canary());
        assert_eq!(way("promote-step", &rollout), by("abort"));
        assert_eq!(way("promote-full", &rollout), by("abort"));
        assert_eq!(way("abort", &rollout), by("retry"));
    }
}
