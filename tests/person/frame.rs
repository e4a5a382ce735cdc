//! A frame as text: rows of panes that stand side by side, and titles.

/// A text that is looked for on the screen.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Anywhere.
    Text(String),
    /// In a row of one pane that also has the first text.
    Row(String, String),
    /// In the frame around a pane whose title has the first text.
    Title(String, String),
    /// In such a title, after that text: a number, whichever.
    Number(String),
}

/// Sides of a pane's frame, also in ASCII.
const SIDES: [char; 3] = ['│', '┃', '|'];
/// Corners and lines that begin a pane's frame.
const TOPS: [char; 3] = ['┌', '┏', '+'];

/// Whether the frame shows it.
pub fn shows(frame: &str, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Text(text) => frame.contains(text.as_str()),
        Wanted::Row(first, second) => {
            let mut rows = frame.lines().flat_map(|line| line.split(SIDES));
            rows.any(|row| row.contains(first.as_str()) && row.contains(second.as_str()))
        }
        Wanted::Title(first, second) => {
            let mut titles = frame.lines().flat_map(|line| line.split(TOPS).skip(1));
            titles.any(|title| title.contains(first.as_str()) && title.contains(second.as_str()))
        }
        Wanted::Number(first) => {
            let mut titles = frame.lines().flat_map(|line| line.split(TOPS).skip(1));
            let numbered = |after: &str| after.contains(|char: char| char.is_ascii_digit());
            titles.any(|title| title.split_once(first.as_str()).is_some_and(|(_, after)| numbered(after)))
        }
    }
}

#[test]
fn rows_and_titles_belong_to_their_pane() {
    let frame = "┌─ Pods ── 5 ─┐┏━ Apps ━━ 7 ━┓\n│ cart well   │┃ media ill   ┃\n└────┘";
    let row = |a: &str, b: &str| shows(frame, &Wanted::Row(a.to_owned(), b.to_owned()));
    let title = |a: &str, b: &str| shows(frame, &Wanted::Title(a.to_owned(), b.to_owned()));
    assert!(row("cart", "well") && row("media", "ill") && !row("cart", "ill"));
    assert!(title("Pods", "5") && title("Apps", "7") && !title("Pods", "7") && !title("cart", "well"));
    assert!(shows(frame, &Wanted::Text("ill".to_owned())));
    let number = |text: &str| shows("┌─ p99 ms ── 5 ─┐┌─ req/s ──────┐", &Wanted::Number(text.to_owned()));
    assert!(number("p99 ms") && !number("req/s"));
}
