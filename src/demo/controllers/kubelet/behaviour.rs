//! What a container does, told by its image, its limits and its owner: how long it takes to be ready,
//! whether and when it dies, whether it ends by itself.

use serde_json::Value;

use crate::demo::json::{controller, millis, text};
use crate::demo::seed::{Seed, image_digest};
use crate::demo::world::apps::{self, BAD_CART, BAD_CART_NEEDS};

/// How a container dies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Death {
    /// Seconds after its start.
    pub after: f64,
    /// Exit code.
    pub code: i64,
    /// Reason as the kubelet writes it.
    pub reason: &'static str,
}

/// Whether and how a container dies in its n-th run (0: the first). cart 1.31.0 outgrows a small memory
/// limit: slowly in its first run, under traffic; at once when it comes back to a full queue. An image
/// whose tag ends in `-crash` exits with 1.
pub fn death(container: &Value, run: i64) -> Option<Death> {
    let image = text(container, "/image");
    let limit = container.pointer("/resources/limits/memory").map(millis);
    let small = limit.is_some_and(|l| l / 1000 < BAD_CART_NEEDS * 1024 * 1024);
    if apps::app_of_image(image).is_some_and(|a| a.name == "cart") && apps::tag(image) == BAD_CART && small {
        let after = if run == 0 { 36.5 } else { 8.0 };
        return Some(Death { after, code: 137, reason: "OOMKilled" });
    }
    apps::tag(image).ends_with("-crash").then_some(Death { after: 3.0, code: 1, reason: "Error" })
}

/// Seconds from a container's start until it answers its readiness probe.
pub fn ready_after(container: &Value, chance: Seed) -> f64 {
    let image = text(container, "/image");
    let base = match apps::app_of_image(image) {
        Some(app) => apps::ready_after(app.runtime),
        None if container.pointer("/readinessProbe").is_some() => 3.0,
        None => 0.3,
    };
    base + chance.between(0.0, 0.6)
}

/// Seconds after which a pod that is not meant to run for ever has done its work.
pub fn work_time(pod: &Value, chance: Seed) -> Option<f64> {
    let finite = text(pod, "/spec/restartPolicy") != "Always";
    finite.then(
        || {
            if controller(pod).is_some() { chance.between(14.0, 24.0) } else { chance.between(3.0, 6.0) }
        },
    )
}

/// Whether an image cannot be pulled.
pub fn missing(image: &str) -> bool {
    apps::tag(image).ends_with("-missing")
}

/// The image as a container runtime names what it runs: repository and digest.
pub fn image_id(image: &str) -> String {
    let repository = match image.rsplit_once(':') {
        Some((r, tag)) if !tag.contains('/') => r,
        _ => image,
    };
    format!("{repository}@{}", image_digest(image))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cart(tag: &str, limit: &str) -> Value {
        json!({"image": format!("registry.example/cart:{tag}"), "resources": {"limits": {"memory": limit}}})
    }

    #[test]
    fn only_the_bad_cart_under_a_small_limit_dies() {
        assert_eq!(death(&cart("1.31.0", "128Mi"), 0).map(|d| d.code), Some(137));
        assert_eq!(death(&cart("1.31.0", "256Mi"), 0), None);
        assert_eq!(death(&cart("1.30.4", "128Mi"), 0), None);
        assert_eq!(death(&json!({"image": "registry.example/cart:1.31.0"}), 0), None);
        assert_eq!(death(&json!({"image": "x/y:1-crash"}), 0).map(|d| d.code), Some(1));
    }

    #[test]
    fn image_ids_keep_the_repository_with_its_port() {
        let id = image_id("registry.example:5000/a/b:1.0");
        assert!(id.starts_with("registry.example:5000/a/b@sha256:"), "{id}");
        let untagged = image_id("registry.example:5000/a/b");
        assert!(untagged.starts_with("registry.example:5000/a/b@sha256:"));
    }
}
