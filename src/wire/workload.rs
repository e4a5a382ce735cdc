//! apps/v1 Deployment, StatefulSet, DaemonSet; batch/v1 Job and CronJob.
//!
//! One slim type serves all five: their fields do not contradict each other, and each kind's row takes its own.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, Maybe, MaybeInt, Pairs, Text};
use super::meta::{self, Meta};
use super::resources::Container;
use super::{Misfit, Wire, identity, name, pod, resource, stamp};
use crate::domain::id::{Kind, Name};
use crate::domain::meta::{Condition, ContainerImage, Interner, Labels};
use crate::domain::selector::{Operator, Requirement, Selector};
use crate::domain::workload::{CronJobMore, DeploymentMore, JobMore, More, UpdateMore, Workload};
use crate::msg::{Delta, Facts};

/// `status.conditions` of any kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireCondition {
    #[serde(rename = "type")]
    kind: Text,
    status: Text,
    reason: Text,
    message: Text,
    last_transition_time: Text,
    last_update_time: Text,
}

/// A label selector as objects carry it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireSelector {
    match_labels: Pairs<Text>,
    match_expressions: List<Fields<WireRequirement>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireRequirement {
    key: Text,
    operator: Text,
    values: List<Text>,
}

impl WireSelector {
    /// As kubectl writes it, not cleaned: `app=cart,tier notin (cache)`; empty when it asks for nothing.
    pub(super) fn words(&self) -> String {
        let equal = self.match_labels.0.iter().map(|(key, value)| format!("{key}={}", &**value));
        let expressions = self.match_expressions.iter().map(|expression| {
            let values: Vec<&str> = expression.values.iter().map(Text::as_str).collect();
            let key = &*expression.key;
            match &*expression.operator {
                "Exists" => key.to_owned(),
                "DoesNotExist" => format!("!{key}"),
                operator => format!("{key} {} ({})", operator.to_lowercase(), values.join(",")),
            }
        });
        equal.chain(expressions).collect::<Vec<_>>().join(",")
    }
}

/// A pod template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Template {
    metadata: Fields<TemplateMeta>,
    spec: Fields<TemplateSpec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TemplateMeta {
    labels: Pairs<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TemplateSpec {
    containers: List<Fields<Container>>,
    init_containers: List<Fields<Container>>,
}

/// What the five kinds carry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    metadata: Meta,
    spec: Fields<Spec>,
    status: Fields<Status>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    replicas: MaybeInt,
    selector: Maybe<WireSelector>,
    template: Fields<Template>,
    job_template: Fields<JobTemplate>,
    strategy: Fields<Strategy>,
    update_strategy: Fields<Strategy>,
    progress_deadline_seconds: MaybeInt,
    paused: Flag,
    suspend: Flag,
    completions: MaybeInt,
    parallelism: MaybeInt,
    schedule: Text,
    time_zone: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct JobTemplate {
    spec: Fields<JobTemplateSpec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct JobTemplateSpec {
    template: Fields<Template>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Strategy {
    #[serde(rename = "type")]
    kind: Text,
    rolling_update: Fields<RollingUpdate>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RollingUpdate {
    max_surge: Text,
    max_unavailable: Text,
    partition: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    observed_generation: Int,
    replicas: Int,
    updated_replicas: Int,
    ready_replicas: Int,
    available_replicas: Int,
    current_number_scheduled: Int,
    desired_number_scheduled: Int,
    updated_number_scheduled: Int,
    number_ready: Int,
    number_available: Int,
    conditions: List<Fields<WireCondition>>,
    succeeded: Int,
    failed: Int,
    ready: Int,
    active: Active,
    start_time: Text,
    completion_time: Text,
    last_schedule_time: Text,
    last_successful_time: Text,
    update_revision: Text,
}

/// `status.active`: a number in a Job, a list of Jobs in a CronJob.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(from = "OneOrMany")]
struct Active(u32);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<serde::de::IgnoredAny>),
    One(Int),
}

impl From<OneOrMany> for Active {
    fn from(active: OneOrMany) -> Active {
        Active(match active {
            OneOrMany::Many(list) => u32::try_from(list.len()).unwrap_or(u32::MAX),
            OneOrMany::One(n) => n.count(),
        })
    }
}

macro_rules! workload {
    ($($type:ident, $kind:expr, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            #[derive(Clone, Debug, Default, Deserialize)]
            #[serde(from = "Body")]
            pub struct $type {
                metadata: Meta,
                spec: Spec,
                status: Status,
            }
            resource!($type, $kind);
            impl From<Body> for $type {
                fn from(body: Body) -> $type {
                    $type { metadata: body.metadata, spec: body.spec.0, status: body.status.0 }
                }
            }
            impl Wire for $type {
                const KIND: Kind = $kind;
                type Row = Workload;
                fn slim_meta(&self) -> &Meta {
                    &self.metadata
                }
                fn row(self, interner: &mut Interner) -> Result<Workload, Misfit> {
                    row($kind, &self.metadata, &self.spec, &self.status, interner)
                }
                fn facts(deltas: Vec<Delta<Workload>>) -> Facts {
                    Facts::Workloads($kind, deltas)
                }
            }
        )*
    };
}
workload! {
    WireDeployment, Kind::Deployment, "apps/v1 Deployment.";
    WireStatefulSet, Kind::StatefulSet, "apps/v1 StatefulSet.";
    WireDaemonSet, Kind::DaemonSet, "apps/v1 DaemonSet.";
    WireJob, Kind::Job, "batch/v1 Job.";
    WireCronJob, Kind::CronJob, "batch/v1 CronJob.";
}

fn row(
    kind: Kind,
    metadata: &Meta,
    spec: &Spec,
    status: &Status,
    interner: &mut Interner,
) -> Result<Workload, Misfit> {
    let uid = identity(kind, metadata)?;
    let template = if kind == Kind::CronJob { &spec.job_template.spec.template } else { &spec.template };
    let counts = counts(kind, spec, status);
    Ok(Workload {
        uid,
        kind,
        namespace: metadata.namespace(interner),
        name: name(interner, &metadata.name),
        labels: metadata.labels(interner),
        pod_labels: template.labels(interner),
        selector: selector(spec.selector.as_ref(), interner),
        created: metadata.created,
        generation: metadata.generation,
        observed: status.observed_generation.0,
        desired: counts.desired,
        current: counts.current,
        updated: counts.updated,
        ready: counts.ready,
        available: counts.available,
        paused: spec.paused.is_true() || spec.suspend.is_true(),
        conditions: conditions(&status.conditions, interner),
        images: template.images(interner),
        scaled: metadata.scaled(interner),
        owner: metadata.owner(interner),
        delivered_by: metadata.delivered_by(interner),
        more: more(kind, metadata, spec, status, interner),
    })
}

struct Counts {
    desired: u32,
    current: u32,
    updated: u32,
    ready: u32,
    available: u32,
}

fn counts(kind: Kind, spec: &Spec, status: &Status) -> Counts {
    match kind {
        Kind::DaemonSet => Counts {
            desired: status.desired_number_scheduled.count(),
            current: status.current_number_scheduled.count(),
            updated: status.updated_number_scheduled.count(),
            ready: status.number_ready.count(),
            available: status.number_available.count(),
        },
        Kind::Job => Counts {
            desired: spec.parallelism.count_or(1),
            current: status.active.0,
            updated: status.active.0,
            ready: status.ready.count(),
            available: status.ready.count(),
        },
        Kind::CronJob => Counts { desired: 0, current: 0, updated: 0, ready: 0, available: 0 },
        _ => Counts {
            desired: spec.replicas.count_or(1),
            current: status.replicas.count(),
            updated: status.updated_replicas.count(),
            ready: status.ready_replicas.count(),
            available: status.available_replicas.count(),
        },
    }
}

fn more(kind: Kind, metadata: &Meta, spec: &Spec, status: &Status, interner: &mut Interner) -> More {
    match kind {
        Kind::Deployment => {
            let rolling = &spec.strategy.rolling_update;
            More::Deployment(DeploymentMore {
                strategy: name(interner, &spec.strategy.kind),
                max_surge: name(interner, &rolling.max_surge),
                max_unavailable: name(interner, &rolling.max_unavailable),
                deadline_seconds: spec.progress_deadline_seconds.count_or(600),
                revision: metadata.revision(),
            })
        }
        Kind::StatefulSet | Kind::DaemonSet => {
            let rolling = &spec.update_strategy.rolling_update;
            More::Update(UpdateMore {
                strategy: name(interner, &spec.update_strategy.kind),
                partition: rolling.partition.count(),
                max_unavailable: name(interner, &rolling.max_unavailable),
                max_surge: name(interner, &rolling.max_surge),
                update_revision: name(interner, &status.update_revision),
            })
        }
        Kind::Job => More::Job(JobMore {
            completions: spec.completions.count_or(1),
            succeeded: status.succeeded.count(),
            failed: status.failed.count(),
            active: status.active.0,
            started: stamp::parse(&status.start_time),
            completed: stamp::parse(&status.completion_time),
        }),
        Kind::CronJob => More::CronJob(CronJobMore {
            schedule: name(interner, &spec.schedule),
            time_zone: name(interner, &spec.time_zone),
            active: status.active.0,
            last_schedule: stamp::parse(&status.last_schedule_time),
            last_success: stamp::parse(&status.last_successful_time),
        }),
        _ => More::Plain,
    }
}

impl Template {
    /// Labels of its pods.
    pub(super) fn labels(&self, interner: &mut Interner) -> Labels {
        meta::labels(&self.metadata.labels, interner)
    }

    /// Its containers.
    pub(super) fn images(&self, interner: &mut Interner) -> Arc<[ContainerImage]> {
        pod::images(&self.spec.containers, &self.spec.init_containers, interner)
    }
}

/// Conditions as facts.
pub(super) fn conditions(list: &List<Fields<WireCondition>>, interner: &mut Interner) -> Arc<[Condition]> {
    list.iter()
        .map(|condition| Condition {
            kind: name(interner, &condition.kind),
            status: name(interner, &condition.status),
            reason: name(interner, &condition.reason),
            message: name(interner, &condition.message),
            since: stamp::parse(&condition.last_transition_time),
            updated: stamp::parse(&condition.last_update_time),
        })
        .collect()
}

/// A selector as a fact. An operator that we do not know matches nothing, so that nothing is claimed wrongly.
pub(super) fn selector(selector: Option<&WireSelector>, interner: &mut Interner) -> Option<Selector> {
    let selector = selector?;
    let equal = selector.match_labels.0.iter().map(|(key, value)| Requirement {
        key: name(interner, key),
        is: Operator::In(Box::new([name(interner, value)])),
    });
    let mut requirements: Vec<Requirement> = equal.collect();
    for expression in selector.match_expressions.iter() {
        let values: Box<[Name]> = expression.values.iter().map(|value| name(interner, value)).collect();
        requirements.push(Requirement {
            key: name(interner, &expression.key),
            is: match &*expression.operator {
                "In" => Operator::In(values),
                "NotIn" => Operator::NotIn(values),
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::Absent,
                _ => Operator::In(Box::default()),
            },
        });
    }
    Some(Selector(requirements.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Stamp;
    use crate::wire::testing::row;
    use serde_json::{Value, json};

    fn object(spec: Value, status: Value) -> Value {
        json!({
            "metadata": {"name": "cart", "namespace": "shop", "uid": "1", "generation": 4,
                "annotations": {"deployment.kubernetes.io/revision": "7"}},
            "spec": spec, "status": status,
        })
    }

    fn template() -> Value {
        json!({"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "c", "image": "cart:1"}]}})
    }

    #[test]
    fn a_deployment() {
        let row = row::<WireDeployment>(object(
            json!({"replicas": 3, "paused": true, "template": template(),
                "selector": {"matchLabels": {"app": "cart"}, "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["web"]}, {"key": "canary", "operator": "DoesNotExist"},
                    {"key": "x", "operator": "Sometimes"}]},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}}}),
            json!({"observedGeneration": 4, "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 2,
                "conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated",
                    "message": "m", "lastTransitionTime": "1970-01-01T00:01:00Z"}]}),
        ));
        assert_eq!((row.desired, row.current, row.updated, row.ready, row.available), (3, 4, 1, 3, 2));
        assert_eq!((row.generation, row.observed, row.paused), (4, 4, true));
        assert_eq!(row.condition("Progressing").unwrap().since, Some(Stamp(60)));
        assert_eq!(&*row.images[0].image, "cart:1");
        let More::Deployment(more) = &row.more else { panic!("{:?}", row.more) };
        assert_eq!(
            (&*more.max_surge, &*more.max_unavailable, more.deadline_seconds, more.revision),
            ("25%", "1", 600, 7)
        );
        let selector = row.selector.as_ref().unwrap();
        assert_eq!(selector.0.len(), 4);
        assert!(!selector.matches(&row.pod_labels), "an operator from the future matches nothing");
    }

    #[test]
    fn one_that_says_nothing_wants_one_replica() {
        let row = row::<WireStatefulSet>(json!({"metadata": {"name": "a", "uid": "1"}, "spec": null}));
        assert_eq!((row.desired, row.current, row.observed), (1, 0, 0));
        assert_eq!(row.selector, None);
        assert_eq!(row.more, More::Update(UpdateMore::default()));
    }

    #[test]
    fn how_a_stateful_set_brings_in_its_newest_template() {
        let row = row::<WireStatefulSet>(json!({
            "metadata": {"name": "db", "uid": "1"},
            "spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2, "maxUnavailable": 1}}},
            "status": {"updateRevision": "db-6f"},
        }));
        let More::Update(more) = &row.more else { panic!("{:?}", row.more) };
        assert_eq!((&*more.strategy, more.partition, &*more.max_unavailable), ("RollingUpdate", 2, "1"));
        assert_eq!((&*more.max_surge, &*more.update_revision), ("", "db-6f"));
    }

    #[test]
    fn a_daemon_set_counts_nodes() {
        let row = row::<WireDaemonSet>(object(
            json!({"template": template()}),
            json!({"desiredNumberScheduled": 6, "currentNumberScheduled": 5, "updatedNumberScheduled": 4,
                "numberReady": 3, "numberAvailable": 2, "replicas": 99}),
        ));
        assert_eq!((row.desired, row.current, row.updated, row.ready, row.available), (6, 5, 4, 3, 2));
    }

    #[test]
    fn a_job_and_its_schedule() {
        let job = row::<WireJob>(object(
            json!({"completions": 4, "parallelism": 2, "suspend": true, "template": template()}),
            json!({"active": 1, "ready": 1, "succeeded": 2, "failed": 1, "startTime": "1970-01-01T00:00:10Z"}),
        ));
        let More::Job(more) = &job.more else { panic!("{:?}", job.more) };
        assert_eq!((more.completions, more.succeeded, more.failed, more.active), (4, 2, 1, 1));
        assert_eq!((more.started, more.completed), (Some(Stamp(10)), None));
        assert_eq!((job.desired, job.paused), (2, true));

        let cron = row::<WireCronJob>(object(
            json!({"schedule": "*/5 * * * *", "timeZone": "Europe/Berlin", "jobTemplate": {"spec": {"template": template()}}}),
            json!({"active": [{"name": "a"}, {"name": "b"}], "lastScheduleTime": "1970-01-01T00:00:10Z"}),
        ));
        let More::CronJob(more) = &cron.more else { panic!("{:?}", cron.more) };
        assert_eq!((&*more.schedule, &*more.time_zone, more.active), ("*/5 * * * *", "Europe/Berlin", 2));
        assert_eq!(&*cron.images[0].image, "cart:1");
    }

    #[test]
    fn a_strange_active_count_costs_only_itself() {
        let job = row::<WireJob>(object(json!({}), json!({"active": {"x": 1}, "failed": 3})));
        let More::Job(more) = &job.more else { panic!("{:?}", job.more) };
        assert_eq!((more.active, more.failed), (0, 3));
    }
}
