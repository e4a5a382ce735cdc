//! A plan as text and as JSON: what would happen, what speaks against it, by which requests.

use serde::Serialize;
use serde_json::Value;

use crate::change::diff::{Mark, difference};
use crate::change::gates::{Verdict, Weight};
use crate::change::plan::Plan;
use crate::change::redact::redacted;

/// A plan for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanReport {
    /// The action.
    pub action: &'static str,
    /// What it does, in a line.
    pub title: String,
    /// The environment; empty when there is none.
    pub environment: String,
    /// Whether its name has to be given (`--confirm`).
    pub protected: bool,
    /// The kubeconfig context.
    pub context: String,
    /// The API server.
    pub server: String,
    /// The user as the cluster names him.
    pub user: Option<String>,
    /// A line for each object.
    pub objects: Vec<ObjectReport>,
    /// What is different afterwards.
    pub changes: Vec<ChangeReport>,
    /// What speaks for and against it.
    pub gates: Vec<GateReport>,
    /// The requests.
    pub requests: Vec<RequestReport>,
    /// What follows.
    pub then: String,
    /// The way back.
    pub back: String,
}

/// An object of a plan.
#[derive(Debug, Serialize)]
pub struct ObjectReport {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// What happens to it.
    pub words: String,
}

/// A value that changes.
#[derive(Debug, Serialize)]
pub struct ChangeReport {
    /// What people call it.
    pub what: String,
    /// Where it stands.
    pub pointer: String,
    /// As it is.
    pub before: Value,
    /// As it is to be.
    pub after: Value,
}

/// A gate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateReport {
    /// Its name.
    pub gate: &'static str,
    /// `pass`, `warn`, `unknown`, `fail`.
    pub verdict: &'static str,
    /// Why.
    pub why: String,
    /// What would help.
    pub way_out: Option<String>,
    /// Whether it only informs.
    pub informs: bool,
    /// Whether it has to be overridden, or ends it.
    pub fails: bool,
    /// Whether a reason overrides it.
    pub overridable: bool,
}

/// A request.
#[derive(Debug, Serialize)]
pub struct RequestReport {
    /// HTTP verb.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Content type.
    #[serde(rename = "type")]
    pub content: &'static str,
    /// The body, without secrets.
    pub body: Value,
}

impl PlanReport {
    /// The report of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> PlanReport {
        let place = &plan.order.place;
        PlanReport {
            action: plan.order.intent.verb.name(),
            title: plan.title.clone(),
            environment: place.environment.to_string(),
            protected: place.protected,
            context: place.context.to_string(),
            server: place.host().to_owned(),
            user: plan.kube_user.clone(),
            objects: plan
                .lines
                .iter()
                .map(|line| ObjectReport {
                    kind: line.object.kind.word(),
                    namespace: line.object.namespace.to_string(),
                    name: line.object.name.to_string(),
                    uid: line.object.uid.to_string(),
                    words: line.words.clone(),
                })
                .collect(),
            changes: plan
                .touched
                .iter()
                .filter(|value| value.is_changed())
                .map(|value| ChangeReport {
                    what: value.what.clone(),
                    pointer: value.pointer.clone(),
                    before: redacted(&value.before),
                    after: redacted(&value.after),
                })
                .collect(),
            gates: plan
                .gates
                .iter()
                .map(|judged| GateReport {
                    gate: judged.gate,
                    verdict: judged.verdict.word(),
                    why: judged.why.clone(),
                    way_out: judged.way_out.clone(),
                    informs: judged.weight == Weight::Informs,
                    fails: judged.weight == Weight::Judges && judged.fails,
                    overridable: judged.overridable,
                })
                .collect(),
            requests: plan
                .steps
                .iter()
                .map(|step| RequestReport {
                    method: step.request.method.verb(),
                    path: step.request.path.clone(),
                    content: step.request.method.content_type(),
                    body: redacted(&step.request.body),
                })
                .collect(),
            then: plan.then.clone(),
            back: plan.back.clone(),
        }
    }
}

/// A plan for people, in lines.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let place = &plan.order.place;
    let mut lines = vec![plan.title.clone()];
    let shield = if place.protected { ", protected" } else { "" };
    let environment = match place.environment.is_empty() {
        true => "no environment".to_owned(),
        false => place.environment.to_string(),
    };
    let user = plan.kube_user.as_deref().unwrap_or("a user that the cluster does not name");
    lines.push(format!("where   {environment}{shield} · {} ({}) · as {user}", place.context, place.host()));
    for line in &plan.lines {
        let object = &line.object;
        lines.push(format!(
            "object  {} {}/{}  {}  uid {}",
            object.kind.word(),
            object.namespace,
            object.name,
            line.words,
            object.uid
        ));
    }
    for (at, (mark, words)) in difference(plan).into_iter().enumerate() {
        let sign = match mark {
            Mark::Same => ' ',
            Mark::Added => '+',
            Mark::Removed => '-',
        };
        lines.push(format!("{}{sign} {words}", if at == 0 { "change" } else { "      " }));
    }
    for (at, judged) in plan.gates.iter().enumerate() {
        let informs = if judged.weight == Weight::Informs && judged.verdict != Verdict::Pass {
            " (informs)"
        } else {
            ""
        };
        let way = judged.way_out.as_ref().map_or_else(String::new, |way| format!(" → {way}"));
        let head = if at == 0 { "gates " } else { "      " };
        lines.push(format!(
            "{head}  {:<7} {}: {}{way}{informs}",
            judged.verdict.word(),
            judged.gate,
            judged.why
        ));
    }
    for (at, step) in plan.steps.iter().enumerate() {
        let head = if at == 0 { "request" } else { "       " };
        lines.push(format!("{head} {} {}", step.request.method.verb(), step.request.path));
        if plan.touched.iter().filter(|value| value.is_changed()).all(|value| !value.after.is_object()) {
            lines.push(format!("        {}", redacted(&step.request.body)));
        }
    }
    lines.push(format!("then    {}", plan.then));
    lines.push(format!("back    {}", plan.back));
    lines.join("\n") + "\n"
}
