//! Paths of the Kubernetes API.

use std::fmt::Write as _;

use crate::domain::id::{Kind, ObjectRef};

/// The path of a kind's collection, in a namespace or (with an empty one) on the whole cluster.
#[must_use]
pub fn collection(kind: Kind, namespace: &str) -> String {
    collection_of(kind, kind.api().1, namespace)
}

/// The same in a version of the API that is not the newest.
#[must_use]
pub fn collection_of(kind: Kind, version: &str, namespace: &str) -> String {
    let (group, _, plural) = kind.api();
    let mut path = match group {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    };
    if !namespace.is_empty() && kind.namespaced() {
        let _ = write!(path, "/namespaces/{namespace}");
    }
    let _ = write!(path, "/{plural}");
    path
}

/// The path of an object.
#[must_use]
pub fn path(object: &ObjectRef) -> String {
    format!("{}/{}", collection(object.kind, &object.namespace), object.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_api() {
        assert_eq!(collection(Kind::Pod, "shop"), "/api/v1/namespaces/shop/pods");
        assert_eq!(collection(Kind::Rollout, ""), "/apis/argoproj.io/v1alpha1/rollouts");
        assert_eq!(collection(Kind::Node, "x"), "/api/v1/nodes");
    }
}
