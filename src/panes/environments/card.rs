//! One environment's card.
//!
//! ```text
//! ┏━ production ⛨ ━━━━━━━━━━━━━━━━ gke-eu1 ━┓   the current one has the thick frame
//! ┃ ✖ critical  cart: 3 pods CrashLoopBac…  ┃   why; when all is well, what runs the cluster
//! ┃ work 11/12   pods 58 ● 55 ✖ 3           ┃
//! ┃ sync 11 ✓  1 ≠ drift                    ┃   Argo CD and Flux
//! ┃ cpu ▇▇▇▇▇▇▁▁ 74%  mem ▇▇▇▇▇▇▁▁ 80%      ┃   of the quota, else of the nodes
//! ┃ backup 41m / 30m ✖ RPO breached         ┃   what is not fresh or not readable comes first
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Widget};

use crate::action::Action;
use crate::domain::environment::{Environment, Group};
use crate::domain::id::EnvId;
use crate::domain::level::Level;
use crate::fleet::{Basis, Card, Freshness, Share};
use crate::look::Look;
use crate::panes::words::wrap;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;
use crate::widgets::bar::bar;
use crate::widgets::strip::{Parts, Strip};

/// Draws a card. `selected` is set on the one under the cursor of the focused pane.
pub fn draw(
    shared: &Shared,
    look: &Look,
    env: &Environment,
    selected: bool,
    place: Rect,
    buffer: &mut Buffer,
) {
    let current = env.id == shared.current && !shared.all_environments;
    frame(shared, look, env, (current, selected), place, buffer);
    let inside = place.inner(ratatui::layout::Margin { horizontal: 2, vertical: 1 });
    let Some(card) = shared.cards.get(env.id) else { return };
    let fresh = Freshness::of(shared.world.cluster(env.cluster), env.scope.namespaces(), shared.now);
    let mut lines = (0..inside.height).map(|n| Rect { y: inside.y + n, height: 1, ..inside });
    let mut next = || lines.next().unwrap_or_default();
    let known = !card.dim && (card.pods.total > 0 || card.workloads > 0);
    if known || fresh.is_fresh() {
        health(look, card, next(), buffer);
        counts(look, card, next(), buffer);
        sync(shared, look, env, next(), buffer);
        shares(look, card, next(), buffer);
        last(shared, look, env, &fresh, card, next(), buffer);
    } else {
        // Nothing is known of it but its connection: that has the whole card.
        let context = shared.world.cluster(env.cluster).map_or("", |c| &*c.connection.context);
        let words = fresh.words(shared.now, &shared.key(Action::Connect));
        let role = match card.level {
            Level::Idle | Level::Progressing => Role::Muted,
            _ => Role::Stale,
        };
        let sign = look.style(Role::of_level(card.level));
        Strip::new(buffer, next())
            .put(look.symbols.level(card.level), sign)
            .gap(1)
            .put(&words, look.style(role));
        let width = usize::from(inside.width);
        for line in wrap(&fresh.detail(shared.now), width).into_iter().take(3) {
            Strip::new(buffer, next()).put(&line, look.style(Role::Muted));
        }
        if &*env.name != context {
            Strip::new(buffer, next()).put(context, look.style(Role::Muted));
        }
    }
}

fn frame(
    shared: &Shared,
    look: &Look,
    env: &Environment,
    (current, selected): (bool, bool),
    place: Rect,
    buffer: &mut Buffer,
) {
    let set = if current { look.symbols.border_focused } else { look.symbols.border };
    let role = if current || selected { Role::BorderFocused } else { Role::Border };
    Block::bordered().border_set(set).border_style(look.style(role)).render(place, buffer);
    if place.width < 8 {
        return;
    }
    let title = match (selected, current) {
        (true, _) => Role::Selection,
        (false, true) => Role::TitleFocused,
        (false, false) => Role::Title,
    };
    let line = Rect { x: place.x + 2, width: place.width - 4, height: 1, ..place };
    let mut strip = Strip::new(buffer, line);
    strip.put(" ", look.style(title)).put(&env.name, look.style(title)).put(" ", look.style(title));
    if env.protected {
        strip.put(look.symbols.protected, look.style(Role::Protected)).put(" ", look.style(title));
    }
    // Where it is, when there is room: peers of a stage differ in that alone.
    let context = shared.world.cluster(env.cluster).map_or("", |c| &*c.connection.context);
    let words = format!(" {context} ");
    let needed = u16::try_from(text::width(&words)).unwrap_or(u16::MAX);
    if !context.is_empty() && *context != *env.name && needed < strip.left() {
        strip.go_to(line.right() - needed).put(&words, look.style(Role::Muted));
    }
    alerts(shared, look, env, Rect { y: place.bottom() - 1, ..line }, buffer);
}

/// ` ✖ 1 ▲ 2 alerts ` at the left of the lower line, while some fire.
fn alerts(shared: &Shared, look: &Look, env: &Environment, line: Rect, buffer: &mut Buffer) {
    let tally = shared.alerts.tally(env.id);
    let counts =
        [(tally.critical, Level::Critical), (tally.warning, Level::Warning), (tally.unknown, Level::Unknown)];
    let mut parts = Parts::default();
    for (count, level) in counts.into_iter().filter(|(count, _)| *count > 0) {
        let words = format!(" {} {}", look.symbols.level(level), text::count(u64::from(count)));
        parts.add(words, look.style(Role::of_level(level)));
    }
    if parts.0.is_empty() {
        return;
    }
    let noun = if tally.critical + tally.warning + tally.unknown == 1 { " alert " } else { " alerts " };
    parts.add(noun, look.style(Role::Muted));
    parts.put(&mut Strip::new(buffer, line));
}

fn health(look: &Look, card: &Card, line: Rect, buffer: &mut Buffer) {
    let mut strip = Strip::new(buffer, line);
    let style = look.style(Role::of_level(card.level));
    strip.put(look.symbols.level(card.level), style).gap(1);
    if card.reason.is_empty() {
        strip.put(&text::cell(card.level.word(), 15), style).gap(1);
    } else {
        strip.put(card.level.word(), style).gap(2).put(&card.reason, style).gap(2);
    }
    if let Some(platform) = &card.platform {
        strip.put_whole(&platform.to_string(), look.style(Role::Muted));
    }
}

/// `sync 11 ✓  1 ≠ drift`, or why there is nothing to count.
fn sync(shared: &Shared, look: &Look, env: &Environment, line: Rect, buffer: &mut Buffer) {
    let muted = look.style(Role::Muted);
    let mut strip = Strip::new(buffer, line);
    strip.put("sync ", muted);
    if let Some(words) = shared.sync.absence(&shared.wanted, &shared.world, env) {
        strip.put(&words, muted);
        return;
    }
    let counts = shared.sync.counts(env.id);
    let symbols = look.symbols;
    let mut first = true;
    for (count, sign, word, role) in [
        (counts.synced, symbols.check, "", Role::Text),
        (counts.failed, symbols.critical, " failed", Role::Critical),
        (counts.drift, symbols.differs, " drift", Role::Differs),
        (counts.unknown, symbols.unknown, " unknown", Role::Unknown),
        (counts.syncing, symbols.running, " syncing", Role::Progressing),
        (counts.suspended, symbols.idle, " suspended", Role::Muted),
    ] {
        if count > 0 {
            let gap = if first { "" } else { "  " };
            strip.put_whole(&format!("{gap}{count} {sign}{word}"), look.style(role));
            first = false;
        }
    }
}

fn counts(look: &Look, card: &Card, line: Rect, buffer: &mut Buffer) {
    let (text, muted) = (look.style(Role::Text), look.style(Role::Muted));
    let mut strip = Strip::new(buffer, line);
    strip.put("work ", muted).put(&format!("{}/{}", card.ready, card.workloads), text);
    let pods = &card.pods;
    strip.gap(3).put("pods ", muted).put(&text::count(u64::from(pods.total)), text);
    let states = [
        (pods.failed, Level::Critical),
        (pods.unready, Level::Warning),
        (pods.moving, Level::Progressing),
        (pods.ready, Level::Ok),
        (pods.done, Level::Idle),
    ];
    for (count, level) in states.into_iter().filter(|(count, _)| *count > 0) {
        let words = format!(" {} {}", look.symbols.level(level), text::count(u64::from(count)));
        strip.put_whole(&words, look.style(Role::of_level(level)));
    }
}

fn shares(look: &Look, card: &Card, line: Rect, buffer: &mut Buffer) {
    let mut strip = Strip::new(buffer, line);
    let bars = if line.width >= 34 { 8 } else { 4 };
    let basis = card.cpu.or(card.memory).map(|share| share.basis);
    share(&mut strip, look, "cpu", card.cpu, bars);
    strip.gap(2);
    share(&mut strip, look, "mem", card.memory, bars);
    let words = match basis {
        Some(Basis::Quota) => "  of quota",
        Some(Basis::Nodes) => "  of nodes",
        None => "",
    };
    strip.put_whole(words, look.style(Role::Muted));
}

fn share(strip: &mut Strip<'_>, look: &Look, name: &str, share: Option<Share>, width: u16) {
    strip.put(name, look.style(Role::Muted)).gap(1);
    match share {
        Some(share) => {
            bar(strip, look, share.used, share.hard, width);
            strip.gap(1).put(&format!("{}%", share.percent()), look.style(Role::Text));
        }
        None => {
            strip.put("not known", look.style(Role::Muted));
        }
    }
}

/// What it consists of.
fn consists(env: &Environment) -> String {
    let count = env.scope.namespaces().len();
    let namespaces = match env.scope.namespaces() {
        [] => "no namespace".to_owned(),
        [one] => format!("namespace {one}"),
        _ => format!("{count} namespaces"),
    };
    let origin = match (env.group, env.inferred) {
        (Group::Stage, true) => " · inferred",
        _ => "",
    };
    format!("{namespaces}{origin}")
}

/// The last line: how old what stands above is and why, else what is missing, else what it consists of.
fn last(
    shared: &Shared,
    look: &Look,
    env: &Environment,
    fresh: &Freshness,
    card: &Card,
    line: Rect,
    buffer: &mut Buffer,
) {
    let mut strip = Strip::new(buffer, line);
    if !fresh.is_fresh() {
        strip.put(&fresh.words(shared.now, &shared.key(Action::Connect)), look.style(Role::Stale)).gap(2);
    }
    // What must not be overlooked goes before what cannot be known.
    let breached = shared.backups.get(card.env).and_then(|kept| kept.card(shared.now.wall));
    let breached = fresh.is_fresh() && breached.is_some_and(|(level, ..)| level.is_fault());
    if breached {
        backup(shared, look, card.env, card.missing.is_empty(), &mut strip);
        strip.gap(2);
    }
    // Whoever has the rights of some namespaces can read neither the list of namespaces nor nodes: anything else goes before.
    let worst = card.missing.iter().find(|(kind, _)| kind.namespaced()).or(card.missing.first());
    if let Some((kind, _)) = worst {
        let more = card.missing.len() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let words = format!("{} not readable{more}", kind.api().2);
        strip.put(&words, look.style(Role::Warning));
    } else if !fresh.is_fresh() {
        strip.put(&fresh.detail(shared.now), look.style(Role::Muted));
    } else if !breached && !backup(shared, look, card.env, true, &mut strip) {
        strip.put(&consists(env), look.style(Role::Muted));
    }
}

/// `backup 41m / 30m ✖ RPO breached`. Returns whether there was anything to say.
fn backup(shared: &Shared, look: &Look, env: EnvId, alone: bool, strip: &mut Strip<'_>) -> bool {
    let kept = shared.backups.get(env);
    let Some((kept, (level, short, note))) = kept.and_then(|kept| Some((kept, kept.card(shared.now.wall)?)))
    else {
        return false;
    };
    let style = look.style(Role::of_level(level));
    strip.put("backup ", look.style(Role::Muted)).put(&short, look.style(Role::Text));
    if !short.is_empty() {
        strip.gap(1);
    }
    strip.put(look.symbols.level(level), style).gap(1).put(&note, style);
    // Where there is room; the page of the environment has it always.
    let rto = &kept.rto;
    if alone && (rto.last.is_some() || rto.target.is_some()) {
        strip.put_whole(&format!("  RTO {}", rto.short()), look.style(Role::of_level(rto.level())));
    }
    true
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::environment::Targets;
    use crate::domain::id::Kind;
    use crate::domain::link::{Feed, WATCHED};
    use crate::msg::ClusterMsg;
    use crate::panes::views::testing::{cart, look, put_workload, shared, tell};

    /// The last line of production's card, whose kinds are all read but this one.
    fn last_line(refused: Option<Kind>) -> String {
        let mut shared = shared();
        shared.environments.list[1].targets =
            Some(Targets { rpo: Duration::from_secs(300), rto: Duration::from_secs(1_800) });
        for kind in WATCHED {
            let feed = if refused == Some(kind) { Feed::Forbidden("no".into()) } else { Feed::Live };
            tell(&mut shared, ClusterMsg::Feed(kind, feed));
        }
        put_workload(&mut shared, cart());
        shared.health.refresh(&shared.world);
        let Shared { cards, backups, environments, world, health, wanted, now, .. } = &mut shared;
        cards.refresh(environments, world, health);
        backups.refresh(wanted, environments, world, now.wall);
        let area = Rect::new(0, 0, 60, 7);
        let mut buffer = Buffer::empty(area);
        draw(&shared, &look(), &shared.environments.list[1], false, area, &mut buffer);
        let picture = crate::picture::text(&buffer);
        picture.lines().nth(5).unwrap_or_default().trim_matches(['│', '┃', ' ']).to_owned()
    }

    #[test]
    fn a_breach_is_told_before_what_cannot_be_read() {
        assert_eq!(last_line(None), "backup none / 5m ✖ no usable backup  RTO ?/30m");
        let both = last_line(Some(Kind::Node));
        assert!(both.starts_with("backup none / 5m ✖ no usable backup  nodes not"), "{both}");
    }
}
