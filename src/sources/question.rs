//! Questions that are asked one at a time: the whole object, its events, its logs.
//!
//! The runtime runs [`answer`] for each `Effect::Ask` and drops it at `Effect::Cancel`.

use tokio::sync::mpsc;

use super::logs::Answers;
use super::{
    Clock, Line, Timing, describe, drift, events, live_health, logs, object, pod_detail, sync_detail,
};
use crate::connect::problem::Fault;
use crate::effect::Question;
use crate::msg::{Answer, Msg, RequestId};

/// Asks, and sends what comes as `Msg::Answer` under this request. Logs answer many times; with `follow` they end only
/// when this is dropped or all containers are gone.
pub async fn answer(
    line: Line,
    request: RequestId,
    question: Question,
    clock: Clock,
    out: mpsc::Sender<Msg>,
) {
    answer_with(line, request, question, clock, Timing::default(), out).await;
}

/// As [`answer`], with other limits.
pub async fn answer_with(
    line: Line,
    request: RequestId,
    question: Question,
    clock: Clock,
    timing: Timing,
    out: mpsc::Sender<Msg>,
) {
    let answers = Answers { request, out };
    let limit = timing.answer_limit;
    let Some(client) = line.client() else {
        return answers.failed("This cluster is not connected.").await;
    };
    let answered: Result<Answer, Fault> = match question {
        Question::Logs(wanted) => return logs::read(line, wanted, timing, answers).await,
        Question::Yaml { object, reveal } => object::read(&client, &object, limit)
            .await
            .and_then(|value| object::yaml(object.kind, value, reveal))
            .map(Answer::Document),
        Question::Events(object) => events::read(&client, &object, limit).await.map(Answer::Events),
        Question::Describe(object) => {
            let whole = object::read(&client, &object, limit).await;
            // A description without its events is better than none.
            let events = events::read(&client, &object, limit).await;
            whole
                .map(|value| Answer::Document(describe::describe(object.kind, &value, &events, clock.wall())))
        }
        Question::Pod(object) => {
            pod_detail::read(&client, &object, limit).await.map(|pod| Answer::Pod(Box::new(pod)))
        }
        Question::Sync { object, server } => sync_detail::read(&client, &object, server, limit)
            .await
            .map(|detail| Answer::Sync(Box::new(detail))),
        Question::Drift(wanted) => drift::read(&client, &wanted, limit).await.map(Answer::Drift),
        Question::Healths { objects, .. } => {
            Ok(Answer::Healths(live_health::read(&client, &objects, limit).await))
        }
    };
    match answered {
        Ok(answer) => answers.give(answer).await,
        Err(fault) => answers.failed(fault.words()).await,
    }
}
