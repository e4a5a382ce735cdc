//! Apps for tests.

use super::*;

/// A Kustomization or Application that is synced and healthy, in `argocd`.
pub fn app(kind: Kind, name: &str) -> SyncApp {
    SyncApp {
        uid: Uid::parse(&format!("{} {name}", kind.word())),
        kind,
        namespace: "argocd".into(),
        name: name.into(),
        labels: Labels::default(),
        created: Stamp(1_000),
        deleting: false,
        owner: None,
        delivered_by: None,
        project: "default".into(),
        destination: Destination { server: IN_CLUSTER.into(), cluster: "".into(), namespace: "shop".into() },
        sources: [Source { repo: "https://git.example/shop.git".into(), ..Source::default() }].into(),
        sync: Sync::Synced,
        health: Health::Healthy,
        resources: 5,
        drift: 0,
        drifted: [].into(),
        namespaces: ["shop".into()].into(),
        revisions: ["9f31c2aa00112233445566778899aabbccddeeff".into()].into(),
        attempted: "".into(),
        deployed: Some(Deployed { id: 3, revision: "9f31c2aa".into(), at: Some(Stamp(2_000)) }),
        earlier: [].into(),
        requested: false,
        operation: None,
        reconciled: Some(Stamp(3_000)),
        auto: Auto { sync: true, self_heal: true, prune: true, suspended: false },
        conditions: [].into(),
        control_plane: "argocd".into(),
        depends_on: [].into(),
    }
}

/// A condition; an empty status is Argo CD's.
pub fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        kind: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        since: Some(Stamp(2_500)),
        updated: None,
    }
}
