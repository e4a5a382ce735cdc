//! The rows of pairs, what they ask, and what is said where there are none.

use std::sync::Arc;

use super::*;
use crate::domain::id::{ClusterId, Uid};
use crate::domain::link::Feed;
use crate::domain::network::Service;
use crate::domain::selector::Selector;
use crate::domain::time::Stamp;
use crate::domain::traffic::Named;
use crate::fleet::testing::{deployment, labels};
use crate::msg::{ClusterMsg, Delta, Facts};
use crate::panes::views::testing::{shared, tell};

fn service(selector: &str) -> Service {
    Service {
        uid: Uid(70),
        namespace: "shop-prod".into(),
        name: "checkout".into(),
        labels: labels(&[]),
        selector: Some(Selector::parse(selector).unwrap()),
        service_type: "ClusterIP".into(),
        cluster_ip: "10.0.0.1".into(),
        external: Arc::from([]),
        ports: Arc::from([]),
        of_rollouts: false,
        created: Stamp(0),
    }
}

fn scene(colours: &[&str]) -> Shared {
    let mut shared = shared();
    let workloads = colours.iter().map(|colour| {
        let image = format!("r.example/checkout:{colour}-1");
        let mut one = deployment("shop-prod", &format!("checkout-{colour}"), &image, 2);
        one.pod_labels = labels(&[("app", "checkout"), ("color", colour)]);
        Delta::Put(one)
    });
    let facts = Facts::Workloads(Kind::Deployment, workloads.collect());
    tell(&mut shared, ClusterMsg::Facts(facts));
    tell(
        &mut shared,
        ClusterMsg::Facts(Facts::Services(vec![Delta::Put(service("app=checkout,color=blue"))])),
    );
    for kind in [Kind::Deployment, Kind::Service, Kind::EndpointSlice] {
        tell(&mut shared, ClusterMsg::Feed(kind, Feed::Live));
    }
    shared
}

fn pane(shared: &Shared) -> (Traffic, Vec<Row>) {
    let mut pane = Traffic::default();
    assert!(matches!(pane.changes(shared), Changes::Everything));
    let mut rows = Vec::new();
    pane.all(shared, &mut |row| rows.push(row));
    (pane, rows)
}

fn texts(pane: &Traffic, shared: &Shared, row: Row) -> String {
    let look = crate::panes::views::testing::look();
    (0..COLUMNS.len())
        .map(|at| pane.cell(shared, row, at, &look).text.into_owned())
        .collect::<Vec<_>>()
        .join("|")
}

#[test]
fn a_pair_is_a_service_with_a_row_for_each_colour() {
    let shared = scene(&["blue", "green"]);
    let (pane, rows) = pane(&shared);
    let told: Vec<String> = rows.iter().map(|row| texts(&pane, &shared, *row)).collect();
    assert!(told[0].starts_with("checkout|blue|"), "{told:?}");
    assert!(told[1].starts_with("blue|live|2/2|0|blue-1|"), "{told:?}");
    assert!(told[2].starts_with("green|standby|2/2|0|green-1|"), "{told:?}");
    assert_eq!(pane.level(&shared, rows[1]), Level::Critical, "no endpoint of it is ready");
    for row in rows {
        assert_eq!(pane.find(&shared, &pane.key(&shared, row).unwrap()), Some(row));
    }
}

#[test]
fn where_there_is_no_pair_it_says_what_one_is() {
    let mut shared = scene(&["blue"]);
    let (pane, rows) = pane(&shared);
    assert!(rows.is_empty());
    let said = pane.empty(&shared).join(" ");
    assert!(
        said.contains("No blue/green pair and no Argo Rollout in production")
            && said.contains("color, colour, slot"),
        "{said}"
    );
    tell(&mut shared, ClusterMsg::Feed(Kind::Service, Feed::Forbidden("no services for you".into())));
    let said = pane.empty(&shared).join(" ");
    assert!(said.contains("does not let you list services: no services for you"), "{said}");
    tell(&mut shared, ClusterMsg::Feed(Kind::Service, Feed::Loading));
    assert!(pane.empty(&shared).join(" ").contains("Loading services") && pane.loading(&shared));
}

#[test]
fn a_pair_that_is_named_needs_no_second_workload() {
    let mut shared = scene(&["blue"]);
    let named = Named { service: "checkout".into(), namespace: "".into(), key: "color".into(), smoke: None };
    shared.wanted.traffic.rules.named = vec![named];
    let (pane, rows) = pane(&shared);
    assert_eq!(rows.len(), 2);
    assert_eq!(pane.key(&shared, rows[1]).unwrap().0.cluster, ClusterId(0));
}

#[test]
fn every_row_of_a_pair_leads_back_what_was_switched() {
    use crate::journal::{Entry, Intention, Object, Reading, Way, With};

    let mut shared = scene(&["blue", "green"]);
    let (mut pane, rows) = pane(&shared);
    let service = pane.pairs[0].pair.service.clone();
    let undo = |pane: &Traffic, shared: &Shared| -> Vec<bool> {
        rows.iter().map(|row| pane.applies(shared, Some(*row), Action::Undo) == Applies::Yes).collect()
    };
    assert_eq!(
        undo(&pane, &shared),
        [true, false, false],
        "a colour has a template of its own to go back from"
    );
    let led_to = |pane: &mut Traffic, shared: &mut Shared, row: Row| {
        let outcome = pane.act(shared, Some(row), Action::Undo);
        let Some(crate::shared::Turn::Change(begin)) = outcome.turn else { panic!("no change") };
        let crate::shared::Begin::Plan(order) = *begin else { panic!("{begin:?}") };
        assert_eq!((order.intent.verb.name(), &order.intent.objects[0]), ("switch", &service));
        assert!(order.intent.with.back);
        order.intent.with.to.unwrap()
    };
    // The screen shows blue as live still: what is watched goes back to where it came from all the same.
    for before in ["green", "blue"] {
        shared.watched = vec![(service.clone(), before.into())];
        assert_eq!(undo(&pane, &shared), [true; 3]);
        for row in &rows {
            assert_eq!(led_to(&mut pane, &mut shared, *row), before);
        }
    }
    shared.watched.clear();
    let way = |to: &str| Some(Way::same(With { to: Some(to.to_owned()), back: true, ..With::default() }));
    let objects = vec![Object { uid: service.uid.to_string(), ..Object::default() }];
    let intent =
        Intention { action: "switch".to_owned(), objects, back: way("green"), ..Intention::default() };
    let mut entry = Entry { intent, steps: Vec::new(), end: None, running: false };
    shared.journal = Some(Ok(Reading { entries: vec![entry.clone()], torn: Vec::new() }));
    assert_eq!(undo(&pane, &shared), [true, true, false], "what stands by has a way back of its own");
    assert_eq!(led_to(&mut pane, &mut shared, rows[1]), "green");
    entry.intent.back = way("blue");
    shared.journal = Some(Ok(Reading { entries: vec![entry], torn: Vec::new() }));
    assert_eq!(undo(&pane, &shared), [true, false, false], "blue has the traffic already");
}

#[test]
fn only_what_leads_away_from_the_last_switch_is_a_way_back() {
    use crate::change::intent::{Around, Intent, Order, Place, With};
    use crate::journal::{Closing, Entry, Intention, Object, Outcome, Reading, Way};

    let service = Uid::parse("5d3f8a52-19c4-4e58-9f0a-7c1de2b3a405");
    let entry = |to: &str, from: &str, back: bool, outcome: Outcome| Entry {
        intent: Intention {
            action: "switch".to_owned(),
            objects: vec![Object { uid: service.to_string(), ..Object::default() }],
            with: With { to: Some(to.to_owned()), back, ..With::default() },
            back: Some(Way::same(With { to: Some(from.to_owned()), back: true, ..With::default() })),
            ..Intention::default()
        },
        steps: Vec::new(),
        end: Some(Closing { outcome, ..Closing::default() }),
        running: false,
    };
    let is_back = |entries: Vec<Entry>, to: &str| {
        let object = ObjectRef {
            cluster: ClusterId(0),
            kind: Kind::Service,
            namespace: "shop-prod".into(),
            name: "checkout".into(),
            uid: service,
        };
        let with = With { to: Some(to.to_owned()), back: true, ..With::default() };
        let verb = crate::change::actions::named("switch").unwrap();
        let intent = Intent { verb, objects: vec![object], with };
        let order = Order { intent, place: Place::default(), around: Around::default() };
        changes::leads_back(&Reading { entries, torn: Vec::new() }, &order)
    };
    let there = || entry("green", "blue", false, Outcome::Done);
    assert!(!is_back(Vec::new(), "blue"), "there was no way there");
    assert!(is_back(vec![there()], "blue"));
    assert!(!is_back(vec![there()], "green"), "that is the way there again");
    let led_back = || entry("blue", "green", true, Outcome::Done);
    assert!(!is_back(vec![there(), led_back()], "green"), "onto what was left there is no way back");
    let refused = entry("blue", "green", false, Outcome::Refused);
    assert!(is_back(vec![there(), refused], "blue"), "what was refused led nowhere");

    // A command names its Service without a uid: what was switched by another context is another one of that name.
    let named = ObjectRef {
        cluster: ClusterId(0),
        kind: Kind::Service,
        namespace: "shop-prod".into(),
        name: "checkout".into(),
        uid: Uid::default(),
    };
    let mut elsewhere = there();
    elsewhere.intent.context = "staging".to_owned();
    elsewhere.intent.objects =
        vec![Object { namespace: "shop-prod".into(), name: "checkout".into(), ..Object::default() }];
    let reading = Reading { entries: vec![elsewhere], torn: Vec::new() };
    assert_eq!(changes::way_back(&reading, &named, "staging"), Some("blue"));
    assert_eq!(changes::way_back(&reading, &named, "production"), None);
}

#[test]
fn only_a_colour_that_nobody_is_led_to_is_offered_to_be_scaled_down() {
    let mut shared = scene(&["blue", "green"]);
    let (pane, _) = pane(&shared);
    let service = pane.pairs[0].pair.service.clone();
    let refused = |shared: &Shared, colour: &str| changes::scale_down(shared, &service, colour).unwrap_err();
    assert!(changes::scale_down(&shared, &service, "green").is_ok());
    assert!(refused(&shared, "blue").contains("has the traffic"), "somebody has switched back since");
    shared.watched = vec![(service.clone(), "blue".into())];
    assert!(refused(&shared, "green").contains("is watched"));
}
