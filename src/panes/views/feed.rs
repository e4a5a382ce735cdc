//! Something that a view asks again by itself while it is open.

use std::time::Duration;

use crate::domain::id::ObjectRef;
use crate::effect::{Effect, Question};
use crate::msg::RequestId;
use crate::shared::Shared;

/// Answers to one question, asked again from time to time. Answers to a number
/// that is no longer the newest are nobody's.
#[derive(Clone, Debug)]
pub struct Feed {
    every: Duration,
    request: RequestId,
    asked: Duration,
    waiting: bool,
    /// Whether an answer ever came.
    pub answered: bool,
    /// Why the newest question was not answered.
    pub failed: Option<String>,
}

impl Feed {
    /// Asked at most every so often.
    pub fn new(every: Duration) -> Feed {
        Feed {
            every,
            request: RequestId::default(),
            asked: Duration::ZERO,
            waiting: false,
            answered: false,
            failed: None,
        }
    }

    /// Asked at most every so often from now on.
    pub fn every(&mut self, every: Duration) {
        self.every = every;
    }

    /// Asks now. A question that still waits for its answer is given up.
    pub fn ask(&mut self, shared: &mut Shared, question: Question) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.waiting {
            effects.push(Effect::Cancel(self.request));
        }
        self.request = shared.new_request();
        self.asked = shared.now.mono;
        self.waiting = true;
        effects.push(Effect::Ask(self.request, question));
        effects
    }

    /// Whether it is time to ask again, and nothing is waited for.
    pub fn is_due(&self, shared: &Shared) -> bool {
        !self.waiting && shared.now.mono.saturating_sub(self.asked) >= self.every
    }

    /// Asks again when it is time and nothing is waited for.
    pub fn tick(&mut self, shared: &mut Shared, question: Question) -> Vec<Effect> {
        if !self.is_due(shared) {
            return Vec::new();
        }
        self.ask(shared, question)
    }

    /// Whether an answer is to the newest question; then it has been answered.
    pub fn answers(&mut self, request: RequestId) -> bool {
        let mine = self.waiting && request == self.request;
        if mine {
            self.waiting = false;
            self.failed = None;
            self.answered = true;
        }
        mine
    }

    /// The newest question was not answered, for this reason.
    pub fn fail(&mut self, why: &str) {
        self.failed = Some(crate::text::clean(why).into_owned());
    }

    /// The question that waits for its answer.
    pub fn request(&self) -> Option<RequestId> {
        self.waiting.then_some(self.request)
    }
}

/// Events are asked again this often.
pub const EVENTS_EVERY: Duration = Duration::from_secs(10);

/// The question for an object's events.
pub fn events_of(object: &ObjectRef) -> Question {
    Question::Events(object.clone())
}
