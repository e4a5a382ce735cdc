//! Words that panes share: what is looked at, how fresh it is, why nothing is
//! there.

use std::borrow::Cow;

use super::list::Column;
use crate::domain::id::{ClusterId, EnvId, Kind, Name};
use crate::domain::link::{Feed, Link};
use crate::domain::sync::FLUX;
use crate::domain::time::{Now, Stamp};
use crate::shared::Shared;
use crate::text;
use crate::world::ClusterWorld;

/// What decides which rows are looked at; when it changes, orders are made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeKey {
    environment: EnvId,
    all: bool,
    namespace: Option<Name>,
    namespaces: Vec<Name>,
}

/// The present [`ScopeKey`].
pub fn scope_key(shared: &Shared) -> ScopeKey {
    ScopeKey {
        environment: shared.current,
        all: shared.all_environments,
        namespace: shared.namespace.clone(),
        namespaces: shared.environment().map(|env| env.scope.namespaces().to_vec()).unwrap_or_default(),
    }
}

/// `production`, `all environments`, `production/shop-prod`.
pub fn scope(shared: &Shared) -> String {
    let mut words = match shared.environment() {
        _ if shared.all_environments => "all environments".to_owned(),
        Some(env) => env.name.to_string(),
        None => String::new(),
    };
    if let Some(namespace) = &shared.namespace {
        words.push('/');
        words.push_str(namespace);
    }
    words
}

/// Columns without the one that names the namespace, where all rows would say
/// the same.
pub fn with_namespaces<'a>(shared: &Shared, columns: &'a [Column], namespace: usize) -> Cow<'a, [Column]> {
    let one = shared.namespace.is_some()
        || !shared.all_environments
            && shared.environment().is_some_and(|env| env.scope.namespaces().len() == 1);
    let mut columns = Cow::Borrowed(columns);
    if one && let Some(column) = columns.to_mut().get_mut(namespace) {
        column.rank = Column::NEVER;
    }
    columns
}

/// kubectl's age of something.
pub fn age(created: Stamp, now: Now) -> String {
    text::age_short(i64::try_from(now.wall.since(created)).unwrap_or(i64::MAX))
}

/// An image reference without its registry: `cart:1.31.0`.
pub fn short_image(image: &str) -> &str {
    image.rsplit('/').next().unwrap_or(image)
}

/// How the watch of a kind stands where the person looks: what is refused in other namespaces does not matter there.
fn feed_here(shared: &Shared, cluster: &ClusterWorld, kind: Kind) -> Feed {
    let feed = cluster.feed(kind);
    if let Some(namespace) = &shared.namespace {
        return feed.within(std::slice::from_ref(namespace));
    }
    match shared.environment() {
        Some(env) if !shared.all_environments => feed.within(env.scope.namespaces()),
        _ => feed,
    }
}

/// The clusters that are looked at.
pub(super) fn clusters(shared: &Shared) -> Vec<ClusterId> {
    if shared.all_environments {
        let mut clusters: Vec<ClusterId> = shared.environments.list.iter().map(|env| env.cluster).collect();
        clusters.sort_unstable();
        clusters.dedup();
        clusters
    } else {
        shared.environment().map(|env| env.cluster).into_iter().collect()
    }
}

/// The clusters of the release matrix.
fn matrix_clusters(shared: &Shared) -> Vec<ClusterId> {
    let environments = shared.matrix.columns.iter().filter_map(|id| shared.environments.get(*id));
    let mut clusters: Vec<ClusterId> = environments.map(|env| env.cluster).collect();
    clusters.sort_unstable();
    clusters.dedup();
    clusters
}

/// Why and since when what is looked at is stale; `None` while it is fresh.
pub fn stale(shared: &Shared) -> Option<String> {
    stale_of(shared, clusters(shared))
}

/// The same for the release matrix, which looks at every stage.
pub fn stale_everywhere(shared: &Shared) -> Option<String> {
    stale_of(shared, matrix_clusters(shared))
}

fn stale_of(shared: &Shared, clusters: Vec<ClusterId>) -> Option<String> {
    for id in clusters {
        let connection = &shared.world.cluster(id)?.connection;
        let since = connection.last_answer.map(|at| {
            format!("{} old", text::age_short(i64::try_from(shared.now.wall.since(at)).unwrap_or(i64::MAX)))
        });
        let words = match (&connection.link, since) {
            (Link::Live | Link::Dim | Link::Connecting, _) => continue,
            (link, Some(since)) => format!("{since} · {}", link_words(link, shared.now)),
            (link, None) => link_words(link, shared.now),
        };
        return Some(words);
    }
    None
}

/// How a connection stands, in a few words.
pub fn link_words(link: &Link, now: Now) -> String {
    match link {
        Link::Dim => "not connected".to_owned(),
        Link::Connecting => "connecting".to_owned(),
        Link::Live => "fresh".to_owned(),
        Link::LoginNeeded { .. } => "login needed".to_owned(),
        Link::Forbidden { .. } => "forbidden".to_owned(),
        Link::Unreachable { retry_at, .. } => {
            let wait = retry_at.saturating_sub(now.mono).as_secs();
            if wait == 0 {
                "unreachable: trying".to_owned()
            } else {
                format!("unreachable: retry in {wait} s")
            }
        }
        Link::Broken { .. } => "cannot connect".to_owned(),
    }
}

/// What to say where rows of these kinds would be, when there are none.
pub fn empty(shared: &Shared, kinds: &[Kind], noun: &str) -> Vec<String> {
    let mut lines = empty_of(shared, kinds, clusters(shared), feed_here);
    if lines.is_empty() {
        lines.push(match shared.environment() {
            None if !shared.all_environments => "No environment yet.".to_owned(),
            _ => format!("No {noun} in {}.", scope(shared)),
        });
    }
    lines.extend(unnamed(shared));
    lines
}

/// How to see more, where namespaces may not be listed and nobody has named one: nothing but `default` is asked for
/// there.
pub fn unnamed(shared: &Shared) -> Vec<String> {
    let mut lines = Vec::new();
    for id in clusters(shared) {
        let Some(cluster) = shared.world.cluster(id) else { continue };
        let hidden = cluster.connection.link == Link::Live
            && matches!(cluster.feed(Kind::Namespace), Feed::Forbidden(_))
            && shared.named_namespaces(id).is_empty();
        if hidden {
            let context = &cluster.connection.context;
            lines.push(format!("{context} does not let you list namespaces: only default is asked for."));
            lines.push("Name yours: -n NAMESPACE, or in the configuration.".to_owned());
        }
    }
    lines
}

/// The same for the release matrix, which looks at every stage.
pub fn empty_everywhere(shared: &Shared, kinds: &[Kind], noun: &str) -> Vec<String> {
    let clusters = matrix_clusters(shared);
    if clusters.is_empty() {
        let mut lines = empty_of(shared, kinds, self::clusters(shared), feed_here);
        if lines.is_empty() {
            lines.push("No environment stands in a stage: nothing can be compared.".to_owned());
            lines.push("`pilothouse config init` writes down what was inferred, to be corrected.".to_owned());
        }
        return lines;
    }
    let mut lines = empty_of(shared, kinds, clusters, feed_anywhere);
    if lines.is_empty() {
        lines.push(format!("No {noun} in any stage."));
    }
    lines
}

/// Why rows of these kinds are missing where the person looks; empty when they
/// are all there.
pub fn not_readable(shared: &Shared, kinds: &[Kind]) -> Vec<String> {
    empty_of(shared, kinds, clusters(shared), feed_here)
}

/// The same for kinds whose objects stand elsewhere than what they are about: in these clusters, in any namespace.
pub fn not_readable_in(shared: &Shared, clusters: Vec<ClusterId>, kinds: &[Kind]) -> Vec<String> {
    empty_of(shared, kinds, clusters, feed_anywhere)
}

/// How the watch of a kind stands, for whoever asks.
type Seen = fn(&Shared, &ClusterWorld, Kind) -> Feed;

/// The release matrix looks at every namespace.
fn feed_anywhere(_: &Shared, cluster: &ClusterWorld, kind: Kind) -> Feed {
    cluster.feed(kind)
}

fn empty_of(shared: &Shared, kinds: &[Kind], clusters: Vec<ClusterId>, feed: Seen) -> Vec<String> {
    let mut lines = Vec::new();
    for id in clusters {
        let Some(cluster) = shared.world.cluster(id) else { continue };
        let context = &cluster.connection.context;
        match &cluster.connection.link {
            Link::Dim => lines.push(format!("{context} is not connected: press c to connect it.")),
            Link::Connecting => lines.push(format!("Connecting to {context}…")),
            Link::LoginNeeded { command, message } => {
                lines.push(format!("{context} needs a login. {message}"));
                if !command.is_empty() {
                    lines.push(format!("Run in another terminal: {command}"));
                }
                lines.push("Then press c to try again.".to_owned());
            }
            Link::Forbidden { message } => lines.push(format!("{context}: {message}")),
            Link::Unreachable { reason, .. } => {
                lines.push(format!("{context} does not answer: {reason}"));
                lines.push(format!("{}; c tries now.", link_words(&cluster.connection.link, shared.now)));
            }
            Link::Broken { message } => lines.push(format!("{context}: {message}")),
            Link::Live => {
                let loading: Vec<&str> = kinds
                    .iter()
                    .filter(|kind| cluster.feed(**kind) == Feed::Loading)
                    .map(|kind| kind.api().2)
                    .collect();
                if !loading.is_empty() {
                    lines.push(format!("Loading {} of {context}…", loading.join(", ")));
                }
                lines.extend(
                    kinds.iter().filter_map(|kind| feed_words(context, *kind, &feed(shared, cluster, *kind))),
                );
            }
        }
    }
    lines
}

fn feed_words(context: &str, kind: Kind, feed: &Feed) -> Option<String> {
    let plural = kind.api().2;
    match feed {
        Feed::Live | Feed::Absent | Feed::Loading => None,
        Feed::Partly { refused, message } => {
            Some(format!("{context} does not let you list {plural} in {}: {message}", refused.join(", ")))
        }
        Feed::Forbidden(message) => Some(format!("{context} does not let you list {plural}: {message}")),
        Feed::Failed(message) => Some(format!("{plural} of {context} cannot be read: {message}")),
    }
}

/// Whether a first list of one of these kinds is not whole yet.
pub fn loading(shared: &Shared, kinds: &[Kind]) -> bool {
    clusters(shared)
        .into_iter()
        .filter_map(|id| shared.world.cluster(id))
        .any(|cluster| kinds.iter().any(|kind| cluster.feed(*kind) == Feed::Loading))
}

/// Kinds that cannot be shown, for a title: `jobs, rollouts: forbidden`.
pub fn gaps(shared: &Shared, kinds: &[Kind]) -> Option<String> {
    gaps_of(shared, &clusters(shared), kinds, feed_here)
}

/// The same for kinds whose objects stand elsewhere than what they are about: in these clusters, in any namespace.
pub fn gaps_in(shared: &Shared, clusters: &[ClusterId], kinds: &[Kind]) -> Option<String> {
    gaps_of(shared, clusters, kinds, feed_anywhere)
}

fn gaps_of(shared: &Shared, clusters: &[ClusterId], kinds: &[Kind], feed: Seen) -> Option<String> {
    let mut gaps: Vec<(String, Vec<&str>)> = Vec::new();
    for id in clusters {
        let Some(cluster) = shared.world.cluster(*id) else { continue };
        if cluster.connection.link != Link::Live {
            continue;
        }
        for kind in kinds {
            let word = match feed(shared, cluster, *kind) {
                Feed::Partly { refused, .. } => format!("forbidden in {}", refused.join(", ")),
                Feed::Forbidden(_) => "forbidden".to_owned(),
                Feed::Failed(_) => "failed".to_owned(),
                Feed::Loading => "loading".to_owned(),
                Feed::Absent if cluster.is_removed(*kind) => "definition removed".to_owned(),
                Feed::Live | Feed::Absent => continue,
            };
            let plural = kind.api().2;
            match gaps.iter_mut().find(|(known, _)| *known == word) {
                Some((_, kinds)) if kinds.contains(&plural) => {}
                Some((_, kinds)) => kinds.push(plural),
                None => gaps.push((word, vec![plural])),
            }
        }
    }
    for (_, kinds) in &mut gaps {
        fold_flux(kinds);
    }
    // What will come by itself stands apart: in a narrow title it is left out first.
    gaps.sort_by_key(|(word, _)| word == "loading");
    let mut words = String::new();
    for (word, kinds) in gaps {
        if !words.is_empty() {
            words.push_str(if word == "loading" { " · " } else { "; " });
        }
        words.push_str(&format!("{}: {word}", kinds.join(", ")));
    }
    (!words.is_empty()).then_some(words)
}

/// Kinds that were followed and whose definitions were taken away since, a line for each cluster.
pub fn removed_in(shared: &Shared, clusters: &[ClusterId], kinds: &[Kind]) -> Vec<String> {
    let of_it = |cluster: &ClusterWorld| {
        let gone = kinds.iter().filter(|kind| cluster.is_removed(**kind));
        let mut plurals: Vec<&str> = gone.map(|kind| kind.api().2).collect();
        fold_flux(&mut plurals);
        let context = &cluster.connection.context;
        let words = format!("{context} serves {} no longer: the definition was removed.", plurals.join(", "));
        (!plurals.is_empty()).then_some(words)
    };
    clusters.iter().filter_map(|id| of_it(shared.world.cluster(*id)?)).collect()
}

/// All kinds of Flux are one word.
fn fold_flux(kinds: &mut Vec<&str>) {
    let is_flux = |plural: &str| FLUX.iter().any(|kind| kind.api().2 == plural);
    if FLUX.iter().all(|kind| kinds.contains(&kind.api().2)) {
        kinds.retain(|plural| !is_flux(plural));
        kinds.push("Flux");
    }
}

/// Breaks words into lines of at most so many cells; a longer word stands alone.
pub fn wrap(words: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text::width(line) + 1 + text::width(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msg::ClusterMsg;
    use crate::panes::views::testing::{shared, tell};

    #[test]
    fn a_refused_namespace_is_named_where_its_rows_would_be_and_nowhere_else() {
        let mut shared = shared();
        let refused = std::sync::Arc::from(["shop-dev".into()]);
        tell(&mut shared, ClusterMsg::Feed(Kind::Pod, Feed::Partly { refused, message: "no pods".into() }));
        assert_eq!(gaps(&shared, &[Kind::Pod]), None, "production is whole");
        assert_eq!(empty(&shared, &[Kind::Pod], "pods"), ["No pods in production."]);
        shared.all_environments = true;
        assert_eq!(gaps(&shared, &[Kind::Pod]).as_deref(), Some("pods: forbidden in shop-dev"));
        assert_eq!(
            empty(&shared, &[Kind::Pod], "pods"),
            ["gke-eu1 does not let you list pods in shop-dev: no pods"]
        );
        shared.namespace = Some("shop-dev".into());
        assert_eq!(gaps(&shared, &[Kind::Pod]).as_deref(), Some("pods: forbidden"));
    }

    #[test]
    fn kinds_that_are_missing_for_the_same_reason_share_its_word() {
        let mut shared = shared();
        for (kind, feed) in [
            (Kind::Deployment, Feed::Loading),
            (Kind::Job, Feed::Forbidden("no".into())),
            (Kind::CronJob, Feed::Failed("503".into())),
            (Kind::Rollout, Feed::Forbidden("no".into())),
        ] {
            tell(&mut shared, ClusterMsg::Feed(kind, feed));
        }
        let kinds = [Kind::Deployment, Kind::Job, Kind::CronJob, Kind::Rollout];
        let words = gaps(&shared, &kinds);
        let wanted = "jobs, rollouts: forbidden; cronjobs: failed · deployments: loading";
        assert_eq!(words.as_deref(), Some(wanted));
    }

    #[test]
    fn a_definition_that_was_removed_is_told_until_it_is_there_again() {
        let mut shared = shared();
        let feed = |shared: &mut Shared, kinds: &[Kind], feed: &Feed| {
            kinds.iter().for_each(|kind| tell(shared, ClusterMsg::Feed(*kind, feed.clone())));
        };
        let all: Vec<Kind> = [Kind::Application].into_iter().chain(FLUX).collect();
        let said = |shared: &Shared| gaps_in(shared, &[ClusterId(0)], &all);
        feed(&mut shared, &all, &Feed::Loading);
        feed(&mut shared, &all, &Feed::Absent);
        assert_eq!(said(&shared), None, "it never was there");
        feed(&mut shared, &all, &Feed::Live);
        feed(&mut shared, &all, &Feed::Failed("the watch ended".into()));
        feed(&mut shared, &all, &Feed::Absent);
        assert_eq!(said(&shared).as_deref(), Some("applications, Flux: definition removed"));
        assert_eq!(
            removed_in(&shared, &[ClusterId(0)], &all),
            ["gke-eu1 serves applications, Flux no longer: the definition was removed."]
        );
        feed(&mut shared, &FLUX, &Feed::Live);
        assert_eq!(said(&shared).as_deref(), Some("applications: definition removed"));
        // Perhaps another cluster stands there now.
        feed(&mut shared, &[Kind::Application], &Feed::Loading);
        feed(&mut shared, &[Kind::Application], &Feed::Absent);
        assert_eq!(said(&shared), None);
    }

    #[test]
    fn where_objects_are_kept_is_known_of_each_cluster() {
        let mut shared = shared();
        let kept = |context: Option<&str>, namespace: &str| {
            Some(crate::config::InCluster {
                context: context.map(str::to_owned),
                namespace: namespace.to_owned(),
            })
        };
        let env = crate::fleet::wanted::WantedEnvironment {
            context: "gke-eu1".into(),
            flux: kept(Some("hub"), "flux-system"),
            velero: kept(None, "backups"),
            ..Default::default()
        };
        let stage = crate::fleet::wanted::WantedStage { name: "production".into(), environments: vec![env] };
        shared.wanted.stages = vec![stage];
        let here = shared.kept_in(ClusterId(0));
        assert_eq!(here.len(), 1, "{here:?}");
        assert_eq!(here[0].0, "backups".into());
        assert!(here[0].1.contains(&Kind::Backup) && !here[0].1.contains(&Kind::Pod));
        shared.world.clusters[0].connection.context = "hub".into();
        assert_eq!(shared.kept_in(ClusterId(0))[0].0, "flux-system".into());
    }

    #[test]
    fn who_may_not_list_namespaces_is_told_how_to_name_them() {
        let mut shared = shared();
        tell(&mut shared, ClusterMsg::Feed(Kind::Namespace, Feed::Forbidden("no".into())));
        assert_eq!(shared.known_namespaces(ClusterId(0)), ["default".into()]);
        let lines = empty(&shared, &[Kind::Pod], "pods");
        assert!(lines.iter().any(|line| line.contains("-n NAMESPACE")), "{lines:?}");
        shared.world.clusters[0].connection.namespace = "shop-prod".into();
        assert_eq!(shared.known_namespaces(ClusterId(0)), ["shop-prod".into()]);
        assert_eq!(empty(&shared, &[Kind::Pod], "pods"), ["No pods in production."]);
    }
}
