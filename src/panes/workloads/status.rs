//! How a workload is, in words, and which release it runs.

use std::borrow::Cow;

use crate::domain::level::Level;
use crate::domain::time::Now;
use crate::domain::workload::{More, Workload};
use crate::fleet::health::{Standing, why};
use crate::panes::words;
use crate::world::ClusterWorld;

/// How a workload is, in words: `available`, `2/3 pods updated`, `3 pods
/// CrashLoopBackOff (OOMKilled)`, `*/5 * * * *, last 3m`.
pub fn status(
    cluster: &ClusterWorld,
    workload: &Workload,
    standing: Standing,
    now: Now,
) -> Cow<'static, str> {
    match (&workload.more, standing.level) {
        (More::CronJob(cron), Level::Idle) => {
            let last = match cron.last_schedule {
                Some(at) => format!(", last {}", words::age(at, now)),
                None => ", never ran".to_owned(),
            };
            let state = if workload.paused { "suspended, " } else { "" };
            return format!("{state}{}{last}", cron.schedule).into();
        }
        (More::Job(job), Level::Idle) if job.completed.is_some() => return "complete".into(),
        (_, Level::Ok) if workload.paused => return "available, rollout paused".into(),
        (_, Level::Ok) => return "available".into(),
        (_, Level::Idle) if workload.desired == 0 && !workload.paused => return "scaled to 0".into(),
        _ => {}
    }
    let words = why(cluster, workload, standing);
    let words =
        words.strip_prefix(&*workload.name).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&words);
    if workload.paused && standing.level != Level::Idle {
        format!("{words}, paused").into()
    } else {
        words.to_owned().into()
    }
}

/// The tag of the first container's image.
pub fn release(workload: &Workload) -> &str {
    workload.images.iter().find(|image| !image.init).map_or("", |image| tag(&image.image))
}

/// The tag of an image reference, else the head of its digest, else `latest`.
pub fn tag(image: &str) -> &str {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let last = name.rsplit('/').next().unwrap_or(name);
    match (last.split_once(':'), digest) {
        (Some((_, tag)), _) => tag,
        (None, Some(digest)) => {
            let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
            hex.get(..12).unwrap_or(hex)
        }
        (None, None) => "latest",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_references() {
        for (image, wanted) in [
            ("cart:1.31.0", "1.31.0"),
            ("registry:5000/shop/cart", "latest"),
            ("registry:5000/shop/cart:1@sha256:aa", "1"),
            ("cart@sha256:0123456789abcdef", "0123456789ab"),
            ("", "latest"),
        ] {
            assert_eq!(tag(image), wanted, "{image}");
        }
    }
}
