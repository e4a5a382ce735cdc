use proptest::prelude::*;

use super::*;

fn window(height: usize) -> Scroll {
    Scroll { width: 10, height, ..Scroll::default() }
}

#[test]
fn the_cursor_pulls_the_window_along_and_no_further() {
    let rows = |_: usize| 1;
    let mut scroll = window(4);
    scroll.step(3, 10, &rows);
    assert_eq!((scroll.cursor, scroll.top), (3, 0));
    scroll.step(1, 10, &rows);
    assert_eq!((scroll.cursor, scroll.top), (4, 1));
    scroll.step(-2, 10, &rows);
    assert_eq!((scroll.cursor, scroll.top), (2, 1));
    scroll.step(isize::MAX, 10, &rows);
    assert_eq!((scroll.cursor, scroll.top), (9, 6));
}

#[test]
fn a_line_taller_than_the_window_is_read_row_by_row() {
    let rows = |line: usize| if line == 1 { 6 } else { 1 };
    let mut scroll = window(4);
    scroll.step(1, 3, &rows);
    assert_eq!((scroll.top, scroll.skip), (1, 0));
    scroll.step(1, 3, &rows);
    scroll.step(1, 3, &rows);
    assert_eq!((scroll.cursor, scroll.skip), (1, 2));
    scroll.step(1, 3, &rows);
    assert_eq!((scroll.cursor, scroll.top, scroll.skip), (2, 1, 3));
    scroll.step(-1, 3, &rows);
    scroll.step(-1, 3, &rows);
    assert_eq!((scroll.cursor, scroll.top, scroll.skip), (1, 1, 2));
}

proptest! {
    #[test]
    fn whatever_is_pressed_the_window_is_full_and_holds_the_cursor(
        heights in proptest::collection::vec(1usize..9, 1..40),
        height in 0usize..12,
        moves in proptest::collection::vec((0u8..5, -20isize..20), 0..40),
    ) {
        let rows = |line: usize| heights[line];
        let total: usize = heights.iter().sum();
        let mut scroll = window(height);
        for (what, by) in moves {
            match what {
                0 => scroll.step(by, heights.len(), &rows),
                1 => scroll.step(by.signum(), heights.len(), &rows),
                2 => scroll.shift(by, heights.len(), &rows),
                3 => scroll.to_end(heights.len(), &rows),
                _ => { scroll.height = usize::try_from(by.abs()).unwrap(); scroll.reveal(heights.len(), &rows); }
            }
            let shown = scroll.shown(heights.len(), &rows);
            prop_assert_eq!(shown.len(), total.min(scroll.height));
            if scroll.height > 0 {
                prop_assert!(shown.iter().any(|s| s.line == scroll.cursor), "{:?} {:?}", scroll, shown);
            }
        }
    }
}

/// Presses a key in lines of one row each.
fn press(scroll: &mut Scroll, action: Action, len: usize) -> bool {
    scroll.act(action, len, &|_| 1)
}

#[test]
fn pages_overlap_by_a_row_and_half_pages_by_half() {
    let mut scroll = window(10);
    assert!(press(&mut scroll, Action::PageDown, 100));
    assert_eq!((scroll.top, scroll.cursor), (9, 9), "the last row of before is the first");
    assert!(press(&mut scroll, Action::PageDown, 100));
    assert_eq!(scroll.top, 18);
    assert!(press(&mut scroll, Action::PageUp, 100));
    assert_eq!(scroll.top, 9);
    assert!(press(&mut scroll, Action::HalfPageDown, 100));
    assert_eq!(scroll.top, 14);
    let mut low = window(1);
    assert!(press(&mut low, Action::PageDown, 100));
    assert_eq!(low.top, 1, "a window of one row moves all the same");
}

#[test]
fn keys_that_move_nothing_are_left_to_others() {
    let mut scroll = Scroll { following: true, ..window(4) };
    let before = scroll;
    for action in [Action::Left, Action::Right, Action::Copy, Action::Follow] {
        assert!(!press(&mut scroll, action, 100));
    }
    assert_eq!(scroll, before);
    for info in crate::action::TABLE {
        let moved = press(&mut window(4), info.action, 100);
        assert_eq!(moved, info.action.moves(), "{}", info.name);
    }
}

#[test]
fn the_end_is_followed_until_something_moves_up() {
    let mut scroll = Scroll { following: true, ..window(4) };
    let one = |_: usize| 1;
    scroll.settle(10, &one);
    assert_eq!((scroll.top, scroll.cursor), (6, 9));
    scroll.settle(12, &one);
    assert_eq!((scroll.top, scroll.cursor), (8, 11));
    for action in [Action::Down, Action::PageDown, Action::Bottom] {
        press(&mut scroll, action, 12);
        assert!(scroll.is_following(), "{action:?}");
    }
    scroll.mouse(Pointer::Wheel(3), 12, &one);
    assert!(scroll.is_following());
    for action in [Action::Up, Action::HalfPageUp, Action::PageUp, Action::Top] {
        let mut moved = scroll;
        press(&mut moved, action, 12);
        assert!(!moved.is_following(), "{action:?}");
        let top = moved.top;
        moved.settle(50, &one);
        assert_eq!(moved.top, top, "{action:?}: what comes does not move it");
    }
    let mut moved = scroll;
    moved.mouse(Pointer::Wheel(-3), 12, &one);
    assert!(!moved.is_following());
    let mut moved = scroll;
    moved.mouse(Pointer::Click(0, 1), 12, &one);
    assert_eq!((moved.is_following(), moved.cursor, moved.top), (false, 9, 8));
    let mut nothing = Scroll { following: true, ..window(4) };
    press(&mut nothing, Action::Top, 0);
    assert!(nothing.is_following(), "there is nothing to move in");
}

#[test]
fn a_window_that_shrinks_keeps_its_cursor_and_one_that_grows_its_place() {
    let one = |_: usize| 1;
    let mut scroll = window(20);
    scroll.go(50, 100, &one);
    assert_eq!((scroll.top, scroll.cursor), (31, 50));
    scroll.resize(10, 30);
    scroll.settle(100, &one);
    assert_eq!((scroll.top, scroll.cursor), (31, 50));
    scroll.resize(10, 5);
    scroll.settle(100, &one);
    assert_eq!((scroll.top, scroll.cursor), (46, 50));
    scroll.shift(-1, 100, &one);
    scroll.settle(100, &one);
    assert_eq!((scroll.top, scroll.cursor), (45, 49));
}

#[test]
fn the_status_has_a_row_where_there_is_room() {
    let area = |height| Rect { x: 2, y: 3, width: 10, height };
    assert_eq!(above_status(area(2)), (area(2), None));
    assert_eq!(above_status(area(3)), (area(2), Some(Rect { y: 5, height: 1, ..area(3) })));
}

const KEYS: [Action; 8] = [
    Action::Up,
    Action::Down,
    Action::HalfPageUp,
    Action::HalfPageDown,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
];

/// Rows from the top of the text to the top of the window.
fn above(scroll: &Scroll, heights: &[usize]) -> usize {
    heights.iter().take(scroll.top).sum::<usize>() + scroll.skip
}

proptest! {
    #[test]
    fn keys_never_leave_the_text_and_pages_never_jump_over_rows(
        heights in proptest::collection::vec(1usize..9, 1..40),
        height in 1usize..12,
        keys in proptest::collection::vec(0usize..KEYS.len(), 0..40),
    ) {
        let rows = |line: usize| heights[line];
        let total: usize = heights.iter().sum();
        let mut scroll = window(height);
        for key in keys.into_iter().map(|key| KEYS[key]) {
            let before = above(&scroll, &heights);
            prop_assert!(scroll.act(key, heights.len(), &rows));
            let after = above(&scroll, &heights);
            prop_assert!(after + height <= total.max(height), "{key:?} shows what is below the end: {scroll:?}");
            prop_assert_eq!(scroll.shown(heights.len(), &rows).len(), total.min(height));
            prop_assert!(scroll.cursor < heights.len());
            match key {
                Action::PageDown if height > 1 => prop_assert!(before <= after && after < before + height),
                Action::PageUp if height > 1 => prop_assert!(after <= before && before < after + height),
                Action::Down | Action::HalfPageDown | Action::Bottom => prop_assert!(before <= after),
                Action::Up | Action::HalfPageUp | Action::Top => prop_assert!(after <= before),
                _ => {}
            }
        }
    }

    #[test]
    fn a_new_size_keeps_the_cursor_in_sight_and_the_place_where_it_can(
        len in 1usize..200,
        line in 0usize..200,
        sizes in proptest::collection::vec(1u16..40, 1..10),
    ) {
        let one = |_: usize| 1;
        let mut scroll = window(10);
        scroll.go(line.min(len - 1), len, &one);
        for height in sizes {
            let (top, cursor) = (scroll.top, scroll.cursor);
            scroll.resize(10, height);
            scroll.settle(len, &one);
            let height = usize::from(height);
            prop_assert_eq!(scroll.cursor, cursor);
            prop_assert!(scroll.top <= cursor && cursor < scroll.top + height);
            if cursor < top + height && top + height <= len {
                prop_assert_eq!(scroll.top, top, "nothing had to move");
            }
        }
    }

    #[test]
    fn whatever_comes_a_followed_end_is_shown_and_a_place_that_is_not_stays(
        arrivals in proptest::collection::vec((1usize..30, 1usize..5), 1..20),
        leave in 0usize..20,
    ) {
        let mut heights: Vec<usize> = Vec::new();
        let mut scroll = Scroll { following: true, ..window(6) };
        let mut left = None;
        for (n, (lines, high)) in arrivals.into_iter().enumerate() {
            heights.extend(std::iter::repeat_n(high, lines));
            let rows = |line: usize| heights[line];
            scroll.settle(heights.len(), &rows);
            match left {
                None => {
                    let last = scroll.shown(heights.len(), &rows).pop();
                    prop_assert_eq!(last, Some(Shown { line: heights.len() - 1, row: rows(heights.len() - 1) - 1 }));
                }
                Some(place) => prop_assert_eq!((scroll.top, scroll.skip, scroll.cursor), place),
            }
            if n == leave {
                scroll.act(Action::Up, heights.len(), &rows);
                left = Some((scroll.top, scroll.skip, scroll.cursor));
            }
        }
    }
}
