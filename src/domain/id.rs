//! Identities: what stays the same while everything else about a thing changes.

use std::fmt;
use std::sync::Arc;

/// A name or a short text that many facts share: cloned by reference count.
pub type Name = Arc<str>;

/// A connection: the index of a kubeconfig context in the list of contexts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub u16);

/// An environment: its index in [`crate::domain::environment::Environments`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvId(pub u16);

/// `metadata.uid`, packed to 16 bytes.
///
/// The API server makes RFC 4122 UUIDs. Other texts (mirror pods carry a
/// 32-digit hash) are packed too: hexadecimal digits as they are, anything else
/// through a 128-bit FNV-1a hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub u128);

impl Uid {
    /// Packs `metadata.uid`.
    pub fn parse(text: &str) -> Uid {
        let mut digits = 0u32;
        let mut value = 0u128;
        for byte in text.bytes() {
            match (byte as char).to_digit(16) {
                Some(digit) => {
                    value = (value << 4) | u128::from(digit);
                    digits += 1;
                }
                None if byte == b'-' => {}
                None => return Uid::hash(text),
            }
        }
        if digits == 32 { Uid(value) } else { Uid::hash(text) }
    }

    fn hash(text: &str) -> Uid {
        let mut value = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
        for byte in text.bytes() {
            value ^= u128::from(byte);
            value = value.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
        Uid(value)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            v >> 96,
            (v >> 80) & 0xffff,
            (v >> 64) & 0xffff,
            (v >> 48) & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}

/// The kinds of object that Pilothouse shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// core/v1 Pod
    Pod,
    /// apps/v1 Deployment
    Deployment,
    /// apps/v1 StatefulSet
    StatefulSet,
    /// apps/v1 DaemonSet
    DaemonSet,
    /// apps/v1 ReplicaSet
    ReplicaSet,
    /// batch/v1 Job
    Job,
    /// batch/v1 CronJob
    CronJob,
    /// argoproj.io/v1alpha1 Rollout (Argo Rollouts)
    Rollout,
    /// core/v1 Service
    Service,
    /// networking.k8s.io/v1 Ingress
    Ingress,
    /// discovery.k8s.io/v1 EndpointSlice
    EndpointSlice,
    /// core/v1 Node
    Node,
    /// core/v1 Namespace
    Namespace,
    /// core/v1 ResourceQuota
    ResourceQuota,
    /// autoscaling/v2 HorizontalPodAutoscaler
    HorizontalPodAutoscaler,
    /// argoproj.io/v1alpha1 Application (Argo CD)
    Application,
    /// argoproj.io/v1alpha1 ApplicationSet (Argo CD)
    ApplicationSet,
    /// argoproj.io/v1alpha1 AppProject (Argo CD)
    AppProject,
    /// kustomize.toolkit.fluxcd.io/v1 Kustomization (Flux)
    Kustomization,
    /// helm.toolkit.fluxcd.io/v2 HelmRelease (Flux)
    HelmRelease,
    /// source.toolkit.fluxcd.io/v1 GitRepository (Flux)
    GitRepository,
    /// source.toolkit.fluxcd.io/v1 OCIRepository (Flux)
    OciRepository,
    /// source.toolkit.fluxcd.io/v1 HelmRepository (Flux)
    HelmRepository,
    /// source.toolkit.fluxcd.io/v1 HelmChart (Flux)
    HelmChart,
    /// source.toolkit.fluxcd.io/v1 Bucket (Flux)
    Bucket,
    /// velero.io/v1 Backup (Velero)
    Backup,
    /// velero.io/v1 Restore (Velero)
    Restore,
    /// velero.io/v1 Schedule (Velero)
    Schedule,
    /// velero.io/v1 BackupStorageLocation (Velero)
    BackupStorageLocation,
    /// monitoring.coreos.com/v1 Prometheus (Prometheus Operator)
    Prometheus,
    /// monitoring.coreos.com/v1 Alertmanager (Prometheus Operator)
    Alertmanager,
    /// core/v1 Secret (never watched; read one at a time for the YAML view)
    Secret,
    /// core/v1 ConfigMap (never watched; read one at a time)
    ConfigMap,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 33] = [
        Kind::Pod,
        Kind::Deployment,
        Kind::StatefulSet,
        Kind::DaemonSet,
        Kind::ReplicaSet,
        Kind::Job,
        Kind::CronJob,
        Kind::Rollout,
        Kind::Service,
        Kind::Ingress,
        Kind::EndpointSlice,
        Kind::Node,
        Kind::Namespace,
        Kind::ResourceQuota,
        Kind::HorizontalPodAutoscaler,
        Kind::Application,
        Kind::ApplicationSet,
        Kind::AppProject,
        Kind::Kustomization,
        Kind::HelmRelease,
        Kind::GitRepository,
        Kind::OciRepository,
        Kind::HelmRepository,
        Kind::HelmChart,
        Kind::Bucket,
        Kind::Backup,
        Kind::Restore,
        Kind::Schedule,
        Kind::BackupStorageLocation,
        Kind::Prometheus,
        Kind::Alertmanager,
        Kind::Secret,
        Kind::ConfigMap,
    ];

    /// The kind as Kubernetes writes it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Pod => "Pod",
            Kind::Deployment => "Deployment",
            Kind::StatefulSet => "StatefulSet",
            Kind::DaemonSet => "DaemonSet",
            Kind::ReplicaSet => "ReplicaSet",
            Kind::Job => "Job",
            Kind::CronJob => "CronJob",
            Kind::Rollout => "Rollout",
            Kind::Service => "Service",
            Kind::Ingress => "Ingress",
            Kind::EndpointSlice => "EndpointSlice",
            Kind::Node => "Node",
            Kind::Namespace => "Namespace",
            Kind::ResourceQuota => "ResourceQuota",
            Kind::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Kind::Application => "Application",
            Kind::ApplicationSet => "ApplicationSet",
            Kind::AppProject => "AppProject",
            Kind::Kustomization => "Kustomization",
            Kind::HelmRelease => "HelmRelease",
            Kind::GitRepository => "GitRepository",
            Kind::OciRepository => "OCIRepository",
            Kind::HelmRepository => "HelmRepository",
            Kind::HelmChart => "HelmChart",
            Kind::Bucket => "Bucket",
            Kind::Backup => "Backup",
            Kind::Restore => "Restore",
            Kind::Schedule => "Schedule",
            Kind::BackupStorageLocation => "BackupStorageLocation",
            Kind::Prometheus => "Prometheus",
            Kind::Alertmanager => "Alertmanager",
            Kind::Secret => "Secret",
            Kind::ConfigMap => "ConfigMap",
        }
    }

    /// kubectl's short name, lower case.
    pub fn short(self) -> &'static str {
        match self {
            Kind::Pod => "po",
            Kind::Deployment => "deploy",
            Kind::StatefulSet => "sts",
            Kind::DaemonSet => "ds",
            Kind::ReplicaSet => "rs",
            Kind::Job => "job",
            Kind::CronJob => "cj",
            Kind::Rollout => "ro",
            Kind::Service => "svc",
            Kind::Ingress => "ing",
            Kind::EndpointSlice => "eps",
            Kind::Node => "no",
            Kind::Namespace => "ns",
            Kind::ResourceQuota => "quota",
            Kind::HorizontalPodAutoscaler => "hpa",
            Kind::Application => "app",
            Kind::ApplicationSet => "appset",
            Kind::AppProject => "appproj",
            Kind::Kustomization => "ks",
            Kind::HelmRelease => "hr",
            Kind::GitRepository => "gitrepo",
            Kind::OciRepository => "ocirepo",
            Kind::HelmRepository => "helmrepo",
            Kind::HelmChart => "hc",
            Kind::Bucket => "bucket",
            Kind::Backup => "backup",
            Kind::Restore => "restore",
            Kind::Schedule => "schedule",
            Kind::BackupStorageLocation => "bsl",
            Kind::Prometheus => "prom",
            Kind::Alertmanager => "am",
            Kind::Secret => "secret",
            Kind::ConfigMap => "cm",
        }
    }

    /// (group, version, plural) of the API; the group is empty for core.
    pub fn api(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Kind::Pod => ("", "v1", "pods"),
            Kind::Deployment => ("apps", "v1", "deployments"),
            Kind::StatefulSet => ("apps", "v1", "statefulsets"),
            Kind::DaemonSet => ("apps", "v1", "daemonsets"),
            Kind::ReplicaSet => ("apps", "v1", "replicasets"),
            Kind::Job => ("batch", "v1", "jobs"),
            Kind::CronJob => ("batch", "v1", "cronjobs"),
            Kind::Rollout => ("argoproj.io", "v1alpha1", "rollouts"),
            Kind::Service => ("", "v1", "services"),
            Kind::Ingress => ("networking.k8s.io", "v1", "ingresses"),
            Kind::EndpointSlice => ("discovery.k8s.io", "v1", "endpointslices"),
            Kind::Node => ("", "v1", "nodes"),
            Kind::Namespace => ("", "v1", "namespaces"),
            Kind::ResourceQuota => ("", "v1", "resourcequotas"),
            Kind::HorizontalPodAutoscaler => ("autoscaling", "v2", "horizontalpodautoscalers"),
            Kind::Application => ("argoproj.io", "v1alpha1", "applications"),
            Kind::ApplicationSet => ("argoproj.io", "v1alpha1", "applicationsets"),
            Kind::AppProject => ("argoproj.io", "v1alpha1", "appprojects"),
            Kind::Kustomization => ("kustomize.toolkit.fluxcd.io", "v1", "kustomizations"),
            Kind::HelmRelease => ("helm.toolkit.fluxcd.io", "v2", "helmreleases"),
            Kind::GitRepository => ("source.toolkit.fluxcd.io", "v1", "gitrepositories"),
            Kind::OciRepository => ("source.toolkit.fluxcd.io", "v1", "ocirepositories"),
            Kind::HelmRepository => ("source.toolkit.fluxcd.io", "v1", "helmrepositories"),
            Kind::HelmChart => ("source.toolkit.fluxcd.io", "v1", "helmcharts"),
            Kind::Bucket => ("source.toolkit.fluxcd.io", "v1", "buckets"),
            Kind::Backup => ("velero.io", "v1", "backups"),
            Kind::Restore => ("velero.io", "v1", "restores"),
            Kind::Schedule => ("velero.io", "v1", "schedules"),
            Kind::BackupStorageLocation => ("velero.io", "v1", "backupstoragelocations"),
            Kind::Prometheus => ("monitoring.coreos.com", "v1", "prometheuses"),
            Kind::Alertmanager => ("monitoring.coreos.com", "v1", "alertmanagers"),
            Kind::Secret => ("", "v1", "secrets"),
            Kind::ConfigMap => ("", "v1", "configmaps"),
        }
    }

    /// Whether somebody has to install its definition: a server without it is nothing unusual.
    pub fn is_custom(self) -> bool {
        let (group, _, _) = self.api();
        group.contains('.') && !group.ends_with(".k8s.io")
    }

    /// Older versions of the API in which we can read this kind too, newest first: servers of some years ago serve
    /// nothing newer.
    pub fn older_versions(self) -> &'static [&'static str] {
        match self {
            Kind::Kustomization => &["v1beta2", "v1beta1"],
            Kind::HelmRelease => &["v2beta2", "v2beta1"],
            Kind::GitRepository
            | Kind::OciRepository
            | Kind::HelmRepository
            | Kind::HelmChart
            | Kind::Bucket => &["v1beta2", "v1beta1"],
            _ => &[],
        }
    }

    /// Whether objects of this kind live in a namespace.
    pub fn namespaced(self) -> bool {
        !matches!(self, Kind::Node | Kind::Namespace)
    }

    /// Whether it is a workload of the Workloads pane: something that owns pods
    /// and is not itself owned by a Deployment.
    pub fn is_workload(self) -> bool {
        matches!(
            self,
            Kind::Deployment
                | Kind::StatefulSet
                | Kind::DaemonSet
                | Kind::Job
                | Kind::CronJob
                | Kind::Rollout
        )
    }
}

/// One object of one cluster, by identity: what selections, zooms and requests
/// hold. The names are for people and for URLs, the uid decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// The connection it was seen through.
    pub cluster: ClusterId,
    /// Its kind.
    pub kind: Kind,
    /// Empty for kinds without a namespace.
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.uid`; [`Uid::default`] for an object that a person named and nobody has seen yet.
    pub uid: Uid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_packed_and_printed_as_it_was() {
        let text = "0d3f8a52-19c4-4e58-9f0a-7c1de2b3a405";
        assert_eq!(Uid::parse(text).to_string(), text);
    }

    #[test]
    fn texts_that_are_no_uuid_stay_distinct() {
        assert_ne!(Uid::parse("one"), Uid::parse("two"));
        assert_ne!(Uid::parse("ab"), Uid::parse("00ab"));
        assert_eq!(Uid::parse("c0ffee00c0ffee00c0ffee00c0ffee00").0 >> 96, 0xc0ff_ee00);
    }
}
