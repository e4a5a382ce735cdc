//! The traffic of a blue/green pair goes to the other colour, by one JSON patch that holds the uid and the whole old
//! selector: two people cannot cross. What follows is watched ([`crate::change::guard`]).

use serde_json::json;

use super::{Act, Draft, step};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::guard::Guard;
use crate::change::intent::{Intent, Way, With};
use crate::change::json::{flag, text};
use crate::change::plan::{Expect, Goal, Method, Step, Touched, called};
use crate::change::traffic::{Pair, SELECTOR, pair, pods_path, readiness, slices_path};
use crate::domain::id::{Kind, ObjectRef};
use crate::domain::traffic::Switching;
use serde_json::Value;

/// `switch`
pub struct Switch;

impl Act for Switch {
    fn name(&self) -> &'static str {
        "switch"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Service]
    }

    fn needs(&self) -> Needs {
        Needs { colours: true, ..Needs::default() }
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        &[
            (&gates::ReadOnly, Weight::Judges),
            (&gates::Rbac, Weight::Judges),
            (&gates::DryRunGate, Weight::Judges),
            (&gates::Standby, Weight::Judges),
            (&gates::Endpoints, Weight::Judges),
            (&gates::Soak, Weight::Judges),
            (&gates::Smoke, Weight::Judges),
            (&gates::Ownership, Weight::Judges),
            (&gates::Protected, Weight::Informs),
            (&gates::Frozen, Weight::Judges),
            (&gates::Alerts, Weight::Judges),
        ]
    }

    fn draft(&self, intent: &Intent, facts: &Facts) -> Result<Draft, String> {
        let (found, settings) = read(intent, facts)?;
        let name = called(&facts.object);
        let Pair { key, from, to, .. } = &found;
        let stand = readiness(&found, facts, settings);
        let touched = Touched {
            object: facts.object.clone(),
            what: "selector".to_owned(),
            pointer: SELECTOR.to_owned(),
            before: found.old.clone(),
            after: found.new.clone(),
        };
        let window = settings.window.as_secs();
        let seen = match facts.switched.as_ref().map(|switched| &switched.gauges) {
            Some(Ok(_)) => "pods, endpoints, errors and p99".to_owned(),
            Some(Err(why)) => format!("pods and endpoints; errors and p99 are not known: {why}"),
            None => "pods and endpoints".to_owned(),
        };
        let title = format!("switch {name} {from} → {to}");
        let verb = if intent.with.back { "lead back" } else { "lead" };
        Ok(Draft {
            title,
            words: format!("{key} {from} → {to}, {} of {} pods ready", stand.ready, stand.all),
            touched: vec![touched],
            steps: vec![patch(
                &facts.object,
                text(&facts.live, "/metadata/uid"),
                format!("{verb} {name} to {to}"),
                &found.old,
                &found.new,
            )],
            then: format!(
                "the endpoints follow; {to} is watched for {window} s ({seen}), and a breach switches back to {from} by \
                 itself, once, without another question"
            ),
            back: format!(
                "u switches back to {from} at once while it is watched; keep {from} running until then"
            ),
            way: Some(Way::same(With { to: Some(from.to_string()), back: true, ..With::default() })),
            expect: vec![Expect { object: facts.object.clone(), goal: Goal::Stands, deadline: window + 60 }],
            mitigates: intent.with.back,
            pods: 0,
        })
    }

    fn guard(&self, intent: &Intent, facts: &Facts) -> Option<Guard> {
        let (found, settings) = read(intent, facts).ok()?;
        let name = called(&facts.object);
        let stand = readiness(&found, facts, settings);
        let back = patch(
            &facts.object,
            text(&facts.live, "/metadata/uid"),
            format!("lead {name} back to {}", found.from),
            &found.new,
            &found.old,
        );
        let switched = facts.switched.as_ref()?;
        Some(Guard {
            // The way back may lead to fewer than served before.
            needed: stand.needed.min(stand.ready).max(1),
            window: settings.window,
            limits: settings.limits.clone(),
            pods: pods_path(&facts.object, &facts.live, settings),
            slices: slices_path(&facts.object),
            ready_is_told: !flag(&facts.live, "/spec/publishNotReadyAddresses"),
            gauges: switched.gauges.clone(),
            service: facts.object.clone(),
            live: facts.live.clone(),
            back,
            key: found.key,
            from: found.from,
            to: found.to,
        })
    }
}

fn read<'a>(intent: &Intent, facts: &'a Facts) -> Result<(Pair, &'a Switching), String> {
    let switched = facts.switched.as_ref().ok_or("Nothing is known of pairs here.")?;
    let pods = facts
        .pods
        .as_ref()
        .map_err(|why| format!("The pods of {} could not be read: {why}", called(&facts.object)))?;
    let found = pair(&facts.object, &facts.live, pods, &switched.settings, &intent.with)?;
    Ok((found, &switched.settings))
}

/// One patch from a whole selector to another, held to the object's uid.
fn patch(object: &ObjectRef, uid: &str, title: String, old: &Value, new: &Value) -> Step {
    let body = json!([
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": SELECTOR, "value": old},
        {"op": "replace", "path": SELECTOR, "value": new},
    ]);
    step(object, title, "", Method::JsonPatch, body, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::testing::{colours, facts_of, service, switched};

    fn facts(blue: u32, green: u32) -> Facts {
        let mut facts = facts_of(Kind::Service, service("blue"));
        facts.pods = Ok(colours(blue, green));
        facts.slices = Ok(Vec::new());
        facts.switched = Some(Box::new(switched()));
        facts
    }

    fn wish(with: With) -> Intent {
        Intent { verb: named("switch").unwrap(), objects: Vec::new(), with }
    }

    #[test]
    fn it_is_one_patch_that_holds_the_whole_old_selector() {
        let facts = facts(2, 2);
        let draft = Switch.draft(&wish(With::default()), &facts).unwrap();
        assert_eq!(draft.title, "switch svc/cart blue → green");
        let [step] = draft.steps.as_slice() else { panic!("{:?}", draft.steps) };
        let (old, new) = (json!({"app": "cart", "color": "blue"}), json!({"app": "cart", "color": "green"}));
        let body = json!([
            {"op": "test", "path": "/metadata/uid", "value": facts.live["metadata"]["uid"]},
            {"op": "test", "path": "/spec/selector", "value": old},
            {"op": "replace", "path": "/spec/selector", "value": new},
        ]);
        assert_eq!(step.request.body, body);
        assert_eq!(step.request.path, "/api/v1/namespaces/shop/services/cart?fieldManager=pilothouse");
        assert_eq!(step.request.right.to_string(), "patch services");
        assert!(!draft.mitigates && draft.words == "color blue → green, 2 of 2 pods ready");
        assert_eq!(
            draft.way.unwrap(),
            Way::same(With { to: Some("blue".to_owned()), back: true, ..With::default() })
        );
    }

    #[test]
    fn its_guard_knows_the_way_back() {
        let guard = Switch.guard(&wish(With::default()), &facts(2, 3)).unwrap();
        assert_eq!((&*guard.from, &*guard.to, guard.needed), ("blue", "green", 1));
        assert_eq!(guard.back.request.body[2]["value"], json!({"app": "cart", "color": "blue"}));
        assert_eq!(guard.back.request.body[1]["value"], json!({"app": "cart", "color": "green"}));
    }

    #[test]
    fn the_way_back_is_a_mitigation() {
        let back = With { to: Some("green".to_owned()), back: true, ..With::default() };
        assert!(Switch.draft(&wish(back), &facts(2, 2)).unwrap().mitigates);
        let mut unread = facts(2, 2);
        unread.pods = Err("forbidden".to_owned());
        assert!(
            Switch
                .draft(&wish(With::default()), &unread)
                .unwrap_err()
                .contains("could not be read: forbidden")
        );
    }
}
