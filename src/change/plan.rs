//! A plan: an intent worked out against the present state. It says what would happen, what speaks against it and by
//! which requests, and changes nothing.

use serde_json::Value;

use super::gates::{Judged, Weight};
use super::guard::Guard;
use super::intent::{Order, Way};
pub use super::rollouts::Wish;
use crate::domain::id::{Kind, Name, ObjectRef, Uid};
use crate::domain::time::Now;

/// How long a plan is good, in seconds: what was read longer ago is no ground to act on.
pub const GOOD_FOR: u64 = 60;

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What was asked for.
    pub order: Order,
    /// `scale deploy/cart 3 → 5`
    pub title: String,
    /// A line for each object.
    pub lines: Vec<Line>,
    /// What is different afterwards, and what must not have changed until then.
    pub touched: Vec<Touched>,
    /// What speaks for and against it.
    pub gates: Vec<Judged>,
    /// The requests, in their order.
    pub steps: Vec<Step>,
    /// What happens after them, in words.
    pub then: String,
    /// The way back, in words.
    pub back: String,
    /// How the way back is asked for, where a key can.
    pub way: Option<Way>,
    /// It is a way out of trouble: alerts, freezes and backups do not stand in its way.
    pub mitigates: bool,
    /// What has to come true, for each object.
    pub expects: Vec<Expect>,
    /// What is watched afterwards, where that is more than that it comes true.
    pub guard: Option<Guard>,
    /// Paths of the pods that an expectation is judged by besides its object.
    pub beside: Vec<(ObjectRef, String)>,
    /// The user as the cluster names him.
    pub kube_user: Option<String>,
    /// When the oldest of its reads began.
    pub made: Now,
}

/// What happens to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which, by the uid that it has now.
    pub object: ObjectRef,
    /// `replicas 3 → 5`
    pub words: String,
}

/// One value that is changed; or one that is not, and must still be what it is when the request is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    /// Of which object.
    pub object: ObjectRef,
    /// What it is called among people: `replicas`.
    pub what: String,
    /// Where it stands in the object (RFC 6901).
    pub pointer: String,
    /// As it is; null when it is not there.
    pub before: Value,
    /// As it is to be.
    pub after: Value,
}

impl Touched {
    /// Whether it is changed, and not only held to what it is.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.before != self.after
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `scale deploy/cart to 5`
    pub title: String,
    /// What it changes.
    pub object: ObjectRef,
    /// The request.
    pub request: Request,
    /// Whether the newest resourceVersion goes into it (`metadata.resourceVersion` of a merge patch), so that the
    /// server refuses when anything has changed since the last look.
    pub versioned: bool,
}

impl Step {
    /// Whether a value is set by it: of one of several steps on the same object those that stand in its body.
    #[must_use]
    pub fn sets(&self, value: &Touched) -> bool {
        self.object == value.object && self.request.body.pointer(&value.pointer).is_some()
    }
}

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The body; null for none.
    pub body: Value,
    /// What may be asked with a SelfSubjectAccessReview.
    pub right: Right,
}

/// How something is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A merge patch (RFC 7396).
    Merge,
    /// A JSON patch (RFC 6902), whose `test`s the server holds before anything else.
    JsonPatch,
    /// Deletes the object of the step; the body is a DeleteOptions with the uid as a precondition.
    Delete,
    /// Makes a new object, which the body names; the object of the step is what it is made from.
    Create,
    /// Asks that the pod of the step be evicted: the server says no while a disruption budget forbids it.
    Evict,
}

impl Method {
    /// The HTTP verb.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Method::Merge | Method::JsonPatch => "PATCH",
            Method::Delete => "DELETE",
            Method::Create | Method::Evict => "POST",
        }
    }

    /// The content type of the body.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Method::Merge => "application/merge-patch+json",
            Method::JsonPatch => "application/json-patch+json",
            Method::Delete | Method::Create | Method::Evict => "application/json",
        }
    }
}

/// A right that a request needs, as RBAC names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Right {
    /// `patch`, `create`...
    pub verb: &'static str,
    /// API group.
    pub group: &'static str,
    /// Plural.
    pub resource: &'static str,
    /// Subresource, or empty.
    pub subresource: &'static str,
    /// Namespace.
    pub namespace: Name,
    /// Object.
    pub name: Name,
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(f, " ({})", self.group)?;
        }
        Ok(())
    }
}

/// What has to come true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Of which object.
    pub object: ObjectRef,
    /// What.
    pub goal: Goal,
    /// Within so many seconds.
    pub deadline: u64,
}

/// What can come true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The values stand as they were set.
    Stands,
    /// So many pods are ready.
    Scaled(u32),
    /// Every pod is of the new template, and ready.
    RolledOut,
    /// The object is gone, or another one has its name.
    Gone,
    /// The pod is gone, and so many pods of what controlled it are ready without it.
    Replaced {
        /// What controlled it.
        controller: Uid,
        /// Ready pods of it, at least.
        ready: u32,
    },
    /// A Job has begun: a pod of it runs, or has ended well.
    Begun,
    /// No pod that can be evicted is left on the node.
    Drained,
    /// An Argo Rollout does what was asked of it.
    Rollout(Wish),
}

impl Goal {
    /// Whether it is told by the object alone, which stands as long as it is so.
    #[must_use]
    pub fn is_of_what_stands(&self) -> bool {
        let of_spec = [Goal::Stands, Goal::RolledOut, Goal::Begun].contains(self);
        of_spec || matches!(self, Goal::Scaled(_) | Goal::Rollout(Wish::Restarted(..)))
    }
}

/// Where it stands whether an object is there: its name when it is, null when it is not.
pub const BEING: &str = "/metadata/name";

/// What a confirmation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// `y`
    Yes,
    /// This text, typed.
    Name(Name),
}

/// An object as people call it: `deploy/cart`, `node/worker-1`.
#[must_use]
pub fn called(object: &ObjectRef) -> String {
    let kind = match object.kind {
        Kind::Node => "node",
        Kind::Pod => "pod",
        kind => kind.short(),
    };
    format!("{kind}/{}", object.name)
}

impl Plan {
    /// Seconds for which it may still be confirmed.
    #[must_use]
    pub fn good_for(&self, now: Now) -> u64 {
        GOOD_FOR.saturating_sub(now.mono.saturating_sub(self.made.mono).as_secs())
    }

    /// What a person has to type.
    #[must_use]
    pub fn challenge(&self) -> Challenge {
        match &self.order.place {
            place if place.protected => Challenge::Name(place.name().clone()),
            _ => Challenge::Yes,
        }
    }

    /// Gates that fail and that nothing overrides.
    pub fn refused_by(&self) -> impl Iterator<Item = &Judged> {
        self.failing().filter(|judged| !judged.overridable)
    }

    /// Gates that fail and may be overridden with a reason.
    pub fn overridden(&self) -> impl Iterator<Item = &Judged> {
        self.failing().filter(|judged| judged.overridable)
    }

    fn failing(&self) -> impl Iterator<Item = &Judged> {
        self.gates.iter().filter(|judged| judged.weight == Weight::Judges && judged.fails)
    }
}
