//! Cells of core, networking, storage, policy and access kinds.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Cells;
use super::format::{age, items, labels, name, number, scalar, selector, since, some, text_or};

/// Headings and cells of a kind, if this file prints it.
pub fn printer(resource: &str) -> Option<(&'static str, Cells)> {
    Some(match resource {
        "services" => ("Name|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*", service),
        "endpoints" => ("Name|Endpoints|Age", endpoints),
        "nodes" => (
            "Name|Status|Roles|Age|Version|Internal-IP*|External-IP*|OS-Image*|Kernel-Version*|Container-Runtime*",
            node,
        ),
        "events" => {
            ("Last Seen|Type|Reason|Object|Subobject*|Source*|Message|First Seen*|Count*|Name*", event)
        }
        "namespaces" => ("Name|Status|Age", namespace),
        "secrets" => ("Name|Type|Data|Age", secret),
        "configmaps" => ("Name|Data|Age", config_map),
        "resourcequotas" => ("Name|Request|Limit|Age", quota),
        "persistentvolumeclaims" => (
            "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|VolumeMode*",
            claim,
        ),
        "persistentvolumes" => (
            "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age|VolumeMode*",
            volume,
        ),
        "limitranges" => ("Name|Created At:date", limit_range),
        "ingresses.networking.k8s.io" => ("Name|Class|Hosts|Address|Ports|Age", ingress),
        "ingressclasses.networking.k8s.io" => ("Name|Controller|Parameters|Age", ingress_class),
        "networkpolicies.networking.k8s.io" => ("Name|Pod-Selector|Age", network_policy),
        "poddisruptionbudgets.policy" => {
            ("Name|Min Available|Max Unavailable|Allowed Disruptions:integer|Age", budget)
        }
        "endpointslices.discovery.k8s.io" => ("Name|AddressType|Ports|Endpoints|Age", slice),
        "leases.coordination.k8s.io" => ("Name|Holder|Age", lease),
        "storageclasses.storage.k8s.io" => {
            ("Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age", storage_class)
        }
        "priorityclasses.scheduling.k8s.io" => {
            ("Name|Value:integer|Global-Default:boolean|Age|PreemptionPolicy", priority_class)
        }
        "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => {
            ("Name|Created At:date", limit_range)
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            ("Name|Role|Age|Users*|Groups*|ServiceAccounts*", binding)
        }
        "customresourcedefinitions.apiextensions.k8s.io" => ("Name|Created At:date", limit_range),
        _ => return None,
    })
}

/// For kinds without columns of their own.
pub fn name_and_age(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), age(object, now)]
}

/// Kinds whose time column is the time itself.
fn limit_range(object: &Value, _: Timestamp) -> Vec<Value> {
    vec![name(object), object["metadata"]["creationTimestamp"].clone()]
}

fn addresses(object: &Value) -> Vec<String> {
    let of = |ingress: &Value| {
        let address = ingress["ip"].as_str().or_else(|| ingress["hostname"].as_str());
        address.unwrap_or_default().to_owned()
    };
    items(&object["status"]["loadBalancer"]["ingress"]).iter().map(of).collect()
}

fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let kind = text_or(&spec["type"], "ClusterIP");
    let own: Vec<String> =
        items(&spec["externalIPs"]).iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    let external = match kind.as_str() {
        "LoadBalancer" => {
            let all = [addresses(object), own].concat();
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ExternalName" => text_or(&spec["externalName"], "<none>"),
        _ if own.is_empty() => "<none>".to_owned(),
        _ => own.join(","),
    };
    let ports: Vec<String> = items(&spec["ports"])
        .iter()
        .map(|port| {
            let protocol = text_or(&port["protocol"], "TCP");
            match port["nodePort"].as_i64() {
                Some(node @ 1..) => format!("{}:{node}/{protocol}", port["port"]),
                _ => format!("{}/{protocol}", port["port"]),
            }
        })
        .collect();
    let ports = if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") };
    vec![
        name(object),
        kind.into(),
        text_or(&spec["clusterIP"], "<none>").into(),
        external.into(),
        ports.into(),
        age(object, now),
        labels(&spec["selector"]).into(),
    ]
}

fn endpoints(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut list = Vec::new();
    for subset in items(&object["subsets"]) {
        for port in items(&subset["ports"]) {
            for address in items(&subset["addresses"]) {
                list.push(format!("{}:{}", text_or(&address["ip"], ""), port["port"]));
            }
        }
    }
    vec![name(object), some(&list, 3).into(), age(object, now)]
}

fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let status = &object["status"];
    let ready = items(&status["conditions"]).iter().find(|c| c["type"] == "Ready");
    let mut state = match ready {
        Some(condition) if condition["status"] == "True" => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if object["spec"]["unschedulable"] == true {
        state.push_str(",SchedulingDisabled");
    }
    let roles: Vec<String> = object["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/").map(str::to_owned))
        .filter(|role| !role.is_empty())
        .collect();
    let roles = if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") };
    let address = |kind: &str| {
        let found = items(&status["addresses"]).iter().find(|a| a["type"] == kind);
        found.map_or_else(|| "<none>".to_owned(), |a| text_or(&a["address"], "<none>"))
    };
    let info = &status["nodeInfo"];
    let mut kernel = text_or(&info["kernelVersion"], "<unknown>");
    if let Some(architecture) = info["architecture"].as_str().filter(|a| !a.is_empty()) {
        kernel = format!("{kernel} ({architecture})");
    }
    vec![
        name(object),
        state.into(),
        roles.into(),
        age(object, now),
        text_or(&info["kubeletVersion"], "").into(),
        address("InternalIP").into(),
        address("ExternalIP").into(),
        text_or(&info["osImage"], "<unknown>").into(),
        kernel.into(),
        text_or(&info["containerRuntimeVersion"], "<unknown>").into(),
    ]
}

fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let first = if object["firstTimestamp"].is_null() {
        since(&object["eventTime"], now)
    } else {
        since(&object["firstTimestamp"], now)
    };
    let series = &object["series"];
    let (last, count) = if series.is_object() {
        (since(&series["lastObservedTime"], now), series["count"].as_i64().unwrap_or(1))
    } else {
        let last = &object["lastTimestamp"];
        let last = if last.is_null() { first.clone() } else { since(last, now) };
        (last, object["count"].as_i64().unwrap_or(1).max(1))
    };
    let involved = &object["involvedObject"];
    let kind = text_or(&involved["kind"], "").to_lowercase();
    let target = match involved["name"].as_str() {
        Some(name) if !name.is_empty() => format!("{kind}/{name}"),
        _ => kind,
    };
    let component = text_or(&object["source"]["component"], "");
    let component = if component.is_empty() { text_or(&object["reportingComponent"], "") } else { component };
    let host = text_or(&object["source"]["host"], &text_or(&object["reportingInstance"], ""));
    let source = if host.is_empty() { component } else { format!("{component}, {host}") };
    vec![
        last.into(),
        text_or(&object["type"], "").into(),
        text_or(&object["reason"], "").into(),
        target.into(),
        text_or(&involved["fieldPath"], "").into(),
        source.into(),
        text_or(&object["message"], "").trim().into(),
        first.into(),
        count.into(),
        name(object),
    ]
}

fn namespace(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), text_or(&object["status"]["phase"], "Active").into(), age(object, now)]
}

fn entries(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}

fn secret(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        text_or(&object["type"], "Opaque").into(),
        entries(&object["data"]).into(),
        age(object, now),
    ]
}

fn config_map(object: &Value, now: Timestamp) -> Vec<Value> {
    let count = entries(&object["data"]) + entries(&object["binaryData"]);
    vec![name(object), count.into(), age(object, now)]
}

fn quota(object: &Value, now: Timestamp) -> Vec<Value> {
    let status = &object["status"];
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in status["hard"].as_object().into_iter().flatten() {
        let used = scalar(&status["used"][resource], "0");
        let text = format!("{resource}: {used}/{}", scalar(hard, "0"));
        if resource.starts_with("limits.") { limits.push(text) } else { requests.push(text) }
    }
    vec![name(object), requests.join(", ").into(), limits.join(", ").into(), age(object, now)]
}

fn access_modes(value: &Value) -> Value {
    let short = |mode: &Value| match mode.as_str().unwrap_or_default() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    let modes: Vec<&str> = items(value).iter().map(short).collect();
    modes.join(",").into()
}

fn claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let bound = spec["volumeName"].as_str().is_some_and(|v| !v.is_empty());
    let (capacity, modes) = if bound {
        (scalar(&status["capacity"]["storage"], ""), access_modes(&status["accessModes"]))
    } else {
        (String::new(), json!(""))
    };
    let state = if object["metadata"]["deletionTimestamp"].is_null() {
        text_or(&status["phase"], "")
    } else {
        "Terminating".to_owned()
    };
    vec![
        name(object),
        state.into(),
        text_or(&spec["volumeName"], "").into(),
        capacity.into(),
        modes,
        text_or(&spec["storageClassName"], "").into(),
        text_or(&spec["volumeAttributesClassName"], "<unset>").into(),
        age(object, now),
        text_or(&spec["volumeMode"], "<unset>").into(),
    ]
}

fn volume(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let claim = &spec["claimRef"];
    let claim = if claim.is_object() {
        format!("{}/{}", text_or(&claim["namespace"], ""), text_or(&claim["name"], ""))
    } else {
        String::new()
    };
    vec![
        name(object),
        scalar(&spec["capacity"]["storage"], "").into(),
        access_modes(&spec["accessModes"]),
        text_or(&spec["persistentVolumeReclaimPolicy"], "").into(),
        text_or(&status["phase"], "").into(),
        claim.into(),
        text_or(&spec["storageClassName"], "").into(),
        text_or(&spec["volumeAttributesClassName"], "<unset>").into(),
        text_or(&status["reason"], "").into(),
        age(object, now),
        text_or(&spec["volumeMode"], "<unset>").into(),
    ]
}

fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let hosts: Vec<String> =
        items(&spec["rules"]).iter().filter_map(|rule| rule["host"].as_str().map(str::to_owned)).collect();
    let hosts = if hosts.is_empty() { "*".to_owned() } else { some(&hosts, 3) };
    let ports = if items(&spec["tls"]).is_empty() { "80" } else { "80, 443" };
    vec![
        name(object),
        text_or(&spec["ingressClassName"], "<none>").into(),
        hosts.into(),
        addresses(object).join(",").into(),
        ports.into(),
        age(object, now),
    ]
}

fn ingress_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let parameters = &object["spec"]["parameters"];
    let parameters = if parameters.is_object() {
        format!("{}/{}", text_or(&parameters["kind"], ""), text_or(&parameters["name"], ""))
    } else {
        "<none>".to_owned()
    };
    let controller = text_or(&object["spec"]["controller"], "");
    vec![name(object), controller.into(), parameters.into(), age(object, now)]
}

fn network_policy(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), selector(&object["spec"]["podSelector"]).into(), age(object, now)]
}

fn budget(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    vec![
        name(object),
        scalar(&spec["minAvailable"], "N/A").into(),
        scalar(&spec["maxUnavailable"], "N/A").into(),
        number(&object["status"]["disruptionsAllowed"]),
        age(object, now),
    ]
}

fn slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports: Vec<String> = items(&object["ports"])
        .iter()
        .map(|port| scalar(&port["port"], &text_or(&port["name"], "*")))
        .collect();
    let addresses: Vec<String> = items(&object["endpoints"])
        .iter()
        .flat_map(|endpoint| items(&endpoint["addresses"]))
        .filter_map(|address| address.as_str().map(str::to_owned))
        .collect();
    // Unlike other lists, an empty one of a slice says <unset>.
    let list = |texts: &[String]| {
        if texts.is_empty() { "<unset>".to_owned() } else { some(texts, 3) }
    };
    vec![
        name(object),
        text_or(&object["addressType"], "").into(),
        list(&ports).into(),
        list(&addresses).into(),
        age(object, now),
    ]
}

fn lease(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), text_or(&object["spec"]["holderIdentity"], "").into(), age(object, now)]
}

fn storage_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let default = "storageclass.kubernetes.io/is-default-class";
    let is_default = object["metadata"]["annotations"][default] == "true";
    let title = text_or(&object["metadata"]["name"], "");
    vec![
        if is_default { format!("{title} (default)").into() } else { title.into() },
        text_or(&object["provisioner"], "").into(),
        text_or(&object["reclaimPolicy"], "Delete").into(),
        text_or(&object["volumeBindingMode"], "Immediate").into(),
        (object["allowVolumeExpansion"] == true).into(),
        age(object, now),
    ]
}

fn priority_class(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        number(&object["value"]),
        (object["globalDefault"] == true).into(),
        age(object, now),
        text_or(&object["preemptionPolicy"], "PreemptLowerPriority").into(),
    ]
}

fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let role = &object["roleRef"];
    let subjects = |kind: &str| -> Value {
        let names: Vec<String> = items(&object["subjects"])
            .iter()
            .filter(|subject| subject["kind"] == kind)
            .map(|subject| match subject["namespace"].as_str() {
                Some(ns) if kind == "ServiceAccount" => {
                    format!("{ns}/{}", text_or(&subject["name"], ""))
                }
                _ => text_or(&subject["name"], ""),
            })
            .collect();
        names.join(", ").into()
    };
    vec![
        name(object),
        format!("{}/{}", text_or(&role["kind"], ""), text_or(&role["name"], "")).into(),
        age(object, now),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}
