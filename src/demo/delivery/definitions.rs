//! The definitions of Argo CD's and Flux' kinds, with the printer columns of the real ones. Their schemas are open: the
//! demo enforces none.

use serde_json::{Value, json};

/// A kind to be defined.
struct Defined {
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    /// Served versions, the stored one first.
    versions: &'static [&'static str],
    /// Whether there is a status subresource.
    status: bool,
    /// Heading, type, path, priority.
    columns: &'static [(&'static str, &'static str, &'static str, i64)],
}

const AGE: (&str, &str, &str, i64) = ("Age", "date", ".metadata.creationTimestamp", 0);
const READY: (&str, &str, &str, i64) =
    ("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", 0);
const STATUS: (&str, &str, &str, i64) =
    ("Status", "string", ".status.conditions[?(@.type==\"Ready\")].message", 0);
const URL: (&str, &str, &str, i64) = ("URL", "string", ".spec.url", 0);

const ARGO: [Defined; 3] = [
    Defined {
        group: "argoproj.io",
        kind: "Application",
        plural: "applications",
        short: &["app", "apps"],
        versions: &["v1alpha1"],
        status: false,
        columns: &[
            ("Sync Status", "string", ".status.sync.status", 0),
            ("Health Status", "string", ".status.health.status", 0),
            ("Revision", "string", ".status.sync.revision", 10),
            ("Project", "string", ".spec.project", 10),
        ],
    },
    Defined {
        group: "argoproj.io",
        kind: "ApplicationSet",
        plural: "applicationsets",
        short: &["appset", "appsets"],
        versions: &["v1alpha1"],
        status: true,
        columns: &[],
    },
    Defined {
        group: "argoproj.io",
        kind: "AppProject",
        plural: "appprojects",
        short: &["appproj", "appprojs"],
        versions: &["v1alpha1"],
        status: false,
        columns: &[],
    },
];

const FLUX: [Defined; 7] = [
    Defined {
        group: "source.toolkit.fluxcd.io",
        kind: "GitRepository",
        plural: "gitrepositories",
        short: &["gitrepo"],
        versions: &["v1"],
        status: true,
        columns: &[URL, AGE, READY, STATUS],
    },
    Defined {
        group: "source.toolkit.fluxcd.io",
        kind: "OCIRepository",
        plural: "ocirepositories",
        short: &["ocirepo"],
        versions: &["v1"],
        status: true,
        columns: &[URL, READY, STATUS, AGE],
    },
    Defined {
        group: "source.toolkit.fluxcd.io",
        kind: "HelmRepository",
        plural: "helmrepositories",
        short: &["helmrepo"],
        versions: &["v1"],
        status: true,
        columns: &[URL, AGE, READY, STATUS],
    },
    Defined {
        group: "source.toolkit.fluxcd.io",
        kind: "HelmChart",
        plural: "helmcharts",
        short: &["hc"],
        versions: &["v1"],
        status: true,
        columns: &[
            ("Chart", "string", ".spec.chart", 0),
            ("Version", "string", ".spec.version", 0),
            ("Source Kind", "string", ".spec.sourceRef.kind", 0),
            ("Source Name", "string", ".spec.sourceRef.name", 0),
            AGE,
            READY,
            STATUS,
        ],
    },
    Defined {
        group: "source.toolkit.fluxcd.io",
        kind: "Bucket",
        plural: "buckets",
        short: &[],
        versions: &["v1"],
        status: true,
        columns: &[("Endpoint", "string", ".spec.endpoint", 0), AGE, READY, STATUS],
    },
    Defined {
        group: "kustomize.toolkit.fluxcd.io",
        kind: "Kustomization",
        plural: "kustomizations",
        short: &["ks"],
        versions: &["v1"],
        status: true,
        columns: &[AGE, READY, STATUS],
    },
    Defined {
        group: "helm.toolkit.fluxcd.io",
        kind: "HelmRelease",
        plural: "helmreleases",
        short: &["hr"],
        versions: &["v2"],
        status: true,
        columns: &[AGE, READY, STATUS],
    },
];

/// The definitions of Argo CD's kinds.
pub fn argo() -> Vec<Value> {
    ARGO.iter().map(definition).collect()
}

/// The definitions of Flux' kinds.
pub fn flux() -> Vec<Value> {
    FLUX.iter().map(definition).collect()
}

fn definition(kind: &Defined) -> Value {
    let mut names = json!({"kind": kind.kind, "listKind": format!("{}List", kind.kind), "plural": kind.plural,
                           "singular": kind.kind.to_lowercase()});
    if !kind.short.is_empty() {
        names["shortNames"] = json!(kind.short);
    }
    let columns: Vec<Value> = kind
        .columns
        .iter()
        .map(|(name, kind, path, priority)| {
            let mut column = json!({"name": name, "type": kind, "jsonPath": path});
            if *priority != 0 {
                column["priority"] = json!(priority);
            }
            column
        })
        .collect();
    let version = |(at, version): (usize, &&str)| {
        let mut made = json!({
            "name": version, "served": true, "storage": at == 0, "subresources": {},
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
        });
        if kind.status {
            made["subresources"]["status"] = json!({});
        }
        if !columns.is_empty() {
            made["additionalPrinterColumns"] = json!(columns);
        }
        made
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{}", kind.plural, kind.group)},
        "spec": {
            "group": kind.group, "scope": "Namespaced", "names": names, "conversion": {"strategy": "None"},
            "versions": kind.versions.iter().enumerate().map(version).collect::<Vec<_>>(),
        },
        "status": {
            "acceptedNames": names, "storedVersions": [kind.versions[0]],
            "conditions": [
                {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found"},
                {"type": "Established", "status": "True", "reason": "InitialNamesAccepted",
                 "message": "the initial names have been accepted"}],
        },
    })
}
