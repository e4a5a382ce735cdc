//! A run of a CronJob now, whatever its schedule says: a Job made of its template, as `kubectl create job --from` makes
//! it.

use serde_json::{Value, json};

use super::{Act, Draft, being, held};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::Intent;
use crate::change::json::{at, flag, text};
use crate::change::plan::{Expect, Goal, Method, Request, Right, Step};
use crate::connect::paths;
use crate::domain::id::{Kind, ObjectRef, Uid};

/// A Job's name is a label of its pods, too.
const NAME: usize = 63;
/// Seconds within which its first pod is expected to run.
const DEADLINE: u64 = 120;

/// What the plan shows and is not changed.
const HELD: &[(&str, &str)] = &[("template", "/spec/jobTemplate"), ("suspend", "/spec/suspend")];

/// `trigger`
pub struct Trigger;

impl Act for Trigger {
    fn name(&self) -> &'static str {
        "trigger"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::CronJob]
    }

    fn several(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        &[
            (&gates::ReadOnly, Weight::Judges),
            (&gates::Rbac, Weight::Judges),
            (&gates::DryRunGate, Weight::Judges),
            (&gates::Protected, Weight::Informs),
            (&gates::Frozen, Weight::Judges),
            (&gates::Alerts, Weight::Informs),
        ]
    }

    fn draft(&self, _: &Intent, facts: &Facts) -> Result<Draft, String> {
        let template = facts.live.pointer("/spec/jobTemplate").filter(|template| template.is_object());
        let template = template.ok_or_else(|| format!("{} has no template of a Job.", facts.name()))?;
        let job = ObjectRef {
            kind: Kind::Job,
            name: name(&facts.object.name, facts.now.wall.0).into(),
            uid: Uid::default(),
            ..facts.object.clone()
        };
        let mut metadata = json!({
            "name": &*job.name, "namespace": &*job.namespace,
            "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "name": &*facts.object.name,
                "uid": text(&facts.live, "/metadata/uid"), "controller": true,
            }],
        });
        for map in ["labels", "annotations"] {
            for (key, value) in at(template, &format!("/metadata/{map}")).as_object().into_iter().flatten() {
                metadata[map][key] = value.clone();
            }
        }
        let body = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": at(template, "/spec"),
        });
        let title = format!("trigger {}", facts.name());
        let step = Step {
            title: format!("make job/{}", job.name),
            object: facts.object.clone(),
            request: Request {
                method: Method::Create,
                path: format!("{}{}", paths::collection(Kind::Job, &job.namespace), super::MANAGER),
                body,
                right: Right {
                    verb: "create",
                    group: "batch",
                    resource: "jobs",
                    namespace: job.namespace.clone(),
                    ..Right::default()
                },
            },
            versioned: false,
        };
        let schedule = match flag(&facts.live, "/spec/suspend") {
            true => "; its schedule stays suspended",
            false => "; its schedule goes on as before",
        };
        Ok(Draft {
            title,
            words: format!("one run now, as job/{}{schedule}", job.name),
            // The Job is made of the template as it was read.
            touched: std::iter::once(being(&job, "job", false, true))
                .chain(held(&facts.object, &facts.live, HELD, &[]))
                .collect(),
            steps: vec![step],
            then: format!("its first pod runs, within {DEADLINE} s; how it ends is not waited for"),
            back: format!("delete job/{}: what it has done by then stays done", job.name),
            way: None,
            expect: vec![Expect { object: job, goal: Goal::Begun, deadline: DEADLINE }],
            mitigates: false,
            pods: 0,
        })
    }
}

/// `report-manual-t5w2m3`: one a second.
fn name(cron: &str, second: i64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = second.unsigned_abs();
    let mut digits = Vec::new();
    while rest > 0 {
        let digit = usize::try_from(rest % 36).unwrap_or(0);
        digits.push(char::from(*DIGITS.get(digit).unwrap_or(&b'0')));
        rest /= 36;
    }
    let tail: String = "-manual-".chars().chain(digits.into_iter().rev()).collect();
    let room = NAME.saturating_sub(tail.len());
    let head: String = cron.chars().take(room).collect();
    format!("{}{tail}", head.trim_end_matches(['-', '.']))
}

/// Whether a Job's first pod runs, or has ended: the words, or why it will not.
pub(in crate::change) fn begun(job: &Value) -> Result<Option<String>, String> {
    let of = |field: &str| crate::change::json::count(job, &format!("/status/{field}")).unwrap_or(0);
    let failed = crate::change::json::list(job, "/status/conditions")
        .find(|one| text(one, "/type") == "Failed" && text(one, "/status") == "True");
    if let Some(failed) = failed {
        return Err(format!("the job failed: {}", crate::text::clean(text(failed, "/message"))));
    }
    Ok(match (of("succeeded"), of("ready")) {
        (1.., _) => Some("it has ended well".to_owned()),
        (_, 1..) => Some("its pod runs".to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::intent::With;
    use crate::change::testing::{cron_job, facts};

    #[test]
    fn a_job_is_made_as_kubectl_makes_it() {
        let mut facts = facts();
        facts.live = cron_job();
        facts.object.kind = Kind::CronJob;
        let wish = Intent { verb: named("trigger").unwrap(), objects: Vec::new(), with: With::default() };
        let draft = Trigger.draft(&wish, &facts).unwrap();
        let request = &draft.steps[0].request;
        assert_eq!(request.path, "/apis/batch/v1/namespaces/shop/jobs?fieldManager=pilothouse");
        assert_eq!(request.right.to_string(), "create jobs (batch)");
        let metadata = &request.body["metadata"];
        assert_eq!(metadata["name"], "cart-manual-touwdc");
        assert_eq!(
            metadata["annotations"],
            json!({"cronjob.kubernetes.io/instantiate": "manual", "team": "shop"})
        );
        assert_eq!(metadata["labels"], json!({"app": "cart"}));
        let owner = &metadata["ownerReferences"][0];
        assert_eq!((&owner["kind"], &owner["uid"]), (&json!("CronJob"), &facts.live["metadata"]["uid"]));
        assert_eq!(request.body["spec"], facts.live["spec"]["jobTemplate"]["spec"]);
    }

    #[test]
    fn a_long_name_is_cut_to_what_a_label_takes() {
        let made = name(&"x".repeat(52), 1_795_271_520);
        assert!(made.len() <= 63 && made.contains("-manual-"), "{made}");
        assert!(!name(&format!("{}-tail", "y".repeat(47)), 1_795_271_520).contains("--"));
    }

    #[test]
    fn a_job_has_begun_when_a_pod_of_it_runs() {
        assert_eq!(begun(&json!({"status": {"active": 1, "ready": 0}})), Ok(None));
        assert!(begun(&json!({"status": {"ready": 1}})).unwrap().is_some());
        assert!(begun(&json!({"status": {"succeeded": 1}})).unwrap().is_some());
        let failed =
            json!({"status": {"conditions": [{"type": "Failed", "status": "True", "message": "no"}]}});
        assert_eq!(begun(&failed), Err("the job failed: no".to_owned()));
    }
}
