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
        program.resize(columns, rows);
        program.frames(1);
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
    // What still arrives is over when three frames in a row are small; a whole frame takes far more.
    let mut sizes = Vec::new();
    for _ in 0..30 {
        let bytes = program.frames(3);
        sizes.push(bytes.len());
        if bytes.len() < 1000 {
            return;
        }
    }
    panic!("three frames at rest take {sizes:?} bytes:\n{}", program.text());
}
