//! A wire with faults between a person and a server.

use std::path::PathBuf;

use ground::Cluster;
use ground::people::{self, Credentials};
use ground::proxy::Proxy;

use super::common::{DAY, folder, token_of};
use super::person::{Desk, Person};

/// A person behind a proxy who may read one namespace.
pub struct Wire {
    pub proxy: Proxy,
    pub kubeconfig: PathBuf,
    pub namespace: String,
}

impl Wire {
    /// Puts the proxy before a cluster for somebody of that name.
    pub async fn before(cluster: &Cluster, name: &str, namespace: &str) -> Wire {
        let proxy = Proxy::start(cluster).await.unwrap();
        let token = Credentials::Token(token_of(cluster, name, &[namespace], DAY));
        let kubeconfig = folder(cluster, name).join("kubeconfig");
        let text = people::kubeconfig(name, &proxy.url(), None, Some(namespace), &token);
        people::write(&kubeconfig, &text).unwrap();
        Wire { proxy, kubeconfig, namespace: namespace.to_owned() }
    }

    /// Part of the requests for the namespace's pods.
    pub fn pods(&self) -> String {
        format!("/namespaces/{}/pods?", self.namespace)
    }

    /// Sits down and waits until everything is there.
    pub async fn person(&self, desk: &Desk) -> Person {
        let mut person = Person::sits_down(&self.kubeconfig, desk);
        person.wait_for_data().await;
        person
    }
}
