//! What is measured.

use std::path::PathBuf;

pub struct Options {
    /// Pods beside those of the demo's story, or pods of the real API server; one run for each number.
    pub pods: Vec<usize>,
    pub against: Against,
    /// Write the figures here as well.
    pub json: Option<PathBuf>,
}

/// The API server.
#[derive(Clone)]
pub enum Against {
    /// The demo's, in a process of its own.
    Demo,
    /// etcd and the API server alone, started and filled for this.
    Real,
    /// One that is there, with so many pods as were named. It is not changed.
    Given(PathBuf),
}

impl Against {
    /// For the figures.
    pub fn words(&self) -> &'static str {
        match self {
            Against::Demo => "the demo's server with every pane alive",
            Against::Real => "etcd and the API server alone",
            Against::Given(_) => "a cluster that was there",
        }
    }
}

const USAGE: &str =
    "cargo bench --bench load [-- [--pods N[,N...]] [--real | --kubeconfig FILE] [--json FILE]]";

impl Options {
    /// None when only help was wanted, or when cargo asks what there is to run.
    pub fn read(mut args: impl Iterator<Item = String>) -> Option<Options> {
        let mut options = Options { pods: vec![10_000], against: Against::Demo, json: None };
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} wants a value; {USAGE}"));
            match arg.as_str() {
                "--pods" => {
                    let number = |text: &str| text.parse().expect("--pods wants numbers");
                    options.pods = value().split(',').map(number).collect();
                }
                "--real" => options.against = Against::Real,
                "--kubeconfig" => options.against = Against::Given(value().into()),
                "--json" => options.json = Some(value().into()),
                // cargo says it to every benchmark.
                "--bench" => {}
                "--test" | "--list" => return None,
                _ => {
                    println!("{USAGE}");
                    return None;
                }
            }
        }
        Some(options)
    }
}
