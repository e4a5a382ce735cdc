//! Whether what is to get the traffic has been ready long enough to be trusted (`traffic.soak`).

use super::{Evidence, Finding, Gate};
use crate::change::pods::ready_since;
use crate::change::traffic::{look, readiness, standing_by};
use crate::text::duration_words;

/// `soak`
pub struct Soak;

impl Gate for Soak {
    fn name(&self) -> &'static str {
        "soak"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let (pair, settings, pods) = match look(evidence.facts, &evidence.order.intent.with) {
            Ok(found) => found,
            Err(why) => return Finding::unknown(why),
        };
        // Since when each of them has been ready, the longest first: as many count as are needed.
        let mut since: Vec<i64> =
            standing_by(&pair, &evidence.facts.live, pods).filter_map(ready_since).collect();
        since.sort_unstable();
        let needed = readiness(&pair, evidence.facts, settings).needed.max(1) as usize;
        let wanted = settings.soak.as_secs();
        let Some(last) = since.get(needed.min(since.len()).saturating_sub(1)) else {
            return match wanted {
                0 => Finding::pass("no time is configured (traffic.soak)"),
                _ => Finding::unknown(format!("since when pods of {} are ready is not known", pair.to)),
            };
        };
        let age = u64::try_from(evidence.facts.now.wall.0.saturating_sub(*last)).unwrap_or(0);
        let why = format!("{} has been ready for {}", pair.to, duration_words(age));
        match wanted {
            0 => Finding::pass(format!("{why} (no time is configured: traffic.soak)")),
            wanted if age >= wanted => Finding::pass(format!("{why} ({} wanted)", duration_words(wanted))),
            wanted => Finding::fail(format!("{why}, {} are wanted", duration_words(wanted)))
                .mend(format!("wait {} more", duration_words(wanted - age))),
        }
    }

    fn yields(&self) -> bool {
        true
    }
}
