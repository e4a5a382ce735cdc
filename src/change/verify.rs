//! Whether a change came true: an expectation, which is data, judged by what the cluster shows. Pure; the looking is
//! done by [`super::execute`].

use serde_json::Value;

use super::actions::begun;
use super::json::{at, count, flag, list, same, text};
use super::owners::writer_of;
use super::plan::{Expect, Goal, Touched};
use super::pods::{Fate, fate, ready_of};
use super::redact::redacted;
use super::rollouts;
use crate::domain::id::{Kind, Uid};

/// How an expectation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not yet: how far it is.
    Pending(String),
    /// It came true.
    Done(String),
    /// It will not.
    Failed(String),
    /// Somebody or something put it back, or elsewhere.
    Superseded(String),
}

/// Judges an expectation; `live` is the object as it is, `None` when it is gone. `touched` are the values that were
/// set, as the server took them; `pods` those that the goal is told by.
#[must_use]
pub fn judge(expect: &Expect, touched: &[Touched], live: Option<&Value>, pods: &[Value]) -> Standing {
    let own = |live: &&Value| {
        expect.object.uid == Uid::default() || Uid::parse(text(live, "/metadata/uid")) == expect.object.uid
    };
    match &expect.goal {
        Goal::Gone | Goal::Replaced { .. } if live.filter(own).is_some() => {
            return Standing::Pending("it is still ending".to_owned());
        }
        Goal::Gone => return Standing::Done("it is gone".to_owned()),
        Goal::Replaced { controller, ready } => {
            return replaced(expect.object.uid, *controller, *ready, pods);
        }
        _ => {}
    }
    let Some(live) = live else { return Standing::Superseded("it has been deleted".to_owned()) };
    if !own(&live) {
        return Standing::Superseded("it has been deleted; another one has its name".to_owned());
    }
    // What it waits for may end, and it may wait again, within one look: its status says more than what was set.
    if let Goal::Rollout(wish) = &expect.goal {
        return rollouts::judge(wish, live, touched);
    }
    // What was only held to its value until then may change now: others go on with their work.
    for value in touched.iter().filter(|value| value.is_changed() && value.object == expect.object) {
        let now = at(live, &value.pointer);
        if !same(&now, &value.after) {
            return Standing::Superseded(put_back(value, &now, live));
        }
    }
    match &expect.goal {
        Goal::Stands => Standing::Done("it stands as it was set".to_owned()),
        Goal::Scaled(wanted) if expect.object.kind == Kind::Rollout => {
            rollouts::scaled(live, u64::from(*wanted))
        }
        Goal::Scaled(wanted) => scaled(live, u64::from(*wanted)),
        Goal::RolledOut if expect.object.kind == Kind::Rollout => rollouts::rolled_out(live),
        Goal::RolledOut => rolled_out(expect.object.kind, live),
        Goal::Begun => match begun(live) {
            Err(why) => Standing::Failed(why),
            Ok(Some(words)) => Standing::Done(words),
            Ok(None) => Standing::Pending("no pod of it runs yet".to_owned()),
        },
        Goal::Drained => drained(pods),
        // Judged above.
        Goal::Gone | Goal::Replaced { .. } | Goal::Rollout(_) => Standing::Done("it is gone".to_owned()),
    }
}

fn replaced(gone: Uid, controller: Uid, wanted: u32, pods: &[Value]) -> Standing {
    let ready = ready_of(pods, controller, gone);
    let words = format!("it is gone, {ready} of {wanted} pods ready");
    match ready >= usize::try_from(wanted).unwrap_or(usize::MAX) {
        true => Standing::Done(words),
        false => Standing::Pending(words),
    }
}

fn drained(pods: &[Value]) -> Standing {
    let left: Vec<&str> =
        pods.iter().filter(|pod| fate(pod) != Fate::Stays).map(|pod| text(pod, "/metadata/name")).collect();
    match left.as_slice() {
        [] => Standing::Done("no pod is left that could be evicted".to_owned()),
        [first] => Standing::Pending(format!("{} is left", crate::text::clean(first))),
        [first, others @ ..] => {
            Standing::Pending(format!("{} and {} more are left", crate::text::clean(first), others.len()))
        }
    }
}

/// `replicas is 3 now, set by argocd-controller`
fn put_back(value: &Touched, now: &Value, live: &Value) -> String {
    let by = match writer_of(live, &value.pointer) {
        Some(manager) if manager != "pilothouse" => format!(", set by {manager}"),
        _ => String::new(),
    };
    match now {
        Value::Object(_) | Value::Array(_) if *now == value.before => {
            format!("{} was put back{by}", value.what)
        }
        Value::Object(_) | Value::Array(_) => format!("{} is another one now{by}", value.what),
        now if *now == value.before => format!("{} was put back to {}{by}", value.what, shown(now)),
        now => format!("{} is {} now{by}", value.what, shown(now)),
    }
}

/// A value in a sentence.
#[must_use]
pub fn shown(value: &Value) -> String {
    match redacted(value) {
        Value::Null => "not set".to_owned(),
        Value::String(text) => crate::text::clean(&text).into_owned(),
        other => other.to_string(),
    }
}

fn observed(live: &Value) -> bool {
    match count(live, "/status/observedGeneration") {
        Some(seen) => seen >= count(live, "/metadata/generation").unwrap_or(0),
        // Before its controller has looked at it for the first time.
        None => count(live, "/metadata/generation").is_none(),
    }
}

/// Why pods cannot be made, where the controller says so.
fn cannot_create(live: &Value) -> Option<String> {
    let failure = list(live, "/status/conditions").find(|condition| {
        text(condition, "/type") == "ReplicaFailure" && text(condition, "/status") == "True"
    })?;
    Some(crate::text::clean(text(failure, "/message")).into_owned())
}

fn scaled(live: &Value, wanted: u64) -> Standing {
    let of = |field: &str| count(live, &format!("/status/{field}")).unwrap_or(0);
    let (there, ready) = (of("replicas"), of("readyReplicas"));
    let told = observed(live);
    if let Some(why) = cannot_create(live).filter(|_| told) {
        return Standing::Failed(format!("pods cannot be made: {why}"));
    }
    if told && there == wanted && ready == wanted {
        return Standing::Done(match wanted {
            0 => "no pod is left".to_owned(),
            _ => format!("{ready} of {wanted} pods ready"),
        });
    }
    Standing::Pending(match there > wanted {
        true => format!("{} pods still to end", there - wanted),
        false => format!("{ready} of {wanted} pods ready"),
    })
}

/// kubectl's order of questions.
fn rolled_out(kind: Kind, live: &Value) -> Standing {
    let of = |field: &str| count(live, &format!("/status/{field}")).unwrap_or(0);
    if !observed(live) {
        return Standing::Pending("not seen by its controller yet".to_owned());
    }
    if let Some(why) = cannot_create(live) {
        return Standing::Failed(format!("pods cannot be made: {why}"));
    }
    if flag(live, "/spec/paused") {
        return Standing::Failed("the rollout is paused".to_owned());
    }
    let (wanted, updated, available) = match kind {
        Kind::DaemonSet => {
            (of("desiredNumberScheduled"), of("updatedNumberScheduled"), of("numberAvailable"))
        }
        Kind::StatefulSet => {
            let wanted = count(live, "/spec/replicas").unwrap_or(1);
            let kept = count(live, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
            let whole =
                kept > 0 || text(live, "/status/currentRevision") == text(live, "/status/updateRevision");
            let (updated, needed) = (of("updatedReplicas"), wanted.saturating_sub(kept));
            let ready = of("readyReplicas");
            return match updated >= needed && ready >= wanted && whole {
                true => Standing::Done(format!("{updated} of {needed} pods new, {ready} ready")),
                false => Standing::Pending(format!("{updated} of {needed} pods new, {ready} ready")),
            };
        }
        _ => (count(live, "/spec/replicas").unwrap_or(1), of("updatedReplicas"), of("availableReplicas")),
    };
    let late = list(live, "/status/conditions").any(|condition| {
        text(condition, "/type") == "Progressing" && text(condition, "/reason") == "ProgressDeadlineExceeded"
    });
    let words = format!("{updated} of {wanted} pods new, {available} available");
    if late {
        return Standing::Failed(format!("its deadline has passed: {words}"));
    }
    let old = of("replicas").saturating_sub(updated);
    if updated < wanted || available < updated {
        return Standing::Pending(words);
    }
    if kind != Kind::DaemonSet && old > 0 {
        return Standing::Pending(format!("{words}, {old} old still to end"));
    }
    Standing::Done(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::{deployment, facts, template};
    use serde_json::json;

    fn expect(goal: Goal) -> Expect {
        Expect { object: facts().object, goal, deadline: 10 }
    }

    fn replicas(after: u32) -> Touched {
        Touched {
            object: facts().object,
            what: "replicas".to_owned(),
            pointer: "/spec/replicas".to_owned(),
            before: json!(2),
            after: json!(after),
        }
    }

    #[test]
    fn a_scale_is_done_when_its_pods_are_ready() {
        let mut live = deployment();
        let judge = |live: &Value| judge(&expect(Goal::Scaled(3)), &[replicas(3)], Some(live), &[]);
        assert_eq!(judge(&live), Standing::Done("3 of 3 pods ready".to_owned()));
        live["status"]["readyReplicas"] = json!(1);
        assert_eq!(judge(&live), Standing::Pending("1 of 3 pods ready".to_owned()));
        live["status"]["conditions"] =
            json!([{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]);
        assert_eq!(judge(&live), Standing::Failed("pods cannot be made: exceeded quota".to_owned()));
        // The controller has not seen the new number yet: what it said was of the old one.
        live["metadata"]["generation"] = json!(9);
        assert_eq!(judge(&live), Standing::Pending("1 of 3 pods ready".to_owned()));
    }

    #[test]
    fn a_status_of_before_proves_nothing() {
        let mut live = deployment();
        live["metadata"]["generation"] = json!(5);
        let standing = judge(&expect(Goal::Scaled(3)), &[replicas(3)], Some(&live), &[]);
        assert!(matches!(standing, Standing::Pending(_)), "{standing:?}");
        let standing = judge(&expect(Goal::RolledOut), &[], Some(&live), &[]);
        assert!(matches!(standing, Standing::Pending(_)), "{standing:?}");
    }

    #[test]
    fn whoever_puts_it_back_is_named_when_it_can_be_told() {
        let mut live = deployment();
        live["spec"]["replicas"] = json!(2);
        let judge = |live: &Value| judge(&expect(Goal::Scaled(3)), &[replicas(3)], Some(live), &[]);
        assert_eq!(judge(&live), Standing::Superseded("replicas was put back to 2".to_owned()));
        live["metadata"]["managedFields"] = json!([{"manager": "argocd-controller", "time": "2026-01-01T00:00:00Z",
            "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
        let told = "replicas was put back to 2, set by argocd-controller";
        assert_eq!(judge(&live), Standing::Superseded(told.to_owned()));
        live["spec"]["replicas"] = json!(9);
        assert_eq!(
            judge(&live),
            Standing::Superseded("replicas is 9 now, set by argocd-controller".to_owned())
        );
    }

    #[test]
    fn a_rollout_is_done_when_no_old_pod_is_left() {
        let mut live = deployment();
        let judge = |live: &Value| judge(&expect(Goal::RolledOut), &[], Some(live), &[]);
        assert!(matches!(judge(&live), Standing::Done(_)));
        live["status"]["replicas"] = json!(4);
        assert!(matches!(judge(&live), Standing::Pending(words) if words.ends_with("1 old still to end")));
        live["status"]["updatedReplicas"] = json!(1);
        live["status"]["conditions"] = json!([{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]);
        assert!(matches!(judge(&live), Standing::Failed(_)));
    }

    #[test]
    fn another_object_of_the_same_name_is_not_it() {
        let mut live = deployment();
        live["metadata"]["uid"] = json!("7d3f8a52-19c4-4e58-9f0a-7c1de2b3a405");
        live["spec"]["template"] = template("1.0.0");
        let standing = judge(&expect(Goal::Stands), &[], Some(&live), &[]);
        assert!(matches!(standing, Standing::Superseded(_)), "{standing:?}");
        assert!(matches!(judge(&expect(Goal::Stands), &[], None, &[]), Standing::Superseded(_)));
    }
}
