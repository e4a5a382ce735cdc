//! argoproj.io/v1alpha1 Rollout (Argo Rollouts).

use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, Maybe, MaybeInt, Text};
use super::meta::Meta;
use super::workload::{Template, WireCondition, WireSelector, conditions, selector};
use super::{Misfit, Wire, identity, name, resource};
use crate::domain::id::Kind;
use crate::domain::meta::Interner;
use crate::domain::workload::{Analysis, More, RolloutMore, Workload};
use crate::msg::{Delta, Facts};

/// A Rollout as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireRollout {
    metadata: Meta,
    spec: Fields<Spec>,
    status: Fields<Status>,
}
resource!(WireRollout, Kind::Rollout);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    replicas: MaybeInt,
    selector: Maybe<WireSelector>,
    template: Fields<Template>,
    strategy: Fields<Strategy>,
    paused: Flag,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Strategy {
    blue_green: Maybe<Nothing>,
    canary: Maybe<Canary>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Nothing {}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Canary {
    steps: List<Fields<Nothing>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    observed_generation: Int,
    replicas: Int,
    updated_replicas: Int,
    ready_replicas: Int,
    available_replicas: Int,
    conditions: List<Fields<WireCondition>>,
    phase: Text,
    message: Text,
    current_step_index: MaybeInt,
    #[serde(rename = "stableRS")]
    stable_rs: Text,
    current_pod_hash: Text,
    abort: Flag,
    canary: Fields<CanaryStatus>,
    blue_green: Fields<BlueGreenStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CanaryStatus {
    weights: Maybe<Weights>,
    current_step_analysis_run_status: Maybe<RunStatus>,
    current_background_analysis_run_status: Maybe<RunStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BlueGreenStatus {
    active_selector: Text,
    pre_promotion_analysis_run_status: Maybe<RunStatus>,
    post_promotion_analysis_run_status: Maybe<RunStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Weights {
    canary: Fields<WeightOf>,
    stable: Fields<WeightOf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WeightOf {
    weight: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RunStatus {
    name: Text,
    status: Text,
    message: Text,
}

impl Wire for WireRollout {
    const KIND: Kind = Kind::Rollout;
    type Row = Workload;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Workload, Misfit> {
        let (meta, spec, status) = (&self.metadata, &self.spec, &self.status);
        Ok(Workload {
            uid: identity(Kind::Rollout, meta)?,
            kind: Kind::Rollout,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            labels: meta.labels(interner),
            pod_labels: spec.template.labels(interner),
            selector: selector(spec.selector.as_ref(), interner),
            created: meta.created,
            generation: meta.generation,
            observed: status.observed_generation.0,
            desired: spec.replicas.count_or(1),
            current: status.replicas.count(),
            updated: status.updated_replicas.count(),
            ready: status.ready_replicas.count(),
            available: status.available_replicas.count(),
            paused: spec.paused.is_true(),
            conditions: conditions(&status.conditions, interner),
            images: spec.template.images(interner),
            scaled: self.metadata.scaled(interner),
            owner: meta.owner(interner),
            delivered_by: meta.delivered_by(interner),
            more: More::Rollout(Box::new(self.progress(interner))),
        })
    }

    fn facts(deltas: Vec<Delta<Workload>>) -> Facts {
        Facts::Workloads(Kind::Rollout, deltas)
    }
}

impl WireRollout {
    fn progress(&self, interner: &mut Interner) -> RolloutMore {
        let strategy = &self.spec.strategy;
        let status = &self.status;
        let word = match (strategy.blue_green.is_some(), strategy.canary.is_some()) {
            (true, _) => "blueGreen",
            (false, true) => "canary",
            (false, false) => "",
        };
        let steps = strategy.canary.as_ref().map_or(0, |canary| canary.steps.len());
        let step = (steps > 0)
            .then(|| (status.current_step_index.count_or(0), u32::try_from(steps).unwrap_or(u32::MAX)));
        RolloutMore {
            strategy: interner.text(word),
            phase: name(interner, &status.phase),
            message: name(interner, &status.message),
            step,
            stable_hash: name(interner, &status.stable_rs),
            current_hash: name(interner, &status.current_pod_hash),
            active_hash: name(interner, &status.blue_green.active_selector),
            aborted: status.abort.is_true(),
            weights: status
                .canary
                .weights
                .as_ref()
                .map(|weights| (weights.canary.weight.count(), weights.stable.weight.count())),
            analyses: self.analyses(interner),
        }
    }

    fn analyses(&self, interner: &mut Interner) -> Vec<Analysis> {
        let (canary, pair) = (&self.status.canary, &self.status.blue_green);
        let runs = [
            ("step", &canary.current_step_analysis_run_status),
            ("background", &canary.current_background_analysis_run_status),
            ("before", &pair.pre_promotion_analysis_run_status),
            ("after", &pair.post_promotion_analysis_run_status),
        ];
        let told = runs.into_iter().filter_map(|(of, run)| Some((of, run.as_ref()?)));
        told.map(|(of, run)| Analysis {
            of,
            run: name(interner, &run.name),
            phase: name(interner, &run.status),
            message: name(interner, &run.message),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_canary_half_way() {
        let row = crate::wire::testing::row::<WireRollout>(json!({
            "metadata": {"name": "cart", "namespace": "shop", "uid": "1", "generation": 12},
            "spec": {"replicas": 5, "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}]}}},
            "status": {"observedGeneration": "12", "phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": 1,
                "stableRS": "aaa", "currentPodHash": "bbb", "replicas": 6, "updatedReplicas": 1, "abort": false,
                "canary": {"weights": {"canary": {"weight": 20, "serviceName": "c"}, "stable": {"weight": 80}},
                    "currentStepAnalysisRunStatus": {"name": "cart-bbb-2-1", "status": "Running", "message": ""}},
                "blueGreen": {}},
        }));
        assert_eq!((row.generation, row.observed), (12, 12), "Argo writes the generation as a string");
        let More::Rollout(more) = &row.more else { panic!("{:?}", row.more) };
        assert_eq!((&*more.strategy, &*more.phase, more.step), ("canary", "Paused", Some((1, 3))));
        assert_eq!((&*more.stable_hash, &*more.current_hash, more.aborted), ("aaa", "bbb", false));
        assert_eq!(more.weights, Some((20, 80)));
        let [run] = more.analyses.as_slice() else { panic!("{:?}", more.analyses) };
        assert_eq!((run.of, &*run.run, &*run.phase), ("step", "cart-bbb-2-1", "Running"));
    }

    #[test]
    fn blue_green_has_no_steps() {
        let row = crate::wire::testing::row::<WireRollout>(json!({
            "metadata": {"name": "cart", "uid": "1"}, "spec": {"strategy": {"blueGreen": {"activeService": "a"}}}}));
        let More::Rollout(more) = &row.more else { panic!("{:?}", row.more) };
        assert_eq!((&*more.strategy, more.step), ("blueGreen", None));
        assert_eq!((more.weights, more.analyses.len()), (None, 0));
    }
}
