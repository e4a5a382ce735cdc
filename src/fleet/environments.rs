//! Which environments there are: as configured, else inferred from the names
//! of contexts and namespaces.
//!
//! Worked out anew only when [`fingerprint`] changes: that is when a namespace
//! comes or goes, a connection gets or loses its identity, or the settings
//! change; never because a pod did.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::wanted::{Wanted, WantedEnvironment};
use super::words::{Says, StageWord, namespace_says, stage_of_context, tokens};
use crate::domain::environment::{Environment, Environments, Group, NO_CLUSTER, Scope};
use crate::domain::id::{ClusterId, EnvId, Name};
use crate::domain::link::{Feed, Link};
use crate::world::{ClusterWorld, World};

/// Everything that [`environments`] reads, as one number: equal numbers mean
/// equal environments.
pub fn fingerprint(wanted: &Wanted, world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    wanted.hash(&mut hasher);
    for cluster in &world.clusters {
        cluster.connection.context.hash(&mut hasher);
        cluster.connection.namespace.hash(&mut hasher);
        cluster.connection.same_as.hash(&mut hasher);
        (cluster.connection.link == Link::Dim).hash(&mut hasher);
        if cluster.namespaces.has_data() {
            (1u8, cluster.namespaces.version()).hash(&mut hasher);
        } else if cluster.namespaces.feed != Feed::Loading {
            (2u8, cluster.namespace_names()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Works out the environments.
///
/// With stages configured those come first, as written; what they leave over
/// of connected clusters follows as `platform` and `other`. Without, stages are
/// read from the names of namespaces and contexts. Every context of which
/// nothing else is known yet stays as a bare one ([`Group::Context`]).
pub fn environments(wanted: &Wanted, world: &World) -> Environments {
    let mut drafts = Vec::new();
    let stages: Vec<Name> = if wanted.stages.is_empty() {
        let found = inferred(world, &mut drafts);
        found.iter().map(|word| Name::from(word.name())).collect()
    } else {
        configured(wanted, world, &mut drafts);
        wanted.stages.iter().map(|stage| stage.name.clone()).collect()
    };
    leftovers(world, &mut drafts);
    name(&mut drafts);
    drafts.sort_by_key(Draft::rank);
    let list = drafts
        .into_iter()
        .enumerate()
        .map(|(n, draft)| Environment {
            id: EnvId(u16::try_from(n).unwrap_or(u16::MAX)),
            name: draft.name,
            stage: draft.stage,
            group: draft.group,
            cluster: draft.cluster,
            context: draft.context,
            scope: draft.scope,
            protected: draft.protected,
            read_only: draft.read_only,
            inferred: draft.inferred,
            targets: draft.targets,
        })
        .collect();
    Environments { stages, list }
}

/// Where an environment of the old list is found in the new one, so that what
/// a person stands on stays when the list is worked out anew: the one with its
/// name and cluster, else the one in its stage or group of its cluster, else
/// (a context that has just answered) the first of its cluster.
pub fn follow(before: &Environments, id: EnvId, after: &Environments) -> Option<EnvId> {
    let old = before.get(id)?;
    let stage_of = |all: &Environments, env: &Environment| {
        env.stage.and_then(|stage| all.stages.get(usize::from(stage)).cloned())
    };
    let here = || after.list.iter().filter(|env| env.cluster == old.cluster);
    here()
        .find(|env| env.name == old.name)
        .or_else(|| {
            here().find(|env| env.group == old.group && stage_of(after, env) == stage_of(before, old))
        })
        .or_else(|| here().next())
        .map(|env| env.id)
}

/// An environment that has no place and perhaps no name yet.
struct Draft {
    name: Name,
    /// The name is as configured and stays.
    named: bool,
    stage: Option<u16>,
    group: Group,
    /// Order among its peers; the name decides between equal ones.
    order: u32,
    cluster: ClusterId,
    context: Name,
    scope: Scope,
    protected: bool,
    read_only: bool,
    inferred: bool,
    targets: Option<crate::domain::environment::Targets>,
}

impl Draft {
    fn rank(&self) -> (Group, Option<u16>, u32, Name) {
        (self.group, self.stage, self.order, self.name.clone())
    }

    fn inferred(group: Group, cluster: ClusterId, context: &Name, namespaces: Vec<Name>) -> Draft {
        Draft {
            name: "".into(),
            named: false,
            stage: None,
            group,
            order: 0,
            cluster,
            context: context.clone(),
            scope: Scope::Namespaces(namespaces),
            protected: true,
            read_only: false,
            inferred: true,
            targets: None,
        }
    }
}

/// The namespaces of a cluster as far as they are known: listed, else those
/// that objects and the kubeconfig name. `None` before anything is known.
fn known_namespaces(cluster: &ClusterWorld) -> Option<Vec<Name>> {
    if cluster.namespaces.has_data() {
        return Some(cluster.namespace_names());
    }
    if cluster.connection.link == Link::Dim || cluster.namespaces.feed == Feed::Loading {
        return None;
    }
    let mut names: BTreeSet<Name> = cluster.namespace_names().into_iter().collect();
    let own = &cluster.connection.namespace;
    if own.is_empty() && names.is_empty() {
        names.insert("default".into());
    } else if !own.is_empty() {
        names.insert(own.clone());
    }
    Some(names.into_iter().collect())
}

/// Clusters that stand for themselves: not a second way to one already there.
fn own_clusters(world: &World) -> impl Iterator<Item = (ClusterId, &ClusterWorld)> {
    world.each().filter(|(_, cluster)| cluster.connection.same_as.is_none())
}

/// One environment for each (context, stage word). Returns the stages found.
fn inferred(world: &World, drafts: &mut Vec<Draft>) -> Vec<StageWord> {
    let mut found: BTreeMap<StageWord, Vec<Draft>> = BTreeMap::new();
    for (id, cluster) in own_clusters(world) {
        let Some(names) = known_namespaces(cluster) else { continue };
        let context = &cluster.connection.context;
        for (stage, namespaces) in staged_namespaces(context, names) {
            found.entry(stage).or_default().push(Draft {
                name: stage.name().into(),
                protected: !stage.is_harmless(),
                ..Draft::inferred(Group::Stage, id, context, namespaces)
            });
        }
    }
    let stages = found.keys().copied().collect();
    for (n, environments) in found.into_values().enumerate() {
        let stage = u16::try_from(n).ok();
        drafts.extend(environments.into_iter().map(|draft| Draft { stage, ..draft }));
    }
    stages
}

/// The stages of one context with their namespaces, sorted.
///
/// Namespaces that say a stage stand in it. When the context says one, and no
/// namespace contradicts it, its other namespaces stand there too.
fn staged_namespaces(context: &str, names: Vec<Name>) -> BTreeMap<StageWord, Vec<Name>> {
    let mut stages: BTreeMap<StageWord, Vec<Name>> = BTreeMap::new();
    let mut silent = Vec::new();
    for name in names {
        match namespace_says(&name) {
            Says::Stage(stage) => stages.entry(stage).or_default().push(name),
            Says::Platform => {}
            Says::Nothing => silent.push(name),
        }
    }
    if let Some(stage) = stage_of_context(context)
        && !silent.is_empty()
        && stages.keys().all(|said| *said == stage)
    {
        let namespaces = stages.entry(stage).or_default();
        namespaces.append(&mut silent);
        namespaces.sort_unstable();
    }
    stages
}

fn configured(wanted: &Wanted, world: &World, drafts: &mut Vec<Draft>) {
    for (n, stage) in wanted.stages.iter().enumerate() {
        for (order, environment) in stage.environments.iter().enumerate() {
            let name = if environment.name.is_empty() { &stage.name } else { &environment.name };
            let cluster = world.each().find(|(_, cluster)| {
                environment.context.is_empty() || cluster.connection.context == environment.context
            });
            let harmless = [name, &stage.name]
                .into_iter()
                .find_map(|text| stage_of_context(text))
                .is_some_and(StageWord::is_harmless);
            drafts.push(Draft {
                name: name.clone(),
                named: !environment.name.is_empty(),
                stage: Some(u16::try_from(n).unwrap_or(u16::MAX)),
                group: Group::Stage,
                order: u32::try_from(order).unwrap_or(u32::MAX),
                cluster: cluster.map_or(NO_CLUSTER, |(id, _)| id),
                context: cluster
                    .map_or(&environment.context, |(_, cluster)| &cluster.connection.context)
                    .clone(),
                scope: scope(environment, cluster.map(|(_, cluster)| cluster)),
                protected: environment.protected.unwrap_or(!harmless),
                read_only: environment.read_only,
                inferred: false,
                targets: environment.targets,
            });
        }
    }
}

/// Names as given; a selector resolved against the labels of the namespaces;
/// with neither, every namespace that is not the platform's own.
fn scope(environment: &WantedEnvironment, cluster: Option<&ClusterWorld>) -> Scope {
    if let Some(selector) = &environment.selector {
        let mut resolved: Vec<Name> = cluster
            .into_iter()
            .flat_map(|cluster| cluster.namespaces.iter())
            .filter(|(_, namespace)| selector.matches(&namespace.labels))
            .map(|(_, namespace)| namespace.name.clone())
            .chain(environment.namespaces.iter().cloned())
            .collect();
        resolved.sort_unstable();
        resolved.dedup();
        return Scope::Selector { selector: selector.clone(), resolved };
    }
    let mut names = environment.namespaces.clone();
    if names.is_empty() {
        names = cluster.and_then(known_namespaces).unwrap_or_default();
        names.retain(|name| namespace_says(name) != Says::Platform);
    }
    names.sort_unstable();
    names.dedup();
    Scope::Namespaces(names)
}

/// What no environment has taken: `platform` and `other` of each connected
/// cluster, and the contexts of which nothing is known.
fn leftovers(world: &World, drafts: &mut Vec<Draft>) {
    let mut more = Vec::new();
    for (id, cluster) in own_clusters(world) {
        let context = &cluster.connection.context;
        let mine = || drafts.iter().filter(|draft| draft.cluster == id);
        let Some(names) = known_namespaces(cluster) else {
            if mine().next().is_none() {
                more.push(Draft {
                    name: context.clone(),
                    protected: !stage_of_context(context).is_some_and(StageWord::is_harmless),
                    ..Draft::inferred(Group::Context, id, context, Vec::new())
                });
            }
            continue;
        };
        let (platform, other): (Vec<Name>, Vec<Name>) = names
            .into_iter()
            .filter(|name| !mine().any(|draft| draft.scope.contains(name)))
            .partition(|name| namespace_says(name) == Says::Platform);
        for (group, word, names) in [(Group::Platform, "platform", platform), (Group::Other, "other", other)]
        {
            if !names.is_empty() {
                more.push(Draft { name: word.into(), ..Draft::inferred(group, id, context, names) });
            }
        }
    }
    drafts.append(&mut more);
}

/// Makes the names unique: all that would share one gain their context's short
/// name, or the whole one where the short ones are alike too, then a number. A
/// name that the configuration gives stays.
fn name(drafts: &mut [Draft]) {
    let mut taken: BTreeSet<Name> =
        drafts.iter().filter(|draft| draft.named).map(|draft| draft.name.clone()).collect();
    let mut alike: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
    for (n, draft) in drafts.iter().enumerate().filter(|(_, draft)| !draft.named) {
        alike.entry(draft.name.clone()).or_default().push(n);
    }
    let forms: [fn(&Draft) -> String; 3] = [
        |draft| draft.name.to_string(),
        |draft| with_context(&draft.name, draft.group, short_context(&draft.context)),
        |draft| format!("{}-{}", draft.name, draft.context),
    ];
    for (base, members) in alike {
        let distinct = forms.iter().find(|form| {
            let names: BTreeSet<Name> = members.iter().map(|n| form(&drafts[*n]).into()).collect();
            names.len() == members.len() && names.is_disjoint(&taken)
        });
        for n in members {
            drafts[n].name = match distinct {
                Some(form) => form(&drafts[n]).into(),
                None => (2u32..)
                    .map(|n| Name::from(format!("{base}-{n}")))
                    .find(|name| !taken.contains(name))
                    .unwrap_or_else(|| base.clone()),
            };
            taken.insert(drafts[n].name.clone());
        }
    }
}

/// `production` in context `prod-eu` is `production-eu`.
fn with_context(base: &str, group: Group, context: &str) -> String {
    let words: Vec<&str> = match (group, StageWord::of(base)) {
        (Group::Stage, Some(stage)) => {
            tokens(context).into_iter().filter(|word| StageWord::of(word) != Some(stage)).collect()
        }
        _ => tokens(context),
    };
    if words.is_empty() { base.to_owned() } else { format!("{base}-{}", words.join("-")) }
}

/// The part of a context's name that people say: the cluster's name out of
/// `gke_project_zone_name`, `arn:aws:eks:region:account:cluster/name`,
/// `user@name` and OpenShift's `namespace/host:port/user`.
pub fn short_context(context: &str) -> &str {
    let part = if context.starts_with("arn:") {
        context.rsplit('/').next()
    } else if context.starts_with("gke_") {
        context.rsplit('_').next()
    } else if context.matches('/').count() == 2 {
        context.split('/').nth(1).and_then(|host| host.split(':').next())
    } else {
        context.rsplit('@').next()
    };
    part.filter(|part| !part.is_empty()).unwrap_or(context)
}

#[cfg(test)]
#[path = "environments_tests.rs"]
mod tests;
