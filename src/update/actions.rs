//! Actions: first those of the program, then those of the pane in front, then
//! those of the object that the cursor is on. One that does not apply says why.

use super::{close_view, follow};
use crate::action::Action;
use crate::domain::environment::Environment;
use crate::domain::id::{ClusterId, EnvId};
use crate::domain::level::Level;
use crate::domain::link::Link;
use crate::effect::Effect;
use crate::fleet::sync::named_control_planes;
use crate::layout;
use crate::msg::Note;
use crate::panes::metrics::target::Target;
use crate::panes::views::favourites::Favourites;
use crate::panes::views::graph::GraphView;
use crate::panes::views::journal::JournalView;
use crate::panes::{Marked, PaneId, objects};
use crate::shared::{Applies, Ask, Shared, Subject};
use crate::state::{Overlay, Palette, State};

/// Does an action, or says why not.
pub fn perform(state: &mut State, action: Action) -> Vec<Effect> {
    match verdict(state, action) {
        Applies::Yes => {}
        Applies::No(why) => {
            state.toast(Note { level: Level::Idle, text: why });
            return Vec::new();
        }
        Applies::Elsewhere => {
            let title = action.info().name;
            state.toast(Note { level: Level::Idle, text: format!("{title} does not apply here.") });
            return Vec::new();
        }
    }
    if let Some(effects) = program(state, action) {
        return effects;
    }
    let marked = marked(state, action);
    let Some((pane, shared)) = state.front_mut() else { return Vec::new() };
    let outcome = if let Some(marked) = marked {
        objects::change_marked(shared, &marked, action)
    } else if pane.applies(shared, action) == Applies::Yes {
        pane.act(shared, action)
    } else {
        match pane.subject(shared) {
            Some(subject) => objects::act(shared, &subject, action),
            None => return Vec::new(),
        }
    };
    follow(state, outcome)
}

/// Opens the YAML of an object that was named in the palette (`secret/cart-db`);
/// `None` when the text names none.
pub fn open_named(state: &mut State, typed: &str) -> Option<Vec<Effect>> {
    let subject = state.front().and_then(|pane| pane.subject(&state.shared));
    let object = objects::named(&state.shared, subject.as_ref(), typed)?;
    let outcome = objects::yaml(&mut state.shared, object);
    Some(follow(state, outcome))
}

/// Whether an action applies now: for footer, help, palette and [`perform`].
pub fn verdict(state: &State, action: Action) -> Applies {
    match action {
        Action::Quit | Action::Suspend | Action::Redraw | Action::Help | Action::Palette => {
            return Applies::Yes;
        }
        Action::NextPane | Action::PreviousPane if !state.views.is_empty() => {
            return Applies::No("Close this view first (esc).".to_owned());
        }
        Action::NextPane
        | Action::PreviousPane
        | Action::PaneEnvironments
        | Action::PanePods
        | Action::ToggleWorkloads
        | Action::Query
        | Action::Favourites
        | Action::PaneJournal
        | Action::ToggleAllEnvironments => return Applies::Yes,
        Action::NextEnvironment | Action::PreviousEnvironment if state.shared.environments.list.len() < 2 => {
            return Applies::No("There is no other environment.".to_owned());
        }
        Action::NextEnvironment | Action::PreviousEnvironment => return Applies::Yes,
        Action::PaneSync if state.pane(PaneId::Sync).is_some() => return Applies::Yes,
        Action::PaneMetrics if state.pane(PaneId::Metrics).is_some() => return Applies::Yes,
        Action::PaneAlerts if state.pane(PaneId::Alerts).is_some() => return Applies::Yes,
        Action::PaneTraffic if state.pane(PaneId::Traffic).is_some() => return Applies::Yes,
        Action::PaneBackups if state.pane(PaneId::Backups).is_some() => return Applies::Yes,
        Action::PaneNodes if state.pane(PaneId::Nodes).is_some() => return Applies::Yes,
        Action::PaneSync
        | Action::PaneMetrics
        | Action::PaneAlerts
        | Action::PaneTraffic
        | Action::PaneBackups
        | Action::PaneNodes
        | Action::PaneDelivery => {
            let name = action.info().title;
            return Applies::No(format!("This version has no {name} pane."));
        }
        Action::Runs => return super::runs::applies(state),
        Action::Connect => return connect_verdict(state),
        _ => {}
    }
    if action == Action::Open && zooms_first(state) {
        return Applies::Yes;
    }
    if let Some(marked) = marked(state, action) {
        return objects::marked_applies(&state.shared, &marked, action);
    }
    let Some(front) = state.front() else { return Applies::Elsewhere };
    let shared = &state.shared;
    match front.applies(shared, action) {
        Applies::Elsewhere => {}
        answer => return answer,
    }
    match action {
        Action::Back if !state.views.is_empty() || state.zoomed => return Applies::Yes,
        Action::Back if shared.namespace.is_some() => return Applies::Yes,
        Action::Back => return Applies::No("This is the Bridge; q quits.".to_owned()),
        Action::ToggleNamespace if shared.namespace.is_some() => return Applies::Yes,
        _ => {}
    }
    match front.subject(shared) {
        Some(subject) => match objects::applies(shared, &subject, action) {
            Applies::Elsewhere if action == Action::Open && state.views.is_empty() && !state.zoomed => {
                Applies::Yes
            }
            answer => answer,
        },
        None if action == Action::Open && state.views.is_empty() && !state.zoomed => Applies::Yes,
        None if objects::knows(action) => Applies::No("Nothing is selected.".to_owned()),
        None => Applies::Elsewhere,
    }
}

/// What is marked, where an action is done to what is marked: a change, but for the ways back, which nothing may hold up.
/// The cursor counts only where nothing is marked, or what it is on alone.
fn marked(state: &State, action: Action) -> Option<Marked> {
    if !objects::changes(action) || matches!(action, Action::Undo | Action::Switch) {
        return None;
    }
    let pane = state.front()?;
    let marked = pane.marked(&state.shared);
    match (marked.subjects.as_slice(), marked.gone) {
        ([], 0) => None,
        ([one], 0) if Some(one) == pane.subject(&state.shared).as_ref() => None,
        _ => Some(marked),
    }
}

/// Actions of the program as a whole; `None` when it is none.
fn program(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    let effects = match action {
        Action::Quit => quit(state),
        Action::Suspend => vec![Effect::Suspend],
        Action::Redraw => vec![Effect::Redraw],
        Action::Help => {
            state.overlay = Some(Overlay::Help { scroll: 0 });
            Vec::new()
        }
        Action::Palette => {
            state.overlay = Some(Overlay::Palette(Palette::default()));
            Vec::new()
        }
        Action::NextPane => focus_by(state, 1),
        Action::PreviousPane => focus_by(state, -1),
        Action::PaneEnvironments => focus_pair(state, PaneId::Environments, PaneId::Releases),
        Action::PanePods => focus_pair(state, PaneId::Pods, PaneId::Workloads),
        Action::ToggleWorkloads => {
            state.numbered = Some(PaneId::Pods);
            focus_pair(state, PaneId::Pods, PaneId::Workloads)
        }
        Action::PaneSync => focus_pair(state, PaneId::Sync, PaneId::Sync),
        Action::PaneMetrics => focus_pair(state, PaneId::Metrics, PaneId::Metrics),
        Action::PaneAlerts => focus_pair(state, PaneId::Alerts, PaneId::Alerts),
        Action::PaneTraffic => focus_pair(state, PaneId::Traffic, PaneId::Traffic),
        Action::PaneBackups => focus_pair(state, PaneId::Backups, PaneId::Backups),
        Action::PaneNodes => focus_pair(state, PaneId::Nodes, PaneId::Nodes),
        Action::PaneJournal => {
            state.views.push(Box::new(JournalView::default()));
            vec![Effect::ReadJournal]
        }
        Action::Runs => super::runs::open(state),
        Action::NextEnvironment => environment_by(state, 1),
        Action::PreviousEnvironment => environment_by(state, -1),
        Action::ToggleAllEnvironments => {
            state.shared.all_environments = !state.shared.all_environments;
            state.shared.namespace = None;
            Vec::new()
        }
        Action::Connect => connect(state),
        Action::Query => {
            if !front_takes(state, action) {
                let target = Target::of(&state.shared);
                state.views.push(Box::new(GraphView::to_type(target)));
            }
            let text = state.front().and_then(|pane| pane.filter()).unwrap_or_default().to_owned();
            state.typing = Some(tui_input::Input::new(text));
            Vec::new()
        }
        Action::Favourites => {
            let target = Target::of(&state.shared);
            state.views.push(Box::new(Favourites::new(target)));
            Vec::new()
        }
        Action::Filter => {
            let text = state.front().and_then(|pane| pane.filter()).unwrap_or_default().to_owned();
            state.typing = Some(tui_input::Input::new(text));
            Vec::new()
        }
        Action::Back if !front_takes(state, action) => {
            if !state.views.is_empty() {
                close_view(state)
            } else {
                if state.zoomed {
                    state.zoomed = false;
                } else {
                    state.shared.namespace = None;
                }
                Vec::new()
            }
        }
        Action::ToggleNamespace if state.shared.namespace.is_some() => {
            state.shared.namespace = None;
            Vec::new()
        }
        Action::Open
            if zooms_first(state) || !front_takes(state, action) && !subject_takes(state, action) =>
        {
            state.zoomed = true;
            Vec::new()
        }
        _ => return None,
    };
    Some(effects)
}

/// Asks first while something is being changed; asked twice, it is meant.
fn quit(state: &mut State) -> Vec<Effect> {
    let asked = matches!(&state.overlay, Some(Overlay::Ask { ask, .. }) if ask.then == [Effect::Quit]);
    let running: Vec<String> = state
        .runs
        .iter()
        .filter(|run| run.end.is_none())
        .map(|run| format!("{} in {}", run.title, run.place))
        .collect();
    if asked || running.is_empty() {
        return vec![Effect::Quit];
    }
    let mut lines = vec!["This is still being done:".to_owned()];
    lines.extend(running);
    lines.push("It goes on to its end without the screen, and the journal tells. Quit?".to_owned());
    let ask = Ask { lines, word: "".into(), then: vec![Effect::Quit] };
    state.overlay = Some(Overlay::ask(ask));
    Vec::new()
}

/// On the Bridge enter gives a pane the whole screen first, and opens what the
/// cursor is on from there. A card is made the current environment at once, and
/// on a small screen the pane has the whole screen already.
fn zooms_first(state: &State) -> bool {
    let bridge = state.views.is_empty() && !state.zoomed && !layout::is_small(state.size);
    // A chart is opened at once too: it has the whole screen then.
    let at_once = |pane: &dyn crate::panes::Pane| matches!(pane.id(), PaneId::Environments | PaneId::Metrics);
    bridge && state.front().is_some_and(|pane| !at_once(pane))
}

fn front_takes(state: &State, action: Action) -> bool {
    state.front().is_some_and(|pane| pane.applies(&state.shared, action) == Applies::Yes)
}

fn subject_takes(state: &State, action: Action) -> bool {
    state
        .front()
        .and_then(|pane| pane.subject(&state.shared))
        .is_some_and(|subject| objects::applies(&state.shared, &subject, action) == Applies::Yes)
}

fn focus_by(state: &mut State, by: isize) -> Vec<Effect> {
    state.numbered = None;
    let shown = layout::order_of_tab(state);
    if let Some(at) = shown.iter().position(|pane| *pane == state.focus) {
        let next = (at as isize + by).rem_euclid(shown.len() as isize);
        focus(state, shown.get(next as usize).copied().unwrap_or(0));
    } else if let Some(first) = shown.first() {
        focus(state, *first);
    }
    Vec::new()
}

/// Another pane gets the focus.
pub(super) fn focus(state: &mut State, at: usize) {
    if at != state.focus
        && let Some(left) = state.panes.get_mut(state.focus)
    {
        left.suggest(&mut state.shared);
        // Whoever goes to another pane goes there to learn more of it.
        state.shared.app_chosen = state.shared.app.is_some();
    }
    state.focus = at;
}

/// A number key goes to its pane; pressed again it goes to the pane's sibling.
/// The first press only ever goes there, wherever the focus was by itself.
fn focus_pair(state: &mut State, first: PaneId, second: PaneId) -> Vec<Effect> {
    let mut effects = Vec::new();
    while !state.views.is_empty() {
        effects.extend(close_view(state));
    }
    let focused = state.panes.get(state.focus).map(|pane| pane.id());
    let again = state.numbered == Some(first);
    state.numbered = Some(first);
    let wanted = if again && focused == Some(first) { second } else { first };
    if let Some(at) = state.pane(wanted).or_else(|| state.pane(first)) {
        focus(state, at);
    }
    effects
}

fn environment_by(state: &mut State, by: isize) -> Vec<Effect> {
    let count = state.shared.environments.list.len() as isize;
    if count > 0 {
        let next = (isize::from(state.shared.current.0 as i16) + by).rem_euclid(count);
        state.shared.choose(EnvId(u16::try_from(next).unwrap_or(0)));
    }
    Vec::new()
}

/// The environment that `connect` is about: the card under the cursor, else the current one.
fn connect_target(state: &State) -> Option<EnvId> {
    match state.front().and_then(|pane| pane.subject(&state.shared)) {
        Some(Subject::Environment(id)) => Some(id),
        _ => state.shared.environment().map(|env| env.id),
    }
}

fn connect_verdict(state: &State) -> Applies {
    let shared = &state.shared;
    let Some(env) = connect_target(state).and_then(|id| shared.environments.get(id)) else {
        return Applies::No("There is no context to connect.".to_owned());
    };
    match shared.world.cluster(unconnected(shared, env)).map(|cluster| &cluster.connection.link) {
        Some(Link::Live) => Applies::No(format!("{} is connected.", env.name)),
        Some(Link::Connecting) => Applies::No(format!("{} is being connected.", env.name)),
        Some(_) => Applies::Yes,
        None => Applies::Elsewhere,
    }
}

/// The cluster of an environment; where that one is connected, the first that is not of those that deliver to it and
/// keep its backups.
fn unconnected(shared: &Shared, env: &Environment) -> ClusterId {
    let is_live = |id: &ClusterId| {
        shared.world.cluster(*id).is_some_and(|cluster| cluster.connection.link == Link::Live)
    };
    let delivers = named_control_planes(&shared.wanted, &shared.environments, &shared.world, env);
    let keeps = shared.backups.get(env.id).and_then(|kept| kept.place.as_ref()?.cluster);
    let mut all = std::iter::once(env.cluster).chain(delivers).chain(keeps);
    all.find(|id| !is_live(id)).unwrap_or(env.cluster)
}

fn connect(state: &mut State) -> Vec<Effect> {
    let shared = &state.shared;
    let env = connect_target(state).and_then(|id| shared.environments.get(id));
    let Some(cluster) = env.map(|env| unconnected(shared, env)) else { return Vec::new() };
    let Some(facts) = state.shared.world.cluster(cluster) else { return Vec::new() };
    match &facts.connection.link {
        Link::Dim => vec![Effect::Connect(cluster), Effect::Remember(facts.connection.context.clone())],
        _ => vec![Effect::Retry(cluster)],
    }
}
