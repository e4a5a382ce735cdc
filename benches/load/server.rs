//! The API server: the demo in a process of its own, a real one that is started and filled for this, or one that is
//! there.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ground::Cluster;
use ground::seed::{Churn, Seed};
use tokio::runtime::Runtime;

use super::options::Against;

pub struct Server {
    kind: Kind,
    kubeconfig: PathBuf,
    pub runtime: Runtime,
}

enum Kind {
    Demo(Child),
    Real { churn: Option<Churn>, seed: Seed, cluster: Box<Cluster> },
    Given,
}

impl Server {
    /// With so many pods, ready. The demo's changes begin at once.
    pub fn start(against: &Against, pods: usize, churn: u32) -> Server {
        let runtime = Runtime::new().unwrap();
        let (kind, kubeconfig) = match against {
            Against::Given(kubeconfig) => (Kind::Given, kubeconfig.clone()),
            Against::Demo => {
                let (demo, kubeconfig) = demo(pods, churn);
                (Kind::Demo(demo), kubeconfig)
            }
            Against::Real => {
                let seed = Seed::of(pods);
                let cluster = runtime.block_on(async {
                    let cluster = Cluster::start().bare().await?;
                    seed.plant(&cluster).await?;
                    Ok::<_, color_eyre::eyre::Report>(cluster)
                });
                let cluster = cluster.unwrap();
                let kubeconfig = cluster.admin().to_owned();
                (Kind::Real { churn: None, seed, cluster: Box::new(cluster) }, kubeconfig)
            }
        };
        Server { kind, kubeconfig, runtime }
    }

    /// The same server, with so many changes a second from now on; none when it is not ours to change.
    pub fn busy(mut self, against: &Against, pods: usize, rate: u32) -> Option<Server> {
        match &mut self.kind {
            Kind::Given => return None,
            Kind::Demo(_) => {
                drop(self);
                return Some(Server::start(against, pods, rate));
            }
            Kind::Real { churn, seed, cluster } => {
                *churn = Some(self.runtime.block_on(Churn::start(cluster, *seed, rate)).unwrap());
            }
        }
        Some(self)
    }

    /// Changes that the server took, when they were made by us: more than none, or the figures say nothing.
    pub fn changes_taken(&mut self) -> Option<usize> {
        let Kind::Real { churn, .. } = &mut self.kind else { return None };
        let churn = churn.take()?;
        Some(self.runtime.block_on(churn.stop()).unwrap())
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The context with the many pods; the current one of a real cluster.
    pub fn context(&self) -> Option<&'static str> {
        matches!(self.kind, Kind::Demo(_)).then_some("k3s-edge")
    }

    /// The context of the cluster whose pods are changed, and a namespace with some of them.
    pub fn changed(&self) -> Option<(Option<&'static str>, &'static str)> {
        match self.kind {
            Kind::Demo(_) => Some((Some("k3s-edge"), "orders-prod")),
            Kind::Real { .. } => Some((None, "team-0")),
            Kind::Given => None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Kind::Demo(demo) = &mut self.kind {
            // Asked, not killed: it has folders of its own to remove. It may have ended by itself.
            let _ = rustix::process::kill_process(
                rustix::process::Pid::from_child(demo),
                rustix::process::Signal::TERM,
            );
            let _ = demo.wait();
        }
    }
}

fn demo(pods: usize, churn: u32) -> (Child, PathBuf) {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_pilothouse"))
        .args(["demo", "--serve", "--still", "--pods", &pods.to_string()])
        .args(["--churn", &churn.to_string()])
        .args(["--applications", "300", "--backups", "1000", "--alerts", "500"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Its first line is the path of the kubeconfig, once it serves.
    let mut line = String::new();
    BufReader::new(demo.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (demo, PathBuf::from(line.trim()))
}
