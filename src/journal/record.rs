//! What a line of the journal says.

use serde::{Deserialize, Serialize};

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Record {
    /// Something is about to be done.
    Intent(Box<Intention>),
    /// One of its requests was sent.
    Step(StepDone),
    /// It is over.
    End(Closing),
}

impl Record {
    /// The action that it belongs to.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Record::Intent(intent) => &intent.id,
            Record::Step(step) => &step.id,
            Record::End(end) => &end.id,
        }
    }
}

/// What is about to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Intention {
    /// Names the action in all its lines.
    pub id: String,
    /// When (RFC 3339).
    pub at: String,
    /// `scale`
    pub action: String,
    /// `scale deploy/cart 3 → 5`
    pub title: String,
    /// The environment; empty when there is none.
    pub environment: String,
    /// The kubeconfig context.
    pub context: String,
    /// The API server.
    pub server: String,
    /// What it is done to.
    pub objects: Vec<Object>,
    /// By whom.
    pub who: Who,
    /// Why, in the person's words.
    pub reason: String,
    /// How it was confirmed: `key`, `name`, `flag`.
    pub confirmed: String,
    /// What spoke for and against it.
    pub gates: Vec<Gate>,
    /// How it was wanted, to plan it again.
    pub with: With,
    /// How the way back is asked for, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back: Option<Way>,
    /// The requests, in their order.
    pub requests: Vec<Request>,
    /// The values that change.
    pub values: Vec<Value>,
    /// Seconds within which it should have come true.
    pub deadline: u64,
}

/// What an action was told besides its objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct With {
    /// So many replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// The fewest that an autoscaler may make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The most that an autoscaler may make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// The revision to go back to; `None` is the one before the present one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Pods that nobody makes again may go too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Pods that keep data in an emptyDir may go too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub empty_dir: bool,
    /// The colour that the traffic is to go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// It is the way back from an earlier switch.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
}

/// How the way back from an action is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Way {
    /// The action that leads back; empty where it is the same.
    #[serde(rename = "by", skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// How.
    #[serde(flatten)]
    pub with: With,
}

impl Way {
    /// By the same action.
    #[must_use]
    pub fn same(with: With) -> Way {
        Way { action: String::new(), with }
    }

    /// By another action of the registry.
    #[must_use]
    pub fn by(action: &str) -> Way {
        Way::by_with(action, With::default())
    }

    /// By another action of the registry, and how.
    #[must_use]
    pub fn by_with(action: &str, with: With) -> Way {
        Way { action: action.to_owned(), with }
    }
}

/// An object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Object {
    /// `Deployment`
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// What happens to it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Who {
    /// The local user, the host, where the SSH session came from.
    #[serde(flatten)]
    pub local: Local,
    /// The user as the cluster names him.
    pub kube: String,
}

impl Who {
    /// The user as the cluster names him, or that he is not known: it was not asked, does not tell or refuses to.
    #[must_use]
    pub fn in_the_cluster(&self) -> &str {
        if self.kube.is_empty() { "a user that is not known" } else { &self.kube }
    }
}

/// Who sits at this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Local {
    /// The local user.
    pub user: String,
    /// The host that the program runs on.
    pub host: String,
    /// The address that the SSH session came from; empty without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ssh: String,
}

impl Local {
    /// Reads it from the surroundings; `var` gives variables of the environment.
    #[must_use]
    pub fn find(var: impl Fn(&str) -> Option<String>) -> Local {
        let clean = |text: String| crate::text::clean(&text).into_owned();
        let user = var("USER").or_else(|| var("LOGNAME")).unwrap_or_default();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let ssh = var("SSH_CONNECTION").or_else(|| var("SSH_CLIENT")).unwrap_or_default();
        let ssh = ssh.split_whitespace().next().unwrap_or_default().to_owned();
        Local { user: clean(user), host: clean(host), ssh: clean(ssh) }
    }
}

/// What a gate said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// Its name.
    pub gate: String,
    /// `pass`, `warn`, `unknown`, `fail`.
    pub verdict: String,
    /// Why.
    pub why: String,
    /// It failed, and the reason overrode it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overridden: bool,
}

/// A request, without its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// `PATCH`
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Content type.
    #[serde(rename = "type")]
    pub content: String,
    /// The body.
    pub body: serde_json::Value,
}

/// A value that changes, without its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Value {
    /// Of which object.
    pub object: Object,
    /// What people call it.
    pub what: String,
    /// Where it stands in the object (RFC 6901).
    pub pointer: String,
    /// As it was.
    pub before: serde_json::Value,
    /// As it is to be.
    pub after: serde_json::Value,
}

/// How a request ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepDone {
    /// Of which action.
    pub id: String,
    /// When.
    pub at: String,
    /// Which request, from 1.
    pub step: usize,
    /// `sent`, `again`, `done`, `refused`, `stale`, `failed`, `unknown`.
    pub outcome: String,
    /// In words.
    pub words: String,
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Closing {
    /// Of which action.
    pub id: String,
    /// When.
    pub at: String,
    /// How.
    pub outcome: Outcome,
    /// In words.
    pub words: String,
}

/// How an action ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It came true.
    Done,
    /// It did not.
    Failed,
    /// It did not come true in time, though it was sent.
    TimedOut,
    /// It came true and was undone, or something else was set.
    Superseded,
    /// Nothing was changed.
    Refused,
    /// Whether it was done could not be told.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Failed => "failed",
            Outcome::TimedOut => "timed out",
            Outcome::Superseded => "superseded",
            Outcome::Refused => "refused",
            Outcome::Unknown => "unknown",
        }
    }
}

/// How an action ended, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// How.
    pub outcome: Outcome,
    /// In words.
    pub words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_of_an_older_journal_is_by_the_same_action() {
        let read = |text: &str| serde_json::from_str::<Way>(text).unwrap();
        let blue = With { to: Some("blue".to_owned()), back: true, ..With::default() };
        assert_eq!(read(r#"{"to": "blue", "back": true}"#), Way::same(blue.clone()));
        for way in [Way::same(blue), Way::by("resume")] {
            let text = serde_json::to_string(&way).unwrap();
            assert_eq!(read(&text), way, "{text}");
        }
        assert_eq!(serde_json::to_string(&Way::by("resume")).unwrap(), r#"{"by":"resume"}"#);
    }
}
