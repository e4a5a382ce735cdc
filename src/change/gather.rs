//! Fresh reads for judging: the live object, who owns it, what rules it, what would have to allow it. Nothing here
//! remembers, and nothing here changes anything.

use std::time::Duration;

use futures::future::{join_all, try_join_all};
use futures::stream::{self, StreamExt};
use kube::Client;
use serde_json::Value;

use super::Known;
use super::actions::{self, Draft, Kept};
use super::ask::{self, DryRun};
use super::gates::{self, Evidence};
use super::intent::{Intent, Order, Switched, Way};
use super::json::{count, flag, list, note, text};
use super::owners;
use super::plan::{Line, Plan, Right, called};
use super::pods;
use super::rollouts::Rollout;
use super::smoke::{self, Smoke};
use super::traffic;
use crate::connect::paths;
use crate::connect::problem::Fault;
use crate::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use crate::domain::time::Now;
use crate::text::clean;

/// How long one read may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Questions to a server at a time.
const AT_ONCE: usize = 16;

/// What is known of one object now.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Which, with the uid that it has.
    pub object: ObjectRef,
    /// As it is.
    pub live: Value,
    /// Autoscalers whose target it is, whole.
    pub autoscalers: Known<Vec<Value>>,
    /// ScaledObjects of KEDA whose target it is, whole.
    pub scaled_objects: Known<Vec<Value>>,
    /// ReplicaSets that it controls; of a StatefulSet or a DaemonSet its ControllerRevisions.
    pub replica_sets: Known<Vec<Value>>,
    /// Disruption budgets of its namespace.
    pub budgets: Known<Vec<Value>>,
    /// Quotas of its namespace.
    pub quotas: Known<Vec<Value>>,
    /// For a pod: pods of its namespace, all of its controller among them. For a node: all pods on it.
    pub pods: Known<Vec<Value>>,
    /// EndpointSlices of a Service.
    pub slices: Known<Vec<Value>>,
    /// For an Argo Rollout that a person paused: whether that could be ended, or why the server says no.
    pub unpausing: Known<()>,
    /// For a switch: what the settings and the screen know for it.
    pub switched: Option<Box<Switched>>,
    /// For a switch: what pods of the new colour answered, where a request is configured.
    pub smoke: Option<Smoke>,
    /// What delivers it.
    pub deliverers: Vec<owners::Deliverer>,
    /// What delivers the autoscaler whose target it is, where the limits of that are to be changed.
    pub scaler_deliverers: Vec<owners::Deliverer>,
    /// When.
    pub now: Now,
}

/// Which reads an action needs besides the object itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// Autoscalers, ScaledObjects, budgets, quotas.
    pub scaling: bool,
    /// ReplicaSets, or ControllerRevisions.
    pub revisions: bool,
    /// Disruption budgets.
    pub budgets: bool,
    /// Pods: of a node those on it, of a pod those beside it.
    pub pods: bool,
    /// Whether the pause of a person could be ended.
    pub unpausing: bool,
    /// Of a Service the pods of all its colours, and its EndpointSlices.
    pub colours: bool,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlan {
    /// The action cannot be done to this, for this reason.
    Refused(String),
    /// What has to be read may not be.
    Forbidden(String),
    /// What has to be read could not be.
    Unread(String),
}

impl NoPlan {
    /// Why, in words.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            NoPlan::Refused(words) | NoPlan::Forbidden(words) | NoPlan::Unread(words) => words,
        }
    }
}

/// Works an order out against the present state. `client` gives the way to a cluster; `now` is the present, before
/// anything is read.
///
/// # Errors
/// It cannot be done, or what it needs cannot be read.
pub async fn plan(
    client: &(dyn Fn(ClusterId) -> Option<Client> + Sync),
    mut order: Order,
    now: Now,
) -> Result<Plan, NoPlan> {
    if order.intent.objects.is_empty() {
        return Err(NoPlan::Refused("Nothing is selected.".to_owned()));
    }
    let own = client(order.place.cluster)
        .ok_or_else(|| NoPlan::Unread(format!("{} is not connected.", order.place.context)))?;
    let mut all = all_facts(client, &own, &order, now).await?;
    if let [one] = all.as_slice()
        && let Some(way) = order.intent.verb.instead(&order.intent, one)
        && let Some(verb) = order.intent.verb.back_by(&way)
    {
        order.intent = Intent { verb, with: way.with, ..order.intent };
        all = all_facts(client, &own, &order, now).await?;
    }
    let drafts: Vec<Draft> = all
        .iter()
        .map(|facts| order.intent.verb.draft(&order.intent, facts).map_err(NoPlan::Refused))
        .collect::<Result<_, _>>()?;
    let kube_user = ask::who(&own, LIMIT);
    let tried = join_all(drafts.iter().map(|draft| rehearse(&own, draft)));
    let (tried, kube_user) = futures::future::join(tried, kube_user).await;
    let evidence: Vec<Evidence<'_>> = all
        .iter()
        .zip(&drafts)
        .zip(&tried)
        .map(|((facts, draft), (rights, dry_runs))| Evidence {
            order: &order,
            facts,
            all: &all,
            draft,
            rights,
            dry_runs,
        })
        .collect();
    let judged = gates::judge(&order, &evidence);
    let mitigates = drafts.iter().all(|draft| draft.mitigates);
    drop(evidence);
    let title = match drafts.as_slice() {
        [one] => one.title.clone(),
        several => format!("{} {} objects", order.intent.verb.name(), several.len()),
    };
    let lines = drafts
        .iter()
        .zip(&all)
        .map(|(draft, facts)| Line { object: facts.object.clone(), words: draft.words.clone() })
        .collect();
    let (then, back) = (in_words(&drafts, |draft| &draft.then), in_words(&drafts, |draft| &draft.back));
    let way = way_of(&order, &drafts);
    let guard = match all.as_slice() {
        [one] => order.intent.verb.guard(&order.intent, one),
        _ => None,
    };
    let needs = order.intent.verb.needs();
    let mut plan = Plan {
        order,
        title,
        lines,
        touched: Vec::new(),
        gates: judged,
        steps: Vec::new(),
        then,
        back,
        way,
        mitigates,
        expects: Vec::new(),
        guard,
        beside: match needs.pods {
            true => all
                .iter()
                .map(|facts| (facts.object.clone(), pods::path(&facts.object, &facts.live)))
                .collect(),
            false => Vec::new(),
        },
        kube_user,
        made: now,
    };
    for draft in drafts {
        plan.touched.extend(draft.touched);
        plan.steps.extend(draft.steps);
        plan.expects.extend(draft.expect);
    }
    Ok(plan)
}

/// Reads which revisions an order could go back to, newest first.
///
/// # Errors
/// They cannot be read, or the object is not there.
pub async fn kept(
    client: &(dyn Fn(ClusterId) -> Option<Client> + Sync),
    order: &Order,
    now: Now,
) -> Result<Vec<Kept>, NoPlan> {
    let object =
        order.intent.objects.first().ok_or_else(|| NoPlan::Refused("Nothing is selected.".to_owned()))?;
    let own = client(order.place.cluster)
        .ok_or_else(|| NoPlan::Unread(format!("{} is not connected.", order.place.context)))?;
    let facts = facts(client, &own, object, None, order, now).await?;
    actions::kept(&facts).map_err(NoPlan::Unread)
}

/// How the way back from all drafts is asked for, where one action leads it.
fn way_of(order: &Order, drafts: &[Draft]) -> Option<Way> {
    let way = drafts.first()?.way.as_ref()?;
    let together = order.intent.verb.back_by(way).is_some_and(|verb| verb.several());
    let one = drafts.len() == 1 || together && drafts.iter().all(|draft| draft.way.as_ref() == Some(way));
    one.then(|| way.clone())
}

/// What holds for all drafts, once; else for each what holds there, under its title.
fn in_words(drafts: &[Draft], of: impl Fn(&Draft) -> &String) -> String {
    let Some(first) = drafts.first() else { return String::new() };
    if drafts.iter().all(|draft| of(draft) == of(first)) {
        return of(first).clone();
    }
    let each = drafts.iter().map(|draft| format!("{}: {}", draft.title, of(draft)));
    each.collect::<Vec<_>>().join("; ")
}

/// What the server says of the steps of one object without doing them.
async fn rehearse(client: &Client, draft: &Draft) -> (Vec<(Right, Known<bool>)>, Vec<DryRun>) {
    // Many evictions need the same right, and are not all asked about at once.
    let mut wanted: Vec<Right> = Vec::new();
    for step in &draft.steps {
        if !wanted.contains(&step.request.right) {
            wanted.push(step.request.right.clone());
        }
    }
    let rights: Vec<_> = wanted
        .into_iter()
        .map(|right| async move {
            let may = ask::may(client, &right, LIMIT).await;
            (right, may)
        })
        .collect();
    let dry_runs: Vec<_> = draft.steps.iter().map(|step| ask::dry_run(client, step, LIMIT)).collect();
    let rights = stream::iter(rights).buffered(AT_ONCE).collect();
    let dry_runs = stream::iter(dry_runs).buffered(AT_ONCE).collect();
    futures::future::join(rights, dry_runs).await
}

/// What is known of each object of an order.
async fn all_facts(
    client: &(dyn Fn(ClusterId) -> Option<Client> + Sync),
    own: &Client,
    order: &Order,
    now: Now,
) -> Result<Vec<Facts>, NoPlan> {
    let reads = order.intent.objects.iter().enumerate().map(|(at, object)| {
        let delivery = order.around.delivery.get(at).cloned().flatten();
        facts(client, own, object, delivery, order, now)
    });
    try_join_all(reads).await
}

/// The identity of an object as read.
pub(super) fn uid_of(object: &Value) -> Uid {
    Uid::parse(text(object, "/metadata/uid"))
}

async fn facts(
    client: &(dyn Fn(ClusterId) -> Option<Client> + Sync),
    own: &Client,
    object: &ObjectRef,
    delivery: Option<ObjectRef>,
    order: &Order,
    now: Now,
) -> Result<Facts, NoPlan> {
    let needs = order.intent.verb.needs();
    let live = match ask::read(own, &paths::path(object), LIMIT).await {
        Ok(live) => live,
        Err(Fault::NotFound(_)) => {
            let place = match object.kind.namespaced() {
                true => format!("in {} ", object.namespace),
                false => String::new(),
            };
            return Err(NoPlan::Refused(format!("There is no {} {place}any more.", called(object))));
        }
        Err(fault @ Fault::Forbidden(_)) => return Err(NoPlan::Forbidden(fault.words().to_owned())),
        Err(fault) => return Err(NoPlan::Unread(fault.words().to_owned())),
    };
    let uid = uid_of(&live);
    if object.uid != Uid::default() && object.uid != uid {
        return Err(NoPlan::Refused(format!(
            "This {} is gone; another one has the name {} now.",
            object.kind.word(),
            object.name
        )));
    }
    if !text(&live, "/metadata/deletionTimestamp").is_empty() {
        return Err(NoPlan::Refused(format!("{} is being deleted.", object.name)));
    }
    let object = ObjectRef { uid, ..object.clone() };
    let ns = &*object.namespace;
    let optional = async |wanted: bool, path: String| {
        if !wanted {
            return Ok(Vec::new());
        }
        match ask::items(own, &path, LIMIT).await {
            // The kind is not served: there are none.
            Err(Fault::NotFound(_)) => Ok(Vec::new()),
            answer => answer.map_err(|fault| fault.words().to_owned()),
        }
    };
    let scaled = async || match needs.scaling {
        true => scaled_objects(own, ns).await,
        false => Ok(Vec::new()),
    };
    let switched = order.around.switched.clone().filter(|_| needs.colours);
    let pods_path = match &switched {
        Some(switched) => traffic::pods_path(&object, &live, &switched.settings),
        None => pods::path(&object, &live),
    };
    let (autoscalers, scaled_objects, replica_sets, budgets, quotas, pods, slices, deliverers) = futures::join!(
        optional(needs.scaling, paths::collection(Kind::HorizontalPodAutoscaler, ns)),
        scaled(),
        optional(needs.revisions, history(&object)),
        optional(
            needs.scaling || needs.budgets,
            format!("/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets")
        ),
        optional(needs.scaling, paths::collection(Kind::ResourceQuota, ns)),
        optional(needs.pods || switched.is_some(), pods_path),
        optional(needs.colours, traffic::slices_path(&object)),
        owners::deliverers(client, own, &object, &live, delivery.clone(), LIMIT),
    );
    let targets = |scaler: &Value, unnamed: &str| {
        let kind = Some(text(scaler, "/spec/scaleTargetRef/kind")).filter(|kind| !kind.is_empty());
        kind.unwrap_or(unnamed) == object.kind.word()
            && text(scaler, "/spec/scaleTargetRef/name") == &*object.name
    };
    let only = |found: Known<Vec<Value>>, keep: &dyn Fn(&Value) -> bool| {
        found.map(|items| items.into_iter().filter(keep).collect::<Vec<_>>())
    };
    let mut facts = Facts {
        autoscalers: only(autoscalers, &|hpa| targets(hpa, "")),
        scaled_objects: only(scaled_objects, &|scaled| targets(scaled, "Deployment")),
        replica_sets: only(replica_sets, &|set| controller_of(set).is_some_and(|owner| owner.uid == uid)),
        budgets,
        quotas,
        pods,
        slices,
        unpausing: Ok(()),
        switched,
        smoke: None,
        deliverers,
        scaler_deliverers: Vec::new(),
        object,
        live,
        now,
    };
    if order.intent.with.min.is_some() || order.intent.with.max.is_some() {
        let hpa = facts.autoscalers.iter().flatten().next();
        if let Some((hpa, at)) = hpa.map(|hpa| (hpa, actions::scaler(&facts.object, hpa))) {
            let known = delivery.filter(|app| owners::names(app, &at, hpa));
            facts.scaler_deliverers = owners::deliverers(client, own, &at, hpa, known, LIMIT).await;
        }
    }
    facts.smoke = smoked(own, &facts, order).await;
    if needs.unpausing
        && Rollout(&facts.live).is_held()
        // What the server does not tell would stop the way out as well as what it refuses.
        && let DryRun::Refused(why) | DryRun::Unknown(why) =
            ask::dry_run(own, &actions::unpaused(&facts).1, LIMIT).await
    {
        facts.unpausing = Err(why);
    }
    Ok(facts)
}

/// The API group of KEDA.
const KEDA: &str = "keda.sh";

/// KEDA's ScaledObjects of a namespace. Rights are judged before it is looked whether there is such a kind, so where KEDA
/// is not installed somebody with the rights of `edit` is refused; which groups there are everybody may ask.
pub(super) async fn scaled_objects(client: &Client, ns: &str) -> Known<Vec<Value>> {
    let path = format!("/apis/{KEDA}/v1alpha1/namespaces/{ns}/scaledobjects");
    match ask::items(client, &path, LIMIT).await {
        Err(Fault::NotFound(_)) => Ok(Vec::new()),
        Err(Fault::Forbidden(_)) if !group_served(client, KEDA).await => Ok(Vec::new()),
        answer => answer.map_err(|fault| fault.words().to_owned()),
    }
}

/// Whether the cluster knows an API group; when it cannot be asked, it may.
async fn group_served(client: &Client, group: &str) -> bool {
    !matches!(ask::read(client, &format!("/apis/{group}"), LIMIT).await, Err(Fault::NotFound(_)))
}

/// Where the revisions of a workload are kept.
fn history(object: &ObjectRef) -> String {
    let ns = &*object.namespace;
    match object.kind {
        Kind::StatefulSet | Kind::DaemonSet => format!("/apis/apps/v1/namespaces/{ns}/controllerrevisions"),
        _ => paths::collection(Kind::ReplicaSet, ns),
    }
}

/// The smoke check, where one is configured for the pair.
async fn smoked(own: &Client, facts: &Facts, order: &Order) -> Option<Smoke> {
    // The way back must not wait for a page.
    if order.intent.with.back {
        return None;
    }
    // What is wrong with the pair is said by others.
    let (pair, settings, _) = traffic::look(facts, &order.intent.with).ok()?;
    let path = settings.smoke_of(&facts.object.namespace, &facts.object.name)?;
    Some(smoke::ask(own, facts, &pair, path).await)
}

/// What controls an object.
pub(super) struct Controller {
    /// Its kind.
    pub(super) kind: String,
    /// Its name.
    pub(super) name: String,
    /// Its uid.
    pub(super) uid: Uid,
}

/// The controller of an object, by its owner references.
pub(super) fn controller_of(object: &Value) -> Option<Controller> {
    let owner = list(object, "/metadata/ownerReferences").find(|owner| flag(owner, "/controller"))?;
    Some(Controller {
        kind: clean(text(owner, "/kind")).into_owned(),
        name: clean(text(owner, "/name")).into_owned(),
        uid: Uid::parse(text(owner, "/uid")),
    })
}

/// The revision that a ReplicaSet stands for.
pub(super) fn revision_of(set: &Value) -> Option<u64> {
    ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"]
        .into_iter()
        .find_map(|key| note(set, "annotations", key)?.parse().ok())
}

impl Facts {
    /// The pods that are wanted.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        let wanted = count(&self.live, "/spec/replicas").unwrap_or(1);
        u32::try_from(wanted).unwrap_or(u32::MAX)
    }

    /// `deploy/cart`
    #[must_use]
    pub fn name(&self) -> String {
        called(&self.object)
    }
}
