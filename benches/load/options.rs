//! What is measured.

use std::path::PathBuf;

pub struct Options {
    /// Pods beside those of the demo's story, or pods that the given API server has.
    pub pods: usize,
    /// Measure against this API server instead of the demo.
    pub kubeconfig: Option<PathBuf>,
    /// Write the figures here as well.
    pub json: Option<PathBuf>,
}

const USAGE: &str = "cargo bench --bench load [-- [--pods N] [--kubeconfig FILE] [--json FILE]]";

impl Options {
    /// None when only help was wanted, or when cargo asks what there is to run.
    pub fn read(mut args: impl Iterator<Item = String>) -> Option<Options> {
        let mut options = Options { pods: 10_000, kubeconfig: None, json: None };
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} wants a value; {USAGE}"));
            match arg.as_str() {
                "--pods" => options.pods = value().parse().expect("--pods wants a number"),
                "--kubeconfig" => options.kubeconfig = Some(value().into()),
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
