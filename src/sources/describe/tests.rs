//! Descriptions of one object of each form.

use super::*;
use serde_json::json;

fn lines(kind: Kind, object: serde_json::Value) -> String {
    let event = EventFact {
        event_type: "Warning".into(),
        reason: "BackOff".into(),
        about: "pod/cart-1".to_owned(),
        message: "restarting".to_owned(),
        count: 18,
        first: Stamp(100),
        last: Stamp(940),
    };
    describe(kind, &object, &Ok(vec![event]), Stamp(1000)).lines.join("\n")
}

#[test]
fn a_pod() {
    let pod = json!({
        "metadata": {"name": "cart-1", "namespace": "shop", "creationTimestamp": "1970-01-01T00:00:00Z",
            "labels": {"app": "cart", "evil": "\u{1b}[31mred"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{...}", "note": "x"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "cart", "controller": true}]},
        "spec": {"nodeName": "n1", "serviceAccountName": "cart",
            "containers": [{"name": "cart", "image": "cart:1", "ports": [{"containerPort": 8080, "name": "http"}],
                "command": ["sh", "-c", "run"],
                "env": [{"name": "A", "value": "1"}, {"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 5},
                "resources": {"limits": {"memory": "128Mi"}, "requests": {"cpu": "100m"}},
                "volumeMounts": [{"mountPath": "/etc/x", "name": "conf", "readOnly": true}]}],
            "volumes": [{"name": "conf", "configMap": {"name": "cart-config"}}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]},
        "status": {"phase": "Running", "hostIP": "10.0.0.1", "podIPs": [{"ip": "10.1.0.1"}], "startTime": "1970-01-01T00:00:10Z",
            "qosClass": "Burstable", "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": "1970-01-01T00:15:00Z"}],
            "containerStatuses": [{"name": "cart", "ready": false, "restartCount": 6, "imageID": "sha256:a",
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "1970-01-01T00:15:00Z"}}}]},
    });
    insta::assert_snapshot!(lines(Kind::Pod, pod));
}

#[test]
fn a_deployment() {
    let deployment = json!({
        "metadata": {"name": "cart", "namespace": "shop", "creationTimestamp": "1970-01-01T00:00:00Z"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "cart"}, "matchExpressions": [{"key": "x", "operator": "In", "values": ["a", "b"]}]},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "cart", "image": "cart:1"}]}}},
        "status": {"replicas": 4, "updatedReplicas": 1, "availableReplicas": 3, "unavailableReplicas": 1,
            "conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "is progressing", "lastTransitionTime": "1970-01-01T00:15:00Z"}]},
    });
    insta::assert_snapshot!(lines(Kind::Deployment, deployment));
}

#[test]
fn a_service_an_ingress_and_a_node() {
    let service = json!({"metadata": {"name": "cart"}, "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.1", "selector": {"app": "cart"},
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "web"}]}});
    let ingress = json!({"metadata": {"name": "shop"}, "spec": {"ingressClassName": "nginx", "tls": [{"secretName": "cert", "hosts": ["a.example"]}],
        "rules": [{"host": "a.example", "http": {"paths": [{"path": "/cart", "backend": {"service": {"name": "cart", "port": {"number": 80}}}}]}}]}});
    let node = json!({"metadata": {"name": "n1", "labels": {"node-role.kubernetes.io/control-plane": ""}},
        "spec": {"unschedulable": true, "taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]},
        "status": {"allocatable": {"cpu": "4"}, "nodeInfo": {"kubeletVersion": "v1.36.3"}, "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}});
    let all = [lines(Kind::Service, service), lines(Kind::Ingress, ingress), lines(Kind::Node, node)];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn a_secret_is_described_by_lengths() {
    let secret = json!({"metadata": {"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "aHVudGVyMg=="}},
        "type": "Opaque", "data": {"password": "aHVudGVyMg=="}});
    let text = lines(Kind::Secret, secret);
    assert!(text.contains("7 bytes") && !text.contains("aHVudGVyMg"), "{text}");
}

#[test]
fn whatever_has_no_form_of_its_own_is_shown_as_it_is_and_clean() {
    let config = json!({"metadata": {"name": "c"}, "data": {"key": "a\nb\u{1b}[2J"}});
    let document = describe(Kind::ConfigMap, &config, &Err(Fault::Forbidden("no".into())), Stamp(0));
    assert!(document.lines.iter().all(|line| !line.contains(|c: char| c.is_control())), "{document:?}");
    assert!(
        document.lines.iter().any(|line| line == "Events:             <not to be had: no>"),
        "{document:?}"
    );
}
