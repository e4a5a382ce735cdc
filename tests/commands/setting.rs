//! `config init`, which writes what the clusters show.

use crate::world::World;
use crate::{home, run};

judged! { config_init_writes_what_the_clusters_show_and_it_is_read_again }

fn config_init_writes_what_the_clusters_show_and_it_is_read_again(world: &World) {
    let home = home(&[]);
    let with = |args: &[&str]| run(home.path(), &[&["--kubeconfig", world.kubeconfig()], args].concat());

    let (code, out, err) = with(&["config", "init"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(out, "Written: HOME/config/pilothouse/config.yaml\n");
    assert!(err.starts_with("Not looked into: ") && err.contains("--all-contexts"), "{err}");

    let (code, _, err) = with(&["config", "init", "--force", "--all-contexts"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let (code, out, _) = with(&["config", "check"]);
    let well = "HOME/config/pilothouse/config.yaml is well: 3 stages, 3 environments, 0 apps.\n";
    assert_eq!((code, out.as_str()), (Some(0), well));
    let text = std::fs::read_to_string(home.path().join("config/pilothouse/config.yaml")).unwrap();
    for name in ["development", "staging", "production"] {
        assert!(text.contains(&format!("- name: {name}\n")), "{text}");
    }

    let before = text;
    let kubeconfig = home.path().join("away");
    std::fs::write(
        &kubeconfig,
        "{apiVersion: v1, kind: Config, current-context: away, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}], \
         users: [], contexts: [{name: away, context: {cluster: c, user: ''}}]}",
    )
    .unwrap();
    let (code, _, err) = run(
        home.path(),
        &["--kubeconfig", kubeconfig.to_str().unwrap(), "config", "init", "--force", "--timeout", "5"],
    );
    assert_eq!(code, Some(5), "{err}");
    assert!(err.contains("no namespaces could be read from away"), "{err}");
    let after = std::fs::read_to_string(home.path().join("config/pilothouse/config.yaml")).unwrap();
    assert_eq!(after, before, "a file is not replaced by nothing");
}
