//! The clusters that commands are run on: the demo's, or real ones that hold the same.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use assert_cmd::cargo::cargo_bin;
use tokio::runtime::Runtime;

use crate::copied::{Front, MOMENT};
use crate::run;

/// Who answers, until the end of the test.
pub struct World {
    judge: Judge,
    kubeconfig: PathBuf,
}

enum Judge {
    Demo {
        process: Child,
        _folder: tempfile::TempDir,
    },
    /// The proxies before the real servers are tasks of the runtime.
    Real {
        front: Option<Front>,
        runtime: Runtime,
    },
}

impl World {
    pub fn demo() -> World {
        use std::io::BufRead;
        let folder = tempfile::tempdir().unwrap();
        let mut process = std::process::Command::new(cargo_bin("pilothouse"))
            .args(["demo", "--serve", "--still", "--at", &MOMENT.as_secs().to_string(), "--dir"])
            .arg(folder.path().join("demo"))
            .env("HOME", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        World { kubeconfig: line.trim().into(), judge: Judge::Demo { process, _folder: folder } }
    }

    pub fn real() -> World {
        rustls::crypto::ring::default_provider().install_default().ok();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let front = runtime.block_on(Front::open(&["k3s-edge", "gke-eu1"]));
        World { kubeconfig: front.kubeconfig("admin"), judge: Judge::Real { front: Some(front), runtime } }
    }

    pub fn kubeconfig(&self) -> &str {
        self.kubeconfig.to_str().unwrap()
    }

    /// What the server calls who runs the commands.
    pub fn user(&self) -> &'static str {
        match self.judge {
            Judge::Demo { .. } => "demo-admin",
            Judge::Real { .. } => "admin",
        }
    }

    /// Runs a command on all clusters.
    pub fn run(&self, home: &Path, args: &[&str]) -> (Option<i32>, String, String) {
        run(home, &[&["--kubeconfig", self.kubeconfig()], args, &["--all-contexts"]].concat())
    }

    /// The replicas of a workload, by the plan of another number, which changes nothing.
    pub fn replicas(&self, home: &Path, env: &str, object: &str) -> u64 {
        let args = ["scale", object, "--env", env, "--replicas", "77", "--plan", "-o", "json"];
        let (_, out, err) = self.run(home, &args);
        let plan = crate::read_json(&out);
        plan["plan"]["changes"][0]["before"].as_u64().unwrap_or_else(|| panic!("{out}{err}"))
    }

    /// `resume`s or `suspend`s a CronJob of development where it is a copied one: those are suspended, so that nothing
    /// begins by itself.
    pub fn copied_cron_job(&self, action: &str, name: &str) {
        if matches!(self.judge, Judge::Real { .. }) {
            let home = crate::home(&[]);
            let (code, out, err) = self.run(home.path(), &[action, name, "--env", "development", "--yes"]);
            assert_eq!(code, Some(0), "{out}{err}");
        }
    }

    /// Puts the replicas of a workload of development back, for whoever comes next.
    pub fn scale_back(&self, home: &Path, object: &str, replicas: u64) {
        let replicas = replicas.to_string();
        let args = ["scale", object, "--env", "development", "--replicas", &replicas, "--yes"];
        let (code, out, err) = self.run(home, &args);
        assert_eq!(code, Some(0), "{out}{err}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        match &mut self.judge {
            // Asked, not killed: it has folders of its own to remove.
            Judge::Demo { process, .. } => {
                let pid = rustix::process::Pid::from_child(process);
                rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
                assert!(process.wait().unwrap().success());
            }
            Judge::Real { front, runtime } => {
                let _inside = runtime.enter();
                drop(front.take());
            }
        }
    }
}
