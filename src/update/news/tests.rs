//! What is told of alerts, to whom, and when.

use super::*;
use crate::config::Notify;
use crate::config::{Address, Monitoring};
use crate::domain::alert::{Phase, Rule, Rulebook, Ruled};
use crate::domain::id::EnvId;
use crate::domain::upstream::Server;
use crate::effect::Channel;
use crate::fleet::alerts::WantedAlerts;
use crate::fleet::testing;
use crate::fleet::wanted::{Wanted, WantedEnvironment, WantedStage};
use crate::look::Look;
use crate::msg::Msg;
use crate::state::Settings;
use crate::theme::{Depth, Themes, UNICODE};

/// Development and production, each with a Prometheus of its own, at second 1,000 of the clock that never jumps.
struct Room {
    state: State,
    seconds: u64,
}

fn wanted(name: &str, context: &str, namespace: &str) -> WantedStage {
    let prometheus = Monitoring {
        at: Some(Address::Url(format!("http://{name}"))),
        matchers: Vec::new(),
        headers: Vec::new(),
        bearer_token_file: None,
        basic_auth: None,
        ca_file: None,
        tenant: None,
    };
    let env = WantedEnvironment {
        context: context.into(),
        namespaces: vec![namespace.into()],
        prometheus: Some(prometheus),
        ..WantedEnvironment::default()
    };
    WantedStage { name: name.into(), environments: vec![env] }
}

impl Room {
    fn new() -> Room {
        let look = Look {
            theme: Themes::new(None).load("dark", Depth::TrueColor, None).unwrap(),
            symbols: &UNICODE,
        };
        let keymap = crate::keymap::Keymaps::new(None).load("default").unwrap();
        let stages =
            vec![wanted("development", "edge", "shop-dev"), wanted("production", "gke", "shop-prod")];
        let alerts = WantedAlerts { bell: true, notify: Notify::Osc9, ..WantedAlerts::default() };
        let wanted = Wanted { stages, alerts, ..Wanted::default() };
        let settings = Settings { wanted, read_only: false, keymap, look };
        let world = testing::world(&[("edge", &["shop-dev"]), ("gke", &["shop-prod"])]);
        let mut room = Room { state: State::new(world, settings, "maria", (120, 40)), seconds: 1_000 };
        room.after(0, Msg::Tick);
        room.state.shared.derive();
        room
    }

    /// A message so many seconds later.
    fn after(&mut self, seconds: u64, msg: Msg) -> Vec<Effect> {
        self.seconds += seconds;
        let wall = Stamp(1_000_000 + i64::try_from(self.seconds).unwrap());
        crate::update::update(&mut self.state, msg, Now { wall, mono: Duration::from_secs(self.seconds) })
    }

    /// Time passes, second by second, as it does before a terminal.
    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.after(1, Msg::Tick);
        }
    }

    fn prometheus(&self, env: u16) -> Arc<Upstream> {
        Arc::clone(&self.state.shared.upstreams.of(Server::Prometheus, EnvId(env)).unwrap().upstream)
    }

    /// The Prometheus of an environment tells of these alerts.
    fn fire(&mut self, env: u16, alerts: &[(&str, &str)]) -> Vec<Effect> {
        let namespace = ["shop-dev", "shop-prod"][usize::from(env)];
        let ruled = |(name, severity): &(&str, &str)| Ruled {
            rule: Some(Arc::new(Rule::default())),
            labels: testing::labels(&[("alertname", name), ("severity", severity), ("namespace", namespace)]),
            annotations: testing::labels(&[]),
            phase: Phase::Firing,
            active_at: None,
            value: None,
        };
        let book = Rulebook { alerts: alerts.iter().map(ruled).collect(), ..Rulebook::default() };
        let upstream = self.prometheus(env);
        self.after(0, Msg::Alerts(upstream, Told::Rules(Ok(book))))
    }

    fn fail(&mut self, env: u16) {
        let upstream = self.prometheus(env);
        self.after(0, Msg::Alerts(upstream, Told::Rules(Err("connection refused".into()))));
    }

    /// What is said now.
    fn said(&self) -> Vec<&str> {
        self.state.toasts.iter().map(|toast| &*toast.note.text).collect()
    }
}

fn is_ring(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::Bell, Effect::Notify(Channel::Osc9, _)])
}

#[test]
fn a_new_critical_alert_rings_and_notifies_and_is_said() {
    let mut room = Room::new();
    assert!(room.fire(1, &[("Old", "critical")]).is_empty(), "what fires at the start is no news");
    assert!(room.fire(1, &[("Old", "critical"), ("Slow", "warning")]).is_empty());
    let effects = room.fire(1, &[("Old", "critical"), ("CartDown", "critical")]);
    let [Effect::Bell, Effect::Notify(Channel::Osc9, text)] = &effects[..] else { panic!("{effects:?}") };
    assert!(text.starts_with("CartDown fires in production"), "{text}");
    assert_eq!(room.said(), [text.as_str()]);
    assert!(room.fire(1, &[("Old", "critical"), ("CartDown", "critical")]).is_empty(), "once");
    room.state.shared.wanted.alerts.bell = false;
    room.state.shared.wanted.alerts.notify = Notify::None;
    assert!(room.fire(1, &[("CartDown", "critical"), ("ShopDown", "critical")]).is_empty(), "as configured");
    assert!(room.said()[1].starts_with("ShopDown fires in production"), "{:?}", room.said());
}

#[test]
fn a_server_that_is_dead_for_good_takes_no_news_of_the_others() {
    let mut room = Room::new();
    room.fire(0, &[]);
    room.fire(1, &[("Old", "warning")]);
    room.fail(0);
    room.wait(600);
    // Production falls silent for two minutes, while development stays dead.
    room.fail(1);
    room.wait(60);
    room.fail(0);
    room.fail(1);
    room.wait(60);
    let effects = room.fire(1, &[("New", "critical")]);
    assert!(is_ring(&effects), "{effects:?}");
    let words = "While alerts of production could not be read (2 m): New fires; Old is over.";
    assert!(room.said().contains(&words), "{:?}", room.said());
    // Development comes back: production's alerts are none of its news, and its own are.
    room.wait(120);
    room.fire(0, &[("DiskFull", "warning")]);
    assert_eq!(room.said(), ["While alerts of development could not be read (14 m): DiskFull fires."]);
}

#[test]
fn what_fires_when_a_server_is_heard_first_is_no_news_however_long_it_was_silent() {
    let mut room = Room::new();
    room.fail(1);
    room.wait(300);
    room.fire(1, &[("Old", "warning")]);
    assert_eq!(room.said(), Vec::<&str>::new());
}

#[test]
fn a_short_silence_and_one_without_change_are_not_worth_a_line() {
    let mut room = Room::new();
    room.fire(1, &[("Old", "warning")]);
    room.fail(1);
    room.wait(29);
    room.fire(1, &[("New", "warning")]);
    assert_eq!(room.said(), Vec::<&str>::new(), "short");
    room.fail(1);
    room.wait(300);
    room.fire(1, &[("New", "warning")]);
    assert_eq!(room.said(), Vec::<&str>::new(), "nothing happened");
}

#[test]
fn after_a_gap_what_happened_is_said_once_every_server_was_asked_again() {
    let mut room = Room::new();
    room.fire(0, &[]);
    room.fire(1, &[("Old", "warning")]);
    room.after(19, Msg::Tick);
    // The machine sleeps for an hour.
    room.after(3_600, Msg::Tick);
    room.fire(1, &[("New", "warning")]);
    assert_eq!(room.said(), Vec::<&str>::new(), "not before all could be heard");
    room.wait(24);
    assert_eq!(room.said(), Vec::<&str>::new());
    room.wait(1);
    assert_eq!(room.said(), ["While you were away (1 h): New fires; Old is over."]);
    room.wait(61);
    assert_eq!(room.said(), Vec::<&str>::new(), "once");
}

#[test]
fn a_server_that_answers_at_another_address_tells_nothing_new() {
    let mut room = Room::new();
    room.fire(1, &[("Old", "warning")]);
    let before = room.prometheus(1);
    room.after(0, Msg::Input(crossterm::event::Event::FocusLost));
    room.wait(60);
    let there = &mut room.state.shared.wanted.stages[1].environments[0].prometheus;
    there.as_mut().unwrap().at = Some(Address::Url("http://moved".into()));
    room.state.shared.derive();
    assert_ne!(room.prometheus(1), before);
    room.fire(1, &[("Old", "warning"), ("New", "warning")]);
    room.after(0, Msg::Input(crossterm::event::Event::FocusGained));
    assert_eq!(room.said(), ["While you were away (60 s): New fires."]);
}

#[test]
fn a_dead_server_hides_nothing_from_who_was_away() {
    let mut room = Room::new();
    room.fire(1, &[]);
    room.fail(0);
    room.after(3_600, Msg::Tick);
    room.fail(0);
    room.fire(1, &[("New", "warning")]);
    room.wait(25);
    assert_eq!(room.said(), ["While you were away (1 h): New fires."]);
}

#[test]
fn who_looks_elsewhere_is_told_on_the_way_back() {
    let mut room = Room::new();
    room.fire(1, &[("Old", "warning")]);
    room.after(0, Msg::Input(crossterm::event::Event::FocusLost));
    room.wait(40);
    room.fire(1, &[("New", "warning")]);
    assert_eq!(room.said(), Vec::<&str>::new());
    // A terminal may tell twice that it lost its focus: the first one counts.
    room.after(0, Msg::Input(crossterm::event::Event::FocusLost));
    room.wait(20);
    room.after(0, Msg::Input(crossterm::event::Event::FocusGained));
    assert_eq!(room.said(), ["While you were away (60 s): New fires; Old is over."]);
    room.wait(61);
    room.after(0, Msg::Input(crossterm::event::Event::FocusGained));
    assert_eq!(room.said(), Vec::<&str>::new(), "once");
}
