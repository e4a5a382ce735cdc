use super::*;
use crate::panes::views::testing::{answer, reference, screen, shared, survives_all_sizes};

fn view(shared: &mut Shared, kind: Kind, what: What) -> DocumentView {
    let name = if kind == Kind::Secret { "cart-db" } else { "cart-7d9c-x2kfp" };
    let (mut view, effects) = DocumentView::new(shared, reference(kind, name, 21), what);
    assert!(matches!(effects.as_slice(), [Effect::Ask(asked, _)] if *asked == view.request));
    view.resize(78, 18);
    view
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn yaml() -> Document {
    Document {
        lines: lines(include_str!("testdata/pod.yaml")),
        folded: Some((
            11,
            lines("  managedFields:\n  - apiVersion: v1\n    fieldsType: FieldsV1\n    manager: kubelet"),
        )),
        masked: false,
    }
}

fn give(view: &mut DocumentView, document: Document) {
    let request = view.request;
    assert!(answer(view, request, Answer::Document(document)));
}

fn press(view: &mut DocumentView, shared: &mut Shared, actions: &[Action]) -> Outcome {
    let mut last = Outcome::none();
    for action in actions {
        assert_eq!(view.applies(shared, *action), Applies::Yes, "{action:?}");
        last = view.act(shared, *action);
        view.refresh(shared);
    }
    last
}

fn at(view: &DocumentView) -> &str {
    &view.lines[view.scroll.cursor]
}

#[test]
fn managed_fields_are_folded_until_asked_for() {
    let mut shared = shared();
    let mut view = view(&mut shared, Kind::Pod, What::Yaml);
    assert!(matches!(view.applies(&shared, Action::Copy), Applies::No(_)), "there is nothing to copy yet");
    give(&mut view, yaml());
    let all = yaml().lines.len();
    assert_eq!((view.lines.len(), view.lines[11].as_str()), (all + 1, "  managedFields: … 4 lines"));
    press(&mut view, &mut shared, &[Action::ManagedFields]);
    assert_eq!((view.lines.len(), view.lines[11].as_str()), (all + 4, "  managedFields:"));
    press(&mut view, &mut shared, &[Action::ManagedFields]);
    let saved = press(&mut view, &mut shared, &[Action::Save]);
    let Effect::Save { name, lines } = &saved.effects[0] else { panic!("{saved:?}") };
    assert_eq!(name.to_str(), Some("pod-cart-7d9c-x2kfp-20261121T143159Z.yaml"));
    assert_eq!(*lines, yaml().lines, "the line that only stands for them is not saved");
}

#[test]
fn a_search_goes_to_the_next_match_and_round() {
    let mut shared = shared();
    let mut view = view(&mut shared, Kind::Pod, What::Yaml);
    give(&mut view, yaml());
    view.set_filter(&shared, "image").unwrap();
    assert_eq!(at(&view).trim(), "image: registry.example/shop/cart:1.31.0");
    press(&mut view, &mut shared, &[Action::NextMatch]);
    assert!(at(&view).contains("imagePullPolicy"), "{}", at(&view));
    let said = press(&mut view, &mut shared, &[Action::NextMatch]);
    assert_eq!(at(&view).trim(), "image: registry.example/shop/cart:1.31.0");
    assert!(said.note.is_some());
    press(&mut view, &mut shared, &[Action::PreviousMatch]);
    assert!(at(&view).contains("imagePullPolicy"));
    view.set_filter(&shared, "nowhere").unwrap();
    let said = press(&mut view, &mut shared, &[Action::NextMatch]);
    assert_eq!(said.note.unwrap().text, "Nothing matches /nowhere.");
    press(&mut view, &mut shared, &[Action::Back]);
    assert_eq!(view.filter(), Some(""));
}

#[test]
fn a_secret_is_masked_until_asked_for_and_masked_again() {
    let mut shared = shared();
    let mut view = view(&mut shared, Kind::Secret, What::Yaml);
    give(&mut view, Document { lines: lines("data:\n  password: ••••••"), folded: None, masked: true });
    assert!(screen(&mut view, &shared, 60, 6).contains("values are masked: v shows them"));
    let first = view.request;
    let asked = press(&mut view, &mut shared, &[Action::Reveal]);
    let question = Question::Yaml { object: reference(Kind::Secret, "cart-db", 21), reveal: true };
    assert_eq!(asked.effects, [Effect::Cancel(first), Effect::Ask(view.request, question)]);
    give(
        &mut view,
        Document { lines: lines("data:\n  password: aHVudGVyMg=="), folded: None, masked: false },
    );
    assert!(screen(&mut view, &shared, 60, 6).contains("aHVudGVyMg=="));
    press(&mut view, &mut shared, &[Action::Reveal]);
    let text = screen(&mut view, &shared, 60, 6);
    assert!(!text.contains("aHVudGVyMg=="), "away at once: {text}");
    assert!(!format!("{view:?}").contains("aHVudGVyMg=="), "and not kept either");
}

#[test]
fn only_a_secret_can_be_revealed() {
    let mut shared = shared();
    let pod = view(&mut shared, Kind::Pod, What::Yaml);
    assert!(matches!(pod.applies(&shared, Action::Reveal), Applies::No(_)));
    let described = view(&mut shared, Kind::Secret, What::Describe);
    assert!(matches!(described.applies(&shared, Action::Reveal), Applies::No(_)));
    assert!(matches!(described.applies(&shared, Action::ManagedFields), Applies::No(_)));
}

#[test]
fn late_answers_are_ignored() {
    let mut shared = shared();
    let mut view = view(&mut shared, Kind::Secret, What::Yaml);
    let first = view.request;
    press(&mut view, &mut shared, &[Action::Reveal]);
    assert!(!answer(&mut view, first, Answer::Document(yaml())));
    assert!(view.document.is_none());
}

#[test]
fn copying_takes_the_line_then_everything() {
    let mut shared = shared();
    let mut view = view(&mut shared, Kind::Pod, What::Yaml);
    give(&mut view, Document { lines: lines("a: 1\nb:\n  c: 2"), folded: None, masked: false });
    press(&mut view, &mut shared, &[Action::Down, Action::Down]);
    let line = press(&mut view, &mut shared, &[Action::Copy]);
    assert_eq!(line.effects, [Effect::Copy("c: 2".into())]);
    let whole = press(&mut view, &mut shared, &[Action::Copy]);
    assert_eq!(whole.effects, [Effect::Copy("a: 1\nb:\n  c: 2".into())]);
    press(&mut view, &mut shared, &[Action::Copy, Action::Up]);
    let line = press(&mut view, &mut shared, &[Action::Copy]);
    assert_eq!(line.effects, [Effect::Copy("b:".into())], "a move begins anew");
}

fn snapshots(name: &str, view: &mut DocumentView, shared: &Shared) {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let text = screen(view, shared, width - 2, height - 6);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
    }
    survives_all_sizes(view, shared);
}

#[test]
fn what_it_looks_like() {
    let mut shared = shared();
    crate::panes::views::testing::incident(&mut shared);
    let mut asking = view(&mut shared, Kind::Pod, What::Yaml);
    snapshots("loading", &mut asking, &shared);

    let mut empty = view(&mut shared, Kind::Pod, What::Describe);
    give(&mut empty, Document::default());
    snapshots("empty", &mut empty, &shared);

    let mut failing = view(&mut shared, Kind::Pod, What::Describe);
    let request = failing.request;
    answer(&mut failing, request, Answer::Failed("pods \"cart-7d9c-x2kfp\" not found".into()));
    snapshots("failing", &mut failing, &shared);

    let mut full = view(&mut shared, Kind::Pod, What::Yaml);
    give(&mut full, yaml());
    snapshots("full", &mut full, &shared);
    full.set_filter(&shared, "cart").unwrap();
    press(&mut full, &mut shared, &[Action::NextMatch, Action::Wrap]);
    snapshots("searched", &mut full, &shared);
}
