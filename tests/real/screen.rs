//! The screen before a real control plane.

use ground::Cluster;
use serde_json::json;

use super::person::{Desk, Person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn what_is_made_is_seen() {
    let cluster = Cluster::start().await.unwrap();
    let namespace = cluster.namespace("shop").await.unwrap();
    let mut person = Person::sits_down(cluster.admin(), &Desk::default());
    person.wait_for_data().await;
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lonely", "namespace": namespace},
                     "spec": {"containers": [{"name": "main", "image": "cart:1.30.0"}]}});
    cluster.apply(&pod).unwrap();
    person.see_row("lonely", "Pending").await;
    cluster.kubectl(&["-n", &namespace, "delete", "pod", "lonely", "--now"]).unwrap();
    person.see_no("lonely").await;
}
