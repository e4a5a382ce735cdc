//! Whether the colour that is to be live answers a request, where one is configured (`traffic.smoke`).

use super::{Evidence, Finding, Gate};
use crate::text::clean;

/// `smoke`
pub struct Smoke;

impl Gate for Smoke {
    fn name(&self) -> &'static str {
        "smoke"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let Some(smoke) = &evidence.facts.smoke else {
            return Finding::pass("no request is configured (traffic.smoke)");
        };
        let path = &smoke.path;
        let answered = smoke.answers.iter().filter_map(|(pod, answer)| Some((pod, *answer.as_ref().ok()?)));
        if let Some((pod, code)) = answered.clone().find(|(_, code)| *code >= 400) {
            return Finding::fail(format!("GET {path}: {} answers {code}", clean(pod)))
                .mend("look at its log, and plan again");
        }
        if let Some((pod, Err(why))) = smoke.answers.iter().find(|(_, answer)| answer.is_err()) {
            return Finding::unknown(format!("GET {path}: {} could not be asked: {why}", clean(pod)));
        }
        match answered.count() {
            0 => Finding::unknown(format!("GET {path}: no ready pod is there to be asked")),
            1 => Finding::pass(format!("GET {path}: 1 pod answers")),
            n => Finding::pass(format!("GET {path}: {n} pods answer")),
        }
    }

    // Where it was asked before somebody called it a way back, it must not hold that up.
    fn yields(&self) -> bool {
        true
    }
}
