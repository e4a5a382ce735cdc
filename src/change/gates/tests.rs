//! Facts in, verdicts out.

use serde_json::json;

use super::*;
use crate::change::actions::named;
use crate::change::gather::Facts;
use crate::change::intent::{Free, Intent, With};
use crate::change::owners::{Deliverer, Habit};
use crate::change::plan::Right;
use crate::change::testing::{autoscaler, facts, facts_of, order, pod};
use crate::domain::id::Kind;

fn judged(order: &Order, facts: &Facts) -> Vec<Judged> {
    let draft = order.intent.verb.draft(&order.intent, facts).unwrap();
    let rights = [(draft.steps[0].request.right.clone(), Ok(true))];
    let dry_runs = [DryRun::Passed];
    let evidence = Evidence {
        order,
        facts,
        all: std::slice::from_ref(facts),
        draft: &draft,
        rights: &rights,
        dry_runs: &dry_runs,
    };
    judge(order, &[evidence])
}

fn gate(order: &Order, facts: &Facts, name: &str) -> Judged {
    judged(order, facts).into_iter().find(|judged| judged.gate == name).unwrap()
}

#[test]
fn nothing_speaks_against_an_ordinary_scale() {
    for judged in judged(&order(5), &facts()) {
        assert_eq!(judged.verdict, Verdict::Pass, "{judged:?}");
    }
}

#[test]
fn read_only_is_final() {
    let mut order = order(5);
    order.place.read_only = Some("pilothouse was started with --read-only".to_owned());
    let judged = gate(&order, &facts(), "read-only");
    assert!(judged.fails && !judged.overridable && judged.weight == Weight::Judges, "{judged:?}");
}

#[test]
fn every_action_is_refused_where_nothing_may_be_changed_and_nowhere_else() {
    for act in crate::change::actions::ALL {
        let verb = named(act.name()).unwrap();
        let weighed = act.gates().iter().find(|(gate, _)| gate.name() == "read-only");
        let (gate, weight) = weighed.unwrap_or_else(|| panic!("{} has no such gate", act.name()));
        assert!(*weight == Weight::Judges && gate.is_final() && !gate.yields(), "{}", act.name());
        let (facts, mut order) = (facts(), order(1));
        order.intent.verb = verb;
        let found = |order: &Order| {
            // Whatever would be done, and also where that leads out of trouble.
            let mut draft = named("pause").unwrap().draft(&order.intent, &facts).unwrap();
            draft.mitigates = true;
            let all = std::slice::from_ref(&facts);
            let evidence = Evidence { order, facts: &facts, all, draft: &draft, rights: &[], dry_runs: &[] };
            judge(order, &[evidence]).into_iter().find(|judged| judged.gate == "read-only").unwrap()
        };
        assert_eq!(found(&order).verdict, Verdict::Pass, "{}", act.name());
        order.place.read_only = Some("production is read-only".to_owned());
        let judged = found(&order);
        assert!(
            judged.fails && !judged.overridable && judged.weight == Weight::Judges,
            "{}: {judged:?}",
            act.name()
        );
    }
}

#[test]
fn an_autoscaler_undoes_a_number_and_zero_disables_it() {
    let mut facts = facts();
    facts.autoscalers = Ok(vec![autoscaler("cart", 2, 6)]);
    let judged = gate(&order(5), &facts, "ownership");
    assert!(judged.fails && judged.overridable, "{judged:?}");
    assert!(judged.way_out.unwrap().contains("limits"));
    let judged = gate(&order(0), &facts, "ownership");
    assert_eq!(judged.verdict, Verdict::Warn);
    assert!(judged.why.contains("0 disables hpa/cart"), "{}", judged.why);
    facts.autoscalers = Err("forbidden".to_owned());
    let judged = gate(&order(5), &facts, "ownership");
    assert!(judged.verdict == Verdict::Unknown && judged.fails, "{judged:?}");
}

#[test]
fn keda_undoes_it_unless_it_is_paused() {
    let mut facts = facts();
    let scaled = |notes| json!({"metadata": {"name": "cart", "annotations": notes}});
    facts.scaled_objects = Ok(vec![scaled(json!({}))]);
    assert!(gate(&order(5), &facts, "ownership").why.contains("KEDA's ScaledObject cart rules"));
    facts.scaled_objects = Ok(vec![scaled(json!({"autoscaling.keda.sh/paused": "true"}))]);
    assert_eq!(gate(&order(5), &facts, "ownership").verdict, Verdict::Warn);
}

#[test]
fn deliverers_are_named_with_what_they_will_do() {
    let judged = |habit: Known<Habit>| {
        let deliverers = vec![Deliverer { name: "Argo CD application cart".to_owned(), habit }];
        gate(&order(5), &Facts { deliverers, ..facts() }, "ownership")
    };
    let heals = judged(Ok(Habit::Heals));
    assert_eq!((heals.verdict, heals.fails), (Verdict::Warn, false));
    assert!(heals.why.contains("heals itself"), "{}", heals.why);
    assert!(judged(Ok(Habit::NextTime)).why.contains("next syncs"));
    assert_eq!(judged(Ok(Habit::Stopped)).verdict, Verdict::Pass);
    let ignores = Habit::Ignores { pointers: vec!["/spec/replicas".to_owned()], heals: true };
    assert_eq!(judged(Ok(ignores)).verdict, Verdict::Pass);
    let unknown = judged(Err("not connected".to_owned()));
    assert!(unknown.verdict == Verdict::Unknown && unknown.fails && unknown.overridable);
}

#[test]
fn what_git_does_not_set_is_not_put_back() {
    let mut facts = facts();
    facts.deliverers =
        vec![Deliverer { name: "Argo CD application cart".to_owned(), habit: Ok(Habit::Heals) }];
    let applied = "{\"spec\":{\"template\":{}}}";
    facts.live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
        json!(applied);
    assert_eq!(gate(&order(5), &facts, "ownership").verdict, Verdict::Pass);
    let restart = Order {
        intent: Intent { verb: named("restart").unwrap(), objects: Vec::new(), with: With::default() },
        ..order(5)
    };
    assert_eq!(gate(&restart, &facts, "ownership").verdict, Verdict::Pass, "not in Git at all");
}

#[test]
fn a_controller_is_named() {
    let mut facts = facts();
    facts.live["metadata"]["ownerReferences"] =
        json!([{"kind": "Shop", "name": "main", "uid": "x", "controller": true}]);
    let judged = gate(&order(5), &facts, "ownership");
    assert_eq!(judged.why, "Shop main controls it and may put it back");
}

#[test]
fn alerts_judge_a_scale_down_and_only_inform_a_scale_up() {
    let firing = |replicas| {
        let mut order = order(replicas);
        order.around.alerts = Ok(vec!["CartErrorBudgetBurn".to_owned()]);
        gate(&order, &facts(), "alerts")
    };
    assert_eq!((firing(5).weight, firing(1).weight), (Weight::Informs, Weight::Judges));
    assert!(firing(1).fails && firing(1).overridable);
    let mut silent = order(1);
    silent.around.alerts = Err("no Prometheus".to_owned());
    let judged = gate(&silent, &facts(), "alerts");
    assert!(judged.verdict == Verdict::Unknown && !judged.fails);
}

#[test]
fn a_freeze_judges_where_it_concerns_the_place() {
    let frozen = |environments: &[&str]| crate::domain::freeze::Freeze {
        name: "always".into(),
        days: Vec::new(),
        hours: None,
        dates: Vec::new(),
        zone: "UTC".into(),
        environments: environments.iter().map(|name| (*name).into()).collect(),
    };
    let freeze = |environments: &[&str]| {
        let mut order = order(1);
        order.around.freezes = vec![frozen(environments)];
        gate(&order, &facts(), "freeze")
    };
    assert!(freeze(&[]).fails && freeze(&["staging"]).fails);
    assert_eq!(freeze(&["production"]).verdict, Verdict::Pass);
    // A node of a cluster on which several environments have their pods.
    let node = |environments: &[&str]| {
        let mut order = order(5);
        order.place.environment = "".into();
        order.place.others = vec!["staging".into(), "production".into()];
        order.around.freezes = vec![frozen(environments)];
        gate(&order, &facts(), "freeze")
    };
    assert!(node(&["production"]).fails && node(&["staging"]).fails);
    assert_eq!(node(&["development"]).verdict, Verdict::Pass);
}

#[test]
fn what_delivers_an_autoscaler_puts_its_limits_back() {
    let judged = |habit: Option<Habit>, hpa: serde_json::Value| {
        let mut order = order(5);
        order.intent.with = With { min: Some(3), max: Some(9), ..With::default() };
        let mut facts = facts();
        facts.autoscalers = Ok(vec![hpa]);
        let named = |habit| Deliverer { name: "Flux Kustomization shop".to_owned(), habit: Ok(habit) };
        facts.scaler_deliverers = habit.map(named).into_iter().collect();
        // What delivers the workload need not deliver its autoscaler.
        facts.deliverers =
            vec![Deliverer { name: "Argo CD application cart".to_owned(), habit: Ok(Habit::Heals) }];
        gate(&order, &facts, "ownership")
    };
    let hpa = || autoscaler("cart", 2, 6);
    assert_eq!(judged(None, hpa()).verdict, Verdict::Pass);
    let heals = judged(Some(Habit::Heals), hpa());
    assert!(heals.verdict == Verdict::Warn && heals.why.contains("Flux Kustomization shop"), "{heals:?}");
    assert_eq!(judged(Some(Habit::Stopped), hpa()).verdict, Verdict::Pass);
    let mut kedas = hpa();
    kedas["metadata"]["ownerReferences"] =
        json!([{"kind": "ScaledObject", "name": "cart", "uid": "1", "controller": true}]);
    let made = judged(None, kedas);
    assert!(made.fails && made.why.contains("ScaledObject cart made this autoscaler"), "{made:?}");
}

#[test]
fn what_an_operator_manages_is_told() {
    let judged = |manager: &str| {
        let mut facts = facts();
        facts.live["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!(manager);
        gate(&order(5), &facts, "ownership")
    };
    let operator = judged("strimzi-cluster-operator");
    assert!(
        operator.verdict == Verdict::Warn && operator.why.contains("strimzi-cluster-operator"),
        "{operator:?}"
    );
    assert_eq!(judged("Helm").verdict, Verdict::Pass, "it is judged by its release's own signs");
    assert_eq!(judged("").verdict, Verdict::Pass);
}

#[test]
fn an_old_backup_is_told_and_stops_nothing() {
    let with = |backup: Known<(u64, u64)>| {
        let mut order = order(1);
        order.around.backup = backup;
        let all = [facts()];
        let draft = named("pause").unwrap().draft(&order.intent, &all[0]).unwrap();
        let evidence =
            Evidence { order: &order, facts: &all[0], all: &all, draft: &draft, rights: &[], dry_runs: &[] };
        Backup.judge(&evidence)
    };
    assert_eq!(with(Ok((60, 300))).verdict, Verdict::Pass);
    let old = with(Ok((900, 300)));
    assert!(old.verdict == Verdict::Fail && old.why.contains("is 15 m old"), "{old:?}");
    assert_eq!(with(Err("there is no usable one".to_owned())).verdict, Verdict::Unknown);
    for act in crate::change::actions::ALL {
        for (gate, weight) in act.gates().iter().filter(|(gate, _)| gate.name() == Backup.name()) {
            assert_eq!(*weight, Weight::Informs, "{}: {}", act.name(), gate.name());
        }
    }
}

#[test]
fn nodes_without_room_are_told() {
    let with = |room: Known<Vec<Free>>| {
        let mut order = order(5);
        order.around.room = room;
        gate(&order, &facts(), "capacity")
    };
    let node = |cpu| Free { node: "n1".into(), cpu, memory: 64 << 30, pods: 10 };
    assert_eq!(with(Ok(vec![node(64_000)])).verdict, Verdict::Pass);
    let full = with(Ok(vec![Free { pods: 1, ..node(64_000) }]));
    assert!(full.verdict == Verdict::Warn && full.why.contains("room for 1 of 2 pods"), "{full:?}");
    let unknown = with(Err("the nodes cannot be read, or not yet".to_owned()));
    assert!(unknown.verdict == Verdict::Unknown && unknown.why.contains("cannot be read"), "{unknown:?}");
}

#[test]
fn a_limit_alone_is_a_request_too_for_a_quota() {
    let mut facts = facts();
    let container = &mut facts.live["spec"]["template"]["spec"]["containers"][0];
    container["resources"] = json!({"limits": {"cpu": "2"}});
    facts.quotas = Ok(vec![json!({"metadata": {"name": "compute"}, "status": {
        "hard": {"requests.cpu": "10"}, "used": {"requests.cpu": "9"}}})]);
    let full = gate(&order(5), &facts, "quota");
    assert!(full.fails && full.why.contains("leaves 1 requests.cpu, 4 are needed"), "{full:?}");
}

#[test]
fn a_right_is_named_with_its_namespace_where_it_has_one() {
    let judged = |namespace: &str| {
        let all = [facts()];
        let order = order(5);
        let draft = order.intent.verb.draft(&order.intent, &all[0]).unwrap();
        let right = Right { namespace: namespace.into(), ..draft.steps[0].request.right.clone() };
        let rights = [(right, Ok(false))];
        let evidence = Evidence {
            order: &order,
            facts: &all[0],
            all: &all,
            draft: &draft,
            rights: &rights,
            dry_runs: &[],
        };
        Rbac.judge(&evidence).why
    };
    assert!(judged("shop").ends_with(" in shop"), "{}", judged("shop"));
    assert!(!judged("").ends_with(" in "), "{}", judged(""));
}

#[test]
fn quotas_are_worked_out_for_the_pods_that_come() {
    let quota = |cpu: &str, pods: &str| {
        let mut facts = facts();
        facts.quotas = Ok(vec![json!({"metadata": {"name": "compute"}, "status": {
            "hard": {"requests.cpu": cpu, "pods": pods}, "used": {"requests.cpu": "750m", "pods": "3"}}})]);
        gate(&order(5), &facts, "quota")
    };
    assert_eq!(quota("2", "10").verdict, Verdict::Pass);
    let full = quota("1", "10");
    assert!(full.fails && full.why.contains("quota compute leaves 250m requests.cpu"), "{}", full.why);
    assert!(quota("2", "4").why.contains("leaves 1 pods, 2 are needed"));
}

#[test]
fn fewer_pods_than_a_budget_wants_are_told() {
    let mut facts = facts();
    let selector = json!({"matchLabels": {"app": "cart"}});
    facts.budgets =
        Ok(vec![json!({"metadata": {"name": "cart"}, "spec": {"minAvailable": 2, "selector": selector}})]);
    assert_eq!(gate(&order(1), &facts, "disruption budget").verdict, Verdict::Warn);
    assert_eq!(gate(&order(2), &facts, "disruption budget").verdict, Verdict::Pass);
    facts.budgets = Ok(vec![
        json!({"metadata": {"name": "web"}, "spec": {"minAvailable": 9, "selector": {"matchLabels": {"app": "web"}}}}),
    ]);
    assert_eq!(gate(&order(1), &facts, "disruption budget").verdict, Verdict::Pass);
}

#[test]
fn overriding_can_be_forbidden() {
    let mut facts = facts();
    facts.autoscalers = Ok(vec![autoscaler("cart", 2, 6)]);
    let mut order = order(5);
    order.around.overriding = false;
    assert!(!gate(&order, &facts, "ownership").overridable);
}

#[test]
fn pods_that_are_deleted_together_are_counted_together() {
    let selector = json!({"matchLabels": {"app": "cart"}});
    let of = |name: &str, budget: u64| {
        let mut facts = facts_of(Kind::Pod, pod(name, Some("ReplicaSet")));
        facts.budgets = Ok(vec![
            json!({"metadata": {"name": "cart"}, "spec": {"minAvailable": 1, "selector": selector}, "status": {"disruptionsAllowed": budget}}),
        ]);
        facts
    };
    let verdict = |names: &[&str], allowed: u64| {
        let all: Vec<Facts> = names.iter().map(|name| of(name, allowed)).collect();
        let objects = all.iter().map(|facts| facts.object.clone()).collect();
        let intent = Intent { verb: named("delete").unwrap(), objects, with: With::default() };
        let order = Order { intent, ..order(1) };
        let drafts: Vec<Draft> =
            all.iter().map(|facts| order.intent.verb.draft(&order.intent, facts).unwrap()).collect();
        let evidence: Vec<Evidence<'_>> = all
            .iter()
            .zip(&drafts)
            .map(|(facts, draft)| Evidence {
                order: &order,
                facts,
                all: &all,
                draft,
                rights: &[],
                dry_runs: &[],
            })
            .collect();
        judge(&order, &evidence).into_iter().find(|judged| judged.gate == "disruption budget").unwrap()
    };
    assert_eq!(verdict(&["cart-a"], 1).verdict, Verdict::Pass);
    assert_eq!(verdict(&["cart-a", "cart-b"], 2).verdict, Verdict::Pass);
    let both = verdict(&["cart-a", "cart-b"], 1);
    assert_eq!(both.verdict, Verdict::Warn);
    assert!(both.why.contains("allows 1 disruptions now, 2 ready pods are deleted"), "{}", both.why);
}

#[test]
fn an_autoscaler_that_is_off_undoes_no_number() {
    let mut facts = facts();
    facts.live["spec"]["replicas"] = json!(0);
    facts.autoscalers = Ok(vec![autoscaler("cart", 2, 6)]);
    let judged = gate(&order(3), &facts, "ownership");
    assert_eq!((judged.verdict, judged.fails), (Verdict::Warn, false), "{judged:?}");
    assert!(judged.why.contains("hpa/cart is off at 0 replicas"), "{}", judged.why);
    facts.autoscalers = Ok(vec![autoscaler("cart", 0, 6)]);
    assert!(gate(&order(3), &facts, "ownership").fails, "one that may make 0 is not off at 0");
}

#[test]
fn a_quota_of_some_pods_only_is_not_taken_for_room() {
    let quota = |spec: serde_json::Value, pods: &str| {
        let mut facts = facts();
        let of_some = json!({"metadata": {"name": "urgent"}, "spec": spec,
            "status": {"hard": {"pods": pods}, "used": {"pods": "3"}}});
        facts.quotas = Ok(vec![of_some]);
        gate(&order(5), &facts, "quota")
    };
    for spec in [
        json!({"scopes": ["BestEffort"]}),
        json!({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}),
    ] {
        let judged = quota(spec.clone(), "4");
        assert_eq!(judged.verdict, Verdict::Unknown, "{judged:?}");
        assert!(judged.why.contains("quota urgent counts only some pods"), "{}", judged.why);
        assert_eq!(quota(spec, "5").verdict, Verdict::Pass, "there is room even where all are counted");
    }
}
