use std::borrow::Cow;

use super::*;
use crate::domain::level::Level;
use crate::panes::filter::Haystack;
use crate::panes::views::testing::shared;

/// Rows by number, each as well as it is told to be; `None` is not there.
#[derive(Debug)]
struct Numbers(Vec<Option<Level>>);

impl Rows for Numbers {
    type Row = usize;
    type Key = usize;

    fn id(&self) -> PaneId {
        PaneId::Pods
    }
    fn name(&self, _: &Shared) -> String {
        "Numbers".to_owned()
    }
    fn columns(&self, _: &Shared) -> Cow<'_, [Column]> {
        Cow::Owned(vec![Column::new("number", 6)])
    }
    fn changes(&mut self, _: &Shared) -> Changes<usize> {
        Changes::Everything
    }
    fn all(&self, shared: &Shared, each: &mut dyn FnMut(usize)) {
        (0..self.0.len()).filter(|row| self.shown(shared, *row)).for_each(each);
    }
    fn shown(&self, _: &Shared, row: usize) -> bool {
        self.0[row].is_some()
    }
    fn level(&self, _: &Shared, row: usize) -> Level {
        self.0[row].unwrap_or_default()
    }
    fn compare(&self, _: &Shared, _: usize, a: usize, b: usize) -> Ordering {
        a.cmp(&b)
    }
    fn key(&self, _: &Shared, row: usize) -> Option<usize> {
        Some(row)
    }
    fn find(&self, shared: &Shared, key: &usize) -> Option<usize> {
        Some(*key).filter(|row| self.shown(shared, *row))
    }
    fn search(&self, _: &Shared, _: usize, _: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        true
    }
    fn cell<'a>(&self, _: &'a Shared, row: usize, _: usize, _: &Look) -> Cell<'a> {
        Cell::text(row.to_string())
    }
    fn subject(&self, _: &Shared, _: usize) -> Option<Subject> {
        None
    }
    fn empty(&self, _: &Shared) -> Vec<String> {
        Vec::new()
    }
    fn stale(&self, _: &Shared) -> Option<String> {
        None
    }
}

/// A list of so many rows that are well, with the header and five rows in sight, the cursor on the first.
fn list(rows: usize, shared: &mut Shared) -> ListPane<Numbers> {
    let mut list = ListPane::new(Numbers(vec![Some(Level::Ok); rows]));
    list.resize(40, 6);
    list.refresh(shared);
    list.act(shared, Action::Down);
    list.act(shared, Action::Up);
    list
}

fn note(list: &ListPane<Numbers>, shared: &Shared) -> String {
    list.title(shared).note
}

#[test]
fn faults_that_come_in_above_the_selected_row_are_told_until_they_are_seen() {
    let mut shared = shared();
    let mut list = list(20, &mut shared);
    assert_eq!(note(&list, &shared), "20 · faults first");
    list.rows.0[9] = Some(Level::Critical);
    list.rows.0[12] = Some(Level::Warning);
    list.refresh(&shared);
    assert_eq!(list.selected(&shared), Some(0), "the cursor stays on its row");
    assert_eq!(note(&list, &shared), "20 · ↑2 new above · faults first");
    list.act(&mut shared, Action::Down);
    assert_eq!(note(&list, &shared), "20 · ↑2 new above · faults first", "going down does not see them");
    list.act(&mut shared, Action::Up);
    list.act(&mut shared, Action::Up);
    assert_eq!(list.selected(&shared), Some(12));
    assert_eq!(note(&list, &shared), "20 · ↑1 new above · faults first", "one of them is in sight");
    list.act(&mut shared, Action::Top);
    assert_eq!(note(&list, &shared), "20 · faults first");
    list.act(&mut shared, Action::Bottom);
    assert_eq!(note(&list, &shared), "20 · faults first", "what was seen is not new");
}

#[test]
fn a_fault_that_heals_or_goes_is_no_longer_told() {
    let mut shared = shared();
    let mut list = list(20, &mut shared);
    for row in [9, 12, 15] {
        list.rows.0[row] = Some(Level::Critical);
    }
    list.refresh(&shared);
    assert!(note(&list, &shared).contains("↑3 new above"));
    list.rows.0[9] = Some(Level::Ok);
    list.rows.0[12] = None;
    list.refresh(&shared);
    assert_eq!(note(&list, &shared), "19 · ↑1 new above · faults first");
    list.rows.0[9] = Some(Level::Critical);
    list.refresh(&shared);
    assert!(note(&list, &shared).contains("↑2 new above"), "broken again is new again");
}

#[test]
fn only_where_faults_stand_first_do_they_come_in_above() {
    let mut shared = shared();
    let mut list = list(20, &mut shared);
    list.act(&mut shared, Action::Bottom);
    list.act(&mut shared, Action::SortColumn);
    list.rows.0[0] = Some(Level::Critical);
    list.refresh(&shared);
    assert_eq!(note(&list, &shared), "20 · by number");
    list.act(&mut shared, Action::SortColumn);
    list.act(&mut shared, Action::Bottom);
    assert_eq!(note(&list, &shared), "20 · faults first", "asked for by the person, so not new");
}

#[test]
fn an_untouched_list_shows_the_worst_and_a_window_that_grows_over_them_has_shown_them() {
    let mut shared = shared();
    let mut list = ListPane::new(Numbers(vec![Some(Level::Ok); 20]));
    list.resize(40, 6);
    list.refresh(&shared);
    list.rows.0[9] = Some(Level::Critical);
    list.refresh(&shared);
    assert_eq!(note(&list, &shared), "20 · faults first", "it stays at its top");
    list.act(&mut shared, Action::Down);
    list.rows.0[3] = Some(Level::Critical);
    list.refresh(&shared);
    assert_eq!(note(&list, &shared), "20 · ↑1 new above · faults first");
    list.resize(40, 30);
    list.refresh(&shared);
    assert_eq!(note(&list, &shared), "20 · faults first");
}
