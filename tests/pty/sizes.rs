//! Sizes, and how little is sent.

use super::program::Platform;

fn last_row(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    screen.rows(0, columns).nth(usize::from(rows) - 1).unwrap_or_default()
}

#[test]
fn a_storm_of_sizes_ends_well() {
    let platform = Platform::start();
    let mut program = platform.open();
    for round in 0..40_u16 {
        let (columns, rows) = (1 + (round * 53) % 220, 1 + (round * 31) % 70);
        program.resize(columns, rows);
        if round % 4 == 0 {
            program.press("j");
        }
    }
    for (columns, rows) in [(1, 1), (3, 2), (1, 40), (300, 1), (80, 24)] {
        // It may be drawn before anybody counts.
        let here = program.here();
        program.resize(columns, rows);
        program.wait_since(here, "a frame of that size", |text| text.contains("\u{1b}[?2026l"));
    }
    program.resize(120, 40);
    program.wait("the whole frame again", |screen| {
        screen.contents().contains("cart-") && last_row(screen).contains("? help")
    });
    program.press("q");
    assert_eq!(program.ended().exit_code(), 0);
    program.wait_until_given_back();
}

#[test]
fn at_rest_only_changed_cells_are_sent() {
    let platform = Platform::start();
    let program = platform.open();
    // A small one comes once the most has arrived; a whole frame takes far more. One is enough: where no age grows by the
    // second, the next may come with the next minute.
    let mut sizes = Vec::new();
    for _ in 0..60 {
        let bytes = program.frames(1);
        sizes.push(bytes.len());
        if bytes.len() < 400 {
            return;
        }
    }
    panic!("frames at rest take {sizes:?} bytes:\n{}", program.text());
}
