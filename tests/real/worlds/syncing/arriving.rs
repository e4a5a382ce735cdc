//! A push that is followed to healthy, and rollouts that Git brought and that fail.

use serde_json::json;

use super::{Play, auto, deployment, service, step};

const STEPS: [&str; 7] =
    ["pushed", "detected", "out of sync", "syncing", "rolling out", "endpoints moved", "healthy"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_push_is_followed_to_healthy() {
    let mut play = Play::begin("push").await;
    let cart = |image: &str| {
        let slow = json!({"pilothouse.test/ready-after": "3s"});
        deployment("cart", image, &slow, &json!({"replicas": 2}))
    };
    let first =
        play.push("cart 1.30.0", &[("cart.json", cart("cart:1.30.0")), ("svc.json", service("cart"))]);
    play.deliver("cart", &auto());
    play.lists();
    play.see_row("cart", "progress").await;
    play.see_row("cart", "● healthy").await;
    play.see_row("cart", &first[..7]).await;

    play.opens("cart").await;
    play.turns_to("auto-sync     on, ");
    play.see("arrived: synced, rolled out and healthy").await;
    play.turns_to("endpoints moved");
    let second = play.push("cart 1.31.0", &[("cart.json", cart("cart:1.31.0"))]);
    play.refresh("cart");
    play.see(&format!("revision {}", &second[..7])).await;
    play.see(&format!("{} got as far as \"healthy\" when this one came", &first[..7])).await;
    // New pods take three seconds, and old ones stay until they are there.
    play.see_row("rolling out", "deploy/cart 0 of 2 new ready, 2 old").await;
    play.see("Under way: ").await;
    play.see_row("endpoints moved", "svc/cart").await;
    play.see("Arrived: synced, rolled out, and healthy by every measure.").await;

    let picture = play.scene.person.picture();
    let steps: Vec<_> = STEPS.iter().map(|word| step(&picture, word)).collect();
    for (word, step) in STEPS.iter().zip(&steps) {
        assert_eq!((step.sign.as_str(), step.time.len()), ("●", 8), "{word}: {step:?}\n{picture}");
    }
    // The push has no time of its own; what follows from it is in its order.
    let times: Vec<&str> = steps[1..5].iter().map(|step| step.time.as_str()).collect();
    assert!(times.is_sorted(), "{times:?}\n{picture}");
    assert!(steps[0].note.contains("no object of the cluster tells when, or by whom"), "{picture}");
    assert!(steps[4].note.contains("deploy/cart 2 of 2 new ready"), "{picture}");
    assert_eq!(play.told("cart", "/status/history/1/revision"), second);
    assert_eq!(play.told("cart", "/status/history/2"), "", "two full syncs");
    play.turns_to("full syncs, newest first");
    play.see_row(&second[..7], "the newest revision").await;
    play.see_row(&first[..7], "auto-sync").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_rollout_that_fails_says_where_it_is_stuck_and_why() {
    let mut play = Play::begin("fails").await;
    let api = |image: &str, behavior: &str| {
        let annotations = match behavior {
            "" => json!({}),
            _ => json!({"pilothouse.test/behavior": behavior, "pilothouse.test/crash-after": "1s",
                        "pilothouse.test/backoff": "1h"}),
        };
        deployment("api", image, &annotations, &json!({"replicas": 2, "progressDeadlineSeconds": 5}))
    };
    play.push("api 1", &[("api.json", api("api:1", "")), ("svc.json", service("api"))]);
    play.deliver("api", &auto());
    play.lists();
    play.see_row("api", "● healthy").await;

    let absent = play.push("api 2", &[("api.json", api("api:2", "pull"))]);
    play.refresh("api");
    // Synced, and not well: the list says so of both, and what the workload says of it.
    play.see_row("api", &absent[..7]).await;
    play.see_row("api", "✓ synced").await;
    play.see_row("api", "✖ degraded").await;
    play.see_row("api", "ImagePullBackOff").await;
    play.opens("api").await;
    play.see("It is stuck at: rolling out.").await;
    play.see("deploy/api made no progress within its deadline: 1 of 1 new pods: ImagePullBackOff").await;
    play.see("revert in Git").await;
    let picture = play.scene.person.picture();
    assert_eq!(step(&picture, "rolling out").sign, "✖", "{picture}");
    assert_eq!(step(&picture, "syncing").sign, "●", "it was applied:\n{picture}");
    assert_eq!(step(&picture, "endpoints moved").sign, "", "{picture}");
    play.turns_to("worst first");
    play.see_row("po api-", "ImagePullBackOff").await;
    play.see_row("deploy api", "Degraded").await;

    // The mend crashes.
    let crashes = play.push("api 3", &[("api.json", api("api:3", "crash"))]);
    play.refresh("api");
    play.turns_to("endpoints moved");
    play.see(&format!("revision {}", &crashes[..7])).await;
    play.see("1 of 1 new pods: CrashLoopBackOff (OOMKilled 137)").await;
    play.see("It is stuck at: rolling out.").await;

    // Back, and the timeline of the revert arrives.
    let back = play.push("api 1 again", &[("api.json", api("api:1", ""))]);
    play.refresh("api");
    play.see(&format!("revision {}", &back[..7])).await;
    play.see("Arrived: synced, rolled out, and healthy by every measure.").await;
    play.lists();
    play.see_row("api", "● healthy").await;
    play.see_no_row("api", "ImagePull").await;
}
