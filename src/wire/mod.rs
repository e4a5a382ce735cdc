//! Bytes to facts, pure: what the API servers write becomes the rows of `domain`.
//!
//! Each kind has a slim type that holds only what its row needs, so that the parser steps over everything else
//! without keeping it, and a function that turns it into its row. Decoding never refuses: absent fields, nulls and
//! values of a wrong shape count as not there, unknown words stay words. Only an object without a uid and a name is
//! a [`Misfit`]: the sources count and log it, and the watch goes on. Texts are cleaned here, where they enter.
//! No Kubernetes type leaves this room.

pub mod alerts;
pub mod argocd;
pub mod argocd_detail;
pub mod event;
pub mod flux;
pub mod flux_detail;
pub mod lenient;
pub mod live_health;
pub mod meta;
pub mod network;
pub mod node;
pub mod operated;
pub mod pod;
pub mod pod_detail;
pub mod pod_status;
pub mod quantity;
pub mod replicas;
pub mod resources;
pub mod rollout;
pub mod stamp;
pub mod sync_diff;
pub mod usage;
pub mod velero;
pub mod workload;

use serde::de::DeserializeOwned;

use crate::domain::id::{Kind, Name, Uid};
use crate::domain::meta::Interner;
use crate::msg::{Delta, Facts};
use meta::Meta;

/// An object that cannot be a row, in words for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} without {missing}", kind = kind.word())]
pub struct Misfit {
    /// The kind that it came as.
    pub kind: Kind,
    /// What it lacks.
    pub missing: &'static str,
}

/// A kind as it comes from the wire.
pub trait Wire:
    kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
    + DeserializeOwned
    + Clone
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// Which kind it is.
    const KIND: Kind;
    /// The row that it becomes.
    type Row: Send + 'static;

    /// What all kinds have.
    fn slim_meta(&self) -> &Meta;

    /// The row.
    ///
    /// # Errors
    /// It has no uid or no name.
    fn row(self, interner: &mut Interner) -> Result<Self::Row, Misfit>;

    /// Rows as the message that carries them.
    fn facts(deltas: Vec<Delta<Self::Row>>) -> Facts;
}

/// Checks that an object can be told from others.
///
/// # Errors
/// It has no uid or no name.
fn identity(kind: Kind, meta: &Meta) -> Result<Uid, Misfit> {
    if meta.name.is_empty() {
        return Err(Misfit { kind, missing: "a name" });
    }
    meta.uid().ok_or(Misfit { kind, missing: "a uid" })
}

/// The shared, clean copy of a foreign text.
fn name(interner: &mut Interner, text: &str) -> Name {
    interner.text(&crate::text::clean(text))
}

/// Makes a slim type a `kube::Resource`, so that the client can build its URLs. The scope is nominal: cluster-wide
/// kinds are simply never asked for in a namespace.
macro_rules! resource {
    ($type:ty, $kind:expr) => {
        impl kube::Resource for $type {
            type DynamicType = ();
            type Scope = kube::core::NamespaceResourceScope;
            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                $kind.word().into()
            }
            fn group((): &()) -> std::borrow::Cow<'_, str> {
                $kind.api().0.into()
            }
            fn version((): &()) -> std::borrow::Cow<'_, str> {
                $kind.api().1.into()
            }
            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                $kind.api().2.into()
            }
            fn meta(&self) -> &kube::core::ObjectMeta {
                &self.metadata.kube
            }
            fn meta_mut(&mut self) -> &mut kube::core::ObjectMeta {
                &mut self.metadata.kube
            }
        }
    };
}
use resource;

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    use proptest::prelude::*;
    use serde_json::Value;

    /// Any JSON whose keys are mostly these words, so that it gets far into a decoder; always an object, mostly with a
    /// name and a uid.
    pub fn json_like(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            proptest::sample::select(words).prop_map(str::to_owned),
            any::<String>(),
            Just("True".to_owned()),
            Just("2026-01-02T03:04:05Z".to_owned()),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        let tree = leaf.prop_recursive(6, 64, 6, move |inner| {
            let key = proptest::sample::select(words).prop_map(str::to_owned);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        let meta = prop_oneof![
            3 => Just(serde_json::json!({"name": "a\u{1b}[31m", "uid": "1", "namespace": "n"})),
            1 => tree.clone(),
        ];
        (meta, tree.clone(), tree.clone(), tree).prop_map(|(meta, spec, status, operation)| {
            serde_json::json!({"metadata": meta, "spec": spec, "status": status, "operation": operation})
        })
    }

    /// One object as JSON in, its row out.
    pub fn row<K: Wire>(object: serde_json::Value) -> K::Row {
        let text = object.to_string();
        let slim: K = serde_json::from_str(&text).unwrap();
        slim.row(&mut Interner::new()).unwrap()
    }
}
