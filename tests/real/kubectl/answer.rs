//! An answer as it is compared: what cannot be the same on two servers (ages, times, addresses, generated names) is
//! replaced by what it is.

use std::sync::LazyLock;

use ground::kubectl::{Kubectl, Said};
use regex::Regex;

use super::list::Step;

/// A server, and kubectl before it.
pub struct Server {
    pub kubectl: Kubectl,
}

impl Server {
    pub fn new(kubectl: Kubectl) -> Server {
        Server { kubectl }
    }
}

/// What Kubernetes makes names and hashes of.
const RULES: [(&str, &str); 25] = [
    // client-go's own log lines
    (r"^[EWI]\d{4} [\d:.]+ +\d+ (\w+\.go):\d+\]", "LOG $1]"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "TIME"),
    // files of `kubectl diff`
    (r"/tmp/(LIVE|MERGED)-\d+", "/tmp/$1"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000", "TIME"),
    (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
    (r#"(resourceVersion"?: )"\d+""#, "${1}VERSION"),
    (r"^(\s*Resource Version:) +\d+$", "$1 VERSION"),
    (r"https?://\d+\.\d+\.\d+\.\d+:\d+(/demo/[0-9a-f]+)?", "SERVER"),
    (r"\b\d+\.\d+\.\d+\.\d+:(\d{5})\b", "ADDRESS:PORT"),
    (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", "ADDRESS"),
    (r"\b(node-\d|gke-eu1-[a-z0-9-]+|eu1-[a-z0-9-]+)\b", "NODE"),
    (r"\bNODE/ADDRESS\b", "NODE"),
    // ReplicaSets and their pods, revisions, pods of Jobs and Deployments, Jobs of CronJobs
    (r"-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-HASH-POD"),
    (r"(-|hash=|hash: |hash\x22: \x22)[bcdfghjklmnpqrstvwxz2456789]{6,10}\b", "${1}HASH"),
    (r"\b(once|made|asked|db|web|report|guarded|kube-api-access)-[a-z0-9]{5}\b", "$1-POD"),
    (r"\b(report-\d{8})-POD\b", "report-HASH-POD"),
    (r"\b[0-9a-f]{40,64}\b", "DIGEST"),
    (r"\(x\d+ over [0-9smh]+\)", ""),
    (r"\b3[0-2]\d{3}\b", "NODEPORT"),
    (r"(^|[ (])(<invalid>|\d{1,3}s|[0-9]m(?:\d{1,2}s)?|\d+h|\d+d(?:\d+h)?)( ago)?([ )]|$)", "${1}AGE${4}"),
    (r"(^|[ (])(<invalid>|\d{1,3}s|[0-9]m(?:\d{1,2}s)?|\d+h|\d+d(?:\d+h)?)( ago)?([ )]|$)", "${1}AGE${4}"),
    (r"^( *Duration:) +\d+s$", "$1 AGE"),
    (r" took \d+m?s", " took AGE"),
    (r"\bin \d+(\.\d+)?m?s\b", "in AGE"),
];

static COMPILED: LazyLock<Vec<(Regex, &'static str)>> =
    LazyLock::new(|| RULES.iter().map(|(rule, what)| (Regex::new(rule).unwrap(), *what)).collect());
static GAPS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S)\s{2,}").unwrap());

/// The answer as lines: how it ended, what it said, what it complained of.
pub fn lines(said: &Said, step: &Step) -> Vec<String> {
    let ended = said.code.map_or_else(|| "goes on".to_owned(), |code| format!("exit {code}"));
    let mut out: Vec<String> = said.out.lines().map(plain).collect();
    if step.end {
        return vec![ended];
    }
    if step.any_events {
        // A table below its heading, or `<none>` behind it.
        out.truncate(out.iter().position(|line| line.starts_with("Events:")).unwrap_or(out.len()));
    }
    if step.last {
        out.drain(..out.len().saturating_sub(1));
    }
    if step.form {
        out = vec![format!("{} lines", out.len())];
    }
    if step.sorted {
        out.sort();
        out.dedup();
    } else if let Some(from) = out.iter().position(|line| line == "Events:") {
        out[from..].sort();
        out.dedup();
    }
    let err = said.err.lines().map(|line| format!("complains: {}", plain(line)));
    let mut err: Vec<String> = err.collect();
    // A watch that is under way when the time is over is complained of, or not.
    err.retain(|line| !line.starts_with("complains: LOG reflector.go]"));
    // client-go asks again, as often as it finds time for.
    err.dedup();
    [vec![ended], out, err].concat()
}

/// A line without what is a server's own.
fn plain(line: &str) -> String {
    let line = GAPS.replace_all(line.trim_end(), "$1 ");
    COMPILED
        .iter()
        .fold(line.into_owned(), |line, (rule, what)| rule.replace_all(&line, *what).into_owned())
        .trim_end()
        .to_owned()
}

#[test]
fn what_is_a_servers_own_is_replaced() {
    for (said, compared) in [
        ("web-6d4cf56db6-x7k2q   1/1     Running   0          12s", "web-HASH-POD 1/1 Running 0 AGE"),
        ("once-x7k2q  0/1  Completed  1 (3s ago)  2m3s", "once-POD 0/1 Completed 1 (AGE) AGE"),
        ("  uid: 0b6f7a3e-8b1c-4f59-9a35-0e4a8d1c2b3f", "  uid: UID"),
        ("    Limits:  cpu 100m, memory 64Mi", "    Limits: cpu 100m, memory 64Mi"),
        ("IP: 10.96.3.4", "IP: ADDRESS"),
    ] {
        assert_eq!(plain(said), compared);
    }
}
