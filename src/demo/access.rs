//! Who may do what: an administrator, and a viewer who may read two namespaces only. Judges calls before they are
//! routed, and answers the self-review kinds. Knows nothing of the store.

use serde_json::{Value, json};

use super::error::ApiError;

/// Namespaces that the viewer may read.
const VIEWABLE: [&str; 2] = ["shop-prod", "shop-staging"];
const READ: [&str; 3] = ["get", "list", "watch"];

/// What a user is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Reading what the `view` role of Kubernetes reads (no Secrets) in shop-prod and shop-staging.
    Viewer,
    /// Nothing but asking what is allowed: somebody whom the cluster has never heard of.
    Nobody,
}

/// A user of one cluster.
#[derive(Debug, Clone)]
pub struct User {
    /// Name in messages and reviews.
    pub name: String,
    /// The bearer token that tells the user.
    pub token: String,
    /// What the user may do.
    pub role: Role,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// API group.
    pub group: String,
    /// Plural, without subresource.
    pub resource: String,
    /// Subresource, may be empty.
    pub subresource: String,
    /// Namespace; empty: all of them, or a cluster-scoped kind.
    pub ns: String,
    /// Object, may be empty.
    pub name: String,
}

impl User {
    /// Whether the wish is granted.
    pub fn may(&self, wish: &Wish) -> bool {
        match self.role {
            Role::Admin => true,
            Role::Nobody => false,
            Role::Viewer => {
                let ns = if wish.resource == "namespaces" { &wish.name } else { &wish.ns };
                READ.contains(&wish.verb.as_str())
                    && VIEWABLE.contains(&ns.as_str())
                    && !(wish.group.is_empty() && wish.resource == "secrets")
            }
        }
    }

    /// 403 unless the wish is granted.
    pub fn check(&self, wish: &Wish) -> Result<(), ApiError> {
        if self.may(wish) { Ok(()) } else { Err(self.refusal(wish)) }
    }

    /// The 403 of a real server under RBAC.
    pub fn refusal(&self, wish: &Wish) -> ApiError {
        let full = if wish.subresource.is_empty() {
            wish.resource.clone()
        } else {
            format!("{}/{}", wish.resource, wish.subresource)
        };
        let key = if wish.group.is_empty() {
            wish.resource.clone()
        } else {
            format!("{}.{}", wish.resource, wish.group)
        };
        let object = if wish.name.is_empty() {
            format!("{key} is forbidden")
        } else {
            format!("{key} \"{}\" is forbidden", wish.name)
        };
        let place = if wish.ns.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{}\"", wish.ns)
        };
        let message = format!(
            "{object}: User \"{}\" cannot {} resource \"{full}\" in API group \"{}\" {place}",
            self.name, wish.verb, wish.group
        );
        let mut details = json!({ "kind": wish.resource });
        if !wish.group.is_empty() {
            details["group"] = json!(wish.group);
        }
        if !wish.name.is_empty() {
            details["name"] = json!(wish.name);
        }
        ApiError::new(403, "Forbidden", message).with_details(details)
    }

    /// Who asks, when this user asks as somebody else: one of the cluster's own users, or a stranger, who may do
    /// nothing unless among `system:masters`. Only the administrator may do that.
    pub fn acting_as(&self, name: &str, groups: &[&str], users: &[User]) -> Result<User, ApiError> {
        if self.role != Role::Admin {
            let wish = Wish {
                verb: "impersonate".to_owned(),
                resource: "users".to_owned(),
                name: name.to_owned(),
                ..Wish::default()
            };
            return Err(self.refusal(&wish));
        }
        let known = users.iter().find(|user| user.name == name);
        let role = match known {
            _ if groups.contains(&"system:masters") => Role::Admin,
            Some(user) if groups.is_empty() => user.role,
            _ => Role::Nobody,
        };
        Ok(User { name: name.to_owned(), token: String::new(), role })
    }

    fn groups(&self) -> Vec<&'static str> {
        match self.role {
            Role::Admin => vec!["system:masters", "system:authenticated"],
            Role::Viewer | Role::Nobody => vec!["system:authenticated"],
        }
    }

    /// Answers a SelfSubjectAccessReview, SelfSubjectRulesReview or SelfSubjectReview.
    pub fn review(&self, kind: &str, mut asked: Value) -> Result<Value, ApiError> {
        if !asked.is_object() {
            asked = json!({});
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        asked["status"] = match kind {
            "SelfSubjectAccessReview" => {
                let wanted = &asked["spec"]["resourceAttributes"];
                let path = &asked["spec"]["nonResourceAttributes"];
                let allowed = if wanted.is_object() {
                    self.may(&Wish {
                        verb: text(&wanted["verb"]),
                        group: text(&wanted["group"]),
                        resource: text(&wanted["resource"]),
                        subresource: text(&wanted["subresource"]),
                        ns: text(&wanted["namespace"]),
                        name: text(&wanted["name"]),
                    })
                } else if path.is_object() {
                    self.role == Role::Admin || path["verb"] == "get"
                } else {
                    return Err(ApiError::invalid(
                        kind,
                        "authorization.k8s.io",
                        "",
                        "spec.resourceAttributes",
                        "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
                    ));
                };
                let reason = match self.role {
                    Role::Admin => {
                        "RBAC: allowed by ClusterRoleBinding \"cluster-admin\" of ClusterRole \"cluster-admin\" to Group \"system:masters\""
                    }
                    Role::Viewer | Role::Nobody => {
                        "RBAC: allowed by RoleBinding \"viewers\" of ClusterRole \"view\" to User \"demo-viewer\""
                    }
                };
                if allowed { json!({"allowed": true, "reason": reason}) } else { json!({"allowed": false}) }
            }
            "SelfSubjectRulesReview" => {
                let ns = text(&asked["spec"]["namespace"]);
                if ns.is_empty() {
                    return Err(ApiError::bad_request("no namespace on request"));
                }
                self.rules(&ns)
            }
            _ => json!({"userInfo": {"username": self.name, "groups": self.groups()}}),
        };
        asked["kind"] = json!(kind);
        if !asked["metadata"].is_object() {
            asked["metadata"] = json!({});
        }
        Ok(asked)
    }

    fn rules(&self, ns: &str) -> Value {
        let own = json!({"verbs":["create"],"apiGroups":["authorization.k8s.io"],"resources":["selfsubjectaccessreviews","selfsubjectrulesreviews"]});
        let paths = json!({"verbs":["get"],"nonResourceURLs":["/api","/api/*","/apis","/apis/*","/healthz","/livez","/openapi","/openapi/*","/readyz","/version","/version/"]});
        let who = json!({"verbs":["create"],"apiGroups":["authentication.k8s.io"],"resources":["selfsubjectreviews"]});
        let (mut rules, mut free) = (vec![own, who], vec![paths]);
        match self.role {
            Role::Admin => {
                rules.push(json!({"verbs":["*"],"apiGroups":["*"],"resources":["*"]}));
                free.push(json!({"verbs":["*"],"nonResourceURLs":["*"]}));
            }
            Role::Viewer if VIEWABLE.contains(&ns) => rules.extend(view()),
            Role::Viewer | Role::Nobody => {}
        }
        json!({"resourceRules": rules, "nonResourceRules": free, "incomplete": false})
    }
}

/// What one may do whom the ClusterRole `view` is given.
fn view() -> [Value; 2] {
    [
        json!({"verbs":READ,"apiGroups":[""],"resources":["configmaps","endpoints","events","namespaces","persistentvolumeclaims","pods","pods/log","pods/status","resourcequotas","serviceaccounts","services"]}),
        json!({"verbs":READ,"apiGroups":["apps","autoscaling","batch","discovery.k8s.io","metrics.k8s.io","networking.k8s.io","policy","argoproj.io"],"resources":["*"]}),
    ]
}

/// The ClusterRoles by which the users of the demo may do what they may.
pub fn cluster_roles() -> [Value; 2] {
    let everything =
        json!([{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}, {"verbs":["*"],"nonResourceURLs":["*"]}]);
    [("cluster-admin", everything), ("view", json!(view()))].map(|(name, rules)| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": rules,
               "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}})
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(verb: &str, resource: &str, ns: &str, name: &str) -> Wish {
        let text = str::to_owned;
        Wish { verb: text(verb), resource: text(resource), ns: text(ns), name: text(name), ..Wish::default() }
    }

    #[test]
    fn the_viewer_reads_two_namespaces_and_nothing_else() {
        let viewer = User { name: "demo-viewer".to_owned(), token: String::new(), role: Role::Viewer };
        for (verb, resource, ns, name, granted) in [
            ("list", "pods", "shop-prod", "", true),
            ("get", "namespaces", "shop-prod", "shop-prod", true),
            ("list", "pods", "", "", false),
            ("list", "pods", "default", "", false),
            ("list", "namespaces", "", "", false),
            ("list", "nodes", "", "", false),
            ("get", "secrets", "shop-prod", "x", false),
            ("delete", "pods", "shop-prod", "x", false),
        ] {
            assert_eq!(viewer.may(&wish(verb, resource, ns, name)), granted, "{verb} {resource} {ns}");
        }
        let bob = viewer.acting_as("bob", &[], &[]).unwrap_err();
        assert_eq!(
            bob.message,
            "users \"bob\" is forbidden: User \"demo-viewer\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"
        );
        let admin = User { name: "demo-admin".to_owned(), token: String::new(), role: Role::Admin };
        let as_role = |name: &str, groups: &[&str]| {
            admin.acting_as(name, groups, std::slice::from_ref(&viewer)).unwrap().role
        };
        assert_eq!(as_role("bob", &[]), Role::Nobody);
        assert_eq!(as_role("bob", &["system:masters"]), Role::Admin);
        assert_eq!(as_role("demo-viewer", &[]), Role::Viewer);
        let refusal = viewer.refusal(&wish("list", "pods", "default", ""));
        assert_eq!(
            refusal.message,
            "pods is forbidden: User \"demo-viewer\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\""
        );
    }
}
