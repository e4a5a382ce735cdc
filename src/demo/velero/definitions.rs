//! The definitions of Velero's kinds, as far as a client can tell: names, columns, no status subresource.

use serde_json::{Value, json};

/// Kind, plural, short names, columns (name, type, path).
type Defined = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str, &'static str)],
);

const AGE: (&str, &str, &str) = ("Age", "date", ".metadata.creationTimestamp");

const KINDS: [Defined; 4] = [
    ("Backup", "backups", &[], &[AGE]),
    ("Restore", "restores", &[], &[AGE]),
    (
        "Schedule",
        "schedules",
        &[],
        &[
            ("Status", "string", ".status.phase"),
            ("Schedule", "string", ".spec.schedule"),
            ("LastBackup", "date", ".status.lastBackup"),
            AGE,
            ("Paused", "boolean", ".spec.paused"),
        ],
    ),
    (
        "BackupStorageLocation",
        "backupstoragelocations",
        &["bsl"],
        &[
            ("Phase", "string", ".status.phase"),
            ("Last Validated", "date", ".status.lastValidationTime"),
            AGE,
            ("Default", "boolean", ".spec.default"),
        ],
    ),
];

/// All of them.
pub fn definitions() -> impl Iterator<Item = Value> {
    KINDS.into_iter().map(definition)
}

fn definition((kind, plural, short, columns): Defined) -> Value {
    let columns: Vec<Value> =
        columns.iter().map(|(name, of, path)| json!({"name": name, "type": of, "jsonPath": path})).collect();
    let mut names = json!({"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()});
    if !short.is_empty() {
        names["shortNames"] = json!(short);
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.velero.io"), "labels": {"component": "velero"}},
        "spec": {
            "group": "velero.io", "scope": "Namespaced", "names": names, "conversion": {"strategy": "None"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                "additionalPrinterColumns": columns,
            }],
        },
        "status": {
            "acceptedNames": names, "storedVersions": ["v1"],
            "conditions": [{"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found"},
                           {"type": "Established", "status": "True", "reason": "InitialNamesAccepted", "message": "the initial names have been accepted"}],
        },
    })
}
