//! Replicas: those of an autoscaler between its bounds, and those of workloads that none scales, each kind by series of its
//! own.

use super::{Aim, Asker, Draft, Legend, Matcher, Role, Target, target, with};
use crate::domain::id::{Kind, Name};

/// How a kind's replicas are counted.
struct Counted {
    kind: Kind,
    /// The label with the workload's name.
    label: &'static str,
    /// Those that serve, and what they are called; with the kind's short name where several kinds share a chart.
    now: (&'static str, &'static str, &'static str),
    /// Those that are wanted.
    wanted: (&'static str, &'static str, &'static str),
}

/// By kube-state-metrics, and Argo Rollouts by its own controller.
const COUNTED: [Counted; 5] = [
    Counted {
        kind: Kind::Deployment,
        label: "deployment",
        now: ("kube_deployment_status_replicas_available", "available", "deploy available"),
        wanted: ("kube_deployment_spec_replicas", "wanted", "deploy wanted"),
    },
    Counted {
        kind: Kind::StatefulSet,
        label: "statefulset",
        now: ("kube_statefulset_status_replicas_ready", "ready", "sts ready"),
        wanted: ("kube_statefulset_replicas", "wanted", "sts wanted"),
    },
    Counted {
        kind: Kind::DaemonSet,
        label: "daemonset",
        now: ("kube_daemonset_status_number_available", "available", "ds available"),
        wanted: ("kube_daemonset_status_desired_number_scheduled", "wanted", "ds wanted"),
    },
    Counted {
        kind: Kind::ReplicaSet,
        label: "replicaset",
        now: ("kube_replicaset_status_ready_replicas", "ready", "rs ready"),
        wanted: ("kube_replicaset_spec_replicas", "wanted", "rs wanted"),
    },
    Counted {
        kind: Kind::Rollout,
        label: "name",
        now: ("rollout_info_replicas_available", "available", "ro available"),
        wanted: ("rollout_info_replicas_desired", "wanted", "ro wanted"),
    },
];

impl Asker<'_> {
    pub(super) fn replicas(&self) -> Result<Vec<Draft>, String> {
        let Target::Workloads(aims) = self.target else {
            return Err("Replicas are shown of an app or a workload.".to_owned());
        };
        let one = |family: &str, label: &str, names: Vec<Name>| {
            let labels = self.place.survey.and_then(|survey| survey.labels(family));
            let mut matchers = vec![target::namespace_matcher(labels, target::namespaces_of(aims))];
            matchers.push(Matcher::Among(label.into(), names));
            format!("sum({})", with(family, &matchers, ""))
        };
        let names: Vec<Name> = aims.iter().filter_map(|aim| aim.autoscaler.clone()).collect();
        let family = "kube_horizontalpodautoscaler_status_current_replicas";
        if names.is_empty() {
            return self.counted(aims, false, &one);
        }
        if let Err(why) = self.there(family) {
            // What runs is known without what it should be.
            return self.counted(aims, false, &one).map_err(|_| why);
        }
        let label = "horizontalpodautoscaler";
        let curve = |family: &str, word, role| (one(family, label, names.clone()), Legend::Fixed(word), role);
        let mut curves = vec![
            curve(family, "current", Role::Line),
            curve("kube_horizontalpodautoscaler_status_desired_replicas", "target", Role::Line),
            curve("kube_horizontalpodautoscaler_spec_min_replicas", "min", Role::Request),
            curve("kube_horizontalpodautoscaler_spec_max_replicas", "max", Role::Limit),
        ];
        let rest: Vec<Aim> = aims.iter().filter(|aim| aim.autoscaler.is_none()).cloned().collect();
        // What nothing counts is no reason to leave out the autoscaler's.
        curves.extend(self.counted(&rest, true, &one).unwrap_or_default());
        Ok(curves)
    }

    /// Curves of all kinds among the workloads that this Prometheus counts, with their kinds' names where others are `beside`
    /// them; `one` sums a family over named workloads.
    fn counted(
        &self,
        aims: &[Aim],
        beside: bool,
        one: &dyn Fn(&str, &str, Vec<Name>) -> String,
    ) -> Result<Vec<Draft>, String> {
        let names = |kind: Kind| -> Vec<Name> {
            aims.iter().filter(|aim| aim.kind == kind).map(|aim| aim.name.clone()).collect()
        };
        let (mut found, mut missing) = (Vec::new(), None);
        for counted in &COUNTED {
            let names = names(counted.kind);
            if names.is_empty() {
                continue;
            }
            match self.there(counted.now.0) {
                Ok(()) => found.push((counted, names)),
                Err(why) => missing = missing.or(Some(lacking(counted, why))),
            }
        }
        if found.is_empty() {
            return Err(missing.unwrap_or_else(|| match aims.first() {
                Some(aim) => format!("A {} keeps no number of replicas.", aim.kind.word()),
                None => "None of its workloads is here.".to_owned(),
            }));
        }
        let several = beside || found.len() > 1;
        let curves = found.into_iter().flat_map(|(counted, names)| {
            [counted.now, counted.wanted].map(|(family, alone, among)| {
                let word = if several { among } else { alone };
                (one(family, counted.label, names.clone()), Legend::Fixed(word), Role::Line)
            })
        });
        Ok(curves.collect())
    }
}

/// Why a kind is not counted here.
fn lacking(counted: &Counted, why: String) -> String {
    match counted.kind {
        Kind::Rollout => format!(
            "kube-state-metrics counts no Rollouts, and the metrics of Argo Rollouts' controller ({}) are not in this \
             Prometheus.",
            counted.now.0
        ),
        _ => why,
    }
}
