//! Whether the colour that is to be live can take what the live one serves.

use super::{Evidence, Finding, Gate};
use crate::change::traffic::{self, Pair, Readiness, readiness};

/// `standby`: as many ready pods as serve now, or the share that is configured.
pub struct Standby;

/// `endpoints`: without a single ready pod all traffic would be lost, and no reason is good enough for that.
pub struct Endpoints;

fn look(evidence: &Evidence<'_>) -> Result<(Pair, Readiness), String> {
    let (found, settings, _) = traffic::look(evidence.facts, &evidence.order.intent.with)?;
    let ready = readiness(&found, evidence.facts, settings);
    Ok((found, ready))
}

impl Gate for Standby {
    fn name(&self) -> &'static str {
        "standby"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        match look(evidence) {
            Err(why) => Finding::unknown(why),
            Ok((pair, Readiness { ready, needed, serving, .. })) if ready >= needed => Finding::pass(
                format!("{ready} pods of {} are ready, {serving} of {} serve", pair.to, pair.from),
            ),
            Ok((pair, Readiness { ready, needed, serving, .. })) => Finding::fail(format!(
                "{ready} pods of {} are ready, {needed} are needed ({serving} of {} serve)",
                pair.to, pair.from
            ))
            .mend(format!("scale {} up first", pair.to)),
        }
    }

    // The way back may lead to fewer: better those than what is broken.
    fn yields(&self) -> bool {
        true
    }
}

impl Gate for Endpoints {
    fn name(&self) -> &'static str {
        "endpoints"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        match look(evidence) {
            Err(why) => Finding::unknown(why),
            Ok((pair, Readiness { all: 0, .. })) => {
                Finding::fail(format!("no pod has {} {}: all traffic would be lost", pair.key, pair.to))
            }
            Ok((pair, Readiness { ready: 0, all, .. })) => Finding::fail(format!(
                "none of {all} pods of {} is ready with the ports of the Service: all traffic would be lost",
                pair.to
            )),
            Ok((pair, Readiness { ready, .. })) => {
                Finding::pass(format!("its selector would match {ready} ready pods of {}", pair.to))
            }
        }
    }

    fn is_final(&self) -> bool {
        true
    }

    fn unknown_fails(&self) -> bool {
        true
    }
}
