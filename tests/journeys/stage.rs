//! The world, the person before it and what happened.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::Event;
use kube::config::{KubeConfigOptions, Kubeconfig};
use pilothouse::demo::{self, DemoOptions, DemoServer, Fault};
use pilothouse::runtime::TerminalEffect;
use serde_json::{Value, json};

use super::copied::{Front, MOMENT};
use super::person::{Desk, Person};
use super::script::{Opening, Step};

/// Before whom a journey is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// The embedded demo.
    Demo,
    /// Real control planes with a copy of the demo's world.
    Real,
}

pub struct Stage {
    person: Person,
    world: World,
}

enum World {
    Demo(DemoServer),
    Real(Front),
}

impl World {
    async fn open(opening: &Opening, judge: Judge) -> World {
        if judge == Judge::Real {
            assert_eq!(
                (opening.at, opening.seed),
                (MOMENT, 1),
                "what is copied is the demo at 330 with seed 1"
            );
            return World::Real(Front::open(&["k3s-edge", "gke-eu1"]).await);
        }
        let options =
            DemoOptions { seed: opening.seed, speed: 0.0, start_at: opening.at, ..DemoOptions::default() };
        World::Demo(demo::start(options).await.unwrap())
    }

    fn kubeconfig(&self, restricted: bool) -> PathBuf {
        match self {
            World::Demo(demo) if restricted => demo.restricted_kubeconfig().to_owned(),
            World::Demo(demo) => demo.kubeconfig().to_owned(),
            World::Real(front) => front.kubeconfig(if restricted { "restricted" } else { "admin" }),
        }
    }

    async fn fault(&self, cluster: &str, fault: Option<&Fault>) -> Result<(), String> {
        match self {
            World::Demo(demo) => {
                demo.set_fault(cluster, fault.cloned());
                Ok(())
            }
            World::Real(front) => front.fault(cluster, fault).await,
        }
    }

    /// Changes an object of a cluster, as its administrator, behind the program's back.
    async fn patch(&self, cluster: &str, path: &str, kind: &str, patch: &Value) -> Result<(), String> {
        let change = async {
            let options =
                KubeConfigOptions { context: Some(cluster.to_owned()), ..KubeConfigOptions::default() };
            let kubeconfig = Kubeconfig::read_from(self.kubeconfig(false))?;
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
            let request = http::Request::patch(path).header("content-type", kind);
            let request = request.body(serde_json::to_vec(patch)?)?;
            kube::Client::try_from(config)?.request::<Value>(request).await?;
            Ok::<(), Box<dyn std::error::Error>>(())
        };
        change.await.map_err(|error| format!("{path}: {error}"))
    }
}

impl Stage {
    /// The world at its moment, the machine with all data that it will get.
    pub async fn set(opening: &Opening, judge: Judge) -> Stage {
        let world = World::open(opening, judge).await;
        for (cluster, fault) in &opening.faults {
            world.fault(cluster, Some(fault)).await.unwrap();
        }
        let desk = Desk {
            size: opening.size,
            read_only: opening.read_only,
            ascii: opening.ascii,
            current_only: opening.current_only,
            config: opening
                .guard
                .map(|seconds| format!("traffic:\n  guard: {{window: {seconds}s}}\n"))
                .unwrap_or_default(),
            patience: if judge == Judge::Real { Duration::from_secs(60) } else { Desk::default().patience },
            ..Desk::default()
        };
        let mut person = Person::sits_down(&world.kubeconfig(opening.restricted), &desk);
        person.wait_for_data().await;
        Stage { person, world }
    }

    /// The frame as it is now.
    pub fn picture(&mut self) -> String {
        self.person.picture()
    }

    /// Does what a line says, or waits for it.
    pub async fn play(&mut self, step: &Step) -> Result<(), String> {
        let person = &mut self.person;
        match step {
            Step::Press(keys) | Step::Type(keys) => {
                keys.iter().for_each(|key| person.press(key));
                Ok(())
            }
            Step::Paste(text) => {
                person.feed(Event::Paste(text.clone()));
                Ok(())
            }
            Step::Size(columns, rows) => {
                person.feed(Event::Resize(*columns, *rows));
                Ok(())
            }
            Step::Advance(time) => {
                // A real world's time goes by itself, and what is waited for comes.
                if let World::Demo(demo) = &self.world {
                    demo.story().advance(*time);
                }
                Ok(())
            }
            Step::Fault(cluster, fault) => self.world.fault(cluster, fault.as_ref()).await,
            Step::Scale { cluster, ns, name, replicas } => {
                let path = format!("/apis/apps/v1/namespaces/{ns}/deployments/{name}/scale");
                let patch = json!({"spec": {"replicas": replicas}});
                self.world.patch(cluster, &path, "application/merge-patch+json", &patch).await
            }
            Step::Release { cluster, ns, name, version } => {
                let path = format!("/apis/apps/v1/namespaces/{ns}/deployments/{name}");
                let patch = release(name, version);
                self.world.patch(cluster, &path, "application/strategic-merge-patch+json", &patch).await
            }
            Step::See(wanted) => person.wait(true, wanted).await,
            Step::Not(wanted) => person.wait(false, wanted).await,
            Step::Cursor(name) => person.wait_for_cursor(name).await,
            Step::Copied(text) => person.happened(
                &format!("{text:?} to be copied"),
                |effect| matches!(effect, TerminalEffect::Copy(copied) if copied.contains(text.as_str())),
            ),
            Step::Shell => person.happened("a shell", |effect| matches!(effect, TerminalEffect::Shell(_))),
            Step::Quits => person.happened("the end", |effect| matches!(effect, TerminalEffect::Quit)),
        }
    }
}

/// Another version of an app. The demo's kubelets cannot pull what ends in `-missing`; KWOK's are told so.
fn release(name: &str, version: &str) -> Value {
    let behavior = version.ends_with("-missing").then_some("pull");
    json!({"spec": {"template": {
        "metadata": {
            "labels": {"app.kubernetes.io/version": version},
            "annotations": {"pilothouse.test/behavior": behavior},
        },
        "spec": {"containers": [{"name": name, "image": format!("registry.example/{name}:{version}")}]},
    }}})
}
