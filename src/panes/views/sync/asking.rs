//! What the zoom asks, whom and when, and what becomes of the answers: the object itself, how its objects differ, and how
//! well those are whose health nobody tells.

use std::sync::Arc;

use super::{SLOW, SyncView, Tab};
use crate::domain::id::{Kind, Name};
use crate::domain::sync_detail::{About, Lookup, ResourceId};
use crate::domain::upstream::{Server, Upstream};
use crate::effect::{DriftRequest, Effect, Question};
use crate::fleet::follow::Follow;
use crate::msg::{Answer, RequestId};
use crate::panes::views::feed::Feed;
use crate::shared::Shared;

impl SyncView {
    /// The API server is asked along only every few seconds: what it adds changes slowly.
    pub(super) fn question(&mut self, shared: &Shared) -> Question {
        let now = shared.now.mono;
        let due = self.server_asked.is_none_or(|asked| now.saturating_sub(asked) >= SLOW);
        let server = self.server(shared).filter(|_| due);
        if server.is_some() {
            self.server_asked = Some(now);
        }
        Question::Sync { object: self.object.clone(), server }
    }

    /// The Argo CD API server of an environment that the application belongs to, whether a context leads there or not,
    /// or of the one that it lives in.
    pub(super) fn server(&self, shared: &Shared) -> Option<Arc<Upstream>> {
        if self.object.kind != Kind::Application {
            return None;
        }
        let target = self.app().map(|app| app.destination.namespace.clone());
        let places =
            [self.derived.cluster.zip(target), Some((self.object.cluster, self.object.namespace.clone()))];
        let delivered = self.delivery(shared).into_iter().flat_map(|delivery| &delivery.environments);
        // Where its objects are out of reach only an environment that is known to be its own names the server to ask:
        // another Argo CD may have an application of the same name.
        let reached = self.derived.cluster.is_some();
        let around = places
            .into_iter()
            .flatten()
            .filter_map(|(cluster, namespace)| shared.environments.of(cluster, &namespace))
            .chain(shared.environment().filter(|env| env.cluster == self.object.cluster))
            .filter(|_| reached);
        let environments = delivered.filter_map(|env| shared.environments.get(*env)).chain(around);
        environments
            .filter_map(|env| shared.upstreams.of(Server::Argocd, env.id).ok())
            .map(|assigned| Arc::clone(&assigned.upstream))
            .next()
    }

    /// What is due: the object, its differences while they are looked at, and healths that nobody tells.
    pub(super) fn ask(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if self.gone {
            return Vec::new();
        }
        // What the list sees changed is read at once.
        let listed = self.listed(shared).and_then(|(app, _)| app.cloned());
        let mut effects = if listed != self.asked_of && self.feed.request().is_none() {
            self.asked_of = listed;
            let question = self.question(shared);
            self.feed.ask(shared, question)
        } else if self.feed.is_due(shared) {
            let question = self.question(shared);
            self.feed.ask(shared, question)
        } else {
            Vec::new()
        };
        effects.extend(self.ask_drift(shared));
        effects.extend(self.ask_healths(shared));
        effects
    }

    /// Takes an answer to one of its questions; tells whether it was one.
    pub(super) fn take(&mut self, request: RequestId, answer: &mut Option<Answer>) -> bool {
        if self.feed.answers(request) {
            self.answers += 1;
            match answer.take() {
                Some(Answer::Sync(mut detail)) => {
                    let another = self.detail.as_ref().is_some_and(|known| known.uid != detail.uid);
                    if another {
                        self.follow = Follow::default();
                    } else if let (About::Argo(new), Some(old)) = (&mut detail.about, self.app())
                        && new.server == Lookup::None
                    {
                        // It was not asked along this time.
                        new.server.clone_from(&old.server);
                    }
                    self.detail = Some(*detail);
                }
                Some(Answer::Failed(why)) => self.feed.fail(&why),
                other => *answer = other,
            }
            return true;
        }
        if self.drift_feed.answers(request) {
            self.answers += 1;
            match answer.take() {
                Some(Answer::Drift(found)) => self.drift = found,
                Some(Answer::Failed(why)) => self.drift_feed.fail(&why),
                other => *answer = other,
            }
            return true;
        }
        if self.health_feed.answers(request) {
            self.answers += 1;
            match answer.take() {
                Some(Answer::Healths(found)) => self.healths = found,
                Some(Answer::Failed(why)) => self.health_feed.fail(&why),
                other => *answer = other,
            }
            return true;
        }
        false
    }

    /// The objects that are worth comparing: for an Application those out of sync, else all.
    fn drift_question(&self, shared: &Shared) -> Option<Question> {
        let (cluster, server) = (self.derived.cluster, self.server(shared));
        if cluster.is_none() && server.is_none() {
            return None;
        }
        let objects: Vec<_> = match &self.detail.as_ref()?.about {
            About::Argo(app) => {
                let differing = app.resources.iter().filter(|resource| &*resource.status == "OutOfSync");
                differing.map(|resource| (resource.id.clone(), resource.version.clone())).collect()
            }
            About::Flux(flux) => flux.inventory.iter().map(|id| (id.clone(), Name::default())).collect(),
        };
        if objects.is_empty() {
            return None;
        }
        Some(Question::Drift(DriftRequest { cluster, app: self.object.clone(), objects, server }))
    }

    /// Asks for the differences when they are looked at.
    pub(super) fn ask_drift(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if self.tab() != Tab::Drift {
            return Vec::new();
        }
        match self.drift_question(shared) {
            Some(question) if !self.drift_feed.answered && self.drift_feed.request().is_none() => {
                self.drift_feed.ask(shared, question)
            }
            Some(question) => self.drift_feed.tick(shared, question),
            None => Vec::new(),
        }
    }

    /// Asks how well the objects are whose health nobody tells and no watch shows.
    fn ask_healths(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let Some((cluster, detail)) = self.derived.cluster.zip(self.detail.as_ref()) else {
            return Vec::new();
        };
        let objects: Vec<ResourceId> = match &detail.about {
            About::Argo(app) => {
                let told = |id: &ResourceId| {
                    let nodes = app.server.known().map_or(&[][..], |server| &server.nodes);
                    nodes.iter().any(|node| node.id == *id && !node.health.is_empty())
                };
                let untold = app.resources.iter().filter(|one| one.health.is_empty() && !told(&one.id));
                untold.map(|one| &one.id).filter(|id| id.read_at().is_some()).cloned().collect()
            }
            About::Flux(flux) => flux.inventory.iter().filter(|id| id.read_at().is_some()).cloned().collect(),
        };
        // Of another cluster, or told by somebody by now: what was read before is not true any more.
        if self.healths_in.replace(cluster) != Some(cluster) {
            self.healths.clear();
            self.health_feed = Feed::new(SLOW);
        }
        self.healths.retain(|(id, _)| objects.contains(id));
        if objects.is_empty() {
            return Vec::new();
        }
        let question = Question::Healths { cluster, objects };
        match !self.health_feed.answered && self.health_feed.request().is_none() {
            true => self.health_feed.ask(shared, question),
            false => self.health_feed.tick(shared, question),
        }
    }
}
