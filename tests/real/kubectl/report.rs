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
        lines.iter().filter(named).cloned().collect()
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
