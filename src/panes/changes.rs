//! From what the cursor is on to an order for [`crate::change`]: what is wanted, where it stands, and what the screen
//! knows that bears on it. The command line makes its orders here too. What is judged is read anew afterwards.

use std::sync::Arc;

use crate::action::Action;
use crate::change::actions::{self, Kept};
use crate::change::intent::{Around, Free, Gauges, Intent, Order, Place, Questions, Switched, Verb, With};
use crate::domain::alert::{Hearing, Severity};
use crate::domain::environment::Environment;
use crate::domain::graph::SurveyRequest;
use crate::domain::id::{ClusterId, Kind, Name, ObjectRef, Uid};
use crate::domain::link::Feed;
use crate::domain::node::{Node, Taint};
use crate::domain::workload::Workload;
use crate::fleet::traffic::pair_of;
use crate::journal::{Entry, Outcome::Refused, Reading};
use crate::panes::objects;
use crate::panes::traffic::{self, Questions as Asked};
use crate::panes::views::words;
use crate::shared::{Begin, Outcome, Shared, Turn};

/// Whether an action begins a change: whether the registry has it.
pub(super) fn is_change(action: Action) -> bool {
    actions::of_row(action.info().name).next().is_some()
}

/// The actions of the registry that a key means, most of them one. Where it asks which, always all, each in its place:
/// what is known here may be old, and the plan reads it anew.
fn verbs_of(action: Action) -> Vec<Verb> {
    actions::of_row(action.info().name).collect()
}

/// What an action can change, by the registry; nothing when it changes nothing.
pub(super) fn kinds_of(action: Action) -> &'static [Kind] {
    actions::of_row(action.info().name).next().map_or(&[], |verb| verb.kinds())
}

/// The node that an object is, or that a pod is on.
fn node_of(shared: &Shared, object: &ObjectRef) -> Option<ObjectRef> {
    if object.kind == Kind::Node {
        return Some(object.clone());
    }
    let pod = shared.world.find_pod(object).filter(|pod| !pod.node.is_empty())?;
    let nodes = &shared.world.cluster(object.cluster)?.nodes;
    let uid = nodes.iter().find(|(_, node)| node.name == pod.node).map(|(_, node)| node.uid);
    Some(ObjectRef {
        cluster: object.cluster,
        kind: Kind::Node,
        namespace: "".into(),
        name: pod.node.clone(),
        // One that is not known here is whichever has the name.
        uid: uid.unwrap_or_default(),
    })
}

/// Whether an action can be begun, or why it does not apply.
pub(super) fn applies(shared: &Shared, object: &ObjectRef, action: Action) -> Result<(), String> {
    targets(shared, object, action).map(|_| ())
}

/// What an action would be done to, and by which of the registry; or why it does not apply.
fn targets(shared: &Shared, object: &ObjectRef, action: Action) -> Result<(Vec<Verb>, ObjectRef), String> {
    let verbs = verbs_of(action);
    let verb = *verbs.first().ok_or_else(|| "This version cannot do that.".to_owned())?;
    let object = target(shared, object, verb)?;
    if let Some(why) = environments(shared, &object).iter().find_map(|env| read_only(shared, *env)) {
        return Err(format!("{why}: nothing is changed."));
    }
    Ok((verbs, object))
}

fn target(shared: &Shared, object: &ObjectRef, verb: Verb) -> Result<ObjectRef, String> {
    objects::reachable(shared, object)?;
    objects::there(shared, object)?;
    if verb.kinds().contains(&object.kind) {
        return Ok(object.clone());
    }
    let kinds: Vec<&str> = verb.kinds().iter().map(|kind| kind.word()).collect();
    let no =
        |kind: Kind| format!("{} is for a {}, and this is a {}.", verb.name(), kinds.join(", "), kind.word());
    if verb.kinds().contains(&Kind::Node) {
        return match object.kind {
            Kind::Pod => node_of(shared, object).ok_or_else(|| format!("{} is on no node yet.", object.name)),
            kind => Err(no(kind)),
        };
    }
    if verb.kinds().contains(&Kind::Pod) {
        return Err(no(object.kind));
    }
    if verb.kinds().contains(&Kind::Service) {
        let workload = objects::workload_of(shared, object)?;
        let pair = pair_of(&shared.wanted, &shared.world, &workload);
        return pair
            .map(|pair| pair.service)
            .ok_or_else(|| format!("{} is no colour of a blue/green pair.", workload.name));
    }
    let workload = objects::workload_of(shared, object)?;
    match verb.kinds().contains(&workload.kind) {
        true => Ok(workload),
        false => Err(no(workload.kind)),
    }
}

/// Whether a change can be begun for all of these at once, or why not.
pub(super) fn applies_to_all(shared: &Shared, objects: &[ObjectRef], action: Action) -> Result<(), String> {
    all_targets(shared, objects, action).map(|_| ())
}

/// What a change of all of these would be done to, each once, and by which actions of the registry.
fn all_targets(
    shared: &Shared,
    objects: &[ObjectRef],
    action: Action,
) -> Result<(Vec<Verb>, Vec<ObjectRef>), String> {
    let (mut verbs, mut all): (Vec<Verb>, Vec<ObjectRef>) = (Vec::new(), Vec::new());
    for object in objects {
        let (of, target) = targets(shared, object, action)?;
        verbs = of;
        // Two pods of one workload are one workload.
        if !all.contains(&target) {
            all.push(target);
        }
    }
    if all.len() < 2 {
        return Ok((verbs, all));
    }
    verbs.retain(|verb| verb.several());
    if verbs.is_empty() {
        let clear = shared.key(Action::ClearMarks);
        return Err(format!(
            "This is done to one at a time, and {} are marked ({clear} clears them).",
            all.len()
        ));
    }
    let place = |object: &ObjectRef| {
        let of: Vec<_> = environments(shared, object).into_iter().map(|env| env.map(|env| env.id)).collect();
        (object.cluster, of)
    };
    match all.first().map(place) {
        Some(first) if all.iter().any(|object| place(object) != first) => {
            Err("What is marked stands in several environments, and a plan is for one.".to_owned())
        }
        _ => Ok((verbs, all)),
    }
}

/// Begins a change of all of these by its key.
pub(super) fn begin_all(shared: &Shared, objects: &[ObjectRef], action: Action) -> Outcome {
    match all_targets(shared, objects, action) {
        Ok((verbs, all)) => match all.as_slice() {
            [one] => begin(shared, one.clone(), action),
            _ => {
                let mut orders: Vec<Order> = verbs
                    .into_iter()
                    .map(|verb| order(shared, Intent { verb, objects: all.clone(), with: With::default() }))
                    .collect();
                let begin = match orders.len() {
                    1 => Begin::Plan(orders.remove(0)),
                    _ => Begin::Which { orders },
                };
                Outcome { turn: Some(Turn::Change(Box::new(begin))), ..Outcome::none() }
            }
        },
        Err(_) => Outcome::none(),
    }
}

/// Whether a switch is the way back from what a journal tells: the last one of its Service led away from there. A way
/// back is none that there would be a way back from, and one that was refused led nowhere.
pub fn leads_back(reading: &Reading, order: &Order) -> bool {
    let [service] = order.intent.objects.as_slice() else { return false };
    let before = way_back(reading, service, &order.place.context);
    before.is_some_and(|colour| order.intent.with.to.as_deref() == Some(colour))
}

/// The colour that the last switch of a Service led away from. A Service that a person named, without a uid, is looked for
/// among what was done by way of the same context.
pub fn way_back<'r>(reading: &'r Reading, service: &ObjectRef, context: &str) -> Option<&'r str> {
    let of_it = |entry: &&Entry| {
        let object = entry.intent.objects.first();
        let refused = entry.end.as_ref().is_some_and(|end| end.outcome == Refused);
        let here = object.is_some_and(|object| match service.uid == Uid::default() {
            true => {
                entry.intent.context == context
                    && object.namespace == *service.namespace
                    && object.name == *service.name
            }
            false => Uid::parse(&object.uid) == service.uid,
        });
        entry.intent.action == "switch" && here && !refused && !entry.intent.with.back
    };
    let last = reading.entries.iter().rfind(of_it)?;
    last.intent.back.as_ref()?.with.to.as_deref()
}

/// Begins a switch of a Service to a colour; `back` when it was asked for as the way back.
pub(super) fn switch(shared: &Shared, service: ObjectRef, to: Name, back: bool) -> Outcome {
    let Ok((verbs, object)) = targets(shared, &service, Action::Switch) else { return Outcome::none() };
    let Some(verb) = verbs.first().copied() else { return Outcome::none() };
    let with = With { to: Some(to.to_string()), back, ..With::default() };
    let begin = Begin::Plan(order(shared, Intent { verb, objects: vec![object], with }));
    Outcome { turn: Some(Turn::Change(Box::new(begin))), ..Outcome::none() }
}

/// The question how many pods of a colour that a Service was led away from are still wanted.
///
/// # Errors
/// What runs of it is not known, or nothing may be changed there.
pub fn scale_down(shared: &Shared, service: &ObjectRef, colour: &str) -> Result<Begin, String> {
    let pair = pair_of(&shared.wanted, &shared.world, service);
    let found = pair.and_then(|pair| pair.colours.into_iter().find(|one| *one.name == *colour));
    // Somebody may have switched again since.
    if found.as_ref().is_some_and(|one| one.live) {
        return Err(format!(
            "{colour} has the traffic of {} again: it is not scaled down from here.",
            service.name
        ));
    }
    if shared.watched.iter().any(|(watched, _)| watched == service) {
        return Err(format!("A switch of {} is watched: the colours stay until it is over.", service.name));
    }
    let mut asked = Vec::new();
    for workload in found.into_iter().flat_map(|one| one.workloads) {
        let (verbs, object) = targets(shared, &workload, Action::Scale)?;
        for verb in verbs {
            let with = With { replicas: Some(0), ..With::default() };
            asked.push(order(shared, Intent { verb, objects: vec![object.clone()], with }));
        }
    }
    match asked.as_slice() {
        [] => Err(format!("No workload of {colour} is known here any more.")),
        [one] => {
            let object = one.intent.objects.first().cloned();
            let mut order = one.clone();
            order.intent.with = With::default();
            Ok(object.map_or_else(|| Begin::Plan(one.clone()), |object| number(shared, order, &object)))
        }
        _ => Ok(Begin::Which { orders: asked }),
    }
}

/// Begins a change by its key.
pub(super) fn begin(shared: &Shared, object: ObjectRef, action: Action) -> Outcome {
    let Ok((verbs, object)) = targets(shared, &object, action) else { return Outcome::none() };
    let mut orders = verbs
        .into_iter()
        .map(|verb| order(shared, Intent { verb, objects: vec![object.clone()], with: With::default() }));
    let Some(order) = orders.next() else { return Outcome::none() };
    let begin = match action {
        Action::Scale => number(shared, order, &object),
        Action::Undo => revision(shared, order, &object),
        _ if orders.len() > 0 => Begin::Which { orders: std::iter::once(order).chain(orders).collect() },
        _ => Begin::Plan(order),
    };
    Outcome { turn: Some(Turn::Change(Box::new(begin))), ..Outcome::none() }
}

/// The environments that an object matters to: of a node all of its cluster that people call one.
fn environments<'a>(shared: &'a Shared, object: &ObjectRef) -> Vec<Option<&'a Environment>> {
    if object.kind.namespaced() {
        return vec![shared.environments.of(object.cluster, &object.namespace)];
    }
    let here = shared.environments.counted().filter(|env| env.cluster == object.cluster);
    let found: Vec<_> = here.map(Some).collect();
    // What nobody has an environment for has nobody who says that it may be changed lightly.
    if found.is_empty() { vec![None] } else { found }
}

fn number(shared: &Shared, order: Order, object: &ObjectRef) -> Begin {
    let cluster = shared.world.cluster(object.cluster);
    let replicas = match object.kind {
        Kind::ReplicaSet => {
            cluster.and_then(|cluster| cluster.replica_sets.get(object.uid)).map_or(1, |set| set.desired)
        }
        _ => shared.world.find_workload(object).map_or(1, |workload| workload.desired),
    };
    let rules = |hpa: &&crate::domain::node::Autoscaler| {
        hpa.namespace == object.namespace
            && *hpa.target_kind == *object.kind.word()
            && hpa.target_name == object.name
    };
    let scalers = cluster.into_iter().flat_map(|cluster| cluster.autoscalers.iter()).map(|(_, hpa)| hpa);
    let ruled_by = scalers.into_iter().find(rules).map(|hpa| (hpa.name.clone(), hpa.min, hpa.max));
    Begin::Number { order, replicas, ruled_by }
}

fn revision(shared: &Shared, order: Order, object: &ObjectRef) -> Begin {
    if matches!(object.kind, Kind::StatefulSet | Kind::DaemonSet) {
        return Begin::Kept(order);
    }
    let Some(cluster) = shared.world.cluster(object.cluster) else { return Begin::Plan(order) };
    let sets = cluster.replica_sets.iter().map(|(_, set)| set);
    let own = sets.filter(|set| set.owner.as_ref().is_some_and(|owner| owner.uid == object.uid));
    let mut revisions: Vec<_> = own
        .map(|set| {
            let images: Vec<&str> = set
                .images
                .iter()
                .filter(|image| !image.init)
                .map(|image| image.image.rsplit('/').next().unwrap_or(&image.image))
                .collect();
            let age = words::short_age(set.created, shared);
            (set.revision, format!("{} · made {age} ago", images.join(", ")))
        })
        .collect();
    revisions.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    // The newest is what runs.
    if !revisions.is_empty() {
        revisions.remove(0);
    }
    match revisions.len() {
        0 | 1 => Begin::Plan(order),
        _ => Begin::Revision { order, revisions },
    }
}

/// What a revision runs that a controller keeps, and since when.
pub fn revision_words(shared: &Shared, kept: &Kept) -> String {
    let images: Vec<&str> =
        kept.images.iter().map(|image| image.rsplit('/').next().unwrap_or(image)).collect();
    format!("{} · made {} ago", images.join(", "), words::short_age(kept.made, shared))
}

/// Why nothing may be changed in an environment.
fn read_only(shared: &Shared, environment: Option<&Environment>) -> Option<String> {
    if shared.options.read_only {
        return Some("Read-only".to_owned());
    }
    environment.filter(|env| env.read_only).map(|env| format!("{} is read-only", env.name))
}

/// An order for these objects, which are all of one cluster.
pub fn order(shared: &Shared, intent: Intent) -> Order {
    let first = intent.objects.first();
    let cluster = first.map(|object| object.cluster).unwrap_or_default();
    let connection = shared.world.cluster(cluster).map(|cluster| &cluster.connection);
    let environments: Vec<Option<&Environment>> =
        intent.objects.iter().flat_map(|object| environments(shared, object)).collect();
    // A node of several environments is in none of them alone: the context names the place.
    let environment = match (first, environments.as_slice()) {
        (Some(object), several) if !object.kind.namespaced() && several.len() > 1 => None,
        (_, environments) => environments.first().copied().flatten(),
    };
    let place = Place {
        cluster,
        context: connection.map(|known| known.context.clone()).unwrap_or_default(),
        server: connection.map(|known| known.server.clone()).unwrap_or_default(),
        environment: environment.map(|env| env.name.clone()).unwrap_or_default(),
        others: match environment {
            Some(_) => Vec::new(),
            None => environments.iter().flatten().map(|env| env.name.clone()).collect(),
        },
        // What belongs to no environment has nobody who says that it may be changed lightly.
        protected: environments.iter().any(|env| env.is_none_or(|env| env.protected)),
        read_only: environments.iter().find_map(|env| read_only(shared, *env)),
    };
    let around = Around {
        alerts: alerts(shared, environment),
        backup: backup(shared, environment, first.map(|object| &object.namespace)),
        room: room(shared, cluster),
        delivery: intent.objects.iter().map(|object| delivery(shared, object)).collect(),
        freezes: shared.wanted.freezes.clone(),
        instead_of: None,
        overriding: !shared.wanted.never_override,
        switched: first.filter(|_| intent.verb.needs().colours).map(|service| {
            Box::new(Switched {
                settings: shared.wanted.traffic.clone(),
                gauges: gauges(shared, environment, service),
            })
        }),
    };
    Order { intent, place, around }
}

/// What has to be known of a Prometheus for a switch.
pub fn survey(shared: &Shared, order: &Order) -> Option<Arc<SurveyRequest>> {
    let service = order.intent.objects.first().filter(|_| order.around.switched.is_some())?;
    let env = shared.environments.of(service.cluster, &service.namespace)?;
    traffic::questions(shared, env.id, &[]).0
}

/// Whether it is known by now whom to ask how requests fare, where it was not when a switch was ordered.
pub fn knows_more(shared: &Shared, order: &Order) -> bool {
    let unknown = order.around.switched.as_ref().is_some_and(|switched| switched.gauges.is_err());
    unknown && self::order(shared, order.intent.clone()).around.switched.is_some_and(|now| now.gauges.is_ok())
}

/// Whom to ask how requests to each colour of a pair fare.
fn gauges(shared: &Shared, environment: Option<&Environment>, service: &ObjectRef) -> Result<Gauges, String> {
    let env = environment.ok_or("its namespace belongs to no environment")?;
    let pair = pair_of(&shared.wanted, &shared.world, service).ok_or("its colours are not known here yet")?;
    let mut found: Option<Gauges> = None;
    for colour in &pair.colours {
        let Asked { upstream, gauges } = traffic::questions(shared, env.id, &colour.workloads).1?;
        let of_it = Questions { requests: gauges.requests, errors: gauges.errors, latency: gauges.latency };
        let all =
            found.get_or_insert_with(|| Gauges { upstream, window: gauges.window, colours: Vec::new() });
        all.colours.push((colour.name.clone(), of_it));
    }
    found.ok_or_else(|| "its colours are not known here yet".to_owned())
}

fn delivery(shared: &Shared, object: &ObjectRef) -> Option<ObjectRef> {
    if object.kind == Kind::Service {
        // What delivers the pods behind a Service delivers it too: the plan holds that against its own mark.
        let pair = pair_of(&shared.wanted, &shared.world, object)?;
        let mut workloads = pair.colours.iter().flat_map(|colour| &colour.workloads);
        return workloads.find_map(|workload| delivery(shared, workload));
    }
    // One that a person named has no uid to be known by.
    let named = |workload: &&Workload| {
        workload.kind == object.kind && workload.namespace == object.namespace && workload.name == object.name
    };
    let workload = match object.uid == Uid::default() {
        true => shared.world.cluster(object.cluster)?.workloads.iter().map(|(_, one)| one).find(named)?,
        false => shared.world.find_workload(object)?,
    };
    Some(shared.sync.of_workload(object.cluster, workload)?.object.clone())
}

/// What the nodes of a cluster that take any pod have room for.
fn room(shared: &Shared, cluster: ClusterId) -> Result<Vec<Free>, String> {
    let cluster = shared.world.cluster(cluster).ok_or("its cluster is not known")?;
    if cluster.feed(Kind::Node) != Feed::Live {
        return Err("the nodes cannot be read, or not yet".to_owned());
    }
    if cluster.feed(Kind::Pod) != Feed::Live || !cluster.pods.has_data() {
        return Err("not all pods of the cluster can be read".to_owned());
    }
    let takes_any = |node: &&Node| {
        let keeps_away = |taint: &Taint| matches!(&*taint.effect, "NoSchedule" | "NoExecute");
        &*node.ready == "True" && !node.cordoned && !node.taints.iter().any(keeps_away)
    };
    let nodes = cluster.nodes.iter().map(|(_, node)| node).filter(takes_any);
    Ok(nodes
        .map(|node| {
            let load = cluster.node_load(&node.name);
            Free {
                node: node.name.clone(),
                cpu: node.allocatable.cpu_milli.saturating_sub(load.requests.cpu_milli),
                memory: node.allocatable.memory.saturating_sub(load.requests.memory),
                pods: node.max_pods.saturating_sub(load.pods),
            }
        })
        .collect())
}

fn alerts(shared: &Shared, environment: Option<&Environment>) -> Result<Vec<String>, String> {
    let env = environment.ok_or("its namespace belongs to no environment")?;
    let standings = shared.alerts.standing(&shared.upstreams, env.id);
    // One server that was heard is enough: the other tells of the same alerts.
    let heard = standings.iter().any(|one| one.assigned.is_ok() && one.hearing == Hearing::Well);
    if !heard {
        return Err("no server of alerts answers for this environment".to_owned());
    }
    let here = shared.alerts.list().iter().filter(|alert| alert.environments.contains(&env.id));
    let critical = here.filter(|alert| alert.fires() && alert.severity == Severity::Critical);
    Ok(critical.map(|alert| alert.name.to_string()).collect())
}

fn backup(
    shared: &Shared,
    environment: Option<&Environment>,
    namespace: Option<&Name>,
) -> Result<(u64, u64), String> {
    let env = environment.ok_or("its namespace belongs to no environment")?;
    let kept = shared.backups.get(env.id).ok_or("nothing is known of them")?;
    let of = kept.namespaces.iter().find(|of| Some(&of.namespace) == namespace);
    let rpo = &of.ok_or("none takes this namespace")?.rpo;
    let age = rpo.age(shared.now.wall).ok_or("there is no usable one")?;
    let target = rpo.target.as_ref().ok_or("no target is set to hold it against")?;
    Ok((age, target.seconds.saturating_add(target.grace)))
}
