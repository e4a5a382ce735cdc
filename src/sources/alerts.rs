//! Alerts of one server, asked again and again: the rules API of a Prometheus, or an Alertmanager with its silences.
//!
//! Each server has a task of its own and one question on its way at a time, so that a slow one costs itself alone. A
//! failure is told at once, and waited for longer with each further one; what was told before stays in the state. Of an
//! Alertmanager's cluster one member answers for all (`members`).

mod members;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::sleep;

use self::members::Members;
use super::graphs::Caller;
use super::{Timing, jittered};
use crate::connect::problem::Fault;
use crate::connect::upstream::Reply;
use crate::domain::alert::{Managed, Rulebook, Told};
use crate::domain::meta::Interner;
use crate::domain::upstream::{Server, Upstream};
use crate::msg::Msg;
use crate::wire::alerts;

/// Asks until it is dropped.
pub async fn follow(caller: Caller, upstream: Arc<Upstream>, timing: Timing, out: mpsc::Sender<Msg>) {
    let mut interner = Interner::new();
    let mut backoff = timing.backoff();
    let mut members = Members::of(caller.clone(), &upstream);
    loop {
        let told = match upstream.server {
            Server::Alertmanager => Told::Managed(members.managed(&mut interner).await),
            _ => Told::Rules(rules(&caller, &mut interner).await),
        };
        let wait = if told.is_good() {
            backoff = timing.backoff();
            jittered(timing.alerts)
        } else {
            backoff.next().unwrap_or(timing.backoff_last)
        };
        if out.send(Msg::Alerts(Arc::clone(&upstream), told)).await.is_err() {
            return;
        }
        sleep(wait).await;
    }
}

/// The rules that have alerts. Where rules are not served, or are too many, the alerts alone.
async fn rules(caller: &Caller, interner: &mut Interner) -> Result<Rulebook, String> {
    let mut asked = Asked::default();
    match good(ask(caller, "/api/v1/rules", &[("type", "alert")], &mut asked).await) {
        Ok(reply) => alerts::rules(&reply.body, interner),
        Err(Refused::Never(_)) => {
            let reply = good(ask(caller, "/api/v1/alerts", &[], &mut asked).await).map_err(Refused::words)?;
            alerts::rules(&reply.body, interner)
        }
        Err(refused) => Err(refused.words()),
    }
}

/// The alerts by group; where groups are not served, the alerts alone. Silences are asked for when some hold.
async fn managed(caller: &Caller, interner: &mut Interner, asked: &mut Asked) -> Result<Managed, String> {
    let kept = match good(ask(caller, "/api/v2/alerts/groups", &[], asked).await) {
        Ok(reply) => alerts::groups(&reply.body, interner)?,
        Err(Refused::Never(_)) => {
            let reply = good(ask(caller, "/api/v2/alerts", &[], asked).await).map_err(Refused::words)?;
            alerts::alerts(&reply.body, interner)?
        }
        Err(refused) => return Err(refused.words()),
    };
    let wanted = alerts::silences_of(&kept);
    let silences = if wanted.is_empty() {
        Ok(Vec::new())
    } else {
        let reply = good(ask(caller, "/api/v2/silences", &[], asked).await).map_err(Refused::words);
        reply.and_then(|reply| alerts::silences(&reply.body, &wanted, interner))
    };
    Ok(alerts::managed(kept, silences))
}

/// How it went to ask.
#[derive(Debug, Default)]
struct Asked {
    /// Why it had to be asked twice.
    twice: Option<String>,
}

/// Asks, and once more where it is chance who answers: the API server's proxy picks one of several members, and one of
/// them may be dead.
async fn ask(caller: &Caller, path: &str, query: &[(&str, &str)], asked: &mut Asked) -> Result<Reply, Fault> {
    let first = caller.get(path, query).await;
    let why = match &first {
        Err(fault @ (Fault::Unreachable(_) | Fault::Server(_))) => Some(fault.words().to_owned()),
        Ok(reply) if matches!(reply.status, 502..=504) => {
            Some(format!("it answers with an error ({})", reply.status))
        }
        _ => None,
    };
    let Some(why) = why.filter(|_| caller.is_proxied()) else { return first };
    let second = caller.get(path, query).await;
    if second.as_ref().is_ok_and(Reply::is_good) {
        asked.twice = Some(why);
    }
    second
}

/// Why there is no answer.
enum Refused {
    /// This path never has one there.
    Never(String),
    /// It may have one the next time.
    Now(String),
}

impl Refused {
    fn words(self) -> String {
        match self {
            Refused::Never(words) | Refused::Now(words) => words,
        }
    }
}

fn good(answer: Result<Reply, Fault>) -> Result<Reply, Refused> {
    match answer {
        // A refusal with words of its own is JSON, which the reader quotes.
        Ok(reply) if reply.is_good() || reply.body.starts_with(b"{") => match reply.status {
            404 | 405 => Err(Refused::Never("it serves no alerts (404)".to_owned())),
            _ => Ok(reply),
        },
        Ok(reply) if matches!(reply.status, 404 | 405) => {
            Err(Refused::Never(format!("it serves no alerts ({})", reply.status)))
        }
        Ok(reply) => Err(Refused::Now(format!("it answers with an error ({})", reply.status))),
        Err(Fault::NotFound(words)) => Err(Refused::Never(words)),
        Err(fault) => Err(Refused::Now(fault.words().to_owned())),
    }
}
