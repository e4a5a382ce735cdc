//! A change in a dialog: how many, which revision, the plan with its gates, what is being done.
//!
//! ```text
//! ┏━ Plan: scale deploy/cart 3 → 5 in staging ━━━ good for 52 s ━┓
//! ┃ where   staging · k3s-edge (https://…) · as demo-admin        ┃
//! ┃ change  replicas  3 → 5                                       ┃
//! ┃ gates   ● rbac: you may patch deployments/scale (apps)        ┃
//! ┃         ▲ ownership: Argo CD application cart puts it back    ┃
//! ┃ then    5 pods ready        back    scale to 3 again          ┃
//! ┃                                                               ┃
//! ┃ y do it   n no   tab the exact request                        ┃
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{frame, run, status};
use crate::change::diff::{Mark, difference};
use crate::change::gates::{Verdict, Weight};
use crate::change::intent::Order;
use crate::change::plan::{Challenge, Plan};
use crate::change::redact::redacted;
use crate::domain::id::Kind;
use crate::domain::level::Level;
use crate::domain::link::Feed;
use crate::look::Look;
use crate::panes::views::painted::{Painted, Place};
use crate::state::State;
use crate::state::sheet::{Field, Number, Ready, Sheet};
use crate::text::duration_words;
use crate::theme::Role;
use crate::widgets::strip::Strip;

/// Columns of a dialog, where there are so many.
const WIDTH: u16 = 108;
/// Columns of the words at the left.
const HEADS: usize = 8;

/// The keys of a sheet, for the footer.
pub(super) fn keys(sheet: &Sheet) -> &'static [(&'static str, &'static str)] {
    match sheet {
        Sheet::Number(number) if number.wanted.len() > 1 => &[
            ("+ -", "more, fewer"),
            ("0-9", "type"),
            ("tab", "least, most"),
            ("enter", "plan"),
            ("esc", "no"),
        ],
        Sheet::Number(_) => &[("+ -", "more, fewer"), ("0-9", "type"), ("enter", "plan"), ("esc", "no")],
        Sheet::Revision { .. } | Sheet::Which { .. } => {
            &[("j k", "choose"), ("enter", "plan"), ("esc", "no")]
        }
        Sheet::Runs { .. } => &[("j k", "choose"), ("enter", "show"), ("esc", "close")],
        Sheet::Planning { .. } => &[("esc", "no")],
        Sheet::Ready(ready) if ready.is_refused() => &[("tab", "requests"), ("esc", "close")],
        Sheet::Ready(ready) => match ready.field {
            Field::None => &[("y", "do it"), ("n esc", "no"), ("tab", "requests"), ("up down", "scroll")],
            _ => &[("enter", "confirm"), ("tab", "requests"), ("up down", "scroll"), ("esc", "no")],
        },
        Sheet::NoPlan(_) => &[("esc", "close")],
        Sheet::Running(_) => {
            &[("esc", "leave it running"), ("u", "way back: a switch at once, else once it has ended")]
        }
    }
}

/// Draws a sheet.
pub(super) fn draw(state: &State, sheet: &Sheet, area: Rect, buffer: &mut Buffer) {
    match sheet {
        Sheet::Number(number) => draw_number(state, number, area, buffer),
        Sheet::Revision { order, revisions, at } => {
            let names: Vec<&str> = order.intent.objects.iter().map(|object| &*object.name).collect();
            let lines = revisions.iter().enumerate().map(|(nth, (number, words))| {
                let sign = if nth == *at { state.look.symbols.arrow } else { " " };
                let role = if nth == *at { Role::Accent } else { Role::Text };
                Painted::role(role, &format!("{sign} revision {number:<4} {words}"))
            });
            let title = format!("Back to which revision of {}?", names.join(", "));
            plain(state, &title, "", lines.collect(), area, buffer);
        }
        Sheet::Which { orders, at } => {
            let one = orders.first();
            let same = |order: &Order| one.is_some_and(|one| one.intent.objects == order.intent.objects);
            let several = !orders.iter().all(same);
            let docs = |order: &Order| {
                let verb = order.intent.verb;
                let info = crate::action::TABLE.iter().find(|info| info.name == verb.row());
                let doc = info.map_or("", |info| info.doc);
                // The same for each of several objects, or several for the same.
                let of = order.intent.objects.first().filter(|_| several).map(crate::change::plan::called);
                (verb.name(), of.unwrap_or_else(|| doc.to_owned()))
            };
            let widest = orders.iter().map(|order| order.intent.verb.name().len()).max().unwrap_or(0);
            let lines = orders.iter().map(docs).enumerate().map(|(nth, (name, doc))| {
                let sign = if nth == *at { state.look.symbols.arrow } else { " " };
                let role = if nth == *at { Role::Accent } else { Role::Text };
                Painted::role(role, &format!("{sign} {name:<widest$} {doc}"))
            });
            let shown = if several { orders.len() } else { 1 };
            let names = orders.iter().take(shown).flat_map(|order| &order.intent.objects);
            let names: Vec<String> = names.map(crate::change::plan::called).collect();
            plain(
                state,
                &format!("What becomes of {}?", names.join(", ")),
                "",
                lines.collect(),
                area,
                buffer,
            );
        }
        Sheet::Planning { order, .. } => {
            let beat = u64::try_from(state.shared.now.mono.as_millis() / 250).unwrap_or(0);
            let spin = state.look.symbols.spin(beat);
            let words = format!("{spin} reading what is there now in {} …", order.place.name());
            let title = format!("Plan: {}", order.intent.verb.name());
            plain(state, &title, "", vec![Painted::role(Role::Muted, &words)], area, buffer);
        }
        Sheet::Ready(ready) => draw_plan(state, ready, area, buffer),
        Sheet::NoPlan(why) => {
            plain(state, "No plan", "", vec![Painted::plain(why.clone())], area, buffer);
        }
        Sheet::Running(request) => {
            if let Some(run) = state.runs.iter().find(|run| run.request == *request) {
                run::draw(state, run, area, buffer);
            }
        }
        Sheet::Runs { at } => {
            let lines = state.runs.iter().rev().enumerate().map(|(nth, run)| {
                let sign = if nth == *at { state.look.symbols.arrow } else { " " };
                let role = if nth == *at { Role::Accent } else { Role::Text };
                let (now, word) = run::outcome_of(state, run);
                let begun = state.shared.now.mono.saturating_sub(run.began).as_secs();
                Painted::role(role, &format!("{sign} {} in {}  ", run.title, run.place))
                    .with(now, &word)
                    .with(Role::Muted, &format!("  {} ago", duration_words(begun)))
            });
            let mut lines: Vec<Painted> = lines.collect();
            if !state.abandoned.is_empty() {
                let (sign, role) = match *at >= state.runs.len() {
                    true => (state.look.symbols.arrow, Role::Accent),
                    false => (" ", Role::Unknown),
                };
                let words =
                    format!("{sign} {} left without an outcome by a program before", state.abandoned.len());
                lines.push(Painted::role(role, &words));
            }
            plain(state, "Changed from here", "newest first", lines, area, buffer);
        }
    }
}

/// A dialog of a few lines.
pub(super) fn plain(
    state: &State,
    name: &str,
    note: &str,
    lines: Vec<Painted>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let width = width_of(area);
    let height = height_of(&lines, width);
    let inside = frame::dialog(&state.look, name, note, (width, height), area, buffer);
    paragraph(&state.look, &lines, 0, inside, buffer);
}

pub(super) fn width_of(area: Rect) -> u16 {
    area.width.saturating_sub(6).min(WIDTH)
}

pub(super) fn height_of(lines: &[Painted], width: u16) -> u16 {
    let rows: usize = lines.iter().map(|line| line.rows(usize::from(width), HEADS).len()).sum();
    u16::try_from(rows).unwrap_or(u16::MAX)
}

/// Draws lines wrapped, without the first so many rows; tells how many rows there are.
fn paragraph(look: &Look, lines: &[Painted], skip: u16, area: Rect, buffer: &mut Buffer) {
    let (mut row, mut y) = (0, area.y);
    for line in lines {
        for part in line.rows(usize::from(area.width), HEADS) {
            row += 1;
            if row <= skip {
                continue;
            }
            if y >= area.bottom() {
                return;
            }
            let indent = if part.start > 0 && usize::from(area.width) > 2 * HEADS { HEADS as u16 } else { 0 };
            let place = Place { x: area.x + indent, y, width: area.width - indent, skip: 0 };
            line.draw(part, &[], look, look.style(Role::Text), place, buffer);
            y += 1;
        }
    }
}

/// `where   staging · …`
fn head(word: &str) -> Painted {
    let mut line = Painted::role(Role::Muted, word);
    line.pad_to(HEADS);
    line
}

fn draw_number(state: &State, number: &Number, area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    let names: Vec<&str> = number.order.intent.objects.iter().map(|object| &*object.name).collect();
    let mut lines = Vec::new();
    if let Some(hpa) = &number.ruled_by {
        let words = match number.off {
            true => format!(
                "Autoscaler {hpa} is switched off, since no pod is wanted. A number switches it on again, and from then on \
                 it keeps to its own limits."
            ),
            false => format!(
                "Autoscaler {hpa} sets the number within its limits, and would undo one by hand: its limits are changed. \
             0 and 0 switches it off: nothing brings the pods back by itself."
            ),
        };
        lines.push(Painted::role(Role::Warning, &words));
        lines.push(Painted::default());
    }
    let object = number.order.intent.objects.first();
    let scalers = object
        .and_then(|object| state.shared.world.cluster(object.cluster))
        .map(|cluster| cluster.feed(Kind::HorizontalPodAutoscaler));
    if let (None, Some(Feed::Forbidden(_))) = (&number.ruled_by, scalers) {
        let words = "Whether an autoscaler sets the number may not be read here: one would undo it.";
        lines.push(Painted::role(Role::Warning, words));
        lines.push(Painted::default());
    }
    let heads: &[&str] = if number.now.len() > 1 { &["least", "most"] } else { &["replicas"] };
    for (nth, word) in heads.iter().enumerate() {
        let (now, wanted) = (number.now.get(nth).copied(), number.wanted.get(nth).copied());
        let (Some(now), Some(wanted)) = (now, wanted) else { continue };
        let chosen = nth == number.at;
        let mut line = Painted::role(Role::Muted, word);
        line.pad_to(10);
        line.push_plain(&format!("{now} {} ", look.symbols.arrow));
        line.push(if chosen { Role::Accent } else { Role::Strong }, &format!("{wanted}"));
        if chosen {
            line.push(Role::Accent, look.symbols.caret);
        }
        lines.push(line);
    }
    let title = format!("Scale {} in {}", names.join(", "), number.order.place.name());
    plain(state, &title, "", lines, area, buffer);
}

/// How a gate looks.
fn level(verdict: Verdict) -> Level {
    match verdict {
        Verdict::Pass => Level::Ok,
        Verdict::Warn => Level::Warning,
        Verdict::Unknown => Level::Unknown,
        Verdict::Fail => Level::Critical,
    }
}

fn plan_lines(look: &Look, plan: &Plan) -> Vec<Painted> {
    let place = &plan.order.place;
    let mut lines = Vec::new();
    let mut line = head("where");
    line.push(Role::Strong, place.name());
    if place.protected {
        line.push(Role::Protected, &format!(" {}", look.symbols.protected));
    }
    let user = plan.kube_user.as_deref().unwrap_or("a user that the cluster does not name");
    line.push(
        Role::Muted,
        &format!(" {} {} ({}) {} as {user}", look.symbols.dot, place.context, place.host(), look.symbols.dot),
    );
    lines.push(line);
    for one in &plan.lines {
        let object = &one.object;
        let mut line = head("object");
        line.push_plain(&format!("{} {}/{}  ", object.kind.word(), object.namespace, object.name));
        line.push(Role::Strong, &one.words);
        line.push(Role::Muted, &format!("  uid {}", object.uid));
        lines.push(line);
    }
    lines.push(Painted::default());
    for (nth, (mark, words)) in difference(plan).iter().enumerate() {
        let mut line = head(if nth == 0 { "change" } else { "" });
        match mark {
            Mark::Same => line.push_plain(&format!("  {words}")),
            Mark::Added => line.push(Role::Added, &format!("+ {words}")),
            Mark::Removed => line.push(Role::Removed, &format!("- {words}")),
        }
        lines.push(line);
    }
    lines.push(Painted::default());
    for (nth, judged) in plan.gates.iter().enumerate() {
        let mut line = head(if nth == 0 { "gates" } else { "" });
        let level = level(judged.verdict);
        line.push(Role::of_level(level), look.symbols.level(level));
        line.push_plain(&format!(" {}: {}", judged.gate, judged.why));
        if let Some(way) = &judged.way_out {
            line.push(Role::Accent, &format!(" {} {way}", look.symbols.arrow));
        }
        if judged.weight == Weight::Informs && judged.verdict != Verdict::Pass {
            line.push(Role::Muted, " (only informs)");
        }
        lines.push(line);
    }
    lines.push(Painted::default());
    let mut line = head("then");
    line.push_plain(&plan.then);
    lines.push(line);
    let mut line = head("back");
    line.push_plain(&plan.back);
    lines.push(line);
    lines
}

fn request_lines(plan: &Plan) -> Vec<Painted> {
    let mut lines = Vec::new();
    for step in &plan.steps {
        lines.push(Painted::role(
            Role::Strong,
            &format!("{} {}", step.request.method.verb(), step.request.path),
        ));
        lines.push(Painted::role(
            Role::Muted,
            &format!("Content-Type: {}", step.request.method.content_type()),
        ));
        let body = redacted(&step.request.body);
        let text = serde_json::to_string_pretty(&body).unwrap_or_else(|_| body.to_string());
        lines.extend(text.lines().map(|line| Painted::plain(crate::text::clean(line).into_owned())));
        if step.versioned {
            lines.push(Painted::role(
                Role::Muted,
                "and metadata.resourceVersion as it is just before it is sent",
            ));
        }
        lines.push(Painted::default());
    }
    lines
}

fn draw_plan(state: &State, ready: &Ready, area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    let plan = &ready.plan;
    let lines = if ready.requests { request_lines(plan) } else { plan_lines(look, plan) };
    let width = width_of(area);
    // The questions at the bottom are always in sight.
    let questions: u16 = if ready.wants_reason() { 4 } else { 2 };
    let wanted = height_of(&lines, width).saturating_add(questions);
    let height = wanted.min(area.height.saturating_sub(4).max(questions));
    let good = plan.good_for(state.shared.now);
    let note = match good {
        0 => "stale".to_owned(),
        left => format!("good for {left} s"),
    };
    let title = format!("Plan: {} in {}", plan.title, plan.order.place.name());
    let inside = frame::dialog(look, &title, &note, (width, height), area, buffer);
    let body = Rect { height: inside.height.saturating_sub(questions), ..inside };
    let most = height_of(&lines, body.width).saturating_sub(body.height);
    let skip = ready.scroll.min(most);
    paragraph(look, &lines, skip, body, buffer);
    let mut at = Rect { y: body.bottom(), height: questions, ..inside };
    if most > skip {
        let more = format!("{} more below", most - skip);
        Strip::new(buffer, at).put(&more, look.style(Role::Muted));
    }
    at = below(at);
    ask(look, ready, at, buffer);
}

fn below(area: Rect) -> Rect {
    Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area }
}

fn ask(look: &Look, ready: &Ready, mut at: Rect, buffer: &mut Buffer) {
    if ready.is_refused() {
        let gates: Vec<&str> = ready.plan.refused_by().map(|judged| judged.gate).collect();
        let words = format!("It cannot be done: {}.", gates.join(", "));
        Strip::new(buffer, at).put(&words, look.style(Role::Critical));
        return;
    }
    if ready.wants_reason() {
        // By name: which one may be scrolled away.
        let failing: Vec<&str> = ready.plan.overridden().map(|judged| judged.gate).collect();
        let words = match failing.as_slice() {
            [one] => format!("1 gate fails ({one}). To go on, type why: "),
            several => format!("{} gates fail ({}). To go on, type why: ", several.len(), several.join(", ")),
        };
        let mut strip = Strip::new(buffer, at);
        strip.put(&words, look.style(Role::Critical));
        field(look, &ready.reason, ready.field == Field::Reason, &mut strip);
        at = below(at);
    }
    let mut strip = Strip::new(buffer, at);
    match ready.plan.challenge() {
        Challenge::Name(name) => {
            strip.put(&format!("Type {name} to do it: "), look.style(Role::Text));
            field(look, &ready.name, ready.field == Field::Name, &mut strip);
        }
        Challenge::Yes if ready.field == Field::None => {
            strip.put("y", look.style(Role::Key)).put(" do it   ", look.style(Role::Text));
            strip.put("n", look.style(Role::Key)).put(" no   ", look.style(Role::Text));
            strip.put("tab", look.style(Role::Key)).put(" the exact request", look.style(Role::Text));
        }
        Challenge::Yes => {
            strip.put("enter", look.style(Role::Key)).put(" when it is typed", look.style(Role::Text));
        }
    }
}

fn field(look: &Look, input: &tui_input::Input, active: bool, strip: &mut Strip<'_>) {
    let room = strip.left();
    match active {
        true => status::caret_text(look, input, room, strip),
        false => {
            strip.put(input.value(), look.style(Role::Input));
        }
    }
}
