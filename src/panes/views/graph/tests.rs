//! The cursor on events, and the sign under a mistake.

use super::*;
use crate::domain::id::{EnvId, Kind, ObjectRef};
use crate::panes::views::testing::{self, NOW, screen};

#[test]
fn the_sign_stands_under_the_mistake() {
    let told = |query: &str, column: u32, width: usize| {
        let mut below = Vec::new();
        mistake(query, 1, column, width, &mut below);
        below.into_iter().map(|(line, _)| line).collect::<Vec<_>>()
    };
    assert_eq!(told("sum(rate(up[5m))", 15, 40), ["sum(rate(up[5m))", "              ^"]);
    let [line, sign]: [String; 2] = told(&format!("{}!", "a".repeat(60)), 61, 20).try_into().unwrap();
    assert_eq!(line.chars().nth(text::width(&sign) - 1), Some('!'), "{line}\n{sign}");
    assert_eq!(told("", 99, 10).len(), 2);
}

#[test]
fn the_cursor_says_what_happened_where_it_stands() {
    let mut shared = testing::shared();
    testing::incident(&mut shared);
    let object: ObjectRef = testing::reference(Kind::Deployment, "cart", 1);
    let mut view = GraphView::of_signal(Target::Workload(EnvId(1), object), Signal::Errors, 1);
    let calm = screen(&mut view, &shared, 100, 30);
    assert!(calm.contains("restart  cart-7d9c-") && !calm.contains("▲14:"), "the newest events: {calm}");
    // From the right end to where a container ended: 31 seconds ago.
    view.act(&mut shared, Action::Right);
    let mut told = String::new();
    for _ in 0..5 {
        told = screen(&mut view, &shared, 100, 30);
        if told.contains("▲14:31:28  restart  cart-7d9c-") {
            break;
        }
        view.act(&mut shared, Action::Left);
    }
    assert!(told.contains("▲14:31:28  restart  cart-7d9c-"), "{told}");
    view.act(&mut shared, Action::Back);
    assert_eq!(screen(&mut view, &shared, 100, 30), calm);
}

/// No event is told at two places of the cursor, and none is passed over.
#[test]
fn every_event_is_under_exactly_one_place_of_the_cursor() {
    let mut shared = testing::shared();
    testing::incident(&mut shared);
    let object: ObjectRef = testing::reference(Kind::Deployment, "cart", 1);
    for (range, width) in [(0, 80), (1, 100), (1, 37), (3, 200)] {
        let mut view =
            GraphView::of_signal(Target::Workload(EnvId(1), object.clone()), Signal::Errors, range);
        screen(&mut view, &shared, width, 30);
        let known = view.marks.len();
        assert!(known > 0);
        view.act(&mut shared, Action::Right);
        let mut told = 0;
        loop {
            told += view.under_cursor().len();
            let before = view.cursor;
            view.act(&mut shared, Action::Left);
            // The left end is not a whole stride away.
            if view.cursor == before || view.cursor.is_some_and(|at| at + view.stride() > before.unwrap_or(0))
            {
                break;
            }
        }
        let beyond = view.marks.iter().filter(|mark| mark.at > NOW.plus(-view.stride() / 2)).count();
        assert!(told + beyond >= known && told <= known, "{told} of {known} at {range}, {width} columns");
    }
}
