//! A change in the cluster, on its way to the screen.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

use super::server::Server;
use super::tty::Program;

/// Rows of pods that fit into their pane, at least.
const IN_SIGHT: usize = 8;

/// The API server, asked for one thing after another.
struct Api<'a> {
    client: Client,
    namespace: &'static str,
    server: &'a Server,
}

impl Api<'_> {
    fn of(server: &Server) -> Option<Api<'_>> {
        let (context, namespace) = server.changed()?;
        // One provider for all of this process; the second installation is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = server.runtime.block_on(async {
            let options = KubeConfigOptions { context: context.map(str::to_owned), ..Default::default() };
            let kubeconfig = Kubeconfig::read_from(server.kubeconfig()).unwrap();
            Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap()).unwrap()
        });
        Some(Api { client, namespace, server })
    }

    fn ask(&self, request: Request<Vec<u8>>) -> Value {
        self.server.runtime.block_on(self.client.request(request)).unwrap()
    }

    /// The beginning of the names of running pods that are few, and these names, for all of them have to be in sight at once:
    /// those of one app, or one alone where apps are large. A pod that waits for something says so instead of what it is
    /// marked with.
    fn pods(&self) -> (String, Vec<String>) {
        let path = format!("/api/v1/namespaces/{}/pods?limit=500", self.namespace);
        let list = self.ask(Request::get(path).body(Vec::new()).unwrap());
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let mut apps: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pod in &items {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            let runs = pod["status"]["containerStatuses"][0]["state"]["running"].is_object();
            let pods = apps.entry(app(name)).or_default();
            // One that does not run counts as too many: the app is not taken.
            pods.extend(std::iter::repeat_n(name.to_owned(), if runs { 1 } else { IN_SIGHT + 1 }));
        }
        match apps.iter().find(|(_, pods)| (2..=IN_SIGHT).contains(&pods.len())) {
            Some((app, pods)) => (app.clone(), pods.clone()),
            None => {
                let is_running =
                    |pod: &&Value| pod["status"]["containerStatuses"][0]["state"]["running"].is_object();
                let one = items.iter().find(is_running).and_then(|pod| pod["metadata"]["name"].as_str());
                (one.unwrap().to_owned(), vec![one.unwrap().to_owned()])
            }
        }
    }

    /// Gives a pod a status that is shown as it is; the time just before the request is sent.
    fn mark(&self, name: &str, status: &str) -> Instant {
        let body = format!("{{\"status\":{{\"reason\":\"{status}\"}}}}").into_bytes();
        let path = format!("/api/v1/namespaces/{}/pods/{name}/status", self.namespace);
        let request = Request::patch(path).header("content-type", "application/merge-patch+json");
        let request = request.body(body).unwrap();
        let sent = Instant::now();
        self.ask(request);
        sent
    }
}

/// The beginning that the names of an app's pods share: all but the pod's own end.
fn app(pod: &str) -> String {
    pod.rsplit_once('-').map_or_else(|| pod.to_owned(), |(app, _)| format!("{app}-"))
}

/// Changes the pods of one app in turn, with only that app on the screen; nothing when they are not ours to change.
pub fn changes_to_screen(server: &Server, program: &Program, count: usize) -> Vec<Duration> {
    let Some(api) = Api::of(server) else { return Vec::new() };
    let (beginning, pods) = api.pods();
    program.press(&format!("/{beginning}\r"));
    // In the title, for long names are cut in the rows.
    let filter = format!("/{beginning} ");
    program.when("filtered pods", |screen| screen.contents().contains(&filter));
    let change = |at: usize| {
        let status = format!("Probe{at}");
        let sent = api.mark(&pods[at % pods.len()], &status);
        program.when("changed pod", |screen| screen.contents().contains(&status)) - sent
    };
    (0..count).map(change).collect()
}
