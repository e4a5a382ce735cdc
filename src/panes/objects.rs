//! Actions on the object under the cursor, the same in every pane.

use crate::action::Action;
use crate::effect::Effect;
use crate::shared::{Applies, Outcome, Shared, Subject};

/// Whether an action is one of these at all.
pub fn knows(action: Action) -> bool {
    matches!(
        action,
        Action::Open
            | Action::Logs
            | Action::PreviousLogs
            | Action::Describe
            | Action::Yaml
            | Action::Events
            | Action::Rollout
            | Action::Shell
            | Action::Copy
            | Action::ToggleNamespace
    )
}

/// Whether an action applies to what the cursor is on.
pub fn applies(_shared: &Shared, subject: &Subject, action: Action) -> Applies {
    match (subject, action) {
        (_, Action::Copy) => Applies::Yes,
        (Subject::Object(object), Action::ToggleNamespace) if object.kind.namespaced() => Applies::Yes,
        _ => Applies::Elsewhere,
    }
}

/// Does an action that applies.
pub fn act(shared: &mut Shared, subject: &Subject, action: Action) -> Outcome {
    match (subject, action) {
        (Subject::Object(object), Action::ToggleNamespace) => {
            shared.namespace = Some(object.namespace.clone());
            Outcome::none()
        }
        (_, Action::Copy) => Outcome::effect(Effect::Copy(name(shared, subject))),
        _ => Outcome::none(),
    }
}

fn name(shared: &Shared, subject: &Subject) -> String {
    match subject {
        Subject::Object(object) => object.name.to_string(),
        Subject::App(name, _) => name.to_string(),
        Subject::Environment(id) => {
            shared.environments.get(*id).map(|env| env.name.to_string()).unwrap_or_default()
        }
    }
}
