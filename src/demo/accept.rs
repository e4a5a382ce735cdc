//! Content negotiation: in which of its forms an answer is wanted. Pure.

/// Which part of the object a Table's rows carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Include {
    /// Nothing.
    None,
    /// PartialObjectMetadata.
    Metadata,
    /// The whole object.
    Object,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The object itself.
    Object,
    /// Its metadata alone.
    Partial,
    /// The metadata of a list's objects alone.
    Partials,
    /// A Table as `kubectl get` prints it.
    Table,
}

/// The `Accept` header, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accept(Vec<String>);

impl Accept {
    /// Reads a header; empty means anything.
    pub fn parse(header: &str) -> Self {
        let ranges = header.split(',').map(|r| r.trim().replace(' ', "")).filter(|r| !r.is_empty());
        Self(ranges.collect())
    }

    fn ranges(&self) -> impl Iterator<Item = (&str, Vec<(&str, &str)>)> {
        self.0.iter().map(|range| {
            let mut parts = range.split(';');
            let media = parts.next().unwrap_or_default();
            (media, parts.filter_map(|p| p.split_once('=')).collect())
        })
    }

    /// The first form wanted that is served; None when none is (406).
    pub fn shape(&self) -> Option<Shape> {
        if self.0.is_empty() {
            return Some(Shape::Object);
        }
        self.ranges().find_map(|(media, params)| {
            if !matches!(media, "application/json" | "*/*" | "application/*") {
                return None;
            }
            let param = |name: &str| params.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
            match (param("as"), param("g"), param("v")) {
                (None, ..) => Some(Shape::Object),
                (Some("Table"), Some("meta.k8s.io"), Some("v1")) => Some(Shape::Table),
                (Some("PartialObjectMetadata"), Some("meta.k8s.io"), Some("v1")) => Some(Shape::Partial),
                (Some("PartialObjectMetadataList"), Some("meta.k8s.io"), Some("v1")) => Some(Shape::Partials),
                _ => None,
            }
        })
    }

    /// Whether aggregated discovery comes before plain discovery in what is wanted.
    pub fn aggregated_discovery(&self) -> bool {
        self.ranges()
            .find_map(|(media, params)| {
                if media != "application/json" {
                    return None;
                }
                let has = |name: &str, value: &str| params.contains(&(name, value));
                if params.iter().all(|(name, _)| *name == "q") {
                    return Some(false);
                }
                (has("as", "APIGroupDiscoveryList")
                    && has("v", "v2")
                    && !params.iter().any(|(name, _)| *name == "profile"))
                .then_some(true)
            })
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_is_served_wins() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(Accept::parse(table).shape(), Some(Shape::Table));
        let proto = "application/vnd.kubernetes.protobuf, application/json";
        assert_eq!(Accept::parse(proto).shape(), Some(Shape::Object));
        assert_eq!(
            Accept::parse("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io").shape(),
            Some(Shape::Partials)
        );
        assert_eq!(Accept::parse("").shape(), Some(Shape::Object));
        assert_eq!(Accept::parse("text/html").shape(), None);
        assert!(
            Accept::parse(
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
            )
            .aggregated_discovery()
        );
        assert!(!Accept::parse("application/json").aggregated_discovery());
    }
}
