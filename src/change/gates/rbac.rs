//! Whether the cluster lets this user send exactly these requests.

use super::{Evidence, Finding, Gate};

/// `rbac`
pub struct Rbac;

impl Gate for Rbac {
    fn name(&self) -> &'static str {
        "rbac"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        for (right, may) in evidence.rights {
            match may {
                Ok(true) => {}
                Ok(false) => {
                    // Nodes and their like are in no namespace.
                    let place = match right.namespace.is_empty() {
                        true => String::new(),
                        false => format!(" in {}", right.namespace),
                    };
                    return Finding::fail(format!("you may not {right}{place}"))
                        .mend(format!("ask for {right}{place}"));
                }
                Err(why) => return Finding::unknown(format!("whether you may {right} is not told: {why}")),
            }
        }
        match evidence.rights {
            [] => Finding::unknown("no right was asked about"),
            [(right, _)] => Finding::pass(format!("you may {right}")),
            rights => Finding::pass(format!("you may do all of it ({} rights)", rights.len())),
        }
    }

    fn is_final(&self) -> bool {
        true
    }

    fn unknown_fails(&self) -> bool {
        true
    }
}
