//! Builders of the objects that apps are made of, as a person or a delivery tool would have written
//! them: spec and metadata, no status. The controllers do the rest.
//!
//! Pure functions of the app table; they know neither store nor clock.

use serde_json::{Value, json};

use super::apps::{App, Env, Runtime, Shape};

/// The labels of everything that belongs to an app.
pub fn labels(app: &App, release: &str) -> Value {
    json!({
        "app.kubernetes.io/name": app.name,
        "app.kubernetes.io/instance": app.name,
        "app.kubernetes.io/version": release,
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/managed-by": "kustomize"
    })
}

/// The labels that select an app's pods; `color` tells the two halves of a blue/green pair apart.
pub fn selector(app: &App, color: Option<&str>) -> Value {
    let mut labels = json!({
        "app.kubernetes.io/name": app.name,
        "app.kubernetes.io/instance": app.name,
    });
    if let Some(color) = color {
        labels["color"] = json!(color);
    }
    labels
}

/// The metadata of an object of an app.
pub fn meta(app: &App, env: Env, release: &str, name: &str) -> Value {
    json!({
        "name": name,
        "namespace": env.namespace(),
        "labels": labels(app, release),
        "annotations": {},
    })
}

/// The pod template of an app at a release.
pub fn template(app: &App, env: Env, release: &str, color: Option<&str>) -> Value {
    let mut labels = selector(app, color);
    labels["app.kubernetes.io/version"] = json!(release);
    labels["app.kubernetes.io/part-of"] = json!("shop");
    let mut annotations = json!({});
    if app.port != 0 {
        annotations["prometheus.io/scrape"] = json!("true");
        annotations["prometheus.io/port"] = json!(app.port.to_string());
    }
    let mut containers = vec![main_container(app, env, release)];
    if app.sidecar {
        containers.push(sidecar());
        annotations["mesh.example/injected"] = json!("true");
    }
    let mut spec = json!({
        "serviceAccountName": app.name,
        "terminationGracePeriodSeconds": 30,
        "containers": containers,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "fsGroup": 10001,
                            "seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": [
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30},
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": format!("{}-config", app.name), "defaultMode": 420}},
            {"name": "tmp", "emptyDir": {}}
        ],
    });
    if app.migrates {
        spec["initContainers"] = json!([{
            "name": "migrate",
            "image": format!("registry.example/{}-migrate:{release}", app.name),
            "command": ["/migrate", "up"],
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        }]);
    }
    match app.shape {
        Shape::DaemonSet => {
            spec["tolerations"] = json!([{"operator": "Exists"}]);
            spec["priorityClassName"] = json!("system-node-critical");
        }
        Shape::CronJob => {
            spec["restartPolicy"] = json!("Never");
        }
        _ => {
            spec["topologySpreadConstraints"] = json!([{
                "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(app, color)}}]);
        }
    }
    json!({"metadata": {"labels": labels, "annotations": annotations}, "spec": spec})
}

/// The container that an app is named after.
fn main_container(app: &App, env: Env, release: &str) -> Value {
    let mut env_vars = vec![
        json!({"name": "ENVIRONMENT", "value": env.short()}),
        json!({"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}),
    ];
    if app.runtime == Runtime::Java {
        env_vars.push(
            json!({"name": "JAVA_TOOL_OPTIONS", "value": "-XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError"}),
        );
    }
    if app.secret {
        env_vars.push(json!({"name": "DATABASE_PASSWORD", "valueFrom": {"secretKeyRef":
            {"name": format!("{}-credentials", app.name), "key": "password"}}}));
    }
    let mut container = json!({
        "name": app.name,
        "image": app.image(release),
        "imagePullPolicy": "IfNotPresent",
        "env": env_vars,
        "resources": {
            "requests": {"cpu": crate::demo::json::cpu_text(i64::from(app.cpu)), "memory": crate::demo::json::bytes_text(i64::from(app.memory) << 20)},
            "limits": {"cpu": crate::demo::json::cpu_text(i64::from(app.cpu * 4)), "memory": crate::demo::json::bytes_text(i64::from(app.memory_limit[env.index()]) << 20)},
        },
        "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                            "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/config", "readOnly": true},
                         {"name": "tmp", "mountPath": "/tmp"}],
    });
    if app.port != 0 {
        container["ports"] = json!([{"name": "http", "containerPort": app.port, "protocol": "TCP"}]);
        container["readinessProbe"] = json!({"httpGet": {"path": "/healthz/ready", "port": "http", "scheme": "HTTP"},
            "periodSeconds": 5, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3});
        container["livenessProbe"] = json!({"httpGet": {"path": "/healthz/live", "port": "http", "scheme": "HTTP"},
            "initialDelaySeconds": 30, "periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 6});
    }
    if app.shape == Shape::CronJob {
        container["args"] = json!(["refresh-prices", "--all-markets"]);
    }
    if app.shape == Shape::StatefulSet
        && let Some(mounts) = container["volumeMounts"].as_array_mut()
    {
        mounts.push(json!({"name": "data", "mountPath": "/var/lib/data"}));
    }
    container
}

/// The injected proxy.
fn sidecar() -> Value {
    json!({
        "name": "mesh-proxy",
        "image": "registry.example/mesh/proxy:2.14.3",
        "imagePullPolicy": "IfNotPresent",
        "args": ["run", "--identity", "$(POD_NAME)"],
        "ports": [{"name": "mesh-admin", "containerPort": 4191, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 4191, "scheme": "HTTP"}, "periodSeconds": 5,
                           "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3},
    })
}

/// A Deployment of an app (one half of a pair when a colour is given).
pub fn deployment(app: &App, env: Env, release: &str, color: Option<&str>) -> Value {
    let name = color.map_or_else(|| app.name.to_owned(), |c| format!("{}-{c}", app.name));
    // cart gives up after three minutes, so an on-call engineer sees both: a rollout that hangs, and soon one that missed
    // its deadline, which is when Argo CD calls it degraded.
    let (surge, unavailable) =
        if app.name == "cart" { (json!(1), json!(0)) } else { (json!("25%"), json!("25%")) };
    let deadline = if app.name == "cart" { 180 } else { 600 };
    let mut metadata = meta(app, env, release, &name);
    if let Some(color) = color {
        metadata["labels"]["color"] = json!(color);
    }
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
        "spec": {
            "replicas": app.replicas[env.index()],
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": deadline,
            "selector": {"matchLabels": selector(app, color)},
            "strategy": {"type": "RollingUpdate",
                         "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}},
            "template": template(app, env, release, color),
        },
    })
}

/// A StatefulSet of an app, with a volume for each pod.
pub fn stateful_set(app: &App, env: Env, release: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta(app, env, release, app.name),
        "spec": {
            "replicas": app.replicas[env.index()],
            "revisionHistoryLimit": 10,
            "serviceName": format!("{}-headless", app.name),
            "podManagementPolicy": "OrderedReady",
            "selector": {"matchLabels": selector(app, None)},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "template": template(app, env, release, None),
            "volumeClaimTemplates": [{
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}},
                         "volumeMode": "Filesystem"},
            }],
        },
    })
}

/// A DaemonSet of an app.
pub fn daemon_set(app: &App, env: Env, release: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta(app, env, release, app.name),
        "spec": {
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": selector(app, None)},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": template(app, env, release, None),
        },
    })
}

/// A CronJob of an app.
pub fn cron_job(app: &App, env: Env, release: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta(app, env, release, app.name),
        "spec": {
            "schedule": "*/5 * * * *",
            "concurrencyPolicy": "Forbid",
            "suspend": false,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {
                "metadata": {"labels": labels(app, release)},
                "spec": {"backoffLimit": 2, "template": template(app, env, release, None)},
            },
        },
    })
}

/// An Argo Rollout of an app: a canary that waits at 25 %.
pub fn rollout(app: &App, env: Env, release: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": meta(app, env, release, app.name),
        "spec": {
            "replicas": app.replicas[env.index()],
            "revisionHistoryLimit": 5,
            "selector": {"matchLabels": selector(app, None)},
            "strategy": {"canary": {"maxSurge": 1, "maxUnavailable": 0, "steps": [
                {"setWeight": 25}, {"pause": {}},
                {"setWeight": 50}, {"pause": {"duration": "5m"}},
                {"setWeight": 75}, {"pause": {"duration": "5m"}}]}},
            "template": template(app, env, release, None),
        },
    })
}

/// The Service of an app. For a pair it names the live colour.
pub fn service(
    app: &App,
    env: Env,
    release: &str,
    name: &str,
    color: Option<&str>,
    headless: bool,
    ip: &str,
) -> Value {
    let mut spec = json!({
        "type": "ClusterIP",
        "selector": selector(app, color),
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
    });
    if headless {
        spec["clusterIP"] = json!("None");
        spec["clusterIPs"] = json!(["None"]);
        spec["publishNotReadyAddresses"] = json!(true);
    } else {
        spec["clusterIP"] = json!(ip);
        spec["clusterIPs"] = json!([ip]);
    }
    json!({"apiVersion": "v1", "kind": "Service", "metadata": meta(app, env, release, name), "spec": spec,
           "status": {"loadBalancer": {}}})
}

/// The Ingress of a public app.
pub fn ingress(app: &App, env: Env, release: &str, class: &str, address: &str) -> Value {
    let host = match env {
        Env::Production => format!("{}.shop.example", app.name),
        _ => format!("{}.{}.shop.example", app.name, env.short()),
    };
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta(app, env, release, app.name),
        "spec": {
            "ingressClassName": class,
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix",
                "backend": {"service": {"name": app.name, "port": {"name": "http"}}}}]}}],
            "tls": [{"hosts": [host], "secretName": format!("{}-tls", app.name)}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": address}]}},
    })
}

/// The ConfigMap that an app mounts.
pub fn config_map(app: &App, env: Env, release: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(app, env, release, &format!("{}-config", app.name)),
        "data": {
            "LOG_LEVEL": if env == Env::Production { "info" } else { "debug" },
            "application.yaml": format!(
                "service: {}\nenvironment: {}\nhttp:\n  port: {}\n  timeout: 5s\nupstreams:\n  payments: http://payments\n  catalog: http://catalog\n",
                app.name, env.short(), app.port),
        },
    })
}

/// The Secret of an app; the values are the base64 of plain words.
pub fn secret(app: &App, env: Env, release: &str, password: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": meta(app, env, release, &format!("{}-credentials", app.name)),
        "data": {"username": base64(app.name.as_bytes()), "password": base64(password.as_bytes())},
    })
}

/// The ServiceAccount of an app.
pub fn service_account(app: &App, env: Env, release: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(app, env, release, app.name),
           "automountServiceAccountToken": true})
}

/// The PodDisruptionBudget of an app: one pod may be away.
pub fn disruption_budget(app: &App, env: Env, release: &str) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta(app, env, release, app.name),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector(app, None)}},
    })
}

/// The HorizontalPodAutoscaler of an app, by CPU.
pub fn autoscaler(app: &App, env: Env, release: &str, max: u32, target: u32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": meta(app, env, release, app.name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app.name},
            "minReplicas": app.replicas[env.index()], "maxReplicas": max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": target}}}],
        },
    })
}

/// A namespace.
pub fn namespace(name: &str, labels: Value) -> Value {
    let mut labels = labels;
    labels["kubernetes.io/metadata.name"] = json!(name);
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
           "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
}

/// The ResourceQuota of an environment.
pub fn quota(namespace: &str, hard: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota",
           "metadata": {"name": "compute", "namespace": namespace},
           "spec": {"hard": hard}, "status": {"hard": hard, "used": {}}})
}

/// Standard base64 with padding, for the values of Secrets.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let word = chunk.iter().enumerate().fold(0u32, |w, (i, b)| w | u32::from(*b) << (16 - 8 * i));
            (0..4).map(move |i| {
                if i <= chunk.len() {
                    char::from(ALPHABET[(word >> (18 - 6 * i)) as usize & 63])
                } else {
                    '='
                }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::apps::app;
    use super::*;
    use crate::demo::json::text;

    #[test]
    fn base64_as_in_the_standard() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn only_production_is_short_of_memory_for_the_bad_cart() {
        let cart = app("cart").unwrap();
        let limit = |env| {
            let object = deployment(cart, env, "1.31.0", None);
            text(&object, "/spec/template/spec/containers/0/resources/limits/memory").to_owned()
        };
        assert_eq!(limit(Env::Production), "128Mi");
        assert_eq!(limit(Env::Staging), "512Mi");
    }
}
