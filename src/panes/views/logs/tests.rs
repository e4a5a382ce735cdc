use super::*;
use crate::msg::{LogLine, LogMsg};
use crate::panes::views::testing::{self, NOW, answer, reference, screen, shared, survives_all_sizes};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;

fn view(shared: &mut Shared, pods: LogPods, previous: bool) -> (LogView, RequestId) {
    let object = match &pods {
        LogPods::One(name) => reference(Kind::Pod, name, 21),
        LogPods::Selected(_) => reference(Kind::Deployment, "cart", 1),
    };
    let (mut view, effects) = LogView::new(shared, object, pods, None, previous);
    let request = view.request;
    assert!(matches!(effects.as_slice(), [Effect::Ask(asked, Question::Logs(_))] if *asked == request));
    view.resize(80, 11);
    (view, request)
}

fn one_pod(shared: &mut Shared) -> (LogView, RequestId) {
    view(shared, LogPods::One("cart-7d9c-x2kfp".into()), false)
}

fn join(view: &mut LogView, source: u16, pod: &str, container: &str) {
    let request = view.request;
    let msg = LogMsg::Joined { source, pod: pod.into(), container: container.into() };
    assert!(answer(view, request, Answer::Log(msg)));
}

fn send(view: &mut LogView, source: u16, lines: &[(i64, &str)]) {
    let request = view.request;
    let lines = lines
        .iter()
        .map(|(at, text)| LogLine { source, at_nanos: NOW.0 * SECOND + at * SECOND, text: (*text).into() })
        .collect();
    assert!(answer(view, request, Answer::Log(LogMsg::Lines(lines))));
}

fn end(view: &mut LogView, source: u16, reason: &str) {
    let request = view.request;
    assert!(answer(view, request, Answer::Log(LogMsg::Ended { source, reason: reason.into() })));
}

fn numbered(view: &mut LogView, range: std::ops::Range<i64>) {
    let texts: Vec<String> = range.clone().map(|n| format!("line {n}")).collect();
    let lines: Vec<(i64, &str)> = range.zip(texts.iter().map(String::as_str)).collect();
    send(view, 0, &lines);
}

fn top(view: &LogView) -> &str {
    &view.store.get(view.scroll.top).unwrap().text
}

fn press(view: &mut LogView, shared: &mut Shared, actions: &[Action]) -> Outcome {
    let mut last = Outcome::none();
    for action in actions {
        assert_eq!(view.applies(shared, *action), Applies::Yes, "{action:?}");
        last = view.act(shared, *action);
        view.refresh(shared);
    }
    last
}

#[test]
fn the_end_is_followed_until_a_key_moves_up_and_again_from_the_end() {
    let mut shared = shared();
    let (mut view, _) = one_pod(&mut shared);
    numbered(&mut view, 0..100);
    view.refresh(&shared);
    assert_eq!(top(&view), "line 90");
    press(&mut view, &mut shared, &[Action::HalfPageUp]);
    assert_eq!(top(&view), "line 85");
    numbered(&mut view, 100..228);
    view.refresh(&shared);
    assert_eq!((top(&view), view.below), ("line 85", 128));
    press(&mut view, &mut shared, &[Action::Bottom]);
    assert_eq!((top(&view), view.below, view.scroll.is_following()), ("line 218", 0, true));
    numbered(&mut view, 228..230);
    view.refresh(&shared);
    assert_eq!(top(&view), "line 220");
}

#[test]
fn the_place_stays_when_lines_come_before_it_or_are_let_go() {
    let mut shared = shared();
    let (mut view, _) = one_pod(&mut shared);
    numbered(&mut view, 0..100);
    press(&mut view, &mut shared, &[Action::Top, Action::PageDown, Action::Down]);
    let before = top(&view).to_owned();
    let cursor = view.store.get(view.scroll.cursor).unwrap().text.clone();
    join(&mut view, 1, "cart-0", "app");
    send(&mut view, 1, &[(-5, "older"), (1, "between")]);
    view.refresh(&shared);
    assert_eq!(top(&view), before);
    assert_eq!(view.store.get(view.scroll.cursor).unwrap().text, cursor);
    view.store = Store::new(3_000);
    view.scroll = Scroll::default();
    view.scroll.resize(80, 10);
    numbered(&mut view, 0..1_000);
    press(&mut view, &mut shared, &[Action::Top]);
    numbered(&mut view, 1_000..2_000);
    view.refresh(&shared);
    assert!(view.store.let_go() > 0);
    assert_eq!(view.scroll.top, 0, "what was looked at is gone: the oldest that is left is shown");
}

#[test]
fn paused_lines_are_counted_and_come_later() {
    let mut shared = shared();
    let (mut view, _) = one_pod(&mut shared);
    numbered(&mut view, 0..20);
    press(&mut view, &mut shared, &[Action::Pause]);
    numbered(&mut view, 20..60);
    view.refresh(&shared);
    assert_eq!((view.store.len(), top(&view)), (20, "line 10"));
    assert!(screen(&mut view, &shared, 80, 11).contains("paused, 40 lines held back (p)"));
    press(&mut view, &mut shared, &[Action::Pause]);
    assert_eq!((view.store.len(), top(&view)), (60, "line 50"));
}

#[test]
fn a_filter_keeps_matches_and_n_shows_them_among_their_neighbours() {
    let mut shared = shared();
    let (mut view, _) = one_pod(&mut shared);
    numbered(&mut view, 0..100);
    view.set_filter(&shared, "7").unwrap();
    view.refresh(&shared);
    assert_eq!(view.store.len(), 19);
    numbered(&mut view, 170..180);
    assert_eq!(view.store.len(), 29);
    press(&mut view, &mut shared, &[Action::Up, Action::NextMatch]);
    assert_eq!((view.store.len(), view.in_context), (110, true));
    let at = |view: &LogView| view.store.get(view.scroll.cursor).unwrap().text.to_string();
    assert_eq!(at(&view), "line 178");
    press(&mut view, &mut shared, &[Action::PreviousMatch]);
    assert_eq!(at(&view), "line 177");
    let said = press(&mut view, &mut shared, &[Action::NextMatch, Action::NextMatch, Action::NextMatch]);
    assert_eq!(said.note.unwrap().text, "No match further down.");
    press(&mut view, &mut shared, &[Action::Back]);
    assert_eq!((view.store.len(), view.filter()), (110, Some("")));
    assert_eq!(view.applies(&shared, Action::Back), Applies::Elsewhere, "the next one closes the view");
    view.set_filter(&shared, "!7").unwrap();
    assert_eq!(view.store.len(), 81);
}

#[test]
fn a_filter_sees_json_as_it_came_and_as_it_is_shown() {
    let mut shared = shared();
    let (mut view, _) = one_pod(&mut shared);
    send(&mut view, 0, &[(0, r#"{"msg":"slow","status":504}"#), (1, r#"{"msg":"fine","status":200}"#)]);
    for typed in ["status=504", "\"status\":504", "slow"] {
        view.set_filter(&shared, typed).unwrap();
        assert_eq!(view.store.len(), 1, "{typed}");
    }
}

#[test]
fn one_container_after_the_other_then_all() {
    let mut shared = shared();
    let (mut view, _) = one_pod(&mut shared);
    assert!(matches!(view.applies(&shared, Action::NextContainer), Applies::No(_)));
    join(&mut view, 0, "cart-7d9c-x2kfp", "app");
    join(&mut view, 1, "cart-7d9c-x2kfp", "proxy");
    send(&mut view, 0, &[(0, "a"), (2, "b")]);
    send(&mut view, 1, &[(1, "p")]);
    let mut seen = Vec::new();
    for _ in 0..3 {
        press(&mut view, &mut shared, &[Action::NextContainer]);
        seen.push((view.only.as_deref().map(str::to_owned), view.store.len()));
    }
    assert_eq!(seen, [(Some("app".to_owned()), 2), (Some("proxy".to_owned()), 1), (None, 3)]);
}

#[test]
fn late_answers_and_those_of_others_are_ignored() {
    let mut shared = shared();
    let (mut view, first) = one_pod(&mut shared);
    send(&mut view, 0, &[(0, "before")]);
    let outcome = press(&mut view, &mut shared, &[Action::PreviousLogs]);
    assert_eq!(outcome.effects[0], Effect::Cancel(first));
    let Effect::Ask(second, Question::Logs(request)) = &outcome.effects[1] else { panic!("{outcome:?}") };
    assert!(request.previous && !request.follow);
    assert_eq!(view.store.total(), 0);
    let late = LogMsg::Lines(vec![LogLine { source: 0, at_nanos: 0, text: "late".into() }]);
    assert!(!answer(&mut view, first, Answer::Log(late)));
    assert!(!answer(&mut view, RequestId(999), Answer::Failed("no".into())));
    assert_eq!((view.store.total(), view.requests()), (0, vec![*second]));
    assert_eq!(view.phase, Phase::Asked);
}

#[test]
fn an_ended_log_is_asked_anew_by_following_it() {
    let mut shared = shared();
    let (mut view, first) = one_pod(&mut shared);
    join(&mut view, 0, "cart-7d9c-x2kfp", "app");
    send(&mut view, 0, &[(0, "a")]);
    end(&mut view, 0, "");
    let outcome = press(&mut view, &mut shared, &[Action::Follow]);
    assert_eq!(outcome.effects.len(), 2);
    assert_ne!(view.request, first);
}

#[test]
fn copying_takes_the_line_then_everything_and_saving_names_pod_and_time() {
    let mut shared = shared();
    let (mut view, _) = one_pod(&mut shared);
    join(&mut view, 0, "cart-7d9c-x2kfp", "app");
    send(&mut view, 0, &[(0, "\x1b[31mred\x1b[0m"), (1, "two")]);
    view.refresh(&shared);
    let line = press(&mut view, &mut shared, &[Action::Up, Action::Copy]);
    assert_eq!(line.effects, [Effect::Copy("red".into())]);
    let whole = press(&mut view, &mut shared, &[Action::Copy]);
    assert_eq!(whole.effects, [Effect::Copy("2026-11-21T14:31:59Z red\n2026-11-21T14:32:00Z two".into())]);
    let saved = press(&mut view, &mut shared, &[Action::Save]);
    let Effect::Save { name, lines } = &saved.effects[0] else { panic!("{saved:?}") };
    assert_eq!(name.to_str(), Some("cart-7d9c-x2kfp-20261121T143159Z.log"));
    assert_eq!(lines.len(), 2);
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

fn snapshots(name: &str, view: &mut LogView, shared: &Shared) {
    for (width, height) in SIZES {
        // A frame takes two columns and two rows; header, tabs, status and footer four more.
        let text = screen(view, shared, width - 2, height - 6);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
    }
    survives_all_sizes(view, shared);
}

fn full(view: &mut LogView) {
    for (n, pod) in ["cart-7d9c-x2kfp", "cart-7d9c-m8rzq", "cart-5b66-kk2p9"].into_iter().enumerate() {
        join(view, n as u16, pod, "app");
    }
    send(
        view,
        0,
        &[
            (
                -40,
                r#"{"level":"info","ts":"2026-11-21T14:31:19Z","msg":"cart 1.31.0 starting","heap":"96Mi","workers":8}"#,
            ),
            (-38, r#"{"level":"warn","ts":"2026-11-21T14:31:21Z","msg":"cache is cold","entries":0}"#),
            (-31, "java.lang.OutOfMemoryError: Java heap space"),
            (-31, "\tat shop.cart.Basket.grow(Basket.java:214)"),
        ],
    );
    send(
        view,
        2,
        &[
            (
                -39,
                r#"{"level":"info","ts":"2026-11-21T14:31:20Z","msg":"GET /cart/4711","status":200,"ms":12}"#,
            ),
            (
                -30,
                r#"{"level":"error","ts":"2026-11-21T14:31:29Z","msg":"upstream payments timed out","status":504,"ms":3000,"upstream":"http://payments.shop-prod.svc:8080/charge","retry":true}"#,
            ),
            (-2, "plain text with 東京, متجر and 👩‍👩‍👧‍👦 in it"),
            (-1, "\x1b[33mWARN\x1b[0m coloured by the program \x1b]52;c;AAAA\x07and \u{202e}harmless"),
        ],
    );
    send(view, 1, &[(-33, "INFO  started in 1.2 s"), (-32, "ERROR out of memory, giving up")]);
    end(view, 0, "OOMKilled, exit code 137");
}

#[test]
fn what_it_looks_like() {
    let mut shared = shared();
    let selector = LogPods::Selected(crate::domain::selector::Selector::default());
    testing::incident(&mut shared);
    let (mut asking, _) = view(&mut shared, selector.clone(), false);
    snapshots("loading", &mut asking, &shared);

    let (mut empty, _) = one_pod(&mut shared);
    join(&mut empty, 0, "cart-7d9c-x2kfp", "app");
    end(&mut empty, 0, "container is waiting to start: ContainerCreating");
    snapshots("empty", &mut empty, &shared);

    let (mut failing, request) = one_pod(&mut shared);
    answer(
        &mut failing,
        request,
        Answer::Failed("pods \"cart-7d9c-x2kfp\" is forbidden: User \"maria\" cannot get pods/log".into()),
    );
    snapshots("failing", &mut failing, &shared);

    let (mut lines, _) = view(&mut shared, selector, false);
    full(&mut lines);
    snapshots("full", &mut lines, &shared);
    press(&mut lines, &mut shared, &[Action::Up, Action::Wrap, Action::Timestamps, Action::Up]);
    lines.set_filter(&shared, "memory|payments").unwrap();
    send(&mut lines, 2, &[(0, "payments are back")]);
    snapshots("searched", &mut lines, &shared);
}

#[test]
fn what_hinders_the_log_is_said_until_it_is_over() {
    let mut shared = shared();
    testing::incident(&mut shared);
    let (mut view, request) = one_pod(&mut shared);
    let hinder = |view: &mut LogView, source: Option<u16>, reason: &str| {
        assert!(answer(view, request, Answer::Log(LogMsg::Hindered { source, reason: reason.into() })));
    };
    hinder(&mut view, None, "waiting for renewed credentials: 401");
    let shown = screen(&mut view, &shared, 100, 11);
    assert!(shown.contains("The logs of cart-7d9c-x2kfp: waiting for renewed credentials: 401"), "{shown}");
    hinder(&mut view, None, "");
    join(&mut view, 0, "cart-7d9c-x2kfp", "app");
    hinder(&mut view, Some(0), "waiting for renewed credentials: 401");
    assert!(screen(&mut view, &shared, 100, 11).contains("app in cart-7d9c-x2kfp: waiting for"));
    numbered(&mut view, 0..3);
    let last =
        |view: &mut LogView| screen(view, &shared, 100, 11).trim_end().lines().last().unwrap().to_owned();
    assert!(
        last(&mut view).contains("waiting for renewed credentials: 401"),
        "lines before it are no reason"
    );
    hinder(&mut view, Some(0), "");
    assert!(last(&mut view).contains("following"));
}

#[test]
fn a_pod_that_is_gone_says_so() {
    let mut shared = shared();
    let (mut view, _) = one_pod(&mut shared);
    numbered(&mut view, 0..3);
    let text = screen(&mut view, &shared, 60, 8);
    assert!(text.contains("gone") && text.contains("line 2"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn hostile_lines_never_reach_the_screen_as_they_are(
        lines in proptest::collection::vec("(\\PC|[\\x00-\\x1f\\x7f-\\u{9f}\\u{202a}-\\u{202e}\\u{2066}-\\u{2069}\u{200b}東é\"{}:,\\[0-9m]|\\x1b\\[|\\x1b\\]52;c;){0,60}", 1..8),
        wrap in any::<bool>(),
        width in 1u16..40,
    ) {
        let mut shared = shared();
        let (mut view, _) = one_pod(&mut shared);
        view.wrap = wrap;
        view.times = true;
        let lines: Vec<(i64, &str)> = lines.iter().enumerate().map(|(n, line)| (n as i64, line.as_str())).collect();
        send(&mut view, 0, &lines);
        view.set_filter(&shared, "m|1").unwrap();
        press(&mut view, &mut shared, &[Action::Up, Action::Right].map(|a| if wrap && a == Action::Right { Action::Up } else { a }));
        let text = screen(&mut view, &shared, width, 12);
        for c in text.chars().filter(|c| *c != '\n') {
            prop_assert!(!c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c) && !('\u{2066}'..='\u{2069}').contains(&c), "{c:?} in {text:?}");
        }
        for line in text.lines().skip(1) {
            prop_assert!(crate::text::width(line) <= usize::from(width), "{line:?} is wider than {width}");
        }
        let saved = view.store.shown().map(|line| view.plain_line(line)).collect::<Vec<_>>();
        prop_assert!(saved.iter().all(|line| !line.contains(char::is_control)));
    }
}
