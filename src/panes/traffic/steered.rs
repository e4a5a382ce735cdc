//! The cells of Argo Rollouts and of their releases.

use super::{NAME, READY, RECEIVING, RELEASE, STATE, WHY, environment};
use crate::domain::level::Level;
use crate::domain::meta::Labels;
use crate::fleet::rollouts::{Release, Steered};
use crate::panes::filter::Haystack;
use crate::panes::list::Cell;
use crate::shared::Shared;
use crate::theme::Role;

/// What is searched: the texts of a Rollout.
pub(super) struct Texts<'a>(pub(super) &'a Steered);

impl Haystack for Texts<'_> {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.0.rollout.name)
            || found(&self.0.rollout.namespace)
            || found(&self.0.phase)
            || self.0.releases.iter().any(|release| found(release.name) || found(&release.release))
    }
    fn labels(&self) -> &Labels {
        static NONE: std::sync::LazyLock<Labels> = std::sync::LazyLock::new(Labels::default);
        &NONE
    }
}

/// How a release stands by its pods.
pub(super) fn level(release: &Release) -> Level {
    match (release.ready, release.desired) {
        (_, 0) => Level::Idle,
        (0, _) if release.name == "stable" => Level::Critical,
        // What comes is not there at once.
        (ready, desired) if ready < desired && release.name != "stable" => Level::Progressing,
        (ready, desired) if ready < desired => Level::Warning,
        _ => Level::Ok,
    }
}

/// A cell of a Rollout.
pub(super) fn cell(shared: &Shared, steered: &Steered, column: usize) -> Cell<'static> {
    match column {
        NAME => Cell { text: steered.rollout.name.to_string().into(), role: Role::Strong },
        STATE => Cell { text: steered.phase.clone().into(), role: Role::of_level(steered.level) },
        // Narrow screens have no room for how it goes.
        RELEASE => match steered.step {
            Some((at, all)) => Cell::muted(format!("step {at}/{all}")),
            None => Cell::muted(""),
        },
        WHY if shared.all_environments => match environment(shared, &steered.rollout) {
            Some(env) => Cell::muted(format!("{} {}, {}", env.name, steered.rollout.namespace, steered.how)),
            None => Cell::muted(format!("{}, {}", steered.rollout.namespace, steered.how)),
        },
        WHY => Cell::muted(steered.how.clone()),
        _ => Cell::muted(""),
    }
}

/// A cell of a release.
pub(super) fn release_cell(release: &Release, column: usize) -> Cell<'static> {
    match column {
        NAME => Cell::text(release.name),
        STATE if release.live => Cell { text: "live".into(), role: Role::Accent },
        STATE => Cell::muted("standby"),
        READY => {
            let level = level(release);
            let role = if level == Level::Ok { Role::Text } else { Role::of_level(level) };
            Cell { text: format!("{}/{}", release.ready, release.desired).into(), role }
        }
        RECEIVING => match release.share {
            Some(share) => Cell::text(format!("{share}%")),
            None => Cell::muted(""),
        },
        RELEASE => Cell::text(release.release.clone()),
        WHY => Cell::muted(release.set.name.to_string()),
        _ => Cell::muted(""),
    }
}
