//! The registry of actions: each is one file, and one line in [`ALL`]. Screen, palette and command line know them by
//! the name that they have here.

mod cordon;
mod delete;
mod drain;
mod hold;
mod promote;
mod restart;
mod scale;
mod switch;
mod trigger;
mod undo;

pub(in crate::change) use scale::limits;
pub(in crate::change) use trigger::begun;
pub use undo::{Revision, revisions};

use serde_json::{Value, json};

use super::gates::{Gate, Weight};
use super::gather::{Facts, Needs};
use super::guard::Guard;
use super::intent::{Intent, Verb, With};
use super::json::{count, nest};
use super::plan::{BEING, Expect, Goal, Method, Request, Right, Step, Touched};
use crate::connect::paths;
use crate::domain::id::{Kind, ObjectRef};

/// All actions, in the order in which they are listed.
pub static ALL: &[&dyn Act] = &[
    &scale::Scale,
    &restart::Restart,
    &undo::Undo,
    &hold::Pause,
    &hold::Suspend,
    &hold::Resume,
    &trigger::Trigger,
    &delete::Delete,
    &cordon::Cordon,
    &cordon::Uncordon,
    &drain::Drain,
    &promote::Step,
    &promote::Full,
    &promote::Abort,
    &promote::Retry,
    &switch::Switch,
];

/// The action of a name.
#[must_use]
pub fn named(name: &str) -> Option<Verb> {
    ALL.iter().find(|act| act.name() == name).map(|act| Verb(*act))
}

/// The action that a row of the table of keys means.
#[must_use]
pub fn of_row(row: &str) -> Option<Verb> {
    ALL.iter().find(|act| act.row() == row).map(|act| Verb(*act))
}

/// One way to change something.
pub trait Act: Sync {
    /// Its name: in the table of keys, in the palette, on the command line, in the journal.
    fn name(&self) -> &'static str;

    /// Its name in the table of keys, where another thing has its own there.
    fn row(&self) -> &'static str {
        self.name()
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
    /// How the way back is asked for, where the same action leads it.
    pub back_with: Option<With>,
    /// What has to come true.
    pub expect: Vec<Expect>,
    /// It is a way out of trouble.
    pub mitigates: bool,
    /// How many pods more (or fewer) there will be.
    pub pods: i64,
}

/// Who says in managedFields that he wrote it.
const MANAGER: &str = "?fieldManager=pilothouse";

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
            assert_eq!(of_row(act.row()).map(|verb| verb.name()), Some(act.name()));
        }
    }
}
