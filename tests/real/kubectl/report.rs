//! Two answers held against each other and against what is known.

use similar::{ChangeTag, TextDiff};

use super::list::Step;

/// Whether two answers are as they should be.
pub enum Verdict {
    AsItShouldBe,
    /// In words.
    Not(String),
}

/// Equal, or different in the very way that is known.
pub fn judge(step: &Step, real: &[String], demo: &[String]) -> Verdict {
    let Some(known) = &step.differs else {
        return if real == demo { Verdict::AsItShouldBe } else { Verdict::Not(difference(real, demo)) };
    };
    let has = |lines: &[String], text: &String| lines.iter().any(|line| line.contains(text.as_str()));
    let mut wrong = Vec::new();
    // The first line is how it ended, and a script looks at nothing else.
    match (known.end, real.first() == demo.first()) {
        (false, false) => wrong.push("  it ends differently, which is not known".to_owned()),
        (true, true) => wrong.push(format!("  known ({}), but it ends the same way", known.why)),
        _ => {}
    }
    let sides = [("real", "demo", &known.real, real, demo), ("demo", "real", &known.demo, demo, real)];
    for (side, other, texts, own, others) in sides {
        for text in texts {
            if !has(own, text) {
                wrong.push(format!("  known ({}), but not in the {side} answer: {text}", known.why));
            }
            if has(others, text) {
                wrong.push(format!("  known ({}), but in the {other} answer too: {text}", known.why));
            }
        }
    }
    let without = |lines: &[String], texts: &[String]| -> Vec<String> {
        let named = |line: &&String| !texts.iter().any(|text| line.contains(text.as_str()));
        lines.iter().skip(1).filter(named).cloned().collect()
    };
    let (real_rest, demo_rest) = (without(real, &known.real), without(demo, &known.demo));
    if known.rest && real_rest != demo_rest {
        wrong.push(difference(&real_rest, &demo_rest));
    } else if !wrong.is_empty() {
        wrong.push(difference(real, demo));
    }
    if wrong.is_empty() { Verdict::AsItShouldBe } else { Verdict::Not(wrong.join("\n")) }
}

/// `-` is the real server's, `+` the demo's.
fn difference(real: &[String], demo: &[String]) -> String {
    let (real, demo) = (real.join("\n") + "\n", demo.join("\n") + "\n");
    let diff = TextDiff::from_lines(&real, &demo);
    let mut text = String::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            text.push_str(&format!("  {sign} {}", change.value()));
        }
    }
    text
}

#[test]
fn how_a_command_ends_counts_whatever_else_differs() {
    let step = |notes: &str| {
        super::list::read(&format!("## one\ntop pods\n{notes}")).unwrap().remove(0).steps.remove(0)
    };
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (real, demo) = (lines("exit 1\ncomplains: no metrics"), lines("exit 0\nNAME CPU"));
    let told = |notes: &str, demo: &[String]| match judge(&step(notes), &real, demo) {
        Verdict::AsItShouldBe => String::new(),
        Verdict::Not(why) => why.lines().next().unwrap_or_default().trim().to_owned(),
    };
    let rest = "  differs: no metrics\n  demo: NAME\n  rest: differs\n";
    let end = format!("{rest}  end: differs\n");
    assert_eq!(told(rest, &demo), "it ends differently, which is not known");
    assert_eq!(told(&end, &demo), "");
    assert_eq!(told(&end, &lines("exit 1\nNAME CPU")), "known (no metrics), but it ends the same way");
    assert_eq!(told(rest, &lines("exit 1\nNAME CPU")), "");
}
