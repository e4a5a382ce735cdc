//! Pods, and the pod templates of workloads.

use serde_json::Value;

use super::sheet::{Sheet, at, items, none_or, text};

pub(super) fn describe(sheet: &mut Sheet, pod: &Value) {
    sheet.some("Priority Class", at(pod, "/spec/priorityClassName"));
    sheet.some("Service Account", at(pod, "/spec/serviceAccountName"));
    let (node, host) = (text(at(pod, "/spec/nodeName")), text(at(pod, "/status/hostIP")));
    let node = if host.is_empty() { node } else { format!("{node}/{host}") };
    sheet.field("Node", &none_or(&node));
    sheet.time("Start Time", at(pod, "/status/startTime"));
    sheet.field("Status", &text(at(pod, "/status/phase")));
    sheet.some("Reason", at(pod, "/status/reason"));
    sheet.some("Message", at(pod, "/status/message"));
    let ips: Vec<String> = items(at(pod, "/status/podIPs")).map(|ip| text(&ip["ip"])).collect();
    sheet.field("IPs", &none_or(&ips.join(", ")));
    for (name, specs, statuses) in [
        ("Init Containers", "/spec/initContainers", "/status/initContainerStatuses"),
        ("Containers", "/spec/containers", "/status/containerStatuses"),
        ("Ephemeral Containers", "/spec/ephemeralContainers", "/status/ephemeralContainerStatuses"),
    ] {
        containers(sheet, name, at(pod, specs), at(pod, statuses));
    }
    sheet.conditions(at(pod, "/status/conditions"));
    volumes(sheet, at(pod, "/spec/volumes"));
    sheet.some("QoS Class", at(pod, "/status/qosClass"));
    sheet.pairs("Node-Selectors", at(pod, "/spec/nodeSelector"));
    let tolerations: Vec<String> = items(at(pod, "/spec/tolerations")).map(toleration).collect();
    sheet.field("Tolerations", &none_or(&tolerations.join("\n")));
}

/// The template of a workload's pods.
pub(super) fn template(sheet: &mut Sheet, template: &Value) {
    sheet.section("Pod Template");
    sheet.pairs("Labels", at(template, "/metadata/labels"));
    sheet.some("Service Account", at(template, "/spec/serviceAccountName"));
    containers(sheet, "Init Containers", at(template, "/spec/initContainers"), &Value::Null);
    containers(sheet, "Containers", at(template, "/spec/containers"), &Value::Null);
    volumes(sheet, at(template, "/spec/volumes"));
    sheet.pairs("Node-Selectors", at(template, "/spec/nodeSelector"));
    sheet.end();
}

fn containers(sheet: &mut Sheet, name: &str, specs: &Value, statuses: &Value) {
    if items(specs).next().is_none() {
        return;
    }
    sheet.section(name);
    for spec in items(specs) {
        sheet.section(&text(&spec["name"]));
        container(sheet, spec, items(statuses).find(|status| status["name"] == spec["name"]));
        sheet.end();
    }
    sheet.end();
}

fn container(sheet: &mut Sheet, spec: &Value, status: Option<&Value>) {
    sheet.field("Image", &text(&spec["image"]));
    if let Some(status) = status {
        sheet.some("Image ID", &status["imageID"]);
    }
    let ports = items(&spec["ports"]).map(|port| {
        let protocol = none_or(&text(&port["protocol"])).replace("<none>", "TCP");
        format!("{}/{protocol} {}", text(&port["containerPort"]), text(&port["name"])).trim_end().to_owned()
    });
    let ports: Vec<String> = ports.collect();
    sheet.field("Ports", &none_or(&ports.join(", ")));
    for key in ["command", "args"] {
        let words: Vec<String> = items(&spec[key]).map(text).collect();
        if !words.is_empty() {
            sheet.field(&super::sheet::title(key), &words.join("\n"));
        }
    }
    if let Some(status) = status {
        state(sheet, "State", &status["state"]);
        state(sheet, "Last State", &status["lastState"]);
        sheet.some("Ready", &status["ready"]);
        sheet.some("Restart Count", &status["restartCount"]);
    }
    for key in ["limits", "requests"] {
        let amounts = spec["resources"][key].as_object().into_iter().flatten();
        let amounts: Vec<String> = amounts.map(|(name, amount)| format!("{name} {}", text(amount))).collect();
        if !amounts.is_empty() {
            sheet.field(&super::sheet::title(key), &amounts.join(", "));
        }
    }
    for (name, key) in
        [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")]
    {
        if spec[key].is_object() {
            sheet.field(name, &probe(&spec[key]));
        }
    }
    let sources = items(&spec["envFrom"]).map(|from| {
        let (kind, name) = match from["secretRef"].is_object() {
            true => ("Secret", &from["secretRef"]["name"]),
            false => ("ConfigMap", &from["configMapRef"]["name"]),
        };
        format!("{} {kind}", text(name))
    });
    let sources: Vec<String> = sources.collect();
    if !sources.is_empty() {
        sheet.field("Environment From", &sources.join("\n"));
    }
    let variables: Vec<String> = items(&spec["env"]).map(variable).collect();
    sheet.field("Environment", &none_or(&variables.join("\n")));
    let mounts = items(&spec["volumeMounts"]).map(|mount| {
        let mode = if mount["readOnly"] == true { "ro" } else { "rw" };
        format!("{} from {} ({mode})", text(&mount["mountPath"]), text(&mount["name"]))
    });
    let mounts: Vec<String> = mounts.collect();
    sheet.field("Mounts", &none_or(&mounts.join("\n")));
}

fn variable(variable: &Value) -> String {
    let name = text(&variable["name"]);
    let from = &variable["valueFrom"];
    let reference = |word: &str, from: &Value| {
        format!("{name}: <set to the key '{}' of {word} '{}'>", text(&from["key"]), text(&from["name"]))
    };
    if from["secretKeyRef"].is_object() {
        reference("secret", &from["secretKeyRef"])
    } else if from["configMapKeyRef"].is_object() {
        reference("config map", &from["configMapKeyRef"])
    } else if from["fieldRef"].is_object() {
        format!("{name}: ({})", text(&from["fieldRef"]["fieldPath"]))
    } else if from["resourceFieldRef"].is_object() {
        format!("{name}: ({})", text(&from["resourceFieldRef"]["resource"]))
    } else {
        format!("{name}: {}", text(&variable["value"]))
    }
}

fn state(sheet: &mut Sheet, name: &str, state: &Value) {
    let Some((word, state)) = state.as_object().and_then(|state| state.iter().next()) else { return };
    sheet.field(name, &super::sheet::title(word));
    sheet.below(|sheet| {
        sheet.some("Reason", &state["reason"]);
        sheet.some("Message", &state["message"]);
        sheet.some("Exit Code", &state["exitCode"]);
        sheet.some("Signal", &state["signal"]);
        for (name, key) in [("Started", "startedAt"), ("Finished", "finishedAt")] {
            if state[key].is_string() {
                sheet.time(name, &state[key]);
            }
        }
    });
}

fn probe(probe: &Value) -> String {
    let what = if probe["httpGet"].is_object() {
        let get = &probe["httpGet"];
        let scheme = none_or(&text(&get["scheme"])).replace("<none>", "http").to_lowercase();
        format!("http-get {scheme}://{}:{}{}", text(&get["host"]), text(&get["port"]), text(&get["path"]))
    } else if probe["tcpSocket"].is_object() {
        format!("tcp-socket :{}", text(&probe["tcpSocket"]["port"]))
    } else if probe["grpc"].is_object() {
        format!("grpc :{} {}", text(&probe["grpc"]["port"]), text(&probe["grpc"]["service"]))
    } else {
        let words: Vec<String> = items(&probe["exec"]["command"]).map(text).collect();
        format!("exec [{}]", words.join(" "))
    };
    let number = |key: &str, otherwise: u64| probe[key].as_u64().unwrap_or(otherwise);
    format!(
        "{what} delay={}s timeout={}s period={}s #success={} #failure={}",
        number("initialDelaySeconds", 0),
        number("timeoutSeconds", 1),
        number("periodSeconds", 10),
        number("successThreshold", 1),
        number("failureThreshold", 3)
    )
}

fn volumes(sheet: &mut Sheet, volumes: &Value) {
    if items(volumes).next().is_none() {
        return;
    }
    sheet.section("Volumes");
    for volume in items(volumes) {
        let source = volume.as_object().into_iter().flatten().find(|(key, _)| *key != "name");
        let words = match source {
            None => "emptyDir".to_owned(),
            Some((kind, source)) => {
                let named =
                    ["secretName", "claimName", "name", "path"].iter().find_map(|key| source[*key].as_str());
                format!("{} {}", crate::text::clean(kind), crate::text::clean(named.unwrap_or_default()))
            }
        };
        sheet.field(&text(&volume["name"]), words.trim_end());
    }
    sheet.end();
}

fn toleration(toleration: &Value) -> String {
    let mut words = text(&toleration["key"]);
    if toleration["operator"] == "Exists" {
        words.push_str(" op=Exists");
    } else if !toleration["value"].is_null() {
        words.push_str(&format!("={}", text(&toleration["value"])));
    }
    let effect = text(&toleration["effect"]);
    if !effect.is_empty() {
        words = format!("{words}:{effect}");
    }
    match toleration["tolerationSeconds"].as_i64() {
        Some(seconds) => format!("{words} for {seconds}s"),
        None => words.trim().to_owned(),
    }
}
