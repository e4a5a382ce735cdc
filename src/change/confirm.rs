//! Confirmation: the sole maker of what [`super::execute`] accepts. The compiler holds that nobody sends what was not
//! confirmed, since [`Confirmed`] cannot be made anywhere else.

use std::sync::atomic::{AtomicBool, Ordering};

use super::plan::{Challenge, GOOD_FOR, Plan};
use crate::domain::time::Now;

/// A plan that a person has confirmed. It is executed once.
#[derive(Debug)]
pub struct Confirmed {
    plan: Plan,
    reason: String,
    how: How,
    used: AtomicBool,
}

impl Confirmed {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Why, in the person's words; empty when nothing had to be said.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// How it was confirmed.
    #[must_use]
    pub fn how(&self) -> How {
        self.how
    }

    /// Takes the right to execute; true the first time alone.
    pub(super) fn take(&self) -> bool {
        !self.used.swap(true, Ordering::AcqRel)
    }
}

// One confirmation is never the same as another, however alike their plans are.
impl PartialEq for Confirmed {
    fn eq(&self, other: &Confirmed) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Confirmed {}

/// How something was confirmed, for the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A key, after the plan was drawn.
    Key,
    /// The typed name of the environment, after the plan was drawn.
    Name,
    /// A flag of the command line.
    Flag,
}

impl How {
    /// Its word in the journal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            How::Key => "key",
            How::Name => "name",
            How::Flag => "flag",
        }
    }
}

/// What a person answers to a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// He says yes.
    pub yes: bool,
    /// The name that he typed.
    pub name: String,
    /// Why he does it.
    pub reason: String,
    /// By a flag of the command line.
    pub flag: bool,
}

/// Why a plan is not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is too old: it has to be made anew.
    Stale,
    /// Gates fail that nothing overrides.
    Final(String),
    /// Gates fail, and why it is done all the same was not said.
    Reason(String),
    /// Nobody said yes.
    NotConfirmed(String),
}

impl Refusal {
    /// Why, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Refusal::Stale => format!("The plan is older than {GOOD_FOR} s: it has to be made anew."),
            Refusal::Final(gates) => format!("It cannot be done: {gates}."),
            Refusal::Reason(gates) => format!("It wants a reason: {gates}."),
            Refusal::NotConfirmed(words) => words.clone(),
        }
    }
}

/// Confirms a plan.
///
/// # Errors
/// It may not be done, or not by this answer.
pub fn confirm(plan: Plan, answer: &Answer, now: Now) -> Result<Confirmed, Refusal> {
    if plan.good_for(now) == 0 {
        return Err(Refusal::Stale);
    }
    let name = |judged: &super::gates::Judged| format!("{}: {}", judged.gate, judged.why);
    let finals: Vec<String> = plan.refused_by().map(name).collect();
    if !finals.is_empty() {
        return Err(Refusal::Final(finals.join("; ")));
    }
    let overridden: Vec<String> = plan.overridden().map(name).collect();
    let reason = answer.reason.trim();
    if !overridden.is_empty() && reason.is_empty() {
        return Err(Refusal::Reason(overridden.join("; ")));
    }
    let how = match plan.challenge() {
        Challenge::Yes if answer.yes => How::Key,
        Challenge::Yes => return Err(Refusal::NotConfirmed("It was not confirmed.".to_owned())),
        Challenge::Name(name) if answer.name == *name => How::Name,
        Challenge::Name(name) => {
            return Err(Refusal::NotConfirmed(format!("{name} is protected: it is confirmed by its name.")));
        }
    };
    let how = if answer.flag { How::Flag } else { how };
    let reason = crate::text::clean(reason).into_owned();
    Ok(Confirmed { plan, reason, how, used: AtomicBool::new(false) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::change::gates::{Judged, Verdict, Weight};
    use crate::change::testing::{NOW, order};

    fn plan() -> Plan {
        Plan {
            order: order(5),
            title: String::new(),
            lines: Vec::new(),
            touched: Vec::new(),
            gates: Vec::new(),
            steps: Vec::new(),
            then: String::new(),
            back: String::new(),
            way: None,
            mitigates: true,
            expects: Vec::new(),
            guard: None,
            beside: Vec::new(),
            kube_user: None,
            made: NOW,
        }
    }

    fn failed(overridable: bool, weight: Weight) -> Judged {
        let (why, way_out) = ("x".to_owned(), None);
        Judged { gate: "g", verdict: Verdict::Fail, why, way_out, weight, fails: true, overridable }
    }

    fn yes() -> Answer {
        Answer { yes: true, ..Answer::default() }
    }

    #[test]
    fn a_yes_is_enough_where_nothing_is_protected() {
        let confirmed = confirm(plan(), &yes(), NOW).unwrap();
        assert!(confirmed.take() && !confirmed.take(), "once");
        assert!(matches!(confirm(plan(), &Answer::default(), NOW), Err(Refusal::NotConfirmed(_))));
    }

    #[test]
    fn a_protected_place_wants_its_name_and_nothing_else() {
        let mut plan = plan();
        plan.order.place.protected = true;
        assert!(matches!(confirm(plan.clone(), &yes(), NOW), Err(Refusal::NotConfirmed(_))));
        let named = Answer { name: "staging".to_owned(), ..Answer::default() };
        assert_eq!(confirm(plan, &named, NOW).unwrap().how(), How::Name);
    }

    #[test]
    fn an_old_plan_is_never_confirmed() {
        let later = |seconds| Now { mono: NOW.mono + Duration::from_secs(seconds), ..NOW };
        assert!(confirm(plan(), &yes(), later(59)).is_ok());
        assert_eq!(confirm(plan(), &yes(), later(60)).unwrap_err(), Refusal::Stale);
    }

    #[test]
    fn what_fails_wants_a_reason_or_ends_it() {
        let with = |judged| Plan { gates: vec![judged], ..plan() };
        let reasoned = Answer { reason: " cart burns ".to_owned(), ..yes() };
        let overridable = with(failed(true, Weight::Judges));
        assert!(matches!(confirm(overridable.clone(), &yes(), NOW), Err(Refusal::Reason(_))));
        assert_eq!(confirm(overridable, &reasoned, NOW).unwrap().reason(), "cart burns");
        let last = with(failed(false, Weight::Judges));
        assert!(matches!(confirm(last, &reasoned, NOW), Err(Refusal::Final(_))));
        assert!(confirm(with(failed(false, Weight::Informs)), &yes(), NOW).is_ok());
    }
}
