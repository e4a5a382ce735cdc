//! What is lost with the pods of a node: pods that nobody makes again, and what is kept in an emptyDir. Told that it
//! may go (`--force`, `--delete-emptydir-data`), or by a reason, it goes.

use super::{Evidence, Finding, Gate};
use crate::change::json::text;
use crate::change::pods::{Fate, fate, is_ending};
use crate::text::clean;

/// `losses`
pub struct Losses;

/// Names that are said; of more there is only the number.
const NAMED: usize = 3;

impl Gate for Losses {
    fn name(&self) -> &'static str {
        "losses"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let pods = match &evidence.facts.pods {
            Ok(pods) => pods,
            Err(why) => return Finding::unknown(format!("its pods could not be read: {why}")),
        };
        let with = &evidence.order.intent.with;
        let of = |wanted: Fate| -> Vec<String> {
            let found = pods.iter().filter(|pod| fate(pod) == wanted && !is_ending(pod));
            found
                .map(|pod| {
                    clean(&format!("{}/{}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name")))
                        .into_owned()
                })
                .collect()
        };
        let (lost, kept) = (of(Fate::Lost), of(Fate::Empties));
        let mut why = Vec::new();
        let mut ways = Vec::new();
        for (names, what, allowed, flag) in [
            (&lost, "nobody makes again", with.force, "--force"),
            (&kept, "keeps data in an emptyDir that is lost:", with.empty_dir, "--delete-emptydir-data"),
        ] {
            if names.is_empty() {
                continue;
            }
            let mut said = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            if names.len() > NAMED {
                said.push_str(&format!(" and {} more", names.len() - NAMED));
            }
            why.push(format!("{what} {said}"));
            if !allowed {
                ways.push(flag);
            }
        }
        match (why.is_empty(), ways.is_empty()) {
            (true, _) => Finding::pass("every pod is made again, and none keeps data on the node"),
            (false, true) => Finding::warn(why.join("; ")),
            (false, false) => {
                Finding::fail(why.join("; ")).mend(format!("say {} or why it may go", ways.join(" and ")))
            }
        }
    }
}
