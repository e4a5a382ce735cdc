//! What names say: which stage a namespace or a context stands in, and which
//! namespaces belong to the platform. Only names, no facts.

/// The stages that names can tell, in promotion order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageWord {
    /// `dev`, `development`
    Development,
    /// `test`, `qa`
    Test,
    /// `staging`, `stage`, `preprod`
    Staging,
    /// `prod`, `production`, `live`
    Production,
}

impl StageWord {
    /// All, in promotion order.
    pub const ALL: [StageWord; 4] =
        [StageWord::Development, StageWord::Test, StageWord::Staging, StageWord::Production];

    /// The stage's name when it is inferred.
    pub fn name(self) -> &'static str {
        match self {
            StageWord::Development => "development",
            StageWord::Test => "test",
            StageWord::Staging => "staging",
            StageWord::Production => "production",
        }
    }

    /// The words that mean it.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            StageWord::Development => &["dev", "development", "develop"],
            StageWord::Test => &["test", "testing", "qa"],
            StageWord::Staging => &["staging", "stage", "stag", "stg", "preprod", "uat"],
            StageWord::Production => &["prod", "production", "prd", "live"],
        }
    }

    /// The stage that one word means, whatever its case.
    pub fn of(word: &str) -> Option<StageWord> {
        StageWord::ALL
            .into_iter()
            .find(|stage| stage.words().iter().any(|known| known.eq_ignore_ascii_case(word)))
    }

    /// Whether it is at home before production, so that a slip of the hand
    /// there costs little.
    pub fn is_harmless(self) -> bool {
        self != StageWord::Production
    }
}

/// The stage that a namespace's name says, as a whole word, at its beginning or
/// at its end. When both ends speak, the later stage counts: taking production
/// for less would drop its protection.
pub fn stage_of_namespace(name: &str) -> Option<StageWord> {
    let tokens = tokens(name);
    let first = tokens.first().copied().and_then(StageWord::of);
    let last = last_word(&tokens);
    first.max(last)
}

/// The stage that a context's name says, in any of its words: contexts are
/// built from accounts, regions and users (`gke_shop-prod_europe-west1_main`,
/// `arn:aws:eks:eu-west-1:1:cluster/prod-eu`, `admin@staging`).
pub fn stage_of_context(name: &str) -> Option<StageWord> {
    let tokens = tokens(name);
    (1..=tokens.len()).filter_map(|end| last_word(&tokens[..end])).max()
}

/// The stage that the last word means: `pre-prod` is staging, `non-prod` is no
/// stage at all.
fn last_word(tokens: &[&str]) -> Option<StageWord> {
    let (last, before) = tokens.split_last()?;
    let stage = StageWord::of(last)?;
    match before.last() {
        Some(word) if stage == StageWord::Production && word.eq_ignore_ascii_case("pre") => {
            Some(StageWord::Staging)
        }
        Some(word) if ["non", "not"].iter().any(|no| word.eq_ignore_ascii_case(no)) => None,
        _ => Some(stage),
    }
}

/// The words of a name.
pub fn tokens(name: &str) -> Vec<&str> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty()).collect()
}

/// Namespaces of well-known platform services, by name.
const PLATFORM: [&str; 52] = [
    "argo",
    "argo-rollouts",
    "argocd",
    "calico-system",
    "capi-system",
    "cattle-system",
    "cert-manager",
    "cilium",
    "cluster-api",
    "consul",
    "crossplane-system",
    "datadog",
    "descheduler",
    "elastic-system",
    "external-dns",
    "external-secrets",
    "falco",
    "fleet-system",
    "flux-system",
    "gatekeeper-system",
    "gitlab-runner",
    "grafana",
    "harbor",
    "ingress",
    "ingress-nginx",
    "istio-ingress",
    "istio-system",
    "karpenter",
    "keda",
    "kyverno",
    "linkerd",
    "linkerd-viz",
    "local-path-storage",
    "logging",
    "loki",
    "longhorn-system",
    "metallb-system",
    "monitoring",
    "nginx-ingress",
    "observability",
    "olm",
    "opentelemetry",
    "operators",
    "prometheus",
    "rook-ceph",
    "sealed-secrets",
    "tekton-pipelines",
    "tempo",
    "tigera-operator",
    "traefik",
    "trivy-system",
    "vault",
];

/// First words of platform namespaces that come in families.
const PLATFORM_FAMILIES: [&str; 22] = [
    "argocd",
    "argo-cd",
    "azure-arc",
    "cattle",
    "cert-manager",
    "external-secrets",
    "flux",
    "gatekeeper",
    "gke-gmp",
    "gke-managed",
    "gmp",
    "ingress-nginx",
    "istio",
    "kube",
    "kubernetes",
    "monitoring",
    "openshift",
    "prometheus",
    "traefik",
    "vault",
    "velero",
    "victoria-metrics",
];

/// What a namespace is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It stands in this stage.
    Stage(StageWord),
    /// It is the platform's own.
    Platform,
    /// Nothing.
    Nothing,
}

/// Reads a namespace's name. The API server's own namespaces and exact names of
/// platform services come first, then stage words (`vault-prod` is somebody's
/// production), then families of platform names.
pub fn namespace_says(name: &str) -> Says {
    if name.starts_with("kube-") || name.starts_with("openshift-") || PLATFORM.contains(&name) {
        return Says::Platform;
    }
    if let Some(stage) = stage_of_namespace(name) {
        return Says::Stage(stage);
    }
    let family = PLATFORM_FAMILIES
        .iter()
        .any(|family| name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')));
    if family { Says::Platform } else { Says::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_say_their_stage_at_either_end() {
        use StageWord::*;
        for (name, stage) in [
            ("dev", Some(Development)),
            ("development", Some(Development)),
            ("shop-dev", Some(Development)),
            ("dev_shop", Some(Development)),
            ("qa", Some(Test)),
            ("shop-test", Some(Test)),
            ("pictshare-staging", Some(Staging)),
            ("staging-eu", Some(Staging)),
            ("preprod", Some(Staging)),
            ("pre-prod", Some(Staging)),
            ("shop-pre-prod", Some(Staging)),
            ("Prod", Some(Production)),
            ("production", Some(Production)),
            ("shop-live", Some(Production)),
            ("prod-eu-1", Some(Production)),
            ("shop-prod-eu", None),
            ("shop-non-prod", None),
            ("product-catalog", None),
            ("developers", None),
            ("latest", None),
            ("prod-test", Some(Production)),
            ("", None),
            ("---", None),
        ] {
            assert_eq!(stage_of_namespace(name), stage, "{name}");
        }
    }

    #[test]
    fn contexts_say_it_anywhere() {
        use StageWord::*;
        for (name, stage) in [
            ("prod-eu", Some(Production)),
            ("gke_shop-prod_europe-west1_main", Some(Production)),
            ("arn:aws:eks:eu-west-1:123456789012:cluster/staging", Some(Staging)),
            ("admin@dev", Some(Development)),
            ("aks-pre-prod-weu", Some(Staging)),
            ("eks-nonprod", None),
            ("eks-non-prod-eu", None),
            ("k3s-edge", None),
        ] {
            assert_eq!(stage_of_context(name), stage, "{name}");
        }
    }

    #[test]
    fn platform_namespaces_are_known() {
        for name in [
            "kube-system",
            "kube-prod",
            "argocd",
            "argocd-image-updater",
            "flux-system",
            "monitoring",
            "velero",
            "ingress-nginx",
            "openshift-monitoring",
            "gatekeeper-system",
            "external-secrets",
            "vault",
        ] {
            assert_eq!(namespace_says(name), Says::Platform, "{name}");
        }
        for name in ["default", "shop", "kubeflow", "vaults", "fluxcapacitor"] {
            assert_eq!(namespace_says(name), Says::Nothing, "{name}");
        }
        assert_eq!(namespace_says("vault-prod"), Says::Stage(StageWord::Production));
    }
}
