//! Services and Ingresses.

use serde_json::Value;

use super::sheet::{Sheet, at, items, none_or, text};

pub(super) fn service(sheet: &mut Sheet, service: &Value) {
    let pairs = at(service, "/spec/selector").as_object().into_iter().flatten();
    let selector: Vec<String> =
        pairs.map(|(key, value)| format!("{}={}", crate::text::clean(key), text(value))).collect();
    sheet.field("Selector", &none_or(&selector.join(",")));
    sheet.some("Type", at(service, "/spec/type"));
    let families: Vec<String> = items(at(service, "/spec/ipFamilies")).map(text).collect();
    sheet.field("IP Families", &none_or(&families.join(",")));
    let ips: Vec<String> = items(at(service, "/spec/clusterIPs")).map(text).collect();
    let ips = if ips.is_empty() { text(at(service, "/spec/clusterIP")) } else { ips.join(",") };
    sheet.field("IPs", &none_or(&ips));
    sheet.some("External Name", at(service, "/spec/externalName"));
    let balanced = addresses(service);
    if !balanced.is_empty() {
        sheet.field("LoadBalancer Ingress", &balanced);
    }
    for port in items(at(service, "/spec/ports")) {
        let name = none_or(&text(&port["name"])).replace("<none>", "<unset>");
        sheet.field("Port", &format!("{name} {}/{}", text(&port["port"]), text(&port["protocol"])));
        sheet.field("TargetPort", &text(&port["targetPort"]));
        if !port["nodePort"].is_null() {
            sheet.field("NodePort", &text(&port["nodePort"]));
        }
    }
    sheet.some("Session Affinity", at(service, "/spec/sessionAffinity"));
    sheet.some("External Traffic", at(service, "/spec/externalTrafficPolicy"));
    sheet.some("Internal Traffic", at(service, "/spec/internalTrafficPolicy"));
    sheet.conditions(at(service, "/status/conditions"));
}

fn addresses(object: &Value) -> String {
    let entrances = items(at(object, "/status/loadBalancer/ingress"));
    let list: Vec<String> = entrances
        .map(|entrance| {
            let host = text(&entrance["hostname"]);
            if host.is_empty() { text(&entrance["ip"]) } else { host }
        })
        .collect();
    list.join(", ")
}

pub(super) fn ingress(sheet: &mut Sheet, ingress: &Value) {
    sheet.field("Address", &none_or(&addresses(ingress)));
    sheet.field("Ingress Class", &none_or(&text(at(ingress, "/spec/ingressClassName"))));
    sheet.field("Default Backend", &none_or(&backend(at(ingress, "/spec/defaultBackend"))));
    for tls in items(at(ingress, "/spec/tls")) {
        let hosts: Vec<String> = items(&tls["hosts"]).map(text).collect();
        sheet
            .field("TLS", &format!("{} terminates {}", none_or(&text(&tls["secretName"])), hosts.join(", ")));
    }
    let mut rows = vec![["Host", "Path", "Backend"].map(str::to_owned).to_vec()];
    for rule in items(at(ingress, "/spec/rules")) {
        let host = none_or(&text(&rule["host"])).replace("<none>", "*");
        for path in items(at(rule, "/http/paths")) {
            let shown = none_or(&text(&path["path"])).replace("<none>", "/");
            rows.push(vec![host.clone(), shown, backend(&path["backend"])]);
        }
    }
    sheet.section("Rules");
    sheet.table(rows);
    sheet.end();
}

fn backend(backend: &Value) -> String {
    let service = &backend["service"];
    if service.is_object() {
        let port = &service["port"];
        let port = if port["name"].is_string() { text(&port["name"]) } else { text(&port["number"]) };
        return format!("{}:{port}", text(&service["name"]));
    }
    match backend["resource"].is_object() {
        true => format!("{}/{}", text(&backend["resource"]["kind"]), text(&backend["resource"]["name"])),
        false => String::new(),
    }
}
