//! A shell in a container, through the API server and KWOK's kubelet.

use std::time::Duration;

use ground::people::{self, Credentials};
use ground::relay::Relay;
use pilothouse::domain::id::ClusterId;
use pilothouse::effect::ShellRequest;
use pilothouse::runtime::TerminalEffect;
use pilothouse::sources::shell;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{Scene, pod};

/// KWOK's exec does not end with its input.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_shell_is_asked_for_and_speaks() {
    let mut scene = Scene::set("shell").await;
    scene.apply(pod("host", &json!({})));
    scene.kubectl(&["wait", "--for=condition=Ready", "pod/host", "--timeout=60s"]);
    scene.opens_pod("host", "x").await;
    // An environment that nothing is known of is protected.
    scene.person.see("enter confirm").await;
    assert!(scene.person.happened("a shell", |e| matches!(e, TerminalEffect::Shell(_))).is_err());
    scene.person.types("other");
    scene.person.keys("enter");
    let wanted = ShellRequest {
        cluster: ClusterId(0),
        namespace: scene.namespace.as_str().into(),
        pod: "host".into(),
        container: "main".into(),
    };
    let asked = TerminalEffect::Shell(wanted.clone());
    scene.person.happened("a shell", |effect| *effect == asked).unwrap();

    let client = scene.person.driver().client(ClusterId(0)).unwrap();
    let (_held, resized) = tokio::sync::mpsc::channel(1);
    let (output, mut screen) = tokio::io::duplex(1 << 16);
    let input = std::io::Cursor::new(b"echo hello-$((40 + 2))\n".to_vec());
    let opened = shell::open(client.clone(), &wanted, input, output, (80, 24), resized);
    let mut said = Vec::new();
    let listens = async {
        let mut part = [0; 1024];
        while !String::from_utf8_lossy(&said).contains("hello-42") {
            let n = screen.read(&mut part).await.unwrap();
            assert!(n > 0, "it ended with {:?}", String::from_utf8_lossy(&said));
            said.extend_from_slice(&part[..n]);
        }
    };
    let heard = timeout(LIMIT, async {
        tokio::select! {
            () = listens => Ok(()),
            ended = opened => Err(ended),
        }
    });
    heard.await.unwrap().unwrap();

    // Where there is none, it is said in words.
    let (_held, resized) = tokio::sync::mpsc::channel(1);
    let absent = ShellRequest { pod: "nobody".into(), ..wanted };
    let refused = timeout(
        LIMIT,
        shell::open(client, &absent, tokio::io::empty(), tokio::io::sink(), (80, 24), resized),
    );
    let refused = refused.await.unwrap().unwrap_err();
    let refused = format!("{refused:?}");
    assert!(refused.contains("not found"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_shell_whose_connection_is_cut_says_so() {
    let scene = Scene::set("cut-shell").await;
    scene.apply(pod("host", &json!({})));
    scene.kubectl(&["wait", "--for=condition=Ready", "pod/host", "--timeout=60s"]);
    let relay = Relay::start(scene.cluster).await.unwrap();
    let file = scene.cluster.folder().join(scene.cluster.fresh("relay.kubeconfig"));
    let uid = scene.cluster.person(&scene.namespace).unwrap();
    let token = scene.cluster.authority().token("people", &scene.namespace, &uid, LIMIT * 60).unwrap();
    let authority = scene.cluster.ca_file();
    let kubeconfig =
        people::kubeconfig("relay", &relay.url(), Some(&authority), None, &Credentials::Token(token));
    people::write(&file, &kubeconfig).unwrap();
    let client = ground::cluster::client(&file).await.unwrap();

    let wanted = ShellRequest {
        cluster: ClusterId(0),
        namespace: scene.namespace.as_str().into(),
        pod: "host".into(),
        container: "main".into(),
    };
    let (_held, resized) = tokio::sync::mpsc::channel(1);
    let (output, mut screen) = tokio::io::duplex(1 << 16);
    let (mut keys, input) = tokio::io::duplex(1 << 10);
    let opened = shell::open(client, &wanted, input, output, (80, 24), resized);
    let cuts = async {
        keys.write_all(b"echo up-$((40 + 2))\n").await.unwrap();
        let (mut said, mut part) = (Vec::new(), [0; 1024]);
        while !String::from_utf8_lossy(&said).contains("up-42") {
            let n = screen.read(&mut part).await.unwrap();
            assert!(n > 0, "it ended with {:?}", String::from_utf8_lossy(&said));
            said.extend_from_slice(&part[..n]);
        }
        relay.cut_all();
        // The keyboard is still there.
        keys
    };
    let (ended, _keys) = timeout(LIMIT, async { tokio::join!(opened, cuts) }).await.unwrap();
    assert_eq!(ended.unwrap(), "the connection to the shell was cut");
}
