//! The demo's API server, spoken to in plain HTTP: one test for each behaviour that clients rely on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod seed;

use pilothouse::demo::DemoServer;

#[tokio::test]
async fn it_starts_and_ends_cleanly() {
    let logs = seed::Logs::default();
    logs.write("ready");
    let server = DemoServer::serve(vec![seed::setup("k3s-edge", &logs)], None).await.unwrap();
    let folder = server.kubeconfig().parent().unwrap().to_owned();
    assert!(folder.join("restricted.yaml").exists());
    drop(server);
    assert!(!folder.exists());
}
