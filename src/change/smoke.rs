//! The smoke check before a switch: a GET to a few ready pods of the colour that is to be live, through the API server.
//! A GET changes nothing by HTTP's own rules; the path is the person's who configured it.

use std::time::Duration;

use futures::future::join_all;
use kube::Client;
use serde_json::Value;

use super::json::{list, text};
use super::requests::send_for_code;
use super::traffic::{Pair, standing_by};
use super::{Known, gather::Facts};
use crate::connect::client;
use crate::connect::paths;
use crate::domain::id::{Kind, Name};

/// Pods that are asked at most: one tells whether the release answers at all, a few whether one of them does not.
const MOST: usize = 3;
/// How long a pod may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What pods answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smoke {
    /// What they were asked for.
    pub path: Name,
    /// Each pod's HTTP code, or why there is none.
    pub answers: Vec<(Name, Known<u16>)>,
}

/// Asks pods of the new colour. Without any that would serve nobody is asked, which is another gate's to say.
pub(super) async fn ask(client: &Client, facts: &Facts, pair: &Pair, path: &Name) -> Smoke {
    let pods = facts.pods.as_deref().unwrap_or_default();
    let asked = standing_by(pair, &facts.live, pods).take(MOST).map(|pod| async {
        let name: Name = text(pod, "/metadata/name").into();
        let answer = match way(&facts.live, pod, path) {
            Some(way) => one(client, &way).await,
            None => Err("its port is not known".to_owned()),
        };
        (name, answer)
    });
    Smoke { path: path.clone(), answers: join_all(asked).await }
}

/// One pod's code. That the API server cannot reach it is as bad as an answer that says so; any other word of the API
/// server itself, a Status, is no answer of the pod.
async fn one(client: &Client, way: &str) -> Known<u16> {
    let request = client::get(way).map_err(|fault| fault.words().to_owned())?;
    let reply = send_for_code(client, request, LIMIT).await.map_err(|fault| fault.words().to_owned())?;
    let by_the_server = text(&reply.body, "/kind") == "Status" && text(&reply.body, "/apiVersion") == "v1";
    match by_the_server && !matches!(reply.code, 502..=504) {
        true => Err(reply.fault().words().to_owned()),
        false => Ok(reply.code),
    }
}

/// The way to a pod's port through the API server.
fn way(service: &Value, pod: &Value, path: &str) -> Option<String> {
    let port = list(service, "/spec/ports").next()?;
    let number = match port.get("targetPort") {
        None | Some(Value::Null) => port.get("port")?.as_u64()?,
        Some(Value::Number(number)) => number.as_u64()?,
        Some(named) => {
            let named = named.as_str()?;
            let all = list(pod, "/spec/containers").chain(list(pod, "/spec/initContainers"));
            let mut ports = all.flat_map(|container| list(container, "/ports"));
            ports.find(|port| text(port, "/name") == named)?.get("containerPort")?.as_u64()?
        }
    };
    let secure = text(port, "/name").starts_with("https") || text(port, "/appProtocol") == "https";
    let scheme = if secure { "https:" } else { "" };
    let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
    Some(format!("{}/{scheme}{name}:{number}/proxy{path}", paths::collection(Kind::Pod, namespace)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::testing::{colours, service};

    #[test]
    fn the_way_follows_the_port_of_the_service() {
        let pod = &colours(1, 0)[0];
        let to = |port: Value| {
            let mut service = service("green");
            service["spec"]["ports"] = json!([port]);
            way(&service, pod, "/healthz?deep=1")
        };
        let at = |port: &str| format!("/api/v1/namespaces/shop/pods/{port}/proxy/healthz?deep=1");
        assert_eq!(to(json!({"port": 80, "targetPort": "http"})), Some(at("cart-blue-0:8080")));
        assert_eq!(to(json!({"port": 80, "targetPort": 9000})), Some(at("cart-blue-0:9000")));
        assert_eq!(to(json!({"port": 80})), Some(at("cart-blue-0:80")));
        assert_eq!(
            to(json!({"port": 443, "targetPort": 8443, "name": "https-web"})),
            Some(at("https:cart-blue-0:8443"))
        );
        assert_eq!(to(json!({"port": 80, "targetPort": "nobody-has-it"})), None);
    }
}
