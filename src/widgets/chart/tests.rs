//! Charts drawn at several sizes, and the promise that none draws outside of its area.

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::*;
use crate::theme::{ASCII, Depth, Symbols, Themes, UNICODE};

/// 2026-03-14 14:17:00 UTC
const FROM: i64 = 1_773_497_820;
const TO: i64 = FROM + 900;

fn look(symbols: &'static Symbols) -> Look {
    Look { theme: Themes::new(None).load("dark", Depth::TrueColor, None).unwrap(), symbols }
}

fn chart<'a>(series: &'a [Series<'a>], unit: Unit) -> Chart<'a> {
    Chart { series, from: FROM, to: TO, unit, limits: &[], marks: &[], cursor: None, said: &[] }
}

fn series<'a>(name: &'a str, points: &'a [Option<f64>]) -> Series<'a> {
    Series { name, start: FROM, step: 15, points }
}

fn all(points: impl IntoIterator<Item = f64>) -> Vec<Option<f64>> {
    points.into_iter().map(Some).collect()
}

fn drawn(chart: &Chart<'_>, symbols: &'static Symbols, (width, height): (u16, u16)) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    chart.draw(&look(symbols), buffer.area, &mut buffer);
    if symbols.ascii {
        crate::text::asciify(&mut buffer);
    }
    crate::picture::text(&buffer)
}

const DEPLOY: [Mark<'static>; 1] =
    [Mark { at: FROM + 540, word: "deploy", role: Role::Muted, routine: false }];

/// Errors that begin a little after a deploy: the drawing of the Bridge.
fn errors() -> Vec<Option<f64>> {
    all((0..61).map(|n| if n < 38 { 0.002 } else { 0.091 - 0.09 * (-0.15 * f64::from(n - 37)).exp() }))
}

#[test]
fn the_charts_of_the_bridge() {
    let points = errors();
    let lines = [series("errors", &points)];
    let limit = [Limit { at: 0.02, word: "limit" }];
    let chart = Chart { limits: &limit, marks: &DEPLOY, ..chart(&lines, Unit::Ratio) };
    let mut out = String::new();
    for size in [(36, 5), (36, 3), (58, 10), (90, 20)] {
        out.push_str(&format!("{}x{}\n{}", size.0, size.1, drawn(&chart, &UNICODE, size)));
    }
    out.push_str(&format!("ascii\n{}", drawn(&chart, &ASCII, (58, 10))));
    insta::assert_snapshot!(out);
}

#[test]
fn gaps_single_points_flat_lines_and_what_is_no_number() {
    let mut gap = all((0..61).map(|n| f64::from(n % 20)));
    gap[20..30].fill(None);
    gap[40] = Some(f64::NAN);
    gap[50] = Some(f64::INFINITY);
    gap[51] = Some(f64::NEG_INFINITY);
    let mut single = vec![None; 61];
    single[30] = Some(5.0);
    let flat = all([7.0; 61]);
    let zero = all([0.0; 61]);
    let mut out = String::new();
    for (name, points) in [("gap", &gap), ("single", &single), ("flat", &flat), ("zero", &zero)] {
        let lines = [series(name, points)];
        out.push_str(&format!("{name}\n{}", drawn(&chart(&lines, Unit::Plain), &UNICODE, (48, 6))));
        out.push_str(&format!("{name}, ascii\n{}", drawn(&chart(&lines, Unit::Plain), &ASCII, (48, 6))));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_zoomed_chart_with_legend_and_cursor() {
    let look = look(&UNICODE);
    let [p50, p90, p99] = [(20.0, 3.0), (60.0, 8.0), (110.0, 30.0)]
        .map(|(base, swing)| all((0..61).map(|n| (base + swing * (f64::from(n) / 6.0).sin()) / 1_000.0)));
    let lines = [series("p99", &p99), series("p90", &p90), series("p50", &p50)];
    let limits = [Limit { at: 0.125, word: "limit" }];
    let marks = [
        Mark { at: FROM + 60, word: "restart", role: Role::Warning, routine: false },
        DEPLOY[0],
        Mark { at: FROM + 541, ..DEPLOY[0] },
    ];
    let chart =
        Chart { limits: &limits, marks: &marks, cursor: Some(FROM + 300), ..chart(&lines, Unit::Seconds) };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 76, 20));
    chart.draw(&look, Rect::new(0, 0, 76, 14), &mut buffer);
    let used = legend(&chart, &look, Rect::new(0, 15, 76, 4), &mut buffer);
    legend_line(&chart, &look, Rect::new(0, 19, 76, 1), &mut buffer);
    assert_eq!(used, 4);
    insta::assert_snapshot!(crate::picture::text(&buffer));
}

#[test]
fn events_of_one_cell_are_counted_or_named_and_routine_ones_give_way() {
    let at = |at: i64, word: &'static str| Mark {
        at: FROM + at,
        word,
        role: Role::Muted,
        routine: word == "backup",
    };
    let points = all((0..61).map(|_| 1.0));
    let lines = [series("a", &points)];
    let row = |marks: &[Mark<'_>]| {
        let chart = Chart { marks, ..chart(&lines, Unit::Requests) };
        drawn(&chart, &UNICODE, (60, 8)).lines().last().unwrap_or_default().trim().to_owned()
    };
    assert_eq!(row(&[at(550, "deploy"), at(551, "sync")]), "▲sync+deploy 14:26");
    assert_eq!(row(&[at(550, "restart"), at(551, "restart")]), "▲×2 restart 14:26");
    // A backup in the same cell is not named; one near by does not take the words' room.
    assert_eq!(row(&[at(550, "deploy"), at(551, "backup")]), "▲deploy 14:26");
    assert_eq!(row(&[at(550, "deploy"), at(600, "backup")]), "▲deploy 14:26");
    assert_eq!(row(&[at(300, "backup")]), "▲backup 14:22");
}

#[test]
fn what_is_said_stands_in_place() {
    let said =
        [("No Prometheus is known for staging.", Role::Muted), ("Name it in config.yaml.", Role::Muted)];
    let chart = Chart { said: &said, marks: &DEPLOY, ..chart(&[], Unit::Requests) };
    let told = drawn(&chart, &UNICODE, (48, 6));
    assert!(told.contains("No Prometheus is known for staging."), "{told}");
    assert!(told.contains("▲deploy 14:26") && told.contains("14:20"), "the axis stays: {told}");
}

#[test]
fn a_legend_with_too_many_lines_says_how_many_are_left_out() {
    let points = all([1.0, 2.0, 3.0]);
    let lines = [series("a", &points); 9];
    let chart = chart(&lines, Unit::Count);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 5));
    assert_eq!(legend(&chart, &look(&UNICODE), buffer.area, &mut buffer), 5);
    let told = crate::picture::text(&buffer);
    assert!(told.contains("and 6 more"), "{told}");
}

#[test]
fn a_far_limit_does_not_flatten_the_lines() {
    let points = all([10.0; 61]);
    let lines = [series("memory", &points)];
    let near = [Limit { at: 30.0, word: "limit" }];
    let far = [Limit { at: 3_000.0, word: "limit" }];
    let told =
        |limits: &[Limit<'_>]| drawn(&Chart { limits, ..chart(&lines, Unit::Plain) }, &UNICODE, (40, 6));
    assert!(told(&near).contains("limit 30"));
    let far = told(&far);
    assert!(far.lines().any(|line| line.trim_end().ends_with("limit 3000↑")), "{far}");
    assert!(!far.contains(UNICODE.dash), "{far}");
}

fn number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        6 => (-1e3..1e3f64).prop_map(Some),
        2 => any::<f64>().prop_map(Some),
        1 => Just(Some(f64::NAN)),
        1 => Just(Some(f64::INFINITY)),
        1 => Just(Some(f64::MIN_POSITIVE)),
    ]
}

fn unit() -> impl Strategy<Value = Unit> {
    prop::sample::select(vec![
        Unit::Cores,
        Unit::Bytes,
        Unit::ByteRate,
        Unit::Requests,
        Unit::Seconds,
        Unit::Ratio,
        Unit::Count,
        Unit::Plain,
    ])
}

proptest! {
    #[test]
    fn any_data_at_any_size_stays_inside(
        points in prop::collection::vec(prop::collection::vec(number(), 0..80), 0..9),
        start in prop_oneof![Just(FROM), any::<i64>()],
        step in prop_oneof![1i64..600, any::<i64>()],
        window in prop_oneof![Just((FROM, TO)), any::<(i64, i64)>()],
        (x, y, width, height) in (0u16..6, 0u16..6, 0u16..70, 0u16..16),
        unit in unit(),
        limit: f64,
        mark in prop_oneof![FROM..TO, any::<i64>()],
        ascii: bool,
    ) {
        let symbols = if ascii { &ASCII } else { &UNICODE };
        let names = ["one", "a name that is longer than the chart is wide, by far", "", "日本"];
        let lines: Vec<Series<'_>> = points
            .iter()
            .enumerate()
            .map(|(n, points)| Series { name: names[n % names.len()], start, step, points })
            .collect();
        let limits = [Limit { at: limit, word: "limit" }];
        let marks = [Mark { at: mark, word: "deploy", role: Role::Muted, routine: false }, Mark { at: mark.saturating_add(20), word: "", role: Role::Muted, routine: true }];
        let chart = Chart {
            series: &lines,
            from: window.0,
            to: window.1,
            unit,
            limits: &limits,
            marks: &marks,
            cursor: Some(mark),
            said: if points.is_empty() { &[("no data", Role::Muted)] } else { &[] },
        };
        let area = Rect::new(x, y, width, height);
        let whole = Rect::new(0, 0, 64, 18);
        let legend_at = Rect { height: height / 2, ..area };
        for part in 0..3 {
            let mut buffer = Buffer::filled(whole, ratatui::buffer::Cell::new("~"));
            match part {
                0 => chart.draw(&look(symbols), area, &mut buffer),
                1 => { legend(&chart, &look(symbols), legend_at, &mut buffer); }
                _ => legend_line(&chart, &look(symbols), area, &mut buffer),
            }
            let kept = if part == 1 { legend_at } else { area };
            for place in whole.positions().filter(|place| !kept.contains(*place)) {
                prop_assert_eq!(buffer[place].symbol(), "~", "{} at {:?}", part, place);
            }
        }
    }
}
