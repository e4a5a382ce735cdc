//! A control plane: etcd, the API server, and unless it is bare, its controllers and scheduler.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eyre::{Context as _, Result, bail, eyre};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::audit::Audit;
use crate::clerk::{Clerk, collection};
use crate::folder::Folder;
use crate::keeper::Keeper;
use crate::kubectl;
use crate::people::{self, Authority, Credentials, ISSUER};
use crate::ports::Port;
use crate::programs;
use crate::server::Server;
use crate::upstreams::{self, Running, Wanted, answers};

/// What is to be started; awaiting it starts it.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing starts before it is awaited"]
pub struct Start {
    bare: bool,
    pub(crate) beside: Wanted,
    grace: Option<Duration>,
}

impl Start {
    /// etcd and the API server alone: for load, where the statuses are written by the test.
    pub fn bare(mut self) -> Start {
        self.bare = true;
        self
    }

    /// With KWOK, so that nodes and pods live.
    pub fn with_kwok(mut self) -> Start {
        self.beside.kwok = true;
        self
    }

    /// How long a node may be silent before the node controller calls it Unknown; 50 s when not said.
    pub fn node_grace(mut self, grace: Duration) -> Start {
        self.grace = Some(grace);
        self
    }

    async fn begin(self) -> Result<Cluster> {
        let owned = Folder::make()?;
        let folder = owned.path().to_owned();
        let keeper = Arc::new(Keeper::start(&folder)?);
        let authority = Authority::found(&folder)?;
        let (audit, audit_flags) = Audit::prepare(&folder)?;
        let token = token()?;
        std::fs::write(folder.join("tokens.csv"), format!("{token},admin,admin,\"system:masters\"\n"))?;
        let (etcd_port, peer_port, api_port) = (Port::take()?, Port::take()?, Port::take()?);
        let mut etcd = Server::start("etcd", etcd(&folder, &etcd_port, &peer_port)?, &folder, &keeper)?;
        etcd.wait_until("ready", async || answers(&etcd_port, "/health").await).await?;
        let mut cluster = Cluster {
            upstreams: Running::default(),
            clerk: Clerk::of(&folder.join("admin.kubeconfig")),
            admin: folder.join("admin.kubeconfig"),
            authority,
            audit,
            api: Mutex::new(None),
            audit_flags,
            others: Mutex::new(vec![etcd]),
            etcd_port,
            api_port,
            ports: Mutex::new(vec![peer_port]),
            start: self,
            named: AtomicUsize::new(0),
            keeper,
            folder,
            _owned: owned,
        };
        people::write(&cluster.admin, &cluster.kubeconfig_with("admin", None, &Credentials::Token(token)))?;
        match cluster.bring_up().await {
            Ok(upstreams) => cluster.upstreams = upstreams,
            // What failed may be the fault of another server than the one that says so.
            Err(error) => bail!("{error:#}\n{}", cluster.last_words().await),
        }
        Ok(cluster)
    }
}

impl IntoFuture for Start {
    type Output = Result<Cluster>;
    type IntoFuture = futures::future::LocalBoxFuture<'static, Result<Cluster>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

/// A running control plane. Everything ends when it is dropped, and when this process ends.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: the keeper ends the servers before the ports and the folder are let go.
    others: Mutex<Vec<Server>>,
    api: Mutex<Option<Server>>,
    upstreams: Running,
    keeper: Arc<Keeper>,
    folder: PathBuf,
    _owned: Folder,
    admin: PathBuf,
    clerk: Clerk,
    authority: Authority,
    audit: Audit,
    audit_flags: [String; 4],
    etcd_port: Port,
    api_port: Port,
    /// Of the servers that nobody asks for by number.
    ports: Mutex<Vec<Port>>,
    start: Start,
    /// Of the names that were given.
    named: AtomicUsize,
}

impl Cluster {
    /// Everything behind etcd. In the end all of it still runs: what was ready a minute ago may have ended since.
    async fn bring_up(&self) -> Result<Running> {
        self.start_api_server().await?;
        if !self.start.bare {
            self.start_controllers().await?;
        }
        let upstreams = upstreams::start(self, &self.start.beside).await?;
        self.api.lock().await.iter_mut().try_for_each(Server::runs)?;
        self.others.lock().await.iter_mut().try_for_each(Server::runs)?;
        Ok(upstreams)
    }

    /// What every server said last, and which of them have ended: for whoever waited in vain.
    async fn last_words(&self) -> String {
        let (mut api, mut others) = (self.api.lock().await, self.others.lock().await);
        api.iter_mut().chain(others.iter_mut()).map(Server::report).collect()
    }

    /// A control plane with its controllers.
    #[allow(clippy::new_ret_no_self, reason = "it is awaited")]
    pub fn start() -> Start {
        Start::default()
    }

    /// The kubeconfig of one who may do everything; not in the audit log.
    pub fn admin(&self) -> &Path {
        &self.admin
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.api_port.address())
    }

    /// The certificate that the API server shows, PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("certs/apiserver.crt")
    }

    /// For the files of a test; removed with the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was asked of the API server.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Signs certificates and tokens.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A client of the administrator.
    ///
    /// # Errors
    /// When the kubeconfig is refused.
    pub async fn client(&self) -> Result<Client> {
        client(&self.admin).await
    }

    /// A kubeconfig for this server, as a value.
    pub fn kubeconfig_with(&self, name: &str, namespace: Option<&str>, credentials: &Credentials) -> Value {
        people::kubeconfig(name, &self.url(), Some(&self.ca_file()), namespace, credentials)
    }

    /// A kubeconfig file for this server; its context and user have that name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn kubeconfig(
        &self,
        name: &str,
        namespace: Option<&str>,
        credentials: &Credentials,
    ) -> Result<PathBuf> {
        let file = self.folder.join(self.fresh(&format!("{name}.kubeconfig")));
        people::write(&file, &self.kubeconfig_with(name, namespace, credentials))?;
        Ok(file)
    }

    /// A name that was not given before.
    pub fn fresh(&self, name: &str) -> String {
        format!("{}-{name}", self.named.fetch_add(1, Ordering::Relaxed))
    }

    /// Makes a namespace for one test; its name begins with this.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn namespace(&self, prefix: &str) -> Result<String> {
        let name = format!("{prefix}-{}", self.named.fetch_add(1, Ordering::Relaxed));
        self.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))?;
        if !self.start.bare {
            // No pod is taken before the controllers made it.
            let account = || self.get(&name, "v1/serviceaccounts/default").is_ok();
            self.until("the namespace's service account", account).await?;
        }
        Ok(name)
    }

    /// Makes a service account of that name in the namespace `people` (which is made when it is not there) and returns
    /// its uid. The cluster calls it `system:serviceaccount:people:NAME`.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn person(&self, name: &str) -> Result<String> {
        let account = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "people"}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "people"}},
        ]});
        self.apply(&account)?;
        self.field("people", &format!("v1/serviceaccounts/{name}"), "/metadata/uid")
    }

    /// A kubeconfig of a person by that name who may do what `rules` say (of a Role in each of `namespaces`, or of a
    /// ClusterRole when there are none), with a token that is good for a day.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn user(&self, name: &str, namespaces: &[&str], rules: &Value) -> Result<PathBuf> {
        let uid = self.person(name)?;
        self.grant(name, namespaces, rules)?;
        let token = self.authority.token("people", name, &uid, Duration::from_secs(86_400))?;
        self.kubeconfig(name, namespaces.first().copied(), &Credentials::Token(token))
    }

    /// Gives a person of the namespace `people` rights, in these namespaces or everywhere.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn grant(&self, name: &str, namespaces: &[&str], rules: &Value) -> Result<()> {
        let group = "rbac.authorization.k8s.io";
        let version = format!("{group}/v1");
        let subject = json!([{"kind": "ServiceAccount", "name": name, "namespace": "people"}]);
        let pair = |prefix: &str, namespace: Option<&str>| {
            let meta = json!({"name": name, "namespace": namespace});
            [
                json!({"apiVersion": version, "kind": format!("{prefix}Role"), "metadata": meta, "rules": rules}),
                json!({"apiVersion": version, "kind": format!("{prefix}RoleBinding"), "metadata": meta,
                       "subjects": subject,
                       "roleRef": {"apiGroup": group, "kind": format!("{prefix}Role"), "name": name}}),
            ]
        };
        let items: Vec<Value> = match namespaces {
            [] => pair("Cluster", None).into(),
            _ => namespaces.iter().flat_map(|namespace| pair("", Some(namespace))).collect(),
        };
        self.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}))
    }

    /// Runs kubectl 1.36 as the administrator and returns what it printed.
    ///
    /// # Errors
    /// When it fails: with what it said.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl_with(&self.admin, arguments, None)
    }

    /// Runs kubectl with a kubeconfig, and with this on its stdin.
    ///
    /// # Errors
    /// When it fails: with what it said.
    pub fn kubectl_with(&self, kubeconfig: &Path, arguments: &[&str], stdin: Option<&str>) -> Result<String> {
        let mut command = programs::control_plane("kubectl")?;
        command.arg("--kubeconfig").arg(kubeconfig).args(arguments);
        // kubectl keeps what it discovered in the home folder; two servers on one port would share it.
        command.env("KUBECACHEDIR", self.folder.join("kubectl-cache"));
        let output = kubectl::run(command, stdin)?;
        if !output.status.success() {
            bail!("kubectl {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Applies an object or a List, server-side, by the field manager `kubectl`.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn apply(&self, object: &Value) -> Result<()> {
        self.clerk.apply(object)
    }

    /// Creates an object.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn create(&self, object: &Value) -> Result<()> {
        self.clerk.create(object)
    }

    /// An object or a list of a namespace (empty: of none), written `apps/v1/deployments/cart`, `v1/pods?labelSelector=…`.
    ///
    /// # Errors
    /// When the API server refuses, or there is no such thing.
    pub fn get(&self, namespace: &str, written: &str) -> Result<Value> {
        self.clerk.get(&collection(Some(namespace).filter(|name| !name.is_empty()), written))
    }

    /// One field of such an object by its JSON pointer: a string as it is, anything else as JSON, empty when it is not there.
    ///
    /// # Errors
    /// As [`Cluster::get`].
    pub fn field(&self, namespace: &str, written: &str, pointer: &str) -> Result<String> {
        let object = self.get(namespace, written)?;
        Ok(match object.pointer(pointer) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })
    }

    /// Applies a file or every file of a folder, server-side.
    ///
    /// # Errors
    /// When the API server refuses.
    pub fn apply_files(&self, path: &Path) -> Result<()> {
        let path = path.to_str().ok_or_else(|| eyre!("{} is no UTF-8", path.display()))?;
        self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", path]).map(drop)
    }

    /// Waits until this holds.
    ///
    /// # Errors
    /// When it does not within two minutes: with what every server said last.
    pub async fn until(&self, what: &str, holds: impl FnMut() -> bool) -> Result<()> {
        self.until_for(what, crate::server::PATIENCE, holds).await
    }

    /// The same with a time of its own.
    ///
    /// # Errors
    /// When it does not hold in that time.
    pub async fn until_for(
        &self,
        what: &str,
        patience: Duration,
        mut holds: impl FnMut() -> bool,
    ) -> Result<()> {
        let began = std::time::Instant::now();
        while !holds() {
            if began.elapsed() > patience {
                bail!("never came: {what}\n{}", self.last_words().await);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Kills the API server; its data stays in etcd.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn kill_api_server(&self) -> Result<()> {
        self.api.lock().await.take().ok_or_else(|| eyre!("no API server runs"))?.kill()
    }

    /// Stops the API server in its tracks: connections stay open, nothing answers.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn freeze_api_server(&self) -> Result<()> {
        self.api.lock().await.as_ref().ok_or_else(|| eyre!("no API server runs"))?.freeze()
    }

    /// Lets the API server go on.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn thaw_api_server(&self) -> Result<()> {
        self.api.lock().await.as_ref().ok_or_else(|| eyre!("no API server runs"))?.thaw()
    }

    /// Starts the API server, on the same port and with the same certificate each time, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready: with what it said.
    pub async fn start_api_server(&self) -> Result<()> {
        let command = self.api_server()?;
        let mut server = Server::start("kube-apiserver", command, &self.folder, &self.keeper)?;
        server
            .wait_until("ready", async || {
                // It makes its certificate when it starts for the first time.
                if !self.ca_file().exists() {
                    return Ok(false);
                }
                let client = self.client().await?;
                Ok(client.request_text(http::Request::get("/readyz").body(Vec::new())?).await? == "ok")
            })
            .await?;
        *self.api.lock().await = Some(server);
        Ok(())
    }

    /// Puts a further server of this cluster under the keeper's care and waits until it is ready.
    pub(crate) async fn add_server<F>(&self, name: &'static str, command: Command, ready: F) -> Result<()>
    where
        F: AsyncFnMut() -> Result<bool>,
    {
        let mut server = Server::start(name, command, &self.folder, &self.keeper)?;
        server.wait_until("ready", ready).await?;
        self.others.lock().await.push(server);
        Ok(())
    }

    /// Ends a server that runs beside the API server at once: `prometheus`, `kwok`.
    ///
    /// # Errors
    /// When none of that name runs.
    pub async fn end_server(&self, name: &str) -> Result<()> {
        let mut others = self.others.lock().await;
        let at = others.iter().position(|server| server.name() == name);
        others.remove(at.ok_or_else(|| eyre!("no {name} runs"))?).kill()
    }

    /// Holds the ports of such servers until the cluster ends.
    pub(crate) async fn hold(&self, ports: Vec<Port>) {
        self.ports.lock().await.extend(ports);
    }

    /// What runs beside the control plane.
    pub(crate) fn upstreams(&self) -> &Running {
        &self.upstreams
    }

    /// Throws away what etcd keeps of the past, so that a watch that wants to resume from it is told 410. Compaction
    /// is asked for through etcd's own API, since the API server does it every five minutes only.
    ///
    /// # Errors
    /// When etcd refuses.
    pub async fn compact(&self) -> Result<()> {
        let status = self.etcd("/v3/maintenance/status", &json!({})).await?;
        let revision = status["header"]["revision"].clone();
        self.etcd("/v3/kv/compaction", &json!({"revision": revision, "physical": true})).await.map(drop)
    }

    async fn etcd(&self, path: &str, body: &Value) -> Result<Value> {
        let client = Client::try_from(Config::new(self.etcd_port.http().parse()?))?;
        let request = http::Request::post(path).body(body.to_string().into_bytes())?;
        let answer = tokio::time::timeout(crate::server::PATIENCE, client.request(request)).await;
        answer.wrap_err_with(|| format!("etcd {path}"))?.wrap_err_with(|| format!("etcd {path}"))
    }

    fn api_server(&self) -> Result<Command> {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let mut command = programs::control_plane("kube-apiserver")?;
        command
            .arg(format!("--etcd-servers={}", self.etcd_port.http()))
            .arg(format!("--cert-dir={}", file("certs")))
            .arg(format!("--secure-port={}", self.api_port.number()))
            .args(["--bind-address=127.0.0.1", "--service-cluster-ip-range=10.96.0.0/16"])
            .arg(format!("--service-account-issuer={ISSUER}"))
            .arg(format!("--service-account-key-file={}", file("sa.pub")))
            .arg(format!("--service-account-signing-key-file={}", file("sa.key")))
            .arg(format!("--token-auth-file={}", file("tokens.csv")))
            .arg(format!("--client-ca-file={}", file("ca.crt")))
            // Without it the API server asks for the name of a node, and logs and exec fail.
            .args(["--authorization-mode=RBAC", "--kubelet-preferred-address-types=InternalIP"])
            .args(&self.audit_flags);
        if self.start.bare {
            // Nobody makes the accounts that it wants to see.
            command.arg("--disable-admission-plugins=ServiceAccount");
        }
        Ok(command)
    }

    async fn start_controllers(&self) -> Result<()> {
        let kubeconfig = format!("--kubeconfig={}", self.admin.display());
        let mut manager = programs::control_plane("kube-controller-manager")?;
        manager
            .arg(&kubeconfig)
            .arg(format!("--service-account-private-key-file={}", self.folder.join("sa.key").display()))
            .args(["--use-service-account-credentials", "--leader-elect=false", "--secure-port=0"])
            .args([
                "--controllers=*,-nodeipam,-cloud-node-lifecycle",
                "--kube-api-qps=300",
                "--kube-api-burst=400",
            ]);
        if let Some(grace) = self.start.grace {
            manager.arg(format!("--node-monitor-grace-period={}s", grace.as_secs()));
        }
        let account = async || Ok(self.get("default", "v1/serviceaccounts/default").is_ok());
        self.add_server("kube-controller-manager", manager, account).await?;
        let port = Port::take()?;
        let mut scheduler = programs::control_plane("kube-scheduler")?;
        scheduler
            .arg(&kubeconfig)
            .args(["--leader-elect=false", "--kube-api-qps=300", "--kube-api-burst=400"])
            // For its readiness alone. With the API server's certificate: to make one of its own takes it a second.
            .arg(format!("--secure-port={}", port.number()))
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--tls-cert-file={}", self.ca_file().display()))
            .arg(format!("--tls-private-key-file={}", self.ca_file().with_extension("key").display()));
        let mut config = Config::new(format!("https://{}", port.address()).parse()?);
        config.accept_invalid_certs = true;
        config.default_retry = false;
        let asked = Client::try_from(config)?;
        let ready = async || {
            let request = http::Request::get("/readyz").body(Vec::new())?;
            Ok(asked.request_text(request).await? == "ok")
        };
        self.add_server("kube-scheduler", scheduler, ready).await?;
        self.hold(vec![port]).await;
        Ok(())
    }
}

/// The administrator's: other users of the machine reach the port too, and are not to guess it.
fn token() -> Result<String> {
    let bytes: [u8; 32] = ring::rand::generate(&ring::rand::SystemRandom::new())
        .map_err(|_| eyre!("no random numbers"))?
        .expose();
    Ok(base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes))
}

fn etcd(folder: &Path, clients: &Port, peers: &Port) -> Result<Command> {
    let mut command = programs::control_plane("etcd")?;
    command
        .arg("--unsafe-no-fsync")
        .arg(format!("--data-dir={}", folder.join("etcd").display()))
        .arg(format!("--listen-client-urls={}", clients.http()))
        .arg(format!("--advertise-client-urls={}", clients.http()))
        .arg(format!("--listen-peer-urls={}", peers.http()))
        .arg(format!("--initial-advertise-peer-urls={}", peers.http()))
        .arg(format!("--initial-cluster=default={}", peers.http()))
        // 50,000 pods and their churn are more than the 2 GB that are allowed otherwise.
        .args(["--quota-backend-bytes=8589934592", "--log-level=warn"]);
    Ok(command)
}

/// A client of the current context of a kubeconfig.
///
/// # Errors
/// When the file is refused.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    // One provider for all of this process; the second installation is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_guesses_the_administrators_token() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
    }
}
