//! monitoring.coreos.com/v1: Prometheus and Alertmanager, as the Prometheus Operator runs them.

use serde::Deserialize;

use super::lenient::{Fields, Flag, Text};
use super::meta::Meta;
use super::{Misfit, Wire, identity, name, resource};
use crate::domain::id::Kind;
use crate::domain::meta::Interner;
use crate::domain::upstream::Operated;
use crate::msg::{Delta, Facts};

/// A Prometheus as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WirePrometheus {
    metadata: Meta,
    spec: Fields<Spec>,
}
resource!(WirePrometheus, Kind::Prometheus);

/// An Alertmanager as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireAlertmanager {
    metadata: Meta,
    spec: Fields<Spec>,
}
resource!(WireAlertmanager, Kind::Alertmanager);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    port_name: Text,
    route_prefix: Text,
    listen_local: Flag,
    web: Fields<Web>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Web {
    /// What it holds is not looked at: that it is there means TLS.
    tls_config: Option<serde::de::IgnoredAny>,
}

fn row(kind: Kind, meta: &Meta, spec: &Spec, interner: &mut Interner) -> Result<Operated, Misfit> {
    // The operator always gives the prefix, `/` where none is written; that of the external URL does not matter.
    let prefix = spec.route_prefix.trim().trim_matches('/');
    Ok(Operated {
        uid: identity(kind, meta)?,
        kind,
        namespace: meta.namespace(interner),
        name: name(interner, &meta.name),
        port: name(interner, if spec.port_name.is_empty() { "web" } else { &spec.port_name }),
        prefix: if prefix.is_empty() { "".into() } else { name(interner, &format!("/{prefix}")) },
        tls: spec.web.tls_config.is_some(),
        local: spec.listen_local.is_true(),
    })
}

impl Wire for WirePrometheus {
    const KIND: Kind = Kind::Prometheus;
    type Row = Operated;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Operated, Misfit> {
        row(Kind::Prometheus, &self.metadata, &self.spec, interner)
    }

    fn facts(deltas: Vec<Delta<Operated>>) -> Facts {
        Facts::Operated(Kind::Prometheus, deltas)
    }
}

impl Wire for WireAlertmanager {
    const KIND: Kind = Kind::Alertmanager;
    type Row = Operated;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Operated, Misfit> {
        row(Kind::Alertmanager, &self.metadata, &self.spec, interner)
    }

    fn facts(deltas: Vec<Delta<Operated>>) -> Facts {
        Facts::Operated(Kind::Alertmanager, deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_tells_the_way_in_is_kept() {
        let one = testing::row::<WirePrometheus>(json!({
            "metadata": {"name": "k8s", "namespace": "monitoring", "uid": "u1"},
            "spec": {
                "portName": "https-web", "routePrefix": "/prometheus/", "externalUrl": "https://x.example/other",
                "web": {"tlsConfig": {"cert": {"secret": {"name": "tls", "key": "crt"}}}},
            },
        }));
        assert_eq!((&*one.namespace, &*one.name, &*one.port), ("monitoring", "k8s", "https-web"));
        assert_eq!((&*one.prefix, one.tls, one.local), ("/prometheus", true, false));
        let plain = testing::row::<WireAlertmanager>(json!({
            "metadata": {"name": "main", "namespace": "monitoring", "uid": "u2"},
            "spec": {"routePrefix": "/", "listenLocal": true, "web": {"tlsConfig": null}},
        }));
        assert_eq!(plain.kind, Kind::Alertmanager);
        assert_eq!((&*plain.port, &*plain.prefix, plain.tls, plain.local), ("web", "", false, true));
    }

    proptest! {
        #[test]
        fn any_spec_is_read(object in testing::json_like(&["routePrefix", "portName", "web", "tlsConfig", "listenLocal"])) {
            let meta = json!({"name": "n", "namespace": "m", "uid": "1"});
            let read = testing::row::<WirePrometheus>(json!({"metadata": meta, "spec": object["spec"]}));
            prop_assert!(read.prefix.is_empty() || read.prefix.starts_with('/') && !read.prefix.ends_with('/'));
        }
    }
}
