//! EndpointSlices: which pods of a Service answer, which take new work, which are going.

use serde_json::{Value, json};

use super::{Cluster, pods, status};
use crate::demo::json::{deleting, entry, flag, int, items, map, name, namespace, selects_plain, text};

/// Writes the slice of a Service (one is enough here: a slice holds a thousand endpoints).
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(service) = cx.get("services", ns, own) else { return };
    let Some(selector) = map(&service, "/spec/selector").filter(|s| !s.is_empty()) else { return };
    if deleting(&service) {
        return;
    }
    let publish_all = flag(&service, "/spec/publishNotReadyAddresses");
    let mut chosen: Vec<_> = cx
        .list("pods", Some(ns))
        .into_iter()
        .filter(|p| selects_plain(Some(selector), map(p, "/metadata/labels")))
        .filter(|p| !pods::ended(p) && !text(p, "/status/podIP").is_empty())
        .collect();
    chosen.sort_by(|a, b| name(a).cmp(name(b)));
    let endpoints: Vec<Value> = chosen.iter().map(|p| endpoint(cx, p, publish_all)).collect();
    let ports = ports(&service, chosen.first().map(AsRef::as_ref));
    let slice = cx
        .list("endpointslices.discovery.k8s.io", Some(ns))
        .into_iter()
        .find(|s| entry(s, "/metadata/labels", "kubernetes.io/service-name") == own);
    match slice {
        Some(slice) => {
            cx.update("endpointslices.discovery.k8s.io", ns, name(&slice), |s| {
                s["endpoints"] = json!(endpoints);
                s["ports"] = json!(ports);
            });
        }
        None => {
            let prefix = format!("{own}-");
            let slice_name = cx.fresh_name("endpointslices.discovery.k8s.io", ns, &prefix);
            let mut labels = service.pointer("/metadata/labels").cloned().unwrap_or(json!({}));
            labels["kubernetes.io/service-name"] = json!(own);
            labels["endpointslice.kubernetes.io/managed-by"] = json!("endpointslice-controller.k8s.io");
            cx.create("endpointslices.discovery.k8s.io", json!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": slice_name, "generateName": prefix, "namespace": ns, "labels": labels,
                             "ownerReferences": [pods::reference(&service)]},
                "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
            }));
        }
    }
}

fn endpoint(cx: &Cluster, pod: &Value, publish_all: bool) -> Value {
    let (ready, serving, terminating) = status::serving(pod);
    let node = text(pod, "/spec/nodeName");
    let zone = cx
        .get("nodes", "", node)
        .map(|n| entry(&n, "/metadata/labels", "topology.kubernetes.io/zone").to_owned())
        .unwrap_or_default();
    let mut endpoint = json!({
        "addresses": [text(pod, "/status/podIP")],
        "conditions": {"ready": ready || publish_all, "serving": serving, "terminating": terminating},
        "nodeName": node,
        "targetRef": {"kind": "Pod", "name": name(pod), "namespace": namespace(pod), "uid": text(pod, "/metadata/uid")},
    });
    if !zone.is_empty() {
        endpoint["zone"] = json!(zone);
    }
    endpoint
}

/// The ports of a Service as its pods have them.
fn ports(service: &Value, pod: Option<&Value>) -> Vec<Value> {
    items(service, "/spec/ports")
        .iter()
        .filter_map(|port| {
            let target = port.get("targetPort").unwrap_or(&Value::Null);
            let number = match target {
                Value::Number(n) => n.as_i64(),
                Value::String(wanted) => pod.and_then(|p| {
                    items(p, "/spec/containers")
                        .iter()
                        .flat_map(|c| items(c, "/ports"))
                        .find(|p| text(p, "/name") == wanted)
                        .map(|p| int(p, "/containerPort"))
                }),
                _ => Some(int(port, "/port")),
            }?;
            let protocol = match text(port, "/protocol") {
                "" => "TCP",
                other => other,
            };
            Some(json!({"name": text(port, "/name"), "port": number, "protocol": protocol}))
        })
        .collect()
}
