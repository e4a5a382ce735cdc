//! How fresh what is shown of a cluster is, and in which words that is said.
//! The one thing of this room that moves with the clock, so it is worked out
//! for each frame; it looks at the connection only.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::{Kind, Name};
use crate::domain::level::Level;
use crate::domain::link::{Feed, Link};
use crate::domain::time::{Now, Stamp};
use crate::text::{age_short, duration_words};
use crate::world::ClusterWorld;

/// A connection that answers is asked every ten seconds and has five to answer;
/// silence beyond this is worth saying. Seconds.
const QUIET: u64 = 16;

/// How fresh the data of a cluster is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The kubeconfig has no such context.
    Missing,
    /// Not connected until asked for.
    Dim,
    /// The first answer is awaited.
    Connecting,
    /// Answers; the first list of this kind has not arrived whole.
    Loading(Kind),
    /// Up to date.
    Fresh,
    /// Nothing was heard for a while, last at this time.
    Old(Stamp),
    /// A person must log in again.
    LoginNeeded {
        /// What to run; may be empty.
        command: Name,
        /// What was said.
        message: Name,
    },
    /// May not be read: everything (`None`) or one kind.
    Forbidden {
        /// The kind that is refused.
        kind: Option<Kind>,
        /// What the server said.
        message: Name,
    },
    /// One kind may be read in some of the environment's namespaces and not in these.
    Partly {
        /// The kind.
        kind: Kind,
        /// The refused namespaces, sorted.
        refused: Arc<[Name]>,
        /// What the server said.
        message: Name,
    },
    /// One kind fails while the others work.
    Failing {
        /// The kind.
        kind: Kind,
        /// Why.
        message: Name,
    },
    /// Does not answer.
    Unreachable {
        /// Why.
        reason: Name,
        /// When it is tried again, on the clock that never jumps.
        retry_at: Duration,
        /// When it last answered.
        last: Option<Stamp>,
    },
    /// Can never work as configured.
    Broken(Name),
}

/// The kinds without which an environment's card says nothing.
const NEEDED: [Kind; 4] = [Kind::Pod, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

impl Freshness {
    /// Of these namespaces of a cluster; `None` when the kubeconfig has no such context.
    pub fn of(cluster: Option<&ClusterWorld>, namespaces: &[Name], now: Now) -> Freshness {
        let Some(cluster) = cluster else { return Freshness::Missing };
        let connection = &cluster.connection;
        match &connection.link {
            Link::Dim => Freshness::Dim,
            Link::Connecting => Freshness::Connecting,
            Link::Live => Freshness::of_feeds(cluster, namespaces).unwrap_or(match connection.last_answer {
                Some(last) if now.wall.since(last) > QUIET => Freshness::Old(last),
                _ => Freshness::Fresh,
            }),
            Link::LoginNeeded { command, message } => {
                Freshness::LoginNeeded { command: command.clone(), message: message.clone() }
            }
            Link::Forbidden { message } => Freshness::Forbidden { kind: None, message: message.clone() },
            Link::Unreachable { reason, retry_at, .. } => Freshness::Unreachable {
                reason: reason.clone(),
                retry_at: *retry_at,
                last: connection.last_answer,
            },
            Link::Broken { message } => Freshness::Broken(message.clone()),
        }
    }

    fn of_feeds(cluster: &ClusterWorld, namespaces: &[Name]) -> Option<Freshness> {
        let mut partly = None;
        // Where not even the namespaces are known, nothing is known of what runs in them.
        let unknown = namespaces.is_empty().then_some(Kind::Namespace);
        for kind in unknown.into_iter().chain(NEEDED) {
            match cluster.feed(kind).within(namespaces) {
                Feed::Live | Feed::Absent => {}
                Feed::Loading => return Some(Freshness::Loading(kind)),
                Feed::Forbidden(message) => return Some(Freshness::Forbidden { kind: Some(kind), message }),
                Feed::Failed(message) => return Some(Freshness::Failing { kind, message }),
                // Of all that keeps a kind from being whole, this hides the least.
                Feed::Partly { refused, message } => {
                    partly = partly.or(Some(Freshness::Partly { kind, refused, message }));
                }
            }
        }
        partly
    }

    /// Whether the data may be shown as the present.
    pub fn is_fresh(&self) -> bool {
        *self == Freshness::Fresh
    }

    /// What the connection alone says about an environment; `None` when the
    /// data decides.
    pub fn level(&self) -> Option<Level> {
        match self {
            Freshness::Fresh | Freshness::Old(_) | Freshness::Failing { .. } | Freshness::Partly { .. } => {
                None
            }
            Freshness::Forbidden { kind: Some(kind), .. } if !matches!(kind, Kind::Pod | Kind::Namespace) => {
                None
            }
            Freshness::Connecting | Freshness::Loading(_) => Some(Level::Progressing),
            Freshness::Dim => Some(Level::Idle),
            _ => Some(Level::Unknown),
        }
    }

    /// In a few words for a card or a title: `fresh`, `12 s old`, `login
    /// expired`, `forbidden`, `unreachable: retry in 8 s`, `connecting`, `not
    /// connected: c connects`.
    ///
    /// `connect_key` is the key that connects; empty says nothing of a key.
    pub fn words(&self, now: Now, connect_key: &str) -> String {
        match self {
            Freshness::Missing => "no such context in the kubeconfig".to_owned(),
            Freshness::Dim if connect_key.is_empty() => "not connected".to_owned(),
            Freshness::Dim => format!("not connected: {connect_key} connects"),
            Freshness::Connecting => "connecting".to_owned(),
            Freshness::Loading(kind) => format!("loading {}", kind.api().2),
            Freshness::Fresh => "fresh".to_owned(),
            Freshness::Old(last) => format!("{} old", duration_words(now.wall.since(*last))),
            Freshness::LoginNeeded { .. } => "login expired".to_owned(),
            Freshness::Forbidden { kind: None, .. } => "forbidden".to_owned(),
            Freshness::Forbidden { kind: Some(kind), .. } => format!("{}: forbidden", kind.api().2),
            Freshness::Partly { kind, refused, .. } => {
                format!("{}: forbidden in {}", kind.api().2, refused.join(", "))
            }
            Freshness::Failing { kind, .. } => format!("{} fail", kind.api().2),
            Freshness::Unreachable { retry_at, .. } => match retry_at.saturating_sub(now.mono) {
                wait if wait.is_zero() => "unreachable: trying".to_owned(),
                wait => format!("unreachable: retry in {}", duration_words(wait.as_secs().max(1))),
            },
            Freshness::Broken(_) => "broken".to_owned(),
        }
    }

    /// What stands behind the words: what the server said, what to run, since
    /// when. Empty when there is nothing to add.
    pub fn detail(&self, now: Now) -> String {
        match self {
            Freshness::LoginNeeded { command, message } if command.is_empty() => message.to_string(),
            Freshness::LoginNeeded { command, .. } => format!("run: {command}"),
            Freshness::Forbidden { message, .. }
            | Freshness::Partly { message, .. }
            | Freshness::Failing { message, .. } => message.to_string(),
            Freshness::Broken(message) => message.to_string(),
            Freshness::Unreachable { reason, last, .. } => match last {
                Some(last) => {
                    let seconds = i64::try_from(now.wall.since(*last)).unwrap_or(i64::MAX);
                    format!("{reason}; last answer {} ago", age_short(seconds))
                }
                None => reason.to_string(),
            },
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ClusterId;
    use crate::fleet::testing::{dim_world, send};
    use crate::msg::ClusterMsg;
    use crate::world::World;

    const NOW: Now = Now { wall: Stamp(1_000), mono: Duration::from_secs(100) };

    fn at(link: Link, last: Option<i64>, feeds: &[(Kind, Feed)]) -> Freshness {
        let mut world = dim_world(&["one"]);
        let id = ClusterId(0);
        send(&mut world, id, ClusterMsg::Link(link));
        for kind in NEEDED {
            send(&mut world, id, ClusterMsg::Feed(kind, Feed::Live));
        }
        for (kind, feed) in feeds {
            send(&mut world, id, ClusterMsg::Feed(*kind, feed.clone()));
        }
        world.clusters[0].connection.last_answer = last.map(Stamp);
        Freshness::of(world.cluster(id), &["pay".into(), "shop".into()], NOW)
    }

    #[test]
    fn links_and_feeds_in_words() {
        let unreachable = |retry: u64| Link::Unreachable {
            reason: "connection refused".into(),
            retry_at: Duration::from_secs(retry),
            attempt: 3,
        };
        let partly = |names: &[&str]| Feed::Partly {
            refused: names.iter().map(|name| Name::from(*name)).collect(),
            message: "no".into(),
        };
        let login = Link::LoginNeeded { command: "gcloud auth login".into(), message: "expired".into() };
        for (freshness, words, detail, level) in [
            (at(Link::Dim, None, &[]), "not connected: c connects", "", Some(Level::Idle)),
            (at(Link::Connecting, None, &[]), "connecting", "", Some(Level::Progressing)),
            (at(Link::Live, Some(990), &[]), "fresh", "", None),
            (at(Link::Live, Some(980), &[]), "20 s old", "", None),
            (
                at(Link::Live, Some(999), &[(Kind::Pod, Feed::Loading)]),
                "loading pods",
                "",
                Some(Level::Progressing),
            ),
            (
                at(Link::Live, Some(999), &[(Kind::Pod, Feed::Forbidden("no pods for you".into()))]),
                "pods: forbidden",
                "no pods for you",
                Some(Level::Unknown),
            ),
            (
                at(Link::Live, Some(999), &[(Kind::DaemonSet, Feed::Forbidden("no".into()))]),
                "daemonsets: forbidden",
                "no",
                None,
            ),
            (at(Link::Live, Some(999), &[(Kind::Pod, partly(&["other"]))]), "fresh", "", None),
            (
                at(Link::Live, Some(999), &[(Kind::Pod, partly(&["other", "shop"]))]),
                "pods: forbidden in shop",
                "no",
                None,
            ),
            (
                at(Link::Live, Some(999), &[(Kind::Pod, partly(&["pay", "shop"]))]),
                "pods: forbidden",
                "no",
                Some(Level::Unknown),
            ),
            (
                at(
                    Link::Live,
                    Some(999),
                    &[(Kind::Pod, partly(&["shop"])), (Kind::DaemonSet, Feed::Failed("500".into()))],
                ),
                "daemonsets fail",
                "500",
                None,
            ),
            (at(Link::Live, Some(999), &[(Kind::Pod, Feed::Failed("500".into()))]), "pods fail", "500", None),
            (at(login, Some(900), &[]), "login expired", "run: gcloud auth login", Some(Level::Unknown)),
            (
                at(unreachable(108), Some(988), &[]),
                "unreachable: retry in 8 s",
                "connection refused; last answer 12s ago",
                Some(Level::Unknown),
            ),
            (
                at(unreachable(99), None, &[]),
                "unreachable: trying",
                "connection refused",
                Some(Level::Unknown),
            ),
            (
                at(Link::Forbidden { message: "who are you".into() }, None, &[]),
                "forbidden",
                "who are you",
                Some(Level::Unknown),
            ),
            (
                at(Link::Broken { message: "bad certificate".into() }, None, &[]),
                "broken",
                "bad certificate",
                Some(Level::Unknown),
            ),
            (Freshness::of(None, &[], NOW), "no such context in the kubeconfig", "", Some(Level::Unknown)),
        ] {
            assert_eq!(freshness.words(NOW, "c"), words);
            assert_eq!(freshness.detail(NOW), detail, "{words}");
            assert_eq!(freshness.level(), level, "{words}");
        }
        assert_eq!(Freshness::Dim.words(NOW, ""), "not connected");
    }

    #[test]
    fn an_environment_whose_namespaces_are_not_known_is_not_fresh() {
        let mut world = dim_world(&["one"]);
        let id = ClusterId(0);
        send(&mut world, id, ClusterMsg::Link(Link::Live));
        for kind in NEEDED {
            send(&mut world, id, ClusterMsg::Feed(kind, Feed::Live));
        }
        let seen = |world: &World| {
            let fresh = Freshness::of(world.cluster(id), &[], Now::default());
            (fresh.words(NOW, "c"), fresh.level())
        };
        let [loading, refused] = [Some(Level::Progressing), Some(Level::Unknown)];
        assert_eq!(seen(&world), ("loading namespaces".to_owned(), loading));
        send(&mut world, id, ClusterMsg::Feed(Kind::Namespace, Feed::Forbidden("no".into())));
        assert_eq!(seen(&world), ("namespaces: forbidden".to_owned(), refused));
        send(&mut world, id, ClusterMsg::Feed(Kind::Namespace, Feed::Live));
        assert_eq!(seen(&world), ("fresh".to_owned(), None), "there are none");
    }
}
