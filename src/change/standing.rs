//! How something that was begun and never ended stands now: its values in the cluster beside those of the journal.

use std::time::Duration;

use kube::Client;
use serde_json::Value;

use super::ask;
use super::json::{at, same};
use super::plan::{BEING, called};
use super::redact::redacted;
use super::rollouts::Rollout;
use super::verify::shown;
use crate::connect::paths;
use crate::connect::problem::Fault;
use crate::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use crate::journal::{Intention, Object, Touched};

/// Objects that are named at most.
const NAMED: usize = 3;
/// How long one read may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How an abandoned action stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// All that it wanted is so.
    AsWanted,
    /// All is as it was before.
    AsBefore,
    /// Of several objects some are as wanted and the others as before.
    Partly {
        /// Those that are as wanted: the way back is for them alone.
        done: Vec<ObjectRef>,
        /// Those that are as before.
        left: Vec<ObjectRef>,
    },
    /// Neither: what is so.
    Otherwise(String),
    /// It cannot be told.
    Unknown(String),
}

impl Stand {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Stand::AsWanted => "it was done: everything is as it was wanted".to_owned(),
            Stand::AsBefore => "it was not done: everything is as it was before".to_owned(),
            Stand::Partly { done, left } => {
                let named = |all: &[ObjectRef]| {
                    let mut names: Vec<String> = all.iter().take(NAMED).map(called).collect();
                    if all.len() > NAMED {
                        names.push(format!("{} more", all.len() - NAMED));
                    }
                    names.join(", ")
                };
                format!("partly done: {} as wanted, {} as before", named(done), named(left))
            }
            Stand::Otherwise(words) => format!("neither done nor as before: {words}"),
            Stand::Unknown(why) => format!("how it stands cannot be told: {why}"),
        }
    }
}

/// The object that the journal means, on a connection.
#[must_use]
pub fn object(cluster: ClusterId, object: &Object) -> Option<ObjectRef> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == object.kind)?;
    Some(ObjectRef {
        cluster,
        kind,
        namespace: object.namespace.as_str().into(),
        name: object.name.as_str().into(),
        // An object that was to be made had none yet.
        uid: if object.uid.is_empty() { Uid::default() } else { Uid::parse(&object.uid) },
    })
}

/// Looks how what was begun stands now.
pub async fn look(client: &Client, cluster: ClusterId, intent: &Intention) -> Stand {
    let mut now = Vec::new();
    let mut course = String::new();
    for value in &intent.values {
        let Some(object) = object(cluster, &value.object) else {
            return Stand::Unknown(format!(
                "{} is no kind that is known",
                crate::text::clean(&value.object.kind)
            ));
        };
        match ask::read(client, &paths::path(&object), LIMIT).await {
            Ok(live) if object.uid == Uid::default() || super::gather::uid_of(&live) == object.uid => {
                now.push(at(&live, &value.pointer));
                if object.kind == Kind::Rollout {
                    course = format!("; {} is: {}", called(&object), Rollout(&live).words());
                }
            }
            Ok(_) | Err(Fault::NotFound(_)) if value.pointer == BEING => now.push(Value::Null),
            Ok(_) | Err(Fault::NotFound(_)) => return Stand::Otherwise(format!("{} is gone", object.name)),
            Err(fault) => return Stand::Unknown(fault.words().to_owned()),
        }
    }
    match judge(&intent.values, &now) {
        Stand::Otherwise(words) => partly(cluster, intent, &now).unwrap_or(Stand::Otherwise(words)),
        Stand::Unknown(words) => Stand::Unknown(format!("{words}{course}")),
        stand => stand,
    }
}

/// Whether each of several objects is, by its own values, either as wanted or as before.
fn partly(cluster: ClusterId, intent: &Intention, now: &[Value]) -> Option<Stand> {
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for one in &intent.objects {
        let is_own =
            |value: &Object| (&value.uid, &value.kind, &value.name) == (&one.uid, &one.kind, &one.name);
        let own = intent.values.iter().zip(now).filter(|(value, _)| is_own(&value.object));
        let (values, now): (Vec<Touched>, Vec<Value>) =
            own.map(|(value, now)| (value.clone(), now.clone())).unzip();
        match judge(&values, &now) {
            Stand::AsWanted => done.push(object(cluster, one)?),
            Stand::AsBefore => left.push(object(cluster, one)?),
            _ => return None,
        }
    }
    (!done.is_empty() && !left.is_empty()).then_some(Stand::Partly { done, left })
}

fn judge(values: &[Touched], now: &[Value]) -> Stand {
    let now: Vec<Value> = now.iter().map(redacted).collect();
    if values.is_empty() {
        return Stand::Unknown("the journal names no value".to_owned());
    }
    // What was only to stay as it was (older journals have that too) may have changed since by what was done itself.
    let only_held = values.iter().all(|value| value.before == value.after);
    let counts = |value: &Touched| only_held || value.before != value.after;
    let all = |wanted: &dyn Fn(&Touched) -> &Value| {
        values
            .iter()
            .zip(&now)
            .filter(|(value, _)| counts(value))
            .all(|(value, now)| same(wanted(value), now))
    };
    if all(&|value| &value.after) {
        return Stand::AsWanted;
    }
    // What a controller takes away again as soon as it has acted may have been there, or not.
    let fleeting = |value: &Touched| counts(value) && value.pointer == "/status/promoteFull";
    let gone = values.iter().zip(&now).find(|(value, now)| fleeting(value) && same(&value.before, now));
    if let Some((value, _)) = gone {
        return Stand::Unknown(format!("{} is taken away by its controller when it acts on it", value.what));
    }
    if all(&|value| &value.before) {
        return Stand::AsBefore;
    }
    let words = values.iter().zip(&now).filter(|(value, _)| counts(value)).map(|(value, now)| match now {
        Value::Object(_) | Value::Array(_) => {
            format!("{} of {} is another one", value.what, value.object.name)
        }
        now => format!("{} of {} is {}", value.what, value.object.name, shown(now)),
    });
    Stand::Otherwise(words.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_begun_is_told_by_its_values() {
        let value =
            |before, after| Touched { what: "replicas".to_owned(), before, after, ..Touched::default() };
        let values = [value(json!(3), json!(5))];
        assert_eq!(judge(&values, &[json!(5)]), Stand::AsWanted);
        assert_eq!(judge(&values, &[json!(3)]), Stand::AsBefore);
        assert!(matches!(judge(&values, &[json!(4)]), Stand::Otherwise(words) if words.contains("is 4")));
        assert!(matches!(judge(&[], &[]), Stand::Unknown(_)));
        // A promotion that came through leaves nothing of itself; and a flag that is off may be left out.
        let flag =
            |pointer: &str, before, after| Touched { pointer: pointer.to_owned(), ..value(before, after) };
        let full = [flag("/status/promoteFull", json!(null), json!(true))];
        assert!(
            matches!(judge(&full, &[json!(null)]), Stand::Unknown(words) if words.contains("taken away"))
        );
        assert_eq!(judge(&full, &[json!(true)]), Stand::AsWanted);
        let retried = [flag("/status/abort", json!(true), json!(false))];
        assert_eq!(judge(&retried, &[json!(null)]), Stand::AsWanted);
        assert_eq!(judge(&retried, &[json!(true)]), Stand::AsBefore);
        let of = |name: &str| Object {
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            ..Object::default()
        };
        let held = |name: &str| Touched { object: of(name), ..value(json!(null), json!(true)) };
        let intent = Intention {
            objects: vec![of("cart"), of("web")],
            values: vec![held("cart"), held("web")],
            ..Intention::default()
        };
        let stand = partly(ClusterId(0), &intent, &[json!(true), json!(null)]).unwrap();
        assert_eq!(stand.words(), "partly done: deploy/cart as wanted, deploy/web as before");
        let Stand::Partly { done, left } = stand else { panic!("{stand:?}") };
        assert_eq!((&*done[0].name, &*left[0].name), ("cart", "web"));
        assert_eq!(
            partly(ClusterId(0), &intent, &[json!(true), json!("other")]),
            None,
            "somebody else did that"
        );
        let secret = json!({"env": [{"name": "TOKEN", "value": "hunter2"}]});
        let kept = redacted(&secret);
        assert_eq!(
            judge(&[value(json!(null), kept)], &[secret]),
            Stand::AsWanted,
            "secrets are not in the journal"
        );
    }
}
