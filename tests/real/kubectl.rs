//! kubectl, which knows nothing of us, before a real control plane and before the demo: the same commands, the same
//! answers. `kubectl/commands.txt` is the list; where the answers differ and may, it says so and why.
//!
//! A disagreement is the demo's fault: mend it there. `PILOTHOUSE_CHAPTER=NAME` asks the commands of one chapter only.

mod answer;
mod list;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, bail};
use ground::Cluster;
use ground::kubectl::Kubectl;
use pilothouse::demo::{self, DemoOptions};

use answer::Server;
use list::{Chapter, Step};
use report::Verdict;

/// How long a command may take that is not ended earlier on purpose.
const LIMIT: Duration = Duration::from_secs(90);
/// How long two servers may take to agree on what is read: controllers take their time on both.
const PATIENCE: Duration = Duration::from_secs(60);
/// The chapter that drains a node: whatever else makes pods meanwhile might have one there.
const ALONE: &str = "nodes";
/// Chapters that are asked at once. Each asks both servers at once.
const ABREAST: usize = 2;

/// Both servers, as kubectl sees them.
struct Both {
    real: Server,
    demo: Server,
    /// Where the files are that the commands name.
    folder: PathBuf,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn kubectl_is_told_the_same_by_the_demo() {
    let cluster = Cluster::start().with_kwok().await.unwrap();
    cluster.nodes(2).await.unwrap();
    let log = cluster.folder().join("said.log");
    let line = |n: i32| format!("2026-01-01T00:00:0{n}.000000000Z stdout F line {n}\n");
    std::fs::write(&log, (0..5).map(line).collect::<String>()).unwrap();
    let logs = serde_json::json!({"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterLogs",
        "metadata": {"name": "said"}, "spec": {"selector": {}, "logs": [{"logsFile": log, "follow": true}]}});
    cluster.apply(&logs).unwrap();
    // No story, and a life as quick as KWOK's.
    let options = DemoOptions { story: false, speed: 20.0, ..DemoOptions::default() };
    let demo = demo::start(options).await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/kubectl");
    let both = Arc::new(Both {
        real: Server::new(Kubectl::at(cluster.admin(), cluster.folder()).unwrap()),
        demo: Server::new(Kubectl::at(demo.kubeconfig(), cluster.folder()).unwrap()),
        folder: folder.clone(),
    });
    let version = ["version", "--client", "-o", "json"].map(str::to_owned);
    let version = both.real.kubectl.ask(&folder, &version, LIMIT).await.unwrap().out;
    assert!(version.contains(r#""gitVersion": "v1.36."#), "{version}");
    let list = std::fs::read_to_string(folder.join("commands.txt")).unwrap();
    let only = std::env::var("PILOTHOUSE_CHAPTER").ok();
    let chapters: Vec<Chapter> = list::read(&list)
        .unwrap()
        .into_iter()
        .filter(|chapter| only.as_ref().is_none_or(|only| *only == chapter.name))
        .collect();
    assert!(!chapters.is_empty(), "no such chapter");
    let mut faults = Vec::new();
    let (alone, chapters): (Vec<_>, Vec<_>) = chapters.into_iter().partition(|chapter| chapter.name == ALONE);
    for chapter in alone {
        faults.extend(both.play(&chapter).await.unwrap());
    }
    let seats = Arc::new(tokio::sync::Semaphore::new(ABREAST));
    let mut asked = tokio::task::JoinSet::new();
    for chapter in chapters {
        let (both, seats) = (Arc::clone(&both), Arc::clone(&seats));
        asked.spawn(async move {
            let _seat = seats.acquire_owned().await.unwrap();
            both.play(&chapter).await
        });
    }
    while let Some(done) = asked.join_next().await {
        faults.extend(done.unwrap().unwrap());
    }
    assert!(faults.is_empty(), "{} disagreements\n\n{}", faults.len(), faults.join("\n"));
}

impl Both {
    /// Asks all of a chapter in a namespace of its name and gives what was not as it should be.
    async fn play(&self, chapter: &Chapter) -> Result<Vec<String>> {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let namespace = words(&format!("create namespace {}", chapter.name));
        for server in [&self.real, &self.demo] {
            let said = server.kubectl.ask(&self.folder, &namespace, LIMIT).await?;
            if said.code != Some(0) {
                bail!("{}: {}", namespace.join(" "), said.err);
            }
            // No pod is taken before the controllers made it.
            let account = words(&format!("-n {} get serviceaccount default", chapter.name));
            let began = Instant::now();
            while server.kubectl.ask(&self.folder, &account, LIMIT).await?.code != Some(0) {
                if began.elapsed() > LIMIT {
                    bail!("no service account in {}", chapter.name);
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let mut faults = Vec::new();
        for step in &chapter.steps {
            if let Some(fault) = self.judge(chapter, step).await? {
                faults.push(format!("{}:{}: kubectl {}\n{fault}", chapter.name, step.line, step.text));
            }
        }
        Ok(faults)
    }

    /// Asks both; what is only read is asked again until they agree or the patience is over.
    async fn judge(&self, chapter: &Chapter, step: &Step) -> Result<Option<String>> {
        let began = Instant::now();
        // What is ended on purpose may not have come to speak on a busy machine: it gets more time each time.
        let mut limit = step.limit.unwrap_or(LIMIT);
        loop {
            let (real, demo) = tokio::join!(
                self.ask(&self.real, chapter, step, limit),
                self.ask(&self.demo, chapter, step, limit)
            );
            match report::judge(step, &real?, &demo?) {
                Verdict::AsItShouldBe => return Ok(None),
                Verdict::Not(_) if step.changes_nothing() && began.elapsed() < PATIENCE => {
                    limit = (limit * 2).min(LIMIT);
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                Verdict::Not(fault) => return Ok(Some(fault)),
            }
        }
    }

    async fn ask(
        &self,
        server: &Server,
        chapter: &Chapter,
        step: &Step,
        limit: Duration,
    ) -> Result<Vec<String>> {
        let mut words = vec![format!("--namespace={}", chapter.name)];
        words.extend(step.words.iter().cloned());
        let said = server.kubectl.ask(&self.folder, &words, limit).await?;
        Ok(answer::lines(&said, step))
    }
}
