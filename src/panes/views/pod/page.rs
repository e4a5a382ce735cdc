//! What the page of a pod says.

use super::PodView;
use crate::domain::id::Name;
use crate::domain::level::Level;
use crate::domain::meta::Resources;
use crate::domain::pod::Pod;
use crate::domain::pod_detail::{ContainerDetail, ContainerRole, ContainerState, PodDetail, Termination};
use crate::panes::views::events;
use crate::panes::views::explain;
use crate::panes::views::page::{Bar, PageLine};
use crate::panes::views::painted::Painted;
use crate::panes::views::words;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;
use crate::world::RowId;

/// Columns of the names of facts.
const NAMES: usize = 11;
/// Most events that the page shows.
const EVENTS: usize = 12;

type Line = PageLine<Name>;

fn head(words: &str) -> Line {
    Line::text(Painted::role(Role::Strong, words))
}

fn fact(name: &str, value: Painted) -> Line {
    let mut line = Painted::role(Role::Muted, &text::cell(name, NAMES));
    line.append(&value);
    Line::text(line).indent(NAMES)
}

impl PodView {
    pub(super) fn lines(&self, shared: &Shared) -> Vec<Line> {
        let mut lines = Vec::new();
        let Some(pod) = &self.pod else {
            let words = match self.gone {
                true => format!("{} is gone.", self.object.name),
                false => format!("Nothing is known of {} yet.", self.object.name),
            };
            lines.push(Line::text(Painted::role(Role::Muted, &words)));
            return lines;
        };
        lines.extend(self.verdict(pod, shared));
        lines.push(Line::text(Painted::default()));
        lines.extend(self.facts(pod, shared));
        lines.push(Line::text(Painted::default()));
        match &self.detail {
            Some(detail) => {
                lines.push(head("Containers"));
                let mut containers: Vec<&ContainerDetail> = detail.containers.iter().collect();
                containers.sort_by_key(|container| std::cmp::Reverse(container_level(container).is_fault()));
                for container in containers {
                    lines.extend(container_lines(container, shared));
                }
                lines.extend(condition_lines(detail, shared));
            }
            None => lines.extend(self.images(pod)),
        }
        lines.extend(self.event_lines(shared));
        lines
    }

    /// The first lines: how it is, and why.
    fn verdict(&self, pod: &Pod, shared: &Shared) -> Vec<Line> {
        let level = if self.gone { Level::Unknown } else { pod.level() };
        let role = Role::of_level(level);
        let mut line = Painted::role(role, &pod.status);
        line.push_plain(&format!("  {}/{} ready", pod.ready, pod.total));
        if pod.restarts > 0 {
            line.push(Role::Warning, &format!("  {} restarts", text::count(pod.restarts.into())));
        }
        line.push(Role::Muted, &format!("  {} old", age(pod.created, shared)));
        if self.gone {
            line.push(Role::Warning, "  (gone: this is how it was)");
        }
        let mut lines = vec![Line::text(line).sign(level)];
        let why = self.detail.as_ref().and_then(|detail| worst(detail, shared));
        let why = why.or_else(|| {
            let exit = pod.last_exit.as_ref().filter(|exit| exit.code != 0 && pod.level().is_fault())?;
            let ago = exit.at.map(|at| format!(", {} ago", age(at, shared))).unwrap_or_default();
            Some(format!("Last ended with {}: {}{ago}.", exit.reason, explain::exit(exit.code, 0)))
        });
        if let Some(why) = why {
            lines.push(Line::text(Painted::role(role, &why)));
        }
        if let Some(detail) = &self.detail
            && !detail.message.is_empty()
        {
            lines.push(Line::text(Painted::role(role, &format!("{}: {}", detail.reason, detail.message))));
        }
        let meaning = match &pod.last_exit {
            Some(exit) if &*exit.reason == "OOMKilled" && level.is_fault() => explain::reason("OOMKilled"),
            _ => explain::reason(&pod.status),
        };
        if let Some(meaning) = meaning {
            lines.push(Line::text(Painted::plain(meaning)));
        }
        lines
    }

    fn facts(&self, pod: &Pod, shared: &Shared) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut place = Painted::plain(&*pod.namespace);
        place.push(Role::Muted, "  on ");
        place.push_plain(if pod.node.is_empty() { "no node yet" } else { &pod.node });
        lines.push(fact("where", place));
        if let Some(detail) = &self.detail {
            let mut address = Painted::plain(if detail.ip.is_empty() { "none yet" } else { &*detail.ip });
            if !detail.host_ip.is_empty() {
                address.push(Role::Muted, &format!("  (node {})", detail.host_ip));
            }
            lines.push(fact("address", address));
        }
        if let Some(owner) = &pod.owner {
            let kind = owner.kind.to_lowercase();
            lines.push(fact("owner", Painted::plain(format!("{kind}/{}", owner.name))));
        }
        if let Some(detail) = &self.detail {
            let mut runs_as = Painted::plain(&*detail.service_account);
            runs_as.push(Role::Muted, &format!("  QoS {}", detail.qos));
            if !detail.priority_class.is_empty() {
                runs_as.push(Role::Muted, &format!("  priority {}", detail.priority_class));
            }
            lines.push(fact("runs as", runs_as));
        }
        let used = shared.world.cluster(self.object.cluster).and_then(|cluster| {
            let slot = cluster.pods.slot(self.object.uid)?;
            shared.world.usage(RowId { cluster: self.object.cluster, slot })
        });
        lines.extend(resource_lines("", used, pod.requests, pod.limits));
        lines
    }

    /// Containers as far as the list knows them, until they are told one by one.
    fn images(&self, pod: &Pod) -> Vec<Line> {
        let mut lines = vec![head("Containers")];
        if let Some(why) = &self.detail_feed.failed {
            lines.push(Line::text(Painted::role(
                Role::Critical,
                &format!("Cannot be read one by one: {why}"),
            )));
        }
        for image in pod.images.iter() {
            let mut line = Painted::plain(text::cell(&image.container, 20).into_owned());
            line.push_plain(" ");
            line.push(Role::Muted, &image.image);
            if image.init {
                line.push(Role::Muted, " (init)");
            }
            lines.push(Line::row(line, image.container.clone()));
        }
        lines
    }

    fn event_lines(&self, shared: &Shared) -> Vec<Line> {
        let mut lines = vec![Line::text(Painted::default())];
        let title = match self.events.len() {
            0 => "Events".to_owned(),
            total if total > EVENTS => format!("Events, newest {EVENTS} of {total}"),
            _ => "Events, newest first".to_owned(),
        };
        lines.push(head(&title));
        if let Some(why) = &self.events_feed.failed {
            lines.push(Line::text(Painted::role(Role::Critical, &format!("Cannot be read: {why}"))));
        } else if !self.events_feed.answered {
            lines.push(Line::text(Painted::role(Role::Muted, "Asking…")));
        } else if self.events.is_empty() {
            lines.push(Line::text(Painted::role(Role::Muted, "None in the last hour.")));
        }
        lines.extend(self.events.iter().take(EVENTS).map(|event| event_line(event, shared)));
        lines
    }
}

/// An event in one line, for pages that show the newest few.
pub fn event_line<I>(event: &crate::msg::EventFact, shared: &Shared) -> PageLine<I> {
    let level = events::level(event);
    let mut line = Painted::role(Role::Muted, &text::cell_end(&words::short_age(event.last, shared), 4));
    line.push_plain(" ");
    line.push(if level == Level::Ok { Role::Text } else { Role::of_level(level) }, &event.reason);
    if event.count > 1 {
        line.push(Role::Muted, &format!(" ×{}", text::count(event.count.into())));
    }
    line.push_plain(" ");
    line.push_plain(&event.message);
    PageLine::text(line).indent(5).sign(level)
}

fn age(at: crate::domain::time::Stamp, shared: &Shared) -> String {
    text::age(i64::try_from(shared.now.wall.since(at)).unwrap_or(i64::MAX))
}

/// The sentence on the container that is worst off.
fn worst(detail: &PodDetail, shared: &Shared) -> Option<String> {
    let container = detail.containers.iter().max_by_key(|container| container_level(container))?;
    if !container_level(container).is_fault() {
        return None;
    }
    let name = &container.name;
    let ended = |end: &Termination| {
        let how = match &*end.reason {
            "OOMKilled" if container.limits.memory == 0 => {
                "was killed for memory (it has no limit of its own)".to_owned()
            }
            "OOMKilled" => format!("was killed for memory (limit {})", text::bytes(container.limits.memory)),
            "" | "Error" => format!("ended with {}", explain::exit(end.code, end.signal)),
            other => format!("ended: {other}, {}", explain::exit(end.code, end.signal)),
        };
        let ran = match (end.started, end.finished) {
            (Some(from), Some(to)) => format!(" after {}", text::duration_words(to.since(from))),
            _ => String::new(),
        };
        let ago = end.finished.map(|at| format!(", {} ago", age(at, shared))).unwrap_or_default();
        format!("{how}{ran}{ago}")
    };
    Some(match (&container.state, &container.last) {
        (ContainerState::Waiting { reason, .. }, Some(last)) if &**reason == "CrashLoopBackOff" => {
            format!("{name} {}; it waits before it is started again.", ended(last))
        }
        (ContainerState::Waiting { reason, message }, _) if message.is_empty() => {
            format!("{name} waits: {reason}.")
        }
        (ContainerState::Waiting { reason, message }, _) => format!("{name} waits: {reason}: {message}"),
        (ContainerState::Terminated(end), _) => format!("{name} {}.", ended(end)),
        (_, Some(last)) if last.code != 0 => format!("{name} {}; it runs again.", ended(last)),
        _ => format!("{name} runs but is not ready: its readiness probe fails, or it has just started."),
    })
}

fn container_level(container: &ContainerDetail) -> Level {
    match &container.state {
        ContainerState::Unknown => Level::Unknown,
        ContainerState::Waiting { reason, .. } => match &**reason {
            "ContainerCreating" | "PodInitializing" | "" => Level::Progressing,
            _ => Level::Critical,
        },
        ContainerState::Running { .. } if container.role == ContainerRole::Ephemeral => Level::Ok,
        ContainerState::Running { .. } if container.role == ContainerRole::Init => Level::Progressing,
        ContainerState::Running { .. } if container.ready => Level::Ok,
        ContainerState::Running { .. } => Level::Warning,
        ContainerState::Terminated(end) if end.code == 0 && end.signal == 0 => Level::Idle,
        ContainerState::Terminated(_) => Level::Critical,
    }
}

fn container_lines(container: &ContainerDetail, shared: &Shared) -> Vec<Line> {
    let level = container_level(container);
    let role = Role::of_level(level);
    let mut line = Painted::role(Role::Strong, &container.name);
    match container.role {
        ContainerRole::App => {}
        ContainerRole::Init => line.push(Role::Muted, " (init)"),
        ContainerRole::Sidecar => line.push(Role::Muted, " (sidecar)"),
        ContainerRole::Ephemeral => line.push(Role::Muted, " (ephemeral)"),
    }
    line.push_plain("  ");
    match &container.state {
        ContainerState::Unknown => line.push(role, "not reported"),
        ContainerState::Waiting { reason, .. } => {
            line.push(role, if reason.is_empty() { "waiting" } else { reason })
        }
        ContainerState::Running { since } => {
            let since = since.map(|at| format!(" for {}", age(at, shared))).unwrap_or_default();
            let ready =
                if container.ready || container.role != ContainerRole::App { "" } else { ", not ready" };
            line.push(role, &format!("running{since}{ready}"));
        }
        ContainerState::Terminated(end) => line.push(role, &ended_words(end, shared)),
    }
    if container.restarts > 0 {
        line.push(Role::Warning, &format!("  {} restarts", text::count(container.restarts.into())));
    }
    let mut lines = vec![Line::row(line, container.name.clone()).sign(level)];
    let mut add = |name: &str, value: Painted| lines.push(fact(name, value));
    if let ContainerState::Waiting { message, .. } = &container.state
        && !message.is_empty()
    {
        add("  says", Painted::role(role, message));
    }
    if let ContainerState::Terminated(end) = &container.state
        && !end.message.is_empty()
    {
        add("  says", Painted::plain(&end.message));
    }
    if let Some(last) = &container.last {
        let mut value = Painted::role(
            if last.code == 0 { Role::Muted } else { Role::Warning },
            &ended_words(last, shared),
        );
        if !last.message.is_empty() {
            value.push_plain(&format!(": {}", last.message));
        }
        add("  last end", value);
    }
    let mut image = Painted::plain(&*container.image);
    if !container.digest.is_empty() {
        let digest: String = container.digest.chars().take("sha256:".len() + 12).collect();
        image.push(Role::Muted, &format!("  {digest}"));
    }
    add("  image", image);
    if !container.ports.is_empty() {
        add("  ports", Painted::plain(&container.ports));
    }
    let none = Resources::default();
    if container.usage.is_some() || container.requests != none || container.limits != none {
        lines.extend(resource_lines("  ", container.usage, container.requests, container.limits));
    }
    lines
}

/// `OOMKilled, exit 137 (SIGKILL), 31s ago after 12 s`.
fn ended_words(end: &Termination, shared: &Shared) -> String {
    let mut words = String::new();
    if !end.reason.is_empty() {
        words.push_str(&format!("{}, ", end.reason));
    }
    words.push_str(&explain::exit(end.code, end.signal));
    if let Some(at) = end.finished {
        words.push_str(&format!(", {} ago", age(at, shared)));
        if let Some(from) = end.started {
            words.push_str(&format!(" after {}", text::duration_words(at.since(from))));
        }
    }
    words
}

/// CPU and memory: use, request, limit, and a bar of the use against the limit
/// (the request where there is no limit).
fn resource_lines(
    before: &str,
    used: Option<Resources>,
    requests: Resources,
    limits: Resources,
) -> Vec<Line> {
    let one = |name: &str, used: Option<u64>, request: u64, limit: u64, unit: fn(u64) -> String| {
        let amount = |n: u64| if n == 0 { "none".to_owned() } else { unit(n) };
        let mut value = Painted::default();
        match used {
            Some(used) => {
                value.push_plain(&format!("uses {}", text::cell(&unit(used), 7)));
            }
            None => value.push(Role::Muted, &text::cell("use unknown", 12)),
        }
        value.push(Role::Muted, "  request ");
        value.push_plain(&text::cell(&amount(request), 6));
        value.push(Role::Muted, "  limit ");
        value.push_plain(&text::cell(&amount(limit), 6));
        let bound = if limit > 0 { limit } else { request };
        let mut line = fact(name, value);
        if let (Some(used), true) = (used, bound > 0) {
            let at = line.line.width() + 2;
            line.line.pad_to(at + 10);
            let percent = text::percent(used, bound).unwrap_or_default();
            line.line.push(Role::Muted, &format!(" {percent}"));
            line.bar = Some(Bar { column: at, width: 10, part: used, whole: bound });
        }
        line
    };
    vec![
        one(
            &format!("{before}cpu"),
            used.map(|u| u.cpu_milli),
            requests.cpu_milli,
            limits.cpu_milli,
            text::cpu_milli,
        ),
        one(&format!("{before}memory"), used.map(|u| u.memory), requests.memory, limits.memory, text::bytes),
    ]
}

fn condition_lines(detail: &PodDetail, shared: &Shared) -> Vec<Line> {
    let mut lines = vec![Line::text(Painted::default()), head("Conditions")];
    let mut well = Vec::new();
    for condition in &detail.conditions {
        let level = explain::condition_level(&condition.kind, &condition.status, &condition.reason);
        if level == Level::Ok {
            well.push(&*condition.kind);
            continue;
        }
        let mut line = Painted::role(Role::of_level(level), &condition.kind);
        let since = condition.since.map(|at| format!(" for {}", age(at, shared))).unwrap_or_default();
        line.push_plain(&format!(" {}{since}", condition.status));
        for part in [&condition.reason, &condition.message] {
            if !part.is_empty() {
                line.push_plain(&format!(": {part}"));
            }
        }
        lines.push(Line::text(line).sign(level));
        if let Some(meaning) = explain::condition(&condition.kind, &condition.reason) {
            lines.push(Line::text(Painted::role(Role::Muted, &format!("  {meaning}"))));
        }
    }
    if !well.is_empty() {
        lines.push(Line::text(Painted::role(Role::Muted, &well.join(", "))).sign(Level::Ok));
    }
    if detail.conditions.is_empty() {
        lines.push(Line::text(Painted::role(Role::Muted, "None yet.")));
    }
    lines
}
