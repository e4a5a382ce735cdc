//! A change on the screen, from the key to its end: how many, which revision, the plan, what is being done. And what
//! is being done while nobody looks, and what an earlier program left without an outcome.

use std::time::Duration;

use tui_input::Input;

use crate::change::execute::StepState;
use crate::change::guard::Guarded;
use crate::change::intent::{Order, Way, With};
use crate::change::plan::{Challenge, Plan};
use crate::change::standing::Stand;
use crate::domain::id::{ClusterId, Kind, Name, ObjectRef};
use crate::journal::{End, Entry, Outcome};
use crate::msg::RequestId;

/// What lies over the panes while a change is asked for.
#[derive(Debug)]
pub enum Sheet {
    /// How many.
    Number(Box<Number>),
    /// Which revision.
    Revision {
        /// The order without it.
        order: Box<Order>,
        /// Revisions to go back to, with what each runs.
        revisions: Vec<(u64, String)>,
        /// The chosen one.
        at: usize,
    },
    /// Which of several changes.
    Which {
        /// An order each.
        orders: Vec<Order>,
        /// The chosen one.
        at: usize,
    },
    /// It is being planned.
    Planning {
        /// The question.
        request: RequestId,
        /// What is planned.
        order: Box<Order>,
        /// What was typed as a reason before the plan was made anew.
        reason: String,
        /// How often a plan of it has grown old.
        remade: u8,
    },
    /// The plan.
    Ready(Box<Ready>),
    /// There is no plan, for this reason.
    NoPlan(String),
    /// It is being done, or has been.
    Running(RequestId),
    /// Which of those that are being done, or have been; the newest first.
    Runs {
        /// The chosen one.
        at: usize,
    },
}

/// How many pods.
#[derive(Debug)]
pub struct Number {
    /// The order without it.
    pub order: Order,
    /// What is now: the replicas, or the least and the most.
    pub now: Vec<u32>,
    /// What is wanted.
    pub wanted: Vec<u32>,
    /// Which of them is being changed.
    pub at: usize,
    /// The autoscaler that rules the number.
    pub ruled_by: Option<Name>,
    /// It is switched off, since no pod is wanted: a number switches it on again.
    pub off: bool,
    /// A digit goes on with what was typed, and does not begin anew.
    pub typing: bool,
}

impl Number {
    /// What the action is told.
    #[must_use]
    pub fn with(&self) -> With {
        match (self.wanted.as_slice(), self.ruled_by.as_ref().filter(|_| !self.off)) {
            // Neither least nor most: switched off.
            ([0, 0], Some(_)) => With { replicas: Some(0), ..With::default() },
            ([min, max], Some(_)) => With { min: Some(*min), max: Some(*max), ..With::default() },
            (wanted, _) => With { replicas: wanted.first().copied(), ..With::default() },
        }
    }
}

/// A plan that can be confirmed.
#[derive(Debug)]
pub struct Ready {
    /// The plan.
    pub plan: Plan,
    /// It has been drawn: keys that come from now on may confirm it.
    pub drawn: bool,
    /// Why it is done.
    pub reason: Input,
    /// The typed name of the environment.
    pub name: Input,
    /// What is being typed.
    pub field: Field,
    /// The exact requests are shown.
    pub requests: bool,
    /// Lines that are scrolled away.
    pub scroll: u16,
    /// How often a plan of it has grown old.
    pub remade: u8,
    /// The settings that it was made by, where that is known.
    pub settings: Option<u64>,
}

/// What is being typed to a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Nothing: keys answer at once.
    None,
    /// Why.
    Reason,
    /// The name of the environment.
    Name,
}

impl Ready {
    /// A plan that was just made.
    #[must_use]
    pub fn new(plan: Plan, reason: String, remade: u8) -> Ready {
        let mut ready = Ready {
            drawn: false,
            reason: Input::new(reason),
            name: Input::default(),
            field: Field::None,
            requests: false,
            scroll: 0,
            remade,
            settings: None,
            plan,
        };
        ready.field = if ready.wants_reason() { Field::Reason } else { ready.after_reason() };
        ready
    }

    /// Something has been typed to it.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        !self.reason.value().is_empty() || !self.name.value().is_empty()
    }

    /// Nothing overrides what speaks against it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.plan.refused_by().next().is_some()
    }

    /// A reason has to be typed.
    #[must_use]
    pub fn wants_reason(&self) -> bool {
        !self.is_refused() && self.plan.overridden().next().is_some()
    }

    /// What is typed when the reason is given.
    #[must_use]
    pub fn after_reason(&self) -> Field {
        match self.plan.challenge() {
            Challenge::Name(_) if !self.is_refused() => Field::Name,
            _ => Field::None,
        }
    }
}

/// Something that is being done, or has been.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number.
    pub request: RequestId,
    /// What was ordered: the way back begins with it.
    pub order: Order,
    /// What it is.
    pub title: String,
    /// Where.
    pub place: Name,
    /// Its steps, and where each is.
    pub steps: Vec<(String, Option<StepState>)>,
    /// How far it has come true.
    pub watching: String,
    /// What the guard of a switch sees.
    pub guard: Option<Box<Guarded>>,
    /// How the way back is asked for, where a key can.
    pub way: Option<Way>,
    /// The way back, in words.
    pub back: String,
    /// It is watched, and led back at once where that is asked for: that was confirmed with it.
    pub guarded: bool,
    /// How it ended.
    pub end: Option<End>,
    /// When it was begun.
    pub began: Duration,
}

impl Run {
    /// Whether it goes on with what an earlier program left, of this id in the journal, and has not ended.
    #[must_use]
    pub fn goes_on_with(&self, id: &str) -> bool {
        self.end.is_none() && self.order.around.instead_of.as_deref() == Some(id)
    }

    /// How far it is, in a few words.
    #[must_use]
    pub fn now(&self) -> String {
        let is = |wanted: StepState| move |(_, state): &&(String, Option<StepState>)| *state == Some(wanted);
        let done = self.steps.iter().filter(is(StepState::Done)).count();
        match self.steps.iter().find(is(StepState::Doing)) {
            _ if !self.watching.is_empty() => self.watching.clone(),
            Some((words, _)) if self.steps.len() > 1 => {
                format!("{done}/{} done, {words}", self.steps.len())
            }
            _ => "being sent".to_owned(),
        }
    }

    /// Whether a switch is being led back.
    #[must_use]
    pub fn is_turning(&self) -> bool {
        self.guard.as_ref().is_some_and(|guarded| !guarded.turning.is_empty())
    }

    /// Whether it is watched still, and can be led back at once.
    #[must_use]
    pub fn can_turn(&self) -> bool {
        self.end.is_none() && self.guarded && !self.is_turning()
    }

    /// What has a page on which the change is seen as it comes: the one workload or node that is changed.
    #[must_use]
    pub fn page(&self) -> Option<&ObjectRef> {
        let [object] = self.order.intent.objects.as_slice() else { return None };
        (object.kind.is_workload() || object.kind == Kind::Node).then_some(object)
    }

    /// The colour that a switch left behind, which nothing needs any more: it went well, and is over.
    #[must_use]
    pub fn left_behind(&self) -> Option<&Name> {
        let well = self.end.as_ref().is_some_and(|end| end.outcome == Outcome::Done);
        self.guard.as_ref().filter(|_| well).map(|guarded| &guarded.from)
    }

    /// Whether it has ended, and a plan can lead back from it. What was refused led nowhere.
    #[must_use]
    pub fn leads_back(&self) -> bool {
        let ended = self.end.as_ref().is_some_and(|end| end.outcome != Outcome::Refused);
        ended && self.way.is_some()
    }

    /// Whether that is offered: what was led back by itself wants no further way back.
    #[must_use]
    pub fn offers_back(&self) -> bool {
        self.leads_back() && !self.is_turning()
    }
}

/// Something that was begun by an earlier program and has no outcome.
#[derive(Clone, Debug)]
pub struct Abandoned {
    /// What the journal says.
    pub entry: Entry,
    /// The connection that leads there, where there is one.
    pub cluster: Option<ClusterId>,
    /// It has been asked how it stands.
    pub asked: bool,
    /// How it stands now.
    pub stand: Option<Stand>,
}
