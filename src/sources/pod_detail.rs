//! One pod, container by container, with what its containers use now.

use std::time::Duration;

use kube::Client;

use super::fetch::fetch;
use super::object::path;
use crate::connect::problem::Fault;
use crate::domain::id::{ObjectRef, Uid};
use crate::domain::pod_detail::PodDetail;
use crate::wire::pod_detail::{PodMetrics, WholePod};

/// Reads a pod.
///
/// # Errors
/// It is not to be had, or another one has taken its name.
pub(super) async fn read(client: &Client, object: &ObjectRef, limit: Duration) -> Result<PodDetail, Fault> {
    let pod: WholePod = fetch(client, &path(object), limit).await?;
    if Uid::parse(pod.uid()) != object.uid {
        return Err(Fault::NotFound(format!(
            "this pod is gone; another one has the name {} now",
            object.name
        )));
    }
    let metrics =
        format!("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods/{}", object.namespace, object.name);
    // Often not served, and never needed.
    let metrics: PodMetrics = fetch(client, &metrics, limit).await.unwrap_or_default();
    Ok(pod.detail(&metrics.by_container()))
}
