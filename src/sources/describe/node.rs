//! Nodes.

use serde_json::Value;

use super::sheet::{Sheet, at, items, none_or, text};

pub(super) fn describe(sheet: &mut Sheet, node: &Value) {
    let labels = at(node, "/metadata/labels").as_object().into_iter().flatten();
    let roles: Vec<&str> = labels
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .filter(|r| !r.is_empty())
        .collect();
    sheet.field("Roles", &none_or(&crate::text::clean(&roles.join(","))));
    let taints: Vec<String> = items(at(node, "/spec/taints"))
        .map(|taint| {
            let value = text(&taint["value"]);
            let value = if value.is_empty() { value } else { format!("={value}") };
            format!("{}{value}:{}", text(&taint["key"]), text(&taint["effect"]))
        })
        .collect();
    sheet.field("Taints", &none_or(&taints.join("\n")));
    sheet.field("Unschedulable", &(at(node, "/spec/unschedulable") == true).to_string());
    sheet.conditions(at(node, "/status/conditions"));
    sheet.section("Addresses");
    for address in items(at(node, "/status/addresses")) {
        sheet.field(&text(&address["type"]), &text(&address["address"]));
    }
    sheet.end();
    for (name, pointer) in [("Capacity", "/status/capacity"), ("Allocatable", "/status/allocatable")] {
        sheet.section(name);
        for (resource, amount) in at(node, pointer).as_object().into_iter().flatten() {
            sheet.field(&crate::text::clean(resource), &text(amount));
        }
        sheet.end();
    }
    sheet.section("System Info");
    for (key, value) in at(node, "/status/nodeInfo").as_object().into_iter().flatten() {
        sheet.field(&super::sheet::title(key), &text(value));
    }
    sheet.end();
    sheet.some("PodCIDRs", at(node, "/spec/podCIDRs"));
    sheet.some("ProviderID", at(node, "/spec/providerID"));
}
