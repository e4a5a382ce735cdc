//! The zoom of one Argo CD Application or Flux object: where its newest revision is on its way, what it says of itself
//! and what is so, its objects, its last operation, its history, how it differs, and what its project allows.
//!
//! The whole object is read while the view is open and read again when the list says that it changed; ReplicaSets,
//! pods and endpoints come live from the world. Each part is a tab, a file of its own that makes lines of facts.

mod asking;
mod drift;
mod explain;
mod history;
mod lines;
mod operation;
mod overview;
mod project;
mod resources;
#[cfg(test)]
mod tests;
mod timeline;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::feed::Feed;
use super::page::Page;
use super::painted::{Painted, Place};
use super::words;
use crate::action::{Action, Scope};
use crate::domain::id::{ClusterId, Kind, ObjectRef};
use crate::domain::sync::SyncApp;
use crate::domain::sync_detail::{
    About, AppDetail, Destination, Differences, LiveHealth, Lookup, ResourceId, SyncDetail,
};
use crate::domain::sync_window::SyncWindow;
use crate::domain::time::Stamp;
use crate::effect::Effect;
use crate::fleet::Delivery;
use crate::fleet::destination::connections;
use crate::fleet::follow::Follow;
use crate::fleet::sync_tree::Node;
use crate::fleet::sync_truth::Finding;
use crate::fleet::windows::Judgement;
use crate::fleet::{follow_facts, sync_tree, sync_truth, windows};
use crate::look::Look;
use crate::msg::{Answer, RequestId};
use crate::panes::sync::BY_KUBERNETES;
use crate::panes::{Pane, PaneId, Pointer, Title};
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::theme::Role;

/// While a revision is on its way the object is read this often.
const FAST: Duration = Duration::from_secs(1);
/// Else this often.
const SLOW: Duration = Duration::from_secs(5);

/// Opens the zoom of an Application or Flux object.
pub fn open(shared: &mut Shared, object: &ObjectRef) -> Outcome {
    let (view, effects) = SyncView::new(shared, object.clone());
    Outcome::open(Box::new(view), effects)
}

/// The parts of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    Overview,
    Follow,
    Resources,
    Operation,
    History,
    Drift,
    Project,
}

impl Tab {
    fn word(self) -> &'static str {
        match self {
            Tab::Overview => "Overview",
            Tab::Follow => "Follow",
            Tab::Resources => "Resources",
            Tab::Operation => "Operation",
            Tab::History => "History",
            Tab::Drift => "Diff",
            Tab::Project => "Project",
        }
    }

    /// The parts that a kind has.
    fn of(kind: Kind) -> &'static [Tab] {
        match kind {
            Kind::Application => &[
                Tab::Overview,
                Tab::Follow,
                Tab::Resources,
                Tab::Operation,
                Tab::History,
                Tab::Drift,
                Tab::Project,
            ],
            Kind::Kustomization | Kind::HelmRelease => {
                &[Tab::Overview, Tab::Follow, Tab::Resources, Tab::History, Tab::Drift]
            }
            _ => &[Tab::Overview],
        }
    }
}

/// What the cursor stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// An object that we know how to open.
    Object(ObjectRef),
    /// Something to stand on and nothing more.
    Line(String),
}

/// What is worked out from the detail and the world.
#[derive(Debug, Default)]
struct Derived {
    /// The connection where its objects are.
    cluster: Option<ClusterId>,
    nodes: Vec<Node>,
    judgement: Option<Judgement>,
    findings: Vec<Finding>,
}

/// A judgement, and what it was made from.
#[derive(Clone, Debug)]
struct Judged {
    minute: i64,
    windows: Vec<SyncWindow>,
    judgement: Judgement,
}

/// What the page was made from; it is made anew when this changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    worlds: [u64; 5],
    listed: u64,
    answers: u64,
    tab: usize,
    now: Stamp,
    width: usize,
}

/// The view.
#[derive(Debug)]
struct SyncView {
    object: ObjectRef,
    tabs: &'static [Tab],
    tab: usize,
    /// The tab stands: by the first look at the object, or because a person chose it.
    settled: bool,
    detail: Option<SyncDetail>,
    gone: bool,
    /// As the list had it when it was last asked for.
    asked_of: Option<SyncApp>,
    /// When the API server was last asked along.
    server_asked: Option<Duration>,
    feed: Feed,
    drift: Differences,
    drift_feed: Feed,
    healths: Vec<(ResourceId, Lookup<LiveHealth>)>,
    /// The cluster that they were asked for in.
    healths_in: Option<ClusterId>,
    health_feed: Feed,
    answers: u64,
    follow: Follow,
    derived: Derived,
    judged: Option<Judged>,
    page: Page<Item>,
    width: u16,
    height: u16,
    seen: Option<Seen>,
}

impl SyncView {
    fn new(shared: &mut Shared, object: ObjectRef) -> (SyncView, Vec<Effect>) {
        let mut view = SyncView {
            tabs: Tab::of(object.kind),
            tab: 0,
            settled: false,
            detail: None,
            gone: false,
            asked_of: None,
            server_asked: None,
            feed: Feed::new(SLOW),
            drift: Differences::default(),
            drift_feed: Feed::new(SLOW * 3),
            healths: Vec::new(),
            healths_in: None,
            health_feed: Feed::new(SLOW * 3),
            answers: 0,
            follow: Follow::default(),
            derived: Derived::default(),
            judged: None,
            page: Page::default(),
            width: 0,
            height: 0,
            seen: None,
            object,
        };
        view.asked_of = view.listed(shared).and_then(|(app, _)| app.cloned());
        let question = view.question(shared);
        let effects = view.feed.ask(shared, question);
        (view, effects)
    }

    fn tab(&self) -> Tab {
        self.tabs.get(self.tab).copied().unwrap_or(Tab::Overview)
    }

    /// The connection where the objects of an application are, as its row has it: a row knows what the configuration
    /// says, too.
    fn target(&self, app: &AppDetail, shared: &Shared) -> Option<ClusterId> {
        let listed = self.delivery(shared).and_then(|delivery| delivery.targets.first().copied());
        listed.or_else(|| {
            let Destination { server, name, .. } = &app.destination;
            connections(&shared.world, self.object.cluster, server, name).first().copied()
        })
    }

    /// What follows for it, as far as the list has it.
    fn delivery<'a>(&self, shared: &'a Shared) -> Option<&'a Delivery> {
        shared.sync.get(self.object.cluster, self.object.uid)
    }

    /// The object as the list has it, and how often its table changed.
    fn listed<'a>(&self, shared: &'a Shared) -> Option<(Option<&'a SyncApp>, u64)> {
        let cluster = shared.world.cluster(self.object.cluster)?;
        let table = if self.object.kind == Kind::Application { &cluster.applications } else { &cluster.flux };
        Some((table.get(self.object.uid), table.touched()))
    }

    fn app(&self) -> Option<&AppDetail> {
        match self.detail.as_ref().map(|detail| &detail.about) {
            Some(About::Argo(app)) => Some(app),
            _ => None,
        }
    }

    fn changed(&mut self, shared: &Shared) -> bool {
        let at = self.derived.cluster.unwrap_or(self.object.cluster);
        let worlds = shared.world.cluster(at).map_or([0; 5], |cluster| {
            [
                cluster.pods.version(),
                cluster.workloads.version(),
                cluster.replica_sets.version(),
                cluster.endpoint_slices.version(),
                cluster.services.version(),
            ]
        });
        let listed = self.listed(shared).map_or(0, |(_, version)| version);
        let seen = Seen {
            worlds,
            listed,
            answers: self.answers,
            tab: self.tab,
            now: shared.now.wall,
            width: self.page.width(),
        };
        let changed = self.seen.as_ref() != Some(&seen);
        self.seen = Some(seen);
        changed
    }

    /// What follows from the detail and the world now.
    fn derive(&mut self, shared: &Shared) {
        let Some(detail) = &self.detail else { return };
        let (world, now) = (&shared.world, shared.now.wall);
        let facts = match &detail.about {
            About::Argo(app) => {
                let cluster = self.target(app, shared);
                let server = app.server.known();
                let nodes = sync_tree::tree(world, cluster, &app.resources, server, &self.healths);
                let judgement = app.project_facts.known().map(|project| {
                    // Windows turn at whole minutes, and ticking through their schedules takes its time.
                    let minute = now.0.div_euclid(60);
                    match self.judged.take() {
                        Some(judged) if judged.minute == minute && judged.windows == project.windows => {
                            judged
                        }
                        _ => Judged {
                            minute,
                            windows: project.windows.clone(),
                            judgement: windows::judge(
                                &project.windows,
                                &self.object.name,
                                &app.destination,
                                now,
                            ),
                        },
                    }
                });
                self.judged.clone_from(&judgement);
                let judgement = judgement.map(|judged| judged.judgement);
                let findings = sync_truth::findings(app, &nodes, judgement.as_ref(), now);
                let by_hand = app.operation.as_ref().is_some_and(|operation| !operation.request.automated);
                let allow = judgement.as_ref().map(|j| if by_hand { j.manual } else { j.automatic }.allows());
                let facts = follow_facts::of_app(app, world, cluster, &findings, allow, now);
                self.derived = Derived { cluster, nodes, judgement, findings };
                facts
            }
            About::Flux(flux) => {
                let remote = || self.delivery(shared)?.targets.first().copied();
                let cluster = if flux.remote { remote() } else { Some(self.object.cluster) };
                let resources: Vec<_> = flux
                    .inventory
                    .iter()
                    .map(|id| crate::domain::sync_detail::Resource { id: id.clone(), ..Default::default() })
                    .collect();
                let nodes = sync_tree::tree(world, cluster, &resources, None, &self.healths);
                self.derived = Derived { cluster, nodes, ..Derived::default() };
                follow_facts::of_flux(flux, world, cluster)
            }
        };
        self.follow.observe(&facts, now);
        let under_way = self.follow.in_flight();
        self.feed.every(if under_way { FAST } else { SLOW });
        // An app whose revision is in flight opens on its way. What comes later turns no page under who reads it.
        if !std::mem::replace(&mut self.settled, true)
            && under_way
            && let Some(follow) = self.tabs.iter().position(|tab| *tab == Tab::Follow)
        {
            self.tab = follow;
        }
    }

    fn lines(&self, shared: &Shared) -> Vec<lines::Line> {
        let Some(detail) = &self.detail else {
            return vec![match &self.feed.failed {
                Some(why) => lines::said(Role::Critical, &format!("Cannot be read: {why}")),
                None => lines::said(Role::Muted, "Asking…"),
            }];
        };
        let mut lines = Vec::new();
        if self.gone {
            let words = format!("{} is gone; this is how it was.", words::object(&self.object));
            lines.push(lines::said(Role::Warning, &words).sign(crate::domain::level::Level::Unknown));
        } else if let Some(why) = &self.feed.failed {
            lines.push(lines::said(Role::Warning, &format!("Could not be read again: {why}")));
        }
        lines.extend(match (self.tab(), &detail.about) {
            (Tab::Overview, About::Argo(app)) => overview::of_app(self, detail, app, shared),
            (Tab::Overview, About::Flux(flux)) => overview::of_flux(self, detail, flux, shared),
            (Tab::Follow, _) => timeline::lines(&self.follow, shared),
            (Tab::Resources, about) => resources::lines(self, about, shared),
            (Tab::Operation, About::Argo(app)) => operation::lines(app, shared),
            (Tab::History, About::Argo(app)) => history::of_app(app, shared),
            (Tab::History, About::Flux(flux)) => history::of_flux(flux, shared),
            (Tab::Drift, about) => drift::lines(self, about, shared),
            (Tab::Project, About::Argo(app)) => {
                project::lines(&self.object, app, self.derived.judgement.as_ref(), shared)
            }
            (Tab::Operation | Tab::Project, About::Flux(_)) => Vec::new(),
        });
        lines
    }

    fn strip(&self) -> Painted {
        let mut strip = Painted::plain(" ");
        for (at, tab) in self.tabs.iter().enumerate() {
            let role = if at == self.tab { Role::TabActive } else { Role::Tab };
            strip.push(role, &format!(" {} ", tab.word()));
            strip.push_plain(" ");
        }
        strip
    }

    /// Rows that the strip of tabs takes.
    fn strip_rows(&self) -> u16 {
        u16::from(self.height > 3 && self.tabs.len() > 1)
    }

    fn turn(&mut self, shared: &mut Shared, tab: usize) -> Outcome {
        self.tab = tab;
        self.settled = true;
        self.page = Page::default();
        self.page.resize(self.width, self.height - self.strip_rows().min(self.height));
        self.seen = None;
        Outcome { effects: self.ask_drift(shared), ..Outcome::none() }
    }
}

impl Pane for SyncView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let place = self.app().map(|app| app.destination.namespace.clone());
        let place = self
            .derived
            .cluster
            .zip(place)
            .and_then(|(cluster, namespace)| shared.environments.of(cluster, &namespace));
        let place = place.map(|env| format!(" in {}", env.name)).unwrap_or_default();
        let mut note = match self.detail.as_ref().map(|detail| &detail.about) {
            Some(About::Argo(app)) => {
                let by = match &app.server {
                    Lookup::Known(_) => "by the Argo CD API",
                    _ => BY_KUBERNETES,
                };
                format!("{} · {} · {by}", lines::or_none(&app.sync), lines::or_none(&app.health))
            }
            Some(About::Flux(flux)) if flux.suspended => "suspended".to_owned(),
            Some(About::Flux(flux)) => {
                let ready = flux.conditions.iter().find(|condition| &*condition.kind == "Ready");
                ready.map(|ready| format!("Ready {} · {}", ready.status, ready.reason)).unwrap_or_default()
            }
            None => String::new(),
        };
        if self.gone {
            note = "gone".to_owned();
        }
        Title {
            name: format!("{} {}{place}", self.object.kind.word(), self.object.name),
            note,
            stale: words::stale(shared, self.object.cluster),
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Text, Scope::List]
    }

    fn refresh(&mut self, shared: &Shared) {
        if !self.changed(shared) {
            return;
        }
        self.gone = words::is_gone(shared, &self.object);
        self.derive(shared);
        let lines = self.lines(shared);
        self.page.set(lines);
    }

    fn resize(&mut self, width: u16, height: u16) {
        (self.width, self.height) = (width, height);
        self.page.resize(width, height - self.strip_rows());
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        let _ = shared;
        match action {
            action if action.moves() => Applies::Yes,
            Action::Save => Applies::Yes,
            Action::Left | Action::Right if self.tabs.len() > 1 => Applies::Yes,
            Action::Open if !matches!(self.page.selected(), Some(Item::Object(_))) => {
                Applies::No("This is the application: the right key shows its other parts.".to_owned())
            }
            Action::Filter => Applies::No("This page has nothing to filter.".to_owned()),
            Action::ToggleNamespace
            | Action::Mark
            | Action::FaultsOnly
            | Action::SortColumn
            | Action::SortDirection
            | Action::ClearMarks
            | Action::Wrap => Applies::No(format!("{} does not apply here.", action.info().name)),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        if self.page.act(action) {
            return Outcome::none();
        }
        let last = self.tabs.len().saturating_sub(1);
        match action {
            Action::Right => self.turn(shared, if self.tab >= last { 0 } else { self.tab + 1 }),
            Action::Left => self.turn(shared, if self.tab == 0 { last } else { self.tab - 1 }),
            Action::Save => {
                let name = words::file_name(&self.object.name);
                let tab = self.tab().word().to_lowercase();
                let name = format!("{tab}-{name}-{}.txt", words::file_time(shared.now.wall));
                Outcome::effect(Effect::Save { name: name.into(), lines: self.page.plain() })
            }
            _ => Outcome::none(),
        }
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        let _ = shared;
        match self.page.selected() {
            Some(Item::Object(object)) => Some(Subject::Object(object.clone())),
            _ => Some(Subject::Object(self.object.clone())),
        }
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        let _ = shared;
        let strip = self.strip_rows().min(area.height);
        if strip > 0 {
            let place = Place { x: area.x, y: area.y, width: area.width, skip: 0 };
            self.strip().draw_row(look, look.style(Role::Text), place, buffer);
        }
        let page = Rect { y: area.y + strip, height: area.height - strip, ..area };
        self.page.draw(look, focused, page, buffer);
    }

    fn tick(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.ask(shared)
    }

    fn answer(&mut self, request: RequestId, answer: &mut Option<Answer>) -> bool {
        self.take(request, answer)
    }

    fn requests(&self) -> Vec<RequestId> {
        [&self.feed, &self.drift_feed, &self.health_feed].into_iter().filter_map(Feed::request).collect()
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        if let Pointer::Click(column, 0) = event
            && self.strip_rows() > 0
        {
            let mut at = 1;
            for (tab, wide) in self.tabs.iter().map(|tab| tab.word().len() + 2).enumerate() {
                if (at..at + wide).contains(&usize::from(column)) {
                    return self.turn(shared, tab);
                }
                at += wide + 1;
            }
            return Outcome::none();
        }
        let strip = self.strip_rows();
        self.page.mouse(match event {
            Pointer::Click(column, row) => Pointer::Click(column, row.saturating_sub(strip)),
            wheel => wheel,
        });
        Outcome::none()
    }
}
