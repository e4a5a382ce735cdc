use super::*;
use proptest::prelude::*;

/// 2026-11-20 is a Friday.
fn at(text: &str) -> Stamp {
    Stamp(text.parse::<Timestamp>().unwrap().as_second())
}

fn window(kind: &str, schedule: &str, hours: u32) -> SyncWindow {
    SyncWindow {
        deny: kind == "deny",
        schedule: schedule.into(),
        duration: format!("{hours}h").into(),
        seconds: hours * 3600,
        applications: vec!["*".into()],
        ..SyncWindow::default()
    }
}

fn place() -> Destination {
    Destination {
        server: "https://kubernetes.default.svc".into(),
        name: "in-cluster".into(),
        namespace: "shop-prod".into(),
    }
}

fn judged(windows: &[SyncWindow], now: &str) -> Judgement {
    judge(windows, "cart-prod", &place(), at(now))
}

#[test]
fn globs_as_argo_cd_reads_them() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("*-prod", "cart-prod", true),
        ("*-prod", "cart-prod-2", false),
        ("cart-*-*", "cart-eu-prod", true),
        ("c?rt", "cart", true),
        ("c?rt", "crt", false),
        ("{cart,media}-prod", "media-prod", true),
        ("{cart,media}-{stg,prod}", "cart-stg", true),
        ("[a-c]art", "cart", true),
        ("[!a-c]art", "cart", false),
        ("[", "[", true),
        ("https://*.example:6443", "https://eu.example:6443", true),
        ("", "x", false),
    ] {
        assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn windows_speak_of_what_their_lists_name() {
    let mut window = SyncWindow { namespaces: vec!["shop-*".into()], ..SyncWindow::default() };
    assert!(speaks_of(&window, "x", &place()), "the lists are ORed");
    window.applications = vec!["media".into()];
    assert!(speaks_of(&window, "x", &place()));
    window.and = true;
    assert!(!speaks_of(&window, "x", &place()));
    assert!(speaks_of(&window, "media", &place()));
    window.clusters = vec!["in-cluster".into()];
    assert!(speaks_of(&window, "media", &place()));
    assert!(!speaks_of(&SyncWindow::default(), "media", &place()), "no list names nothing");
}

#[test]
fn without_a_window_everything_is_free() {
    let judged = judged(&[], "2026-11-21T14:32:00Z");
    assert_eq!((judged.automatic, judged.manual), (Verdict::Free, Verdict::Free));
    assert_eq!((judged.automatic_changes, judged.manual_changes), (None, None));
}

#[test]
fn an_allow_window_opens_and_closes() {
    let office = [window("allow", "0 8 * * 1-5", 9)];
    let friday = judged(&office, "2026-11-20T09:00:00Z");
    assert_eq!(
        (friday.automatic, friday.automatic_changes),
        (Verdict::Open, Some(at("2026-11-20T17:00:00Z")))
    );
    let saturday = judged(&office, "2026-11-21T14:32:00Z");
    assert_eq!(
        (saturday.automatic, saturday.automatic_changes),
        (Verdict::Closed, Some(at("2026-11-23T08:00:00Z")))
    );
    assert_eq!(saturday.manual, Verdict::Closed);
    let mut by_hand = office;
    by_hand[0].manual = true;
    assert_eq!(judged(&by_hand, "2026-11-21T14:32:00Z").manual, Verdict::ByHand);
}

#[test]
fn a_deny_window_goes_before_an_allow_window() {
    let mut both = [window("allow", "* * * * *", 1), window("deny", "0 18 * * 5", 62)];
    let saturday = judged(&both, "2026-11-21T14:32:00Z");
    assert_eq!(
        (saturday.automatic, saturday.automatic_changes),
        (Verdict::Denied, Some(at("2026-11-23T08:00:00Z")))
    );
    assert_eq!(saturday.manual, Verdict::Denied);
    both[1].manual = true;
    let saturday = judged(&both, "2026-11-21T14:32:00Z");
    assert_eq!((saturday.automatic, saturday.manual), (Verdict::Denied, Verdict::ByHand));
    assert_eq!(judged(&both, "2026-11-24T14:32:00Z").automatic, Verdict::Open);
    // Only deny windows, none active: nothing forbids it.
    assert_eq!(judged(&both[1..], "2026-11-24T14:32:00Z").automatic, Verdict::Open);
}

#[test]
fn every_active_deny_must_let_persons_through() {
    let mut denies = [window("deny", "0 0 * * *", 24), window("deny", "0 12 * * *", 6)];
    denies[0].manual = true;
    assert_eq!(judged(&denies, "2026-11-21T14:32:00Z").manual, Verdict::Denied);
    assert_eq!(judged(&denies, "2026-11-21T11:00:00Z").manual, Verdict::ByHand);
}

#[test]
fn zones_shift_the_schedule_and_unknown_ones_mean_utc() {
    let mut zurich = window("allow", "0 8 * * *", 1);
    zurich.time_zone = "Europe/Zurich".into();
    let verdict = |window: &SyncWindow, now: &str| judged(std::slice::from_ref(window), now).automatic;
    assert_eq!(verdict(&zurich, "2026-11-21T07:30:00Z"), Verdict::Open);
    assert_eq!(verdict(&zurich, "2026-07-21T06:30:00Z"), Verdict::Open, "in summer time");
    assert_eq!(
        judged(std::slice::from_ref(&zurich), "2026-11-21T05:00:00Z").automatic_changes,
        Some(at("2026-11-21T07:00:00Z"))
    );
    // The clocks are turned back on 25 October 2026: the opening after it is told in winter time.
    assert_eq!(
        judged(std::slice::from_ref(&zurich), "2026-10-24T12:00:00Z").automatic_changes,
        Some(at("2026-10-25T07:00:00Z"))
    );
    zurich.time_zone = "Nowhere/Land".into();
    assert_eq!(verdict(&zurich, "2026-11-21T08:30:00Z"), Verdict::Open);
}

#[test]
fn nonsense_is_never_active() {
    for (schedule, seconds) in [("nonsense", 3600), ("61 * * * *", 3600), ("* * * * *", 0), ("", 60)] {
        let broken = SyncWindow { seconds, ..window("allow", schedule, 1) };
        let judged = judged(std::slice::from_ref(&broken), "2026-11-21T14:32:00Z");
        assert_eq!((judged.automatic, judged.automatic_changes), (Verdict::Closed, None), "{schedule}");
        assert!(!Clockwork::of(&broken).works());
    }
}

#[test]
fn a_window_that_is_always_open_never_closes() {
    let always = [window("allow", "* * * * *", 1)];
    let judged = judged(&always, "2026-11-21T14:32:30Z");
    assert_eq!((judged.automatic, judged.automatic_changes), (Verdict::Open, None));
}

fn any_window() -> impl Strategy<Value = SyncWindow> {
    let field = |most: u32| prop_oneof![Just("*".to_owned()), (0..most).prop_map(|n| n.to_string())];
    let zone = prop::sample::select(vec!["", "Europe/Zurich", "America/New_York", "Asia/Kolkata", "x"]);
    let days = prop::sample::select(vec!["*", "1-5", "0,6", "5"]);
    (any::<bool>(), any::<bool>(), (0u32..60), field(24), days, 1u32..50, zone).prop_map(
        |(deny, manual, minute, hour, days, hours, zone)| SyncWindow {
            deny,
            manual,
            time_zone: zone.into(),
            ..window("allow", &format!("{minute} {hour} * * {days}"), hours)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// The change that is told is the first one: nothing changes before it, and something does at it.
    #[test]
    fn the_change_that_is_told_is_the_first(windows in prop::collection::vec(any_window(), 0..4), minute in 0i64..400_000) {
        // From March 2026 on: no clock is turned in the days that are looked at, whose edges Argo CD itself misjudges.
        let now = Stamp(at("2026-04-01T00:00:30Z").0 + (minute % 260_000) * 60);
        let mine: Vec<Clockwork<'_>> = windows.iter().map(Clockwork::of).collect();
        for hand in [Hand::Automatic, Hand::Manual] {
            let allowed = decide(&mine, hand, now).allows();
            let told = changes(&mine, hand, now);
            let end = told.map_or(now.0 + 86_400, |told| told.0.min(now.0 + 4 * 86_400));
            let mut moment = now.0;
            while moment < end {
                prop_assert_eq!(decide(&mine, hand, Stamp(moment)).allows(), allowed, "at {}", moment);
                moment += 1_500;
            }
            if let Some(told) = told {
                prop_assert_ne!(decide(&mine, hand, told.plus(1)).allows(), allowed);
            }
        }
    }

    /// Argo CD's own words: active when the first tick after `now - duration` lies before now.
    #[test]
    fn a_window_is_active_for_its_duration_after_each_tick(hour in 0u32..24, minute in 0u32..60, hours in 1u32..24, offset in 0i64..172_800) {
        let daily = window("allow", &format!("{minute} {hour} * * *"), hours);
        let tick = i64::from(hour * 3600 + minute * 60);
        let now = Stamp(at("2026-06-01T00:00:00Z").0 + offset);
        let since = (now.0.rem_euclid(86_400) - tick).rem_euclid(86_400);
        let expected = since > 0 && since < i64::from(hours) * 3600;
        prop_assert_eq!(Clockwork::of(&daily).active(now), expected, "{} s after the tick", since);
    }

    #[test]
    fn whatever_is_written_is_judged(schedule in ".{0,20}", zone in "[A-Za-z/]{0,12}", seconds in any::<u32>(), pattern in ".{0,16}", now in 0i64..4_000_000_000) {
        let odd = SyncWindow { schedule: schedule.into(), time_zone: zone.into(), seconds, applications: vec![pattern.into()], ..SyncWindow::default() };
        judge(std::slice::from_ref(&odd), "cart", &place(), Stamp(now));
    }

    #[test]
    fn a_glob_without_signs_is_itself(text in "[a-z-]{0,12}") {
        prop_assert!(glob(&text, &text) && glob("*", &text));
        let (starred, dotted) = (format!("{text}*"), format!("{text}x"));
        prop_assert!(glob(&starred, &text) && !glob(&dotted, &text));
    }
}
