//! Plans: how they look, and which keys answer them.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use pilothouse::change::actions::named;
use pilothouse::change::execute::Progress;
use pilothouse::change::gates::{Judged, Verdict, Weight};
use pilothouse::change::intent::{Around, Intent, Order, Place, Way, With};
use pilothouse::change::plan::{Expect, Goal, Line, Method, Plan, Request, Right, Step, Touched};
use pilothouse::domain::id::{ClusterId, Kind, ObjectRef};
use pilothouse::domain::link::Feed;
use pilothouse::domain::node::Autoscaler;
use pilothouse::domain::time::Now;
use pilothouse::effect::Effect;
use pilothouse::journal::{End, Outcome};
use pilothouse::msg::{ClusterMsg, Delta, Facts, Msg};
use pilothouse::panes::PaneId;
use pilothouse::state::sheet::{Ready, Sheet};
use pilothouse::state::{Overlay, State};
use pilothouse::update::{settle, update};
use serde_json::json;

use super::stage::{self, NOW, Scene, uid};
use super::{focus, picture, press};

fn judged(gate: &'static str, verdict: Verdict, why: &str) -> Judged {
    let fails = verdict == Verdict::Fail;
    let final_ones = ["rbac", "dry run", "read-only"];
    let overridable = !final_ones.contains(&gate);
    Judged { gate, verdict, why: why.to_owned(), way_out: None, weight: Weight::Judges, fails, overridable }
}

/// A scale of cart from 3 to 5.
pub fn plan(protected: bool, gates: Vec<Judged>) -> Plan {
    let object = ObjectRef {
        cluster: ClusterId(1),
        kind: Kind::Deployment,
        namespace: "shop-prod".into(),
        name: "cart".into(),
        uid: uid("cart"),
    };
    let with = With { replicas: Some(5), ..With::default() };
    let path = "/apis/apps/v1/namespaces/shop-prod/deployments/cart/scale?fieldManager=pilothouse";
    Plan {
        order: Order {
            intent: Intent { verb: named("scale").unwrap(), objects: vec![object.clone()], with },
            place: Place {
                cluster: ClusterId(1),
                context: "gke-eu1".into(),
                server: "https://10.0.0.1:6443".into(),
                environment: "production".into(),
                others: Vec::new(),
                protected,
                read_only: None,
            },
            around: Around::default(),
        },
        title: "scale deploy/cart 3 → 5".to_owned(),
        lines: vec![Line { object: object.clone(), words: "replicas 3 → 5".to_owned() }],
        touched: vec![Touched {
            object: object.clone(),
            what: "replicas".to_owned(),
            pointer: "/spec/replicas".to_owned(),
            before: json!(3),
            after: json!(5),
        }],
        gates,
        steps: vec![Step {
            title: "scale deploy/cart to 5".to_owned(),
            object: object.clone(),
            request: Request {
                method: Method::Merge,
                path: path.to_owned(),
                body: json!({"metadata": {"uid": object.uid.to_string()}, "spec": {"replicas": 5}}),
                right: Right::default(),
            },
            versioned: true,
        }],
        then: "5 pods ready, within 300 s".to_owned(),
        back: "scale to 3 again".to_owned(),
        way: Some(Way::same(With { replicas: Some(3), ..With::default() })),
        mitigates: true,
        expects: vec![Expect { object, goal: Goal::Scaled(5), deadline: 300 }],
        guard: None,
        beside: Vec::new(),
        kube_user: Some("maria@example.com".to_owned()),
        made: NOW,
    }
}

pub fn well() -> Vec<Judged> {
    vec![
        judged("read-only", Verdict::Pass, "changes are allowed here"),
        judged("rbac", Verdict::Pass, "you may patch deployments/scale (apps)"),
        judged(
            "ownership",
            Verdict::Warn,
            "Argo CD application cart-prod puts replicas back when it next syncs",
        ),
        judged("alerts", Verdict::Unknown, "no server of alerts is known here"),
    ]
}

fn ill() -> Vec<Judged> {
    let mut gates = well();
    let mut fails = judged("freeze", Verdict::Fail, "the freeze `weekend` holds now");
    fails.way_out = Some("wait until it is over".to_owned());
    gates.push(fails);
    gates
}

/// A screen that waits for this plan, and the plan come.
pub fn come(plan: Plan, size: (u16, u16)) -> State {
    let mut state = stage::state(Scene::Full, size, stage::dark());
    state.overlay =
        Some(Overlay::Change(Box::new(Sheet::Ready(Box::new(Ready::new(plan, String::new(), 0))))));
    state
}

fn key(state: &mut State, code: KeyCode) -> Vec<Effect> {
    update(state, Msg::Input(Event::Key(KeyEvent::new(code, KeyModifiers::NONE))), NOW)
}

fn typed(state: &mut State, text: &str) {
    for char in text.chars() {
        assert!(key(state, KeyCode::Char(char)).is_empty(), "{text}");
    }
}

fn executes(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::Execute(..)])
}

#[test]
fn plans_at_three_sizes() {
    for size in super::SIZES {
        let mut state = come(plan(true, ill()), size);
        settle(&mut state);
        insta::assert_snapshot!(format!("plan-{}x{}", size.0, size.1), picture(&state));
    }
    let mut state = come(plan(false, well()), (120, 40));
    settle(&mut state);
    insta::assert_snapshot!("plan-unprotected", picture(&state));
    press(&mut state, "tab");
    insta::assert_snapshot!("plan-request", picture(&state));
}

#[test]
fn a_key_that_came_before_the_plan_was_drawn_answers_nothing() {
    let mut state = come(plan(false, well()), (120, 40));
    assert!(key(&mut state, KeyCode::Char('y')).is_empty());
    settle(&mut state);
    assert!(executes(&key(&mut state, KeyCode::Char('y'))));
    assert!(matches!(&state.overlay, Some(Overlay::Change(sheet)) if matches!(**sheet, Sheet::Running(_))));
}

#[test]
fn a_protected_name_is_typed_and_never_pasted() {
    let mut state = come(plan(true, well()), (120, 40));
    settle(&mut state);
    update(&mut state, Msg::Input(Event::Paste("production".to_owned())), NOW);
    assert!(key(&mut state, KeyCode::Enter).is_empty(), "nothing was typed");
    typed(&mut state, "y");
    assert!(key(&mut state, KeyCode::Enter).is_empty());
    typed(&mut state, "production");
    assert!(executes(&key(&mut state, KeyCode::Enter)));

    let mut state = come(plan(false, well()), (120, 40));
    settle(&mut state);
    let effects = update(&mut state, Msg::Input(Event::Paste("y".to_owned())), NOW);
    assert!(!executes(&effects), "a paste is no yes: {effects:?}");
    assert!(executes(&key(&mut state, KeyCode::Char('y'))));
}

#[test]
fn what_fails_wants_a_reason_before_the_name() {
    let mut state = come(plan(true, ill()), (120, 40));
    settle(&mut state);
    assert!(key(&mut state, KeyCode::Enter).is_empty(), "no reason yet");
    typed(&mut state, "cart burns");
    assert!(key(&mut state, KeyCode::Enter).is_empty(), "a reason is no yes");
    typed(&mut state, "production");
    let effects = key(&mut state, KeyCode::Enter);
    let [Effect::Execute(_, confirmed)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(confirmed.reason(), "cart burns");
}

#[test]
fn what_nothing_overrides_cannot_be_answered() {
    let mut gates = well();
    gates[1] = judged("rbac", Verdict::Fail, "you may not patch deployments/scale (apps)");
    let mut state = come(plan(false, gates), (120, 40));
    settle(&mut state);
    assert!(picture(&state).contains("It cannot be done: rbac."), "{}", picture(&state));
    for code in [KeyCode::Char('y'), KeyCode::Char('Y'), KeyCode::Char(' ')] {
        assert!(key(&mut state, code).is_empty());
    }
}

#[test]
fn a_plan_that_has_grown_old_is_made_anew() {
    let mut state = come(plan(false, well()), (120, 40));
    settle(&mut state);
    let later = Now { mono: NOW.mono + Duration::from_secs(61), ..NOW };
    let effects = update(
        &mut state,
        Msg::Input(Event::Key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE))),
        later,
    );
    assert!(matches!(effects.as_slice(), [Effect::Plan(..)]), "{effects:?}");
    assert!(
        matches!(&state.overlay, Some(Overlay::Change(sheet)) if matches!(**sheet, Sheet::Planning { .. }))
    );
}

#[test]
fn settings_that_forbid_it_by_now_are_kept_to() {
    let mut state = come(plan(false, well()), (120, 40));
    settle(&mut state);
    state.shared.options.read_only = true;
    let effects = key(&mut state, KeyCode::Char('y'));
    let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(order.place.read_only.is_some(), "{:?}", order.place);
}

#[test]
fn what_is_typed_to_a_plan_is_not_taken_from_under_the_fingers() {
    let later = Now { mono: NOW.mono + Duration::from_secs(61), ..NOW };
    let mut state = come(plan(true, well()), (120, 40));
    settle(&mut state);
    typed(&mut state, "produc");
    assert!(update(&mut state, Msg::Tick, later).is_empty(), "it says that it is stale, and waits");
    assert!(picture(&state).contains("Type production to do it: produc"), "{}", picture(&state));
    let mut state = come(plan(true, well()), (120, 40));
    settle(&mut state);
    let effects = update(&mut state, Msg::Tick, later);
    assert!(matches!(effects.as_slice(), [Effect::Plan(..)]), "{effects:?}");
}

#[test]
fn a_number_is_stepped_and_typed() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    let order = plan(false, well()).order;
    let number = pilothouse::state::sheet::Number {
        order,
        now: vec![3],
        wanted: vec![3],
        at: 0,
        ruled_by: None,
        off: false,
        typing: false,
    };
    state.overlay = Some(Overlay::Change(Box::new(Sheet::Number(Box::new(number)))));
    let wanted = |state: &State| match &state.overlay {
        Some(Overlay::Change(sheet)) => match &**sheet {
            Sheet::Number(number) => number.wanted[0],
            _ => panic!(),
        },
        _ => panic!(),
    };
    for (keys, number) in [("+ +", 5), ("-", 4), ("1 2", 12), ("+", 13), ("7", 7)] {
        press(&mut state, keys);
        assert_eq!(wanted(&state), number, "{keys}");
    }
    let effects = key(&mut state, KeyCode::Enter);
    let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(order.intent.with.replicas, Some(7));
}

/// The plan that `u` makes once what was confirmed has ended like this.
fn back_after(plan: Plan, outcome: Outcome) -> (State, Vec<Effect>) {
    let mut state = come(plan, (120, 40));
    settle(&mut state);
    let effects = key(&mut state, KeyCode::Char('y'));
    let begun = |effect: &Effect| match effect {
        Effect::Execute(request, _) => Some(*request),
        _ => None,
    };
    let request = effects.iter().find_map(begun).unwrap();
    assert!(key(&mut state, KeyCode::Char('u')).is_empty(), "there is nothing to go back from yet");
    let end = End { outcome, words: "not within 300 s: 3 of 5 pods ready".to_owned() };
    update(&mut state, Msg::Progress(request, Progress::Ended(end)), NOW);
    settle(&mut state);
    let effects = key(&mut state, KeyCode::Char('u'));
    (state, effects)
}

#[test]
fn the_way_back_is_the_one_that_the_plan_promised() {
    for outcome in [Outcome::TimedOut, Outcome::Failed, Outcome::Done] {
        let (_, effects) = back_after(plan(false, well()), outcome);
        let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!((order.intent.verb.name(), order.intent.with.replicas), ("scale", Some(3)), "{outcome:?}");
    }
    let mut paused = plan(false, well());
    paused.way = Some(Way::by("resume"));
    let (_, effects) = back_after(paused, Outcome::Superseded);
    let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((order.intent.verb.name(), &order.intent.with), ("resume", &With::default()));
}

#[test]
fn where_no_key_leads_back_the_plans_words_say_why() {
    let mut restarted = plan(false, well());
    restarted.way = None;
    restarted.back = "there is none: pods that ended do not come back".to_owned();
    let (state, effects) = back_after(restarted, Outcome::Failed);
    assert!(effects.is_empty(), "{effects:?}");
    let frame = picture(&state);
    assert!(frame.contains("There is none: pods that ended do not come back."), "{frame}");
    let (state, effects) = back_after(plan(false, well()), Outcome::Refused);
    assert!(effects.is_empty() && picture(&state).contains("Nothing was changed"), "{}", picture(&state));
}

#[test]
fn where_autoscalers_may_not_be_read_the_question_and_the_page_say_so() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    let workload = stage::deployment("shop-prod", "alone", "1.0.0", 2);
    let refused = ClusterMsg::Feed(Kind::HorizontalPodAutoscaler, Feed::Forbidden("no".into()));
    for news in [ClusterMsg::Facts(Facts::Workloads(Kind::Deployment, vec![Delta::Put(workload)])), refused] {
        update(&mut state, Msg::Cluster(ClusterId(1), news), NOW);
    }
    focus(&mut state, PaneId::Workloads);
    settle(&mut state);
    press(&mut state, "/ a l o n e enter s");
    let asked = picture(&state);
    assert!(asked.contains("Whether an autoscaler sets the number may not be read here"), "{asked}");
    press(&mut state, "esc enter enter");
    assert!(picture(&state).contains("whether there is one may not be read"), "{}", picture(&state));
}

#[test]
fn an_autoscaler_that_is_off_offers_a_number_of_pods() {
    let wanted = |replicas| {
        let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
        let workload = stage::deployment("shop-prod", "asleep", "1.0.0", replicas);
        let scaler = Autoscaler {
            uid: uid("hpa asleep"),
            namespace: "shop-prod".into(),
            name: "asleep".into(),
            target_kind: "Deployment".into(),
            target_name: "asleep".into(),
            min: 2,
            max: 6,
            current: replicas,
            desired: replicas,
            scaled: None,
        };
        for facts in [
            Facts::Workloads(Kind::Deployment, vec![Delta::Put(workload)]),
            Facts::Autoscalers(vec![Delta::Put(scaler)]),
        ] {
            update(&mut state, Msg::Cluster(ClusterId(1), ClusterMsg::Facts(facts)), NOW);
        }
        focus(&mut state, PaneId::Workloads);
        settle(&mut state);
        press(&mut state, "/ a s l e e p enter");
        settle(&mut state);
        press(&mut state, "s");
        settle(&mut state);
        let frame = picture(&state);
        let effects = key(&mut state, KeyCode::Enter);
        let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}\n{frame}") };
        (frame, order.intent.with.clone())
    };
    let (frame, with) = wanted(0);
    assert!(frame.contains("Autoscaler asleep is switched off"), "{frame}");
    assert_eq!(with, With { replicas: Some(2), ..With::default() });
    let (frame, with) = wanted(3);
    assert!(frame.contains("its limits are changed"), "{frame}");
    assert_eq!(with, With { min: Some(2), max: Some(6), ..With::default() });
}
