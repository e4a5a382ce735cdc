//! Who owns an object, and therefore what will undo a change of it: Argo CD, Flux, Helm, a controller, an autoscaler.
//!
//! The signs are those of the tools' own documentation: Argo CD's tracking annotation counts only where it names this
//! very object (copies of an object carry it too), Flux labels what it applies with the name of its object.

use std::time::Duration;

use kube::Client;
use serde_json::Value;

use super::Known;
use super::ask;
use super::json::{flag, list, note, text};
use crate::connect::paths;
use crate::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use crate::text::clean;

/// What `kubectl apply` and Argo CD's client-side apply leave behind: what they applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Something that delivers an object from Git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliverer {
    /// `Argo CD application cart-prod`
    pub name: String,
    /// What it does when the object is not as Git has it.
    pub habit: Known<Habit>,
}

/// What a deliverer does to what it did not write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Puts it back by itself, soon.
    Heals,
    /// Puts it back when it next has something to apply.
    NextTime,
    /// Leaves it, since somebody has stopped it.
    Stopped,
    /// Leaves these values alone (JSON pointers) and puts others back if `heals`.
    Ignores {
        /// What is left alone.
        pointers: Vec<String>,
        /// What happens to the rest.
        heals: bool,
    },
}

/// The application that the tracking annotation names, if it names this very object.
fn tracked_by(object: &ObjectRef, live: &Value) -> Option<String> {
    let id = note(live, "annotations", "argocd.argoproj.io/tracking-id")?;
    let (app, rest) = id.split_once(':')?;
    let (kind, place) = rest.split_once(':')?;
    let kind_is = kind.rsplit('/').next() == Some(object.kind.word());
    let place_is = place == format!("{}/{}", object.namespace, object.name);
    // With applications in any namespace the name is `namespace_name`.
    let name = app.rsplit_once('_').map_or(app, |(_, name)| name);
    (kind_is && place_is).then(|| clean(name).into_owned())
}

/// Whether an object says that this application delivers it: by the annotation, or by the label that older settings of
/// Argo CD track by.
pub(super) fn names(app: &ObjectRef, object: &ObjectRef, live: &Value) -> bool {
    match tracked_by(object, live) {
        Some(name) => *name == *app.name,
        None => note(live, "labels", "app.kubernetes.io/instance") == Some(&*app.name),
    }
}

/// Everything that delivers an object. `known` is what the screen takes for it: it is read anew.
pub(super) async fn deliverers(
    client: &(dyn Fn(ClusterId) -> Option<Client> + Sync),
    own: &Client,
    object: &ObjectRef,
    live: &Value,
    known: Option<ObjectRef>,
    limit: Duration,
) -> Vec<Deliverer> {
    let mut found = Vec::new();
    let tracked = tracked_by(object, live);
    // What the object itself says goes before what the screen takes for it.
    let is_it = |app: &ObjectRef| tracked.as_deref().is_none_or(|name| *name == *app.name);
    match known.filter(|known| known.kind == Kind::Application && is_it(known)) {
        Some(app) => {
            let name = format!("Argo CD application {}", app.name);
            let habit = match client(app.cluster) {
                Some(client) => match ask::read(&client, &paths::path(&app), limit).await {
                    Ok(app) => Ok(argo(&app, object)),
                    Err(fault) => Err(fault.words().to_owned()),
                },
                None => Err("its cluster is not connected".to_owned()),
            };
            found.push(Deliverer { name, habit });
        }
        None => found.extend(tracked.map(|name| Deliverer {
            name: format!("Argo CD application {name}"),
            habit: Err("where it lives is not known here".to_owned()),
        })),
    }
    let flux = [
        (Kind::Kustomization, "kustomize.toolkit.fluxcd.io", "Flux Kustomization"),
        (Kind::HelmRelease, "helm.toolkit.fluxcd.io", "Flux HelmRelease"),
    ];
    for (kind, domain, title) in flux {
        let Some(name) = note(live, "labels", &format!("{domain}/name")) else { continue };
        let namespace = note(live, "labels", &format!("{domain}/namespace")).unwrap_or_default();
        let at = ObjectRef {
            cluster: object.cluster,
            kind,
            namespace: namespace.into(),
            name: name.into(),
            uid: Uid::default(),
        };
        let habit = match ask::read(own, &paths::path(&at), limit).await {
            Ok(owner) => Ok(flux_habit(kind, &owner)),
            Err(fault) => Err(fault.words().to_owned()),
        };
        found.push(Deliverer { name: format!("{title} {}", clean(name)), habit });
    }
    if note(live, "labels", "app.kubernetes.io/managed-by") == Some("Helm")
        && let Some(release) = note(live, "annotations", "meta.helm.sh/release-name")
        && found.is_empty()
    {
        found
            .push(Deliverer { name: format!("Helm release {}", clean(release)), habit: Ok(Habit::NextTime) });
    }
    found
}

fn argo(app: &Value, object: &ObjectRef) -> Habit {
    let automated = app.pointer("/spec/syncPolicy/automated").filter(|policy| policy.is_object());
    let on = automated.is_some_and(|policy| policy.get("enabled") != Some(&Value::Bool(false)));
    let heals = on && automated.is_some_and(|policy| flag(policy, "/selfHeal"));
    let (group, _, _) = object.kind.api();
    let about = |rule: &&Value| {
        let is = |key: &str, value: &str| matches!(text(rule, key), "" | "*") || text(rule, key) == value;
        (text(rule, "/group") == group || text(rule, "/group") == "*")
            && is("/kind", object.kind.word())
            && is("/name", &object.name)
            && is("/namespace", &object.namespace)
    };
    let rules = list(app, "/spec/ignoreDifferences").filter(about);
    let pointers: Vec<String> = rules
        .flat_map(|rule| list(rule, "/jsonPointers"))
        .filter_map(|pointer| pointer.as_str().map(str::to_owned))
        .collect();
    match (pointers.is_empty(), heals) {
        (false, heals) => Habit::Ignores { pointers, heals },
        (true, true) => Habit::Heals,
        (true, false) => Habit::NextTime,
    }
}

fn flux_habit(kind: Kind, owner: &Value) -> Habit {
    if flag(owner, "/spec/suspend") {
        return Habit::Stopped;
    }
    // A HelmRelease writes again only at an upgrade, unless it looks for drift.
    let looks = kind == Kind::Kustomization || text(owner, "/spec/driftDetection/mode") == "enabled";
    if looks { Habit::Heals } else { Habit::NextTime }
}

/// Whether what was applied to an object sets a value; `None` when that cannot be told.
pub(super) fn git_sets(live: &Value, pointer: &str) -> Option<bool> {
    if let Some(applied) = note(live, "annotations", LAST_APPLIED)
        && let Ok(applied) = serde_json::from_str::<Value>(applied)
    {
        return Some(applied.pointer(pointer).is_some());
    }
    let managers = ["argocd", "kustomize-controller", "helm-controller", "flux"];
    let mut appliers = list(live, "/metadata/managedFields")
        .filter(|entry| managers.iter().any(|known| text(entry, "/manager").starts_with(known)))
        .peekable();
    appliers.peek()?;
    Some(appliers.any(|entry| owns(entry, pointer)))
}

/// Whether an entry of managedFields has a value among its own. Elements of lists are not told apart.
pub(super) fn owns(entry: &Value, pointer: &str) -> bool {
    let mut fields = entry.get("fieldsV1");
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        let Some(inner) = fields.and_then(|fields| fields.get(format!("f:{key}"))) else { return false };
        fields = Some(inner);
    }
    fields.is_some()
}

/// Who wrote a value last, as far as managedFields tell.
pub(super) fn writer_of(live: &Value, pointer: &str) -> Option<String> {
    let newest = list(live, "/metadata/managedFields")
        .filter(|entry| owns(entry, pointer))
        .max_by_key(|entry| text(entry, "/time").to_owned())?;
    Some(clean(text(newest, "/manager")).into_owned()).filter(|manager| !manager.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cart() -> ObjectRef {
        ObjectRef {
            cluster: ClusterId(0),
            kind: Kind::Deployment,
            namespace: "shop".into(),
            name: "cart".into(),
            uid: Uid(1),
        }
    }

    #[test]
    fn a_copy_that_carries_anothers_tracking_id_is_not_tracked() {
        let live = |id: &str| json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": id}}});
        assert_eq!(
            tracked_by(&cart(), &live("cart-prod:apps/Deployment:shop/cart")).as_deref(),
            Some("cart-prod")
        );
        assert_eq!(
            tracked_by(&cart(), &live("team_cart:apps/Deployment:shop/cart")).as_deref(),
            Some("cart")
        );
        assert_eq!(tracked_by(&cart(), &live("cart-prod:apps/Deployment:other/cart")), None);
        assert_eq!(tracked_by(&cart(), &live("cart-prod:apps/StatefulSet:shop/cart")), None);
        assert_eq!(tracked_by(&cart(), &live("nonsense")), None);
    }

    #[test]
    fn policies_of_argo_cd_are_read() {
        let app = |policy: Value, ignore: Value| json!({"spec": {"syncPolicy": policy, "ignoreDifferences": ignore}});
        let habit = |policy, ignore| argo(&app(policy, ignore), &cart());
        assert_eq!(habit(json!({}), json!(null)), Habit::NextTime);
        assert_eq!(habit(json!({"automated": {"selfHeal": true}}), json!(null)), Habit::Heals);
        assert_eq!(
            habit(json!({"automated": {"selfHeal": true, "enabled": false}}), json!(null)),
            Habit::NextTime
        );
        let rule = json!([{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]);
        let ignores = Habit::Ignores { pointers: vec!["/spec/replicas".to_owned()], heals: true };
        assert_eq!(habit(json!({"automated": {"selfHeal": true}}), rule), ignores);
        let other = json!([{"group": "apps", "kind": "Deployment", "name": "web", "jsonPointers": ["/spec/replicas"]}]);
        assert_eq!(habit(json!({"automated": {"selfHeal": true}}), other), Habit::Heals);
    }

    #[test]
    fn habits_of_flux_are_read() {
        let habit = |kind, spec: Value| flux_habit(kind, &json!({"spec": spec}));
        assert_eq!(habit(Kind::Kustomization, json!({})), Habit::Heals);
        assert_eq!(habit(Kind::Kustomization, json!({"suspend": true})), Habit::Stopped);
        assert_eq!(habit(Kind::HelmRelease, json!({})), Habit::NextTime);
        assert_eq!(habit(Kind::HelmRelease, json!({"driftDetection": {"mode": "enabled"}})), Habit::Heals);
        assert_eq!(habit(Kind::HelmRelease, json!({"driftDetection": {"mode": "warn"}})), Habit::NextTime);
        assert_eq!(
            habit(Kind::HelmRelease, json!({"driftDetection": {"mode": "enabled"}, "suspend": true})),
            Habit::Stopped
        );
    }

    #[test]
    fn what_git_sets_is_told_by_what_was_applied() {
        let applied = json!({"metadata": {"annotations": {LAST_APPLIED: "{\"spec\":{\"replicas\":3}}"}}});
        assert_eq!(git_sets(&applied, "/spec/replicas"), Some(true));
        assert_eq!(git_sets(&applied, "/spec/paused"), Some(false));
        let managed = json!({"metadata": {"managedFields": [
            {"manager": "argocd-controller", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
            {"manager": "kubectl", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}});
        assert_eq!(git_sets(&managed, "/spec/replicas"), Some(false));
        assert_eq!(git_sets(&managed, "/spec/template"), Some(true));
        assert_eq!(git_sets(&json!({}), "/spec/replicas"), None);
        assert_eq!(writer_of(&managed, "/spec/replicas").as_deref(), Some("kubectl"));
    }
}
