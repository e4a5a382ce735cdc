//! Which connections lead to the cluster that an Application or Flux object names as its destination: for its row and
//! for its zoom alike.

use std::cmp::Reverse;

use crate::domain::id::ClusterId;
use crate::domain::link::Link;
use crate::domain::sync::IN_CLUSTER;
use crate::world::{ClusterWorld, World};

/// The connections to a destination, given by the URL of its API server, or by a name where that is empty. The control
/// plane's own cluster comes first, and what is connected before what is not. Empty when no context leads there.
pub fn connections(world: &World, home: ClusterId, server: &str, name: &str) -> Vec<ClusterId> {
    let own =
        world.cluster(home).map(|cluster| &cluster.connection.cluster_uid).filter(|uid| !uid.is_empty());
    let twin = |cluster: &ClusterWorld| own == Some(&cluster.connection.cluster_uid);
    let in_cluster = is_in_cluster(server, name);
    let server = bare_url(server);
    // Flux names the Secret of a kubeconfig, as Cluster API writes them.
    let named = name.strip_suffix("-kubeconfig").unwrap_or(name);
    let fits = |id: ClusterId, cluster: &ClusterWorld| {
        let connection = &cluster.connection;
        match (in_cluster, server.is_empty()) {
            (true, _) => id == home || twin(cluster),
            (false, false) => bare_url(&connection.server) == server,
            (false, true) => {
                [&connection.context, &connection.cluster_name].iter().any(|known| ***known == *named)
            }
        }
    };
    let mut found: Vec<(ClusterId, &ClusterWorld)> =
        world.each().filter(|(id, cluster)| fits(*id, cluster)).collect();
    found.sort_by_key(|(id, cluster)| Reverse((*id == home, cluster.connection.link != Link::Dim)));
    found.into_iter().map(|(id, _)| id).collect()
}

/// Whether a destination is the cluster that its control plane stands in, whose address may be written shorter or
/// longer.
fn is_in_cluster(server: &str, name: &str) -> bool {
    let server = bare_url(server);
    match (&*server, name) {
        ("", "" | "in-cluster") => true,
        (server, _) => server
            .strip_prefix(IN_CLUSTER.trim_end_matches(".svc"))
            .is_some_and(|rest| matches!(rest, "" | ".svc" | ".svc.cluster.local")),
    }
}

/// A server's URL as it can be compared: without the trailing slash and the default port, in lower case.
fn bare_url(url: &str) -> String {
    let url = url.trim_end_matches('/').to_lowercase();
    for (scheme, port) in [("https://", ":443"), ("http://", ":80")] {
        if url.starts_with(scheme)
            && let Some(bare) = url.strip_suffix(port)
        {
            return bare.to_owned();
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{dim_world, send, world};
    use crate::msg::ClusterMsg;

    fn lead(world: &mut World, id: u16, server: &str) {
        let context = ClusterMsg::Context {
            cluster_name: format!("cluster-{id}").into(),
            user: "".into(),
            server: server.into(),
        };
        send(world, ClusterId(id), context);
    }

    #[test]
    fn a_control_plane_knows_its_own_cluster() {
        for server in [
            IN_CLUSTER,
            "https://kubernetes.default.svc/",
            "https://Kubernetes.Default.svc:443",
            "https://kubernetes.default",
            "https://kubernetes.default.svc.cluster.local",
        ] {
            assert!(is_in_cluster(server, ""), "{server}");
        }
        assert!(is_in_cluster("", "in-cluster") && is_in_cluster("", ""));
        assert!(!is_in_cluster("https://10.0.0.1:6443", "") && !is_in_cluster("", "gke-eu1"));
        assert!(!is_in_cluster("https://kubernetes.default.example", ""));
    }

    #[test]
    fn urls_are_compared_as_what_they_mean_and_names_as_they_are() {
        let mut world = world(&[("hub", &[]), ("gke", &[]), ("edge", &[])]);
        lead(&mut world, 0, "https://hub.example");
        lead(&mut world, 1, "https://GKE.example:443/");
        lead(&mut world, 2, "http://edge.example");
        let found = |server: &str, name: &str| connections(&world, ClusterId(0), server, name);
        for server in ["https://gke.example", "HTTPS://gke.EXAMPLE:443", "https://gke.example:443/"] {
            assert_eq!(found(server, ""), [ClusterId(1)], "{server}");
        }
        assert_eq!(found("http://edge.example:80", ""), [ClusterId(2)]);
        assert_eq!(found("https://edge.example:80", ""), [], "another scheme is another server");
        assert_eq!(found("https://gke.example:6443", ""), []);
        for name in ["gke", "cluster-1", "gke-kubeconfig"] {
            assert_eq!(found("", name), [ClusterId(1)], "{name}");
        }
        assert_eq!(found("", "GKE"), []);
    }

    #[test]
    fn home_comes_first_and_what_is_connected_before_what_is_not() {
        let mut world = dim_world(&["a", "b", "c"]);
        for id in 0..3 {
            lead(&mut world, id, "https://one.example");
        }
        send(&mut world, ClusterId(1), ClusterMsg::Link(Link::Live));
        let found = connections(&world, ClusterId(2), "https://one.example", "");
        assert_eq!(found, [ClusterId(2), ClusterId(1), ClusterId(0)]);
    }
}
