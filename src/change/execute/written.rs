//! What the journal is told before anything is sent.

use super::Execution;
use crate::change::plan::Plan;
use crate::change::redact::redacted;
use crate::domain::id::{ObjectRef, Uid};
use crate::journal::{self, Intention, Local, Who};

impl Execution<'_> {
    pub(super) fn intention(&self, reason: &str, how: &str, id: &str, now: jiff::Timestamp) -> Intention {
        intention(self.plan, self.means.local, reason, how, id, now)
    }
}

/// What is about to be done, by whom and why.
pub(super) fn intention(
    plan: &Plan,
    local: &Local,
    reason: &str,
    how: &str,
    id: &str,
    now: jiff::Timestamp,
) -> Intention {
    let object = |object: &ObjectRef, words: &str| journal::Object {
        kind: object.kind.word().to_owned(),
        namespace: object.namespace.to_string(),
        name: object.name.to_string(),
        // What is still to be made has none.
        uid: if object.uid == Uid::default() { String::new() } else { object.uid.to_string() },
        words: words.to_owned(),
    };
    let overridden: Vec<&str> = plan.overridden().map(|judged| judged.gate).collect();
    Intention {
        id: id.to_owned(),
        at: now.to_string(),
        action: plan.order.intent.verb.name().to_owned(),
        title: plan.title.clone(),
        environment: plan.order.place.environment.to_string(),
        context: plan.order.place.context.to_string(),
        server: plan.order.place.host().to_owned(),
        objects: plan.lines.iter().map(|line| object(&line.object, &line.words)).collect(),
        who: Who { local: local.clone(), kube: plan.kube_user.clone().unwrap_or_default() },
        reason: reason.to_owned(),
        confirmed: how.to_owned(),
        gates: plan
            .gates
            .iter()
            .map(|judged| journal::Gate {
                gate: judged.gate.to_owned(),
                verdict: judged.verdict.word().to_owned(),
                why: judged.why.clone(),
                overridden: overridden.contains(&judged.gate),
            })
            .collect(),
        with: plan.order.intent.with.clone(),
        back: plan.way.clone(),
        requests: plan
            .steps
            .iter()
            .map(|step| journal::Request {
                method: step.request.method.verb().to_owned(),
                path: step.request.path.clone(),
                content: step.request.method.content_type().to_owned(),
                body: redacted(&step.request.body),
            })
            .collect(),
        values: plan
            .touched
            .iter()
            .filter(|value| value.is_changed())
            .map(|value| journal::Touched {
                object: object(&value.object, ""),
                what: value.what.clone(),
                pointer: value.pointer.clone(),
                before: redacted(&value.before),
                after: redacted(&value.after),
            })
            .collect(),
        deadline: plan.expects.iter().map(|expect| expect.deadline).max().unwrap_or(0),
    }
}
