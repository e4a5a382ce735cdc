//! What the API server fills in when an object is written: the defaults of workloads, pods, services and some others.
//! Pure, by kind; called by writes of clients. Controllers write complete objects themselves.

use serde_json::{Value, json};

use super::protobuf::base64;

/// Sets a member unless it is there.
fn set(object: &mut Value, key: &str, value: Value) {
    if object[key].is_null() {
        object[key] = value;
    }
}

/// Fills in what the object of a kind leaves out.
pub fn apply(resource: &str, object: &mut Value) {
    match resource {
        "pods" => pod(object),
        "deployments.apps" => {
            let spec = &mut object["spec"];
            set(spec, "replicas", json!(1));
            set(spec, "revisionHistoryLimit", json!(10));
            set(spec, "progressDeadlineSeconds", json!(600));
            set(spec, "strategy", json!({}));
            let strategy = &mut spec["strategy"];
            set(strategy, "type", json!("RollingUpdate"));
            if strategy["type"] == "RollingUpdate" {
                set(strategy, "rollingUpdate", json!({}));
                set(&mut strategy["rollingUpdate"], "maxUnavailable", json!("25%"));
                set(&mut strategy["rollingUpdate"], "maxSurge", json!("25%"));
            }
            template(&mut spec["template"]);
        }
        "replicasets.apps" | "replicationcontrollers" => {
            set(&mut object["spec"], "replicas", json!(1));
            template(&mut object["spec"]["template"]);
        }
        "statefulsets.apps" => {
            let spec = &mut object["spec"];
            set(spec, "replicas", json!(1));
            set(spec, "revisionHistoryLimit", json!(10));
            set(spec, "podManagementPolicy", json!("OrderedReady"));
            let kept = json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
            set(spec, "persistentVolumeClaimRetentionPolicy", kept);
            set(spec, "updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}));
            template(&mut spec["template"]);
        }
        "daemonsets.apps" => {
            let spec = &mut object["spec"];
            set(spec, "revisionHistoryLimit", json!(10));
            set(
                spec,
                "updateStrategy",
                json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}),
            );
            template(&mut spec["template"]);
        }
        "jobs.batch" => {
            job(&mut object["spec"]);
            own_selector(object);
        }
        "cronjobs.batch" => {
            let spec = &mut object["spec"];
            set(spec, "concurrencyPolicy", json!("Allow"));
            set(spec, "suspend", json!(false));
            set(spec, "successfulJobsHistoryLimit", json!(3));
            set(spec, "failedJobsHistoryLimit", json!(1));
            set(&mut spec["jobTemplate"], "metadata", json!({}));
            template(&mut spec["jobTemplate"]["spec"]["template"]);
        }
        "services" => service(object),
        "horizontalpodautoscalers.autoscaling" => {
            let spec = &mut object["spec"];
            set(spec, "minReplicas", json!(1));
            set(
                spec,
                "metrics",
                json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]),
            );
        }
        "secrets" => secret(object),
        "ingresses.networking.k8s.io" => balanced(object),
        "namespaces" => {
            set(object, "spec", json!({"finalizers": ["kubernetes"]}));
            set(object, "status", json!({"phase": "Active"}));
            let name = object["metadata"]["name"].clone();
            set(&mut object["metadata"], "labels", json!({}));
            set(&mut object["metadata"]["labels"], "kubernetes.io/metadata.name", name);
        }
        super::kinds::DEFINITIONS => definition(object),
        _ => {}
    }
}

/// Words in `stringData` are stored in `data`, in base64, and shown only there.
fn secret(object: &mut Value) {
    set(object, "type", json!("Opaque"));
    let words = object.as_object_mut().and_then(|map| map.remove("stringData"));
    for (key, word) in words.iter().filter_map(Value::as_object).flatten() {
        set(object, "data", json!({}));
        object["data"][key] = json!(base64(word.as_str().unwrap_or_default().as_bytes()));
    }
}

/// What waits for a load balancer says so.
fn balanced(object: &mut Value) {
    set(object, "status", json!({}));
    set(&mut object["status"], "loadBalancer", json!({}));
}

/// A new definition is accepted at once.
fn definition(object: &mut Value) {
    let names = &mut object["spec"]["names"];
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    set(names, "singular", json!(kind.to_lowercase()));
    set(names, "listKind", json!(format!("{kind}List")));
    let names = names.clone();
    let since = object["metadata"]["creationTimestamp"].clone();
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": since});
    let stored: Vec<Value> = object["spec"]["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|version| version["storage"] == true)
        .map(|version| version["name"].clone())
        .collect();
    object["status"] = json!({
        "acceptedNames": names, "storedVersions": stored,
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
    });
}

fn job(spec: &mut Value) {
    for (key, value) in [
        ("completions", json!(1)),
        ("parallelism", json!(1)),
        ("backoffLimit", json!(6)),
        ("completionMode", json!("NonIndexed")),
        ("suspend", json!(false)),
        ("manualSelector", json!(false)),
        ("podReplacementPolicy", json!("TerminatingOrFailed")),
    ] {
        set(spec, key, value);
    }
    template(&mut spec["template"]);
}

/// A Job selects its pods by its own uid.
fn own_selector(object: &mut Value) {
    let uid = object["metadata"]["uid"].clone();
    if !object["spec"]["selector"].is_null() || uid.is_null() {
        return;
    }
    let name = object["metadata"]["name"].clone();
    object["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    let metadata = &mut object["spec"]["template"]["metadata"];
    set(metadata, "labels", json!({}));
    for prefix in ["", "batch.kubernetes.io/"] {
        metadata["labels"][format!("{prefix}controller-uid")] = uid.clone();
        metadata["labels"][format!("{prefix}job-name")] = name.clone();
    }
    let labels = metadata["labels"].clone();
    set(&mut object["metadata"], "labels", labels);
}

/// Fills in what a pod template leaves out.
pub fn template(template: &mut Value) {
    if template.is_null() {
        return;
    }
    if template["metadata"].is_null() {
        template["metadata"] = json!({});
    }
    pod_spec(&mut template["spec"]);
}

fn pod(object: &mut Value) {
    let spec = &mut object["spec"];
    pod_spec(spec);
    set(spec, "serviceAccountName", json!("default"));
    set(spec, "serviceAccount", json!("default"));
    set(spec, "enableServiceLinks", json!(true));
    set(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
    set(spec, "priority", json!(0));
    let until = |key: &str| json!({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300});
    set(
        spec,
        "tolerations",
        json!([until("node.kubernetes.io/not-ready"), until("node.kubernetes.io/unreachable")]),
    );
    let class = quality(spec);
    set(object, "status", json!({}));
    set(&mut object["status"], "phase", json!("Pending"));
    set(&mut object["status"], "qosClass", json!(class));
}

/// The quality-of-service class that a pod's requests and limits make.
fn quality(spec: &Value) -> &'static str {
    let all = || spec["containers"].as_array().into_iter().flatten();
    let some = |c: &Value, key: &str| c["resources"][key].as_object().is_some_and(|m| !m.is_empty());
    if !all().any(|c| some(c, "requests") || some(c, "limits")) {
        return "BestEffort";
    }
    let guaranteed = |c: &Value| {
        ["cpu", "memory"].iter().all(|key| {
            let (limit, request) = (&c["resources"]["limits"][key], &c["resources"]["requests"][key]);
            !limit.is_null() && (request.is_null() || request == limit)
        })
    };
    if all().all(guaranteed) { "Guaranteed" } else { "Burstable" }
}

fn pod_spec(spec: &mut Value) {
    for (key, value) in [
        ("restartPolicy", json!("Always")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
        ("terminationGracePeriodSeconds", json!(30)),
    ] {
        set(spec, key, value);
    }
    // The older name of the same field.
    let account = spec["serviceAccountName"].clone();
    if account.as_str().is_some_and(|account| !account.is_empty()) {
        set(spec, "serviceAccount", account);
    }
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        for source in ["configMap", "secret", "projected", "downwardAPI"] {
            if let Some(source) = volume.get_mut(source).filter(|source| source.is_object()) {
                // 0644
                set(source, "defaultMode", json!(420));
            }
        }
    }
    for list in ["containers", "initContainers"] {
        if let Some(containers) = spec.get_mut(list).and_then(Value::as_array_mut) {
            containers.iter_mut().for_each(container);
        }
    }
}

/// A quantity as a real server stores it: `1000m` is `1`, `1024Mi` is `1Gi`. Without this an undo through kubectl,
/// which writes the short form, would look like another template.
fn canonical(quantity: &Value) -> Value {
    let text = match quantity {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let Ok(mut number) = number.parse::<i64>() else { return json!(text) };
    const UNITS: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if unit == "m" && number % 1000 == 0 {
        return json!((number / 1000).to_string());
    }
    let Some(mut at) = UNITS.iter().position(|u| *u == unit) else { return json!(text) };
    while number != 0 && number % 1024 == 0 && at + 1 < UNITS.len() {
        number /= 1024;
        at += 1;
    }
    json!(format!("{number}{}", UNITS[at]))
}

fn container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    let moving = !image.contains('@') && (!last.contains(':') || last.ends_with(":latest"));
    let policy = if moving { "Always" } else { "IfNotPresent" };
    set(container, "imagePullPolicy", json!(policy));
    set(container, "resources", json!({}));
    for key in ["requests", "limits"] {
        for quantity in
            container["resources"].get_mut(key).and_then(Value::as_object_mut).into_iter().flatten()
        {
            *quantity.1 = canonical(quantity.1);
        }
    }
    set(container, "terminationMessagePath", json!("/dev/termination-log"));
    set(container, "terminationMessagePolicy", json!("File"));
    if let Some(ports) = container.get_mut("ports").and_then(Value::as_array_mut) {
        ports.iter_mut().for_each(|port| set(port, "protocol", json!("TCP")));
    }
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get_mut(key).filter(|p| p.is_object()) else { continue };
        if let Some(request) = probe.get_mut("httpGet").filter(|r| r.is_object()) {
            set(request, "scheme", json!("HTTP"));
        }
        for (key, value) in
            [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
        {
            set(probe, key, json!(value));
        }
    }
}

/// Two numbers below 250 from a name, for addresses and ports that must be the same each time.
fn numbers(text: &str) -> (u32, u32) {
    let hash = text.bytes().fold(2_166_136_261_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
    (hash % 250, hash / 250 % 250 + 1)
}

fn service(object: &mut Value) {
    let ns = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let (a, b) = numbers(&format!("{ns}/{name}"));
    balanced(object);
    let spec = &mut object["spec"];
    set(spec, "type", json!("ClusterIP"));
    set(spec, "sessionAffinity", json!("None"));
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    if let Some(ports) = spec["ports"].as_array_mut() {
        for (at, port) in ports.iter_mut().enumerate() {
            set(port, "protocol", json!("TCP"));
            let same = port["port"].clone();
            set(port, "targetPort", same);
            if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
                set(
                    port,
                    "nodePort",
                    json!(30_000 + a * 10 + b % 10 + u32::try_from(at).unwrap_or_default()),
                );
            }
        }
    }
    if kind == "ExternalName" {
        return;
    }
    set(spec, "clusterIP", json!(format!("10.96.{a}.{b}")));
    let address = spec["clusterIP"].clone();
    set(spec, "clusterIPs", json!([address]));
    set(spec, "ipFamilies", json!(["IPv4"]));
    set(spec, "ipFamilyPolicy", json!("SingleStack"));
    set(spec, "internalTrafficPolicy", json!("Cluster"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_gets_what_clients_rely_on() {
        let mut object = json!({"metadata":{"name":"web"},"spec":{"template":{"spec":{"containers":[{"name":"a","image":"nginx","ports":[{"containerPort":80}]}]}}}});
        apply("deployments.apps", &mut object);
        let spec = &object["spec"];
        assert_eq!(
            (&spec["replicas"], &spec["strategy"]["rollingUpdate"]["maxSurge"]),
            (&json!(1), &json!("25%"))
        );
        let container = &spec["template"]["spec"]["containers"][0];
        assert_eq!(
            (&container["imagePullPolicy"], &container["ports"][0]["protocol"]),
            (&json!("Always"), &json!("TCP"))
        );
        let again = object.clone();
        apply("deployments.apps", &mut object);
        assert_eq!(object, again);
    }

    #[test]
    fn quantities_are_stored_in_their_short_form() {
        for (given, stored) in [
            (json!("1000m"), "1"),
            (json!("1500m"), "1500m"),
            (json!(2), "2"),
            (json!("2048Mi"), "2Gi"),
            (json!("1536Mi"), "1536Mi"),
            (json!("1.5"), "1.5"),
            (json!("0"), "0"),
        ] {
            assert_eq!(canonical(&given), stored);
        }
    }

    #[test]
    fn words_of_a_secret_are_kept_in_base64_only() {
        let mut secret = json!({"data": {"a": "b2xk", "b": "b2xk"}, "stringData": {"a": "new"}});
        apply("secrets", &mut secret);
        assert_eq!(secret, json!({"type": "Opaque", "data": {"a": "bmV3", "b": "b2xk"}}));
    }

    #[test]
    fn quality_of_service() {
        for (resources, class) in [
            (json!({}), "BestEffort"),
            (json!({"requests":{"cpu":"1"}}), "Burstable"),
            (json!({"limits":{"cpu":"1","memory":"1Gi"}}), "Guaranteed"),
        ] {
            assert_eq!(quality(&json!({"containers":[{"resources":resources}]})), class);
        }
    }
}
