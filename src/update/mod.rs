//! What happens when something happened: a pure function from state and message
//! to state and effects. It awaits nothing, reads no clock and draws nothing.

pub mod actions;
mod changes;
pub mod help;
mod input;
mod news;
mod runs;

use crossterm::event::Event;

use crate::domain::time::Now;
use crate::effect::{Effect, Follow};
use crate::layout;
use crate::msg::{Answer, Msg, Urgency};
use crate::panes::PaneId;
use crate::panes::views::words;
use crate::shared::{Outcome, Shared, Subject, Turn};
use crate::state::{Overlay, State};

/// Takes a message.
pub fn update(state: &mut State, msg: Msg, now: Now) -> Vec<Effect> {
    state.shared.now = now;
    let told = state.toasts.len();
    news::passed(state, now);
    state.toasts.retain(|toast| toast.until > now.mono);
    let told = told != state.toasts.len();
    state.settled &= matches!(msg, Msg::Input(_));
    let urgency = msg.urgency();
    let mut seen = true;
    let effects = match msg {
        Msg::Input(event) => {
            // Keys that come in one burst (a slow line, quick fingers) are not drawn one by one; each still acts on what
            // the keys before it have made of the screen.
            if matches!(event, Event::Key(_) | Event::Mouse(_)) && !state.settled {
                refresh(state);
            }
            state.settled = false;
            input::input(state, event)
        }
        Msg::Tick => {
            let mut effects = changes::tick(state);
            let State { views, shared, .. } = state;
            effects.extend(views.iter_mut().flat_map(|view| view.tick(shared)));
            effects
        }
        Msg::Cluster(cluster, news) => {
            seen = state.shared.world.apply(cluster, news, now);
            Vec::new()
        }
        Msg::Answer(request, answer) => {
            let mut answer: Option<Answer> = Some(answer);
            for view in &mut state.views {
                if view.answer(request, &mut answer) {
                    break;
                }
            }
            Vec::new()
        }
        Msg::Graph(request, asked_at, answer) => {
            state.shared.graphs.take(request, answer.map(|graph| *graph), asked_at);
            Vec::new()
        }
        Msg::Survey(request, answer) => {
            state.shared.graphs.take_survey(request, answer);
            Vec::new()
        }
        Msg::Alerts(upstream, told) => news::told(state, &upstream, told),
        Msg::Planned(request, planned) => {
            changes::planned(state, request, planned.map(|plan| *plan));
            Vec::new()
        }
        Msg::Kept(request, kept) => changes::kept(state, request, kept),
        Msg::Progress(request, progress) => {
            runs::progress(state, request, progress);
            Vec::new()
        }
        Msg::Journal(read) => changes::journal(state, read),
        Msg::Stands(id, stand) => {
            changes::stands(state, &id, stand);
            Vec::new()
        }
        Msg::Note(note) => {
            state.toast(note);
            Vec::new()
        }
    };
    state.due = state.due.min(if seen { urgency } else { Urgency::Age });
    if told {
        state.due = Urgency::Next;
    }
    effects
}

/// Brings what can be seen up to date; called once before a frame, after any
/// number of messages.
pub fn settle(state: &mut State) {
    refresh(state);
    state.settled = true;
    state.due = Urgency::default();
    changes::drawn(state);
}

fn refresh(state: &mut State) {
    state.shared.derive();
    let areas = layout::areas(state);
    let State { panes, views, shared, focus, .. } = state;
    // First the one whose cursor the others may follow. Graphs are of what it is on; on the graphs themselves, and in
    // views, of what it was on before.
    if views.is_empty()
        && let Some(front) = panes.get_mut(*focus)
    {
        front.refresh(shared);
        front.suggest(shared);
        if front.id() != PaneId::Metrics
            && let Some(subject) = front.subject(shared)
        {
            shared.looked_at = Some(subject);
        }
    }
    look_away(shared);
    for (which, area) in &areas.panes {
        let pane = match which {
            layout::Slot::Pane(at) => panes.get_mut(*at),
            layout::Slot::View => views.last_mut(),
        };
        if let Some(pane) = pane {
            let inside = layout::inside(pane.as_ref(), *area);
            pane.resize(inside.width, inside.height);
            pane.refresh(shared);
        }
    }
}

/// Graphs are not of what the screen no longer shows: an object that is gone, or one of another environment. An app that
/// nobody chose goes with its last workload.
fn look_away(shared: &mut Shared) {
    let out_of_sight = match &shared.looked_at {
        Some(Subject::Object(object)) => {
            words::is_gone(shared, object)
                || object.kind.namespaced() && !shared.shows(object.cluster, &object.namespace)
        }
        _ => false,
    };
    if out_of_sight {
        shared.looked_at = None;
    }
    if !shared.app_chosen && shared.app.as_ref().is_some_and(|app| shared.matrix.row(app).is_none()) {
        shared.app = None;
    }
}

/// What is to be asked again and again: what the panes that can be seen want, and
/// alerts always, for the header and the bell.
pub fn follows(state: &State) -> Vec<Follow> {
    let areas = layout::areas(state);
    let seen = areas.panes.iter().filter_map(|(which, _)| match which {
        layout::Slot::Pane(at) => state.panes.get(*at),
        layout::Slot::View => state.views.last(),
    });
    let alerts = state.shared.alert_servers().into_iter().map(Follow::Alerts);
    seen.flat_map(|pane| pane.follows(&state.shared)).chain(changes::follows(state)).chain(alerts).collect()
}

/// Applies what an action of a pane asked for.
fn follow(state: &mut State, outcome: Outcome) -> Vec<Effect> {
    let Outcome { mut effects, turn, note } = outcome;
    if let Some(note) = note {
        state.toast(note);
    }
    match turn {
        None => {}
        Some(Turn::Open(view)) => state.views.push(view),
        Some(Turn::Replace(view)) => {
            effects.extend(close_view(state));
            state.views.push(view);
        }
        Some(Turn::Close) => effects.extend(close_view(state)),
        Some(Turn::Zoom) => state.zoomed = !state.zoomed,
        Some(Turn::Focus(id)) => {
            if let Some(at) = state.pane(id) {
                actions::focus(state, at);
            }
        }
        Some(Turn::Change(begin)) => effects.extend(changes::begin(state, *begin)),
        Some(Turn::CloseAndAsk(ask)) => {
            effects.extend(close_view(state));
            state.overlay = Some(Overlay::ask(ask));
        }
        Some(Turn::Ask(ask)) => {
            state.overlay = Some(Overlay::ask(ask));
        }
    }
    effects
}

/// Closes the view in front and ends what it asked for.
fn close_view(state: &mut State) -> Vec<Effect> {
    let Some(view) = state.views.pop() else { return Vec::new() };
    view.requests().into_iter().map(Effect::Cancel).collect()
}
