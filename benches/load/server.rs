//! The API server: the demo in a process of its own, or one that is there.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::options::Options;

pub struct Server {
    demo: Option<Child>,
    kubeconfig: PathBuf,
}

impl Server {
    pub fn start(options: &Options, churn: f64) -> Server {
        if let Some(kubeconfig) = &options.kubeconfig {
            return Server { demo: None, kubeconfig: kubeconfig.clone() };
        }
        let mut demo = Command::new(env!("CARGO_BIN_EXE_pilothouse"))
            .args(["demo", "--serve", "--still", "--pods", &options.pods.to_string()])
            .args(["--churn", &churn.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Its first line is the path of the kubeconfig, once it serves.
        let mut line = String::new();
        BufReader::new(demo.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let kubeconfig = PathBuf::from(line.trim());
        Server { demo: Some(demo), kubeconfig }
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The context with the many pods; the current one of a real cluster.
    pub fn context(&self) -> Option<&'static str> {
        self.demo.is_some().then_some("k3s-edge")
    }

    /// Only the demo is changed; a real cluster is left alone.
    pub fn can_change(&self) -> bool {
        self.demo.is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(demo) = &mut self.demo {
            let _ = demo.kill();
            let _ = demo.wait();
        }
    }
}
