//! Commands about our own files: `keys`, `themes`, `config`, `completions`, `man`, and the log.

use crate::{done, home, run, run_with};

#[test]
fn keys_shows_the_keymap_in_use() {
    let home = home(&[("config.yaml", "ui: {keymap: vim}\n")]);
    insta::assert_snapshot!("keys_default", done(home.path(), &["keys", "default"]));
    let mine = done(home.path(), &["keys"]);
    assert!(mine.starts_with("vim: ") && mine.contains("home, g g"), "{mine}");
    assert!(done(home.path(), &["keys", "--keymap", "k9s"]).starts_with("k9s: "));
    assert!(done(home.path(), &["keys", "--list"]).contains("* vim"));
    let json: serde_json::Value = serde_json::from_str(&done(home.path(), &["keys", "--json"])).unwrap();
    assert_eq!(json["keymap"], "vim");
    assert!(json["bindings"].as_array().unwrap().len() > 30);
}

#[test]
fn keymaps_are_checked_with_the_users_own() {
    let home = home(&[("keymaps/mine.yaml", "extends: default\nlist:\n  l: lgos\n")]);
    let (code, out, err) = run(home.path(), &["keys", "--check"]);
    assert_eq!(code, Some(2));
    assert_eq!(out, "keymap default: well\nkeymap k9s: well\nkeymap mine: wrong\nkeymap vim: well\n");
    assert_eq!(
        err,
        "HOME/config/pilothouse/keymaps/mine.yaml:3:6: unknown action `lgos` (in list.l)\n  mend: did you mean `logs`?\n"
    );
    let (code, _, err) = run(home.path(), &["keys", "vmi"]);
    assert_eq!((code, err.as_str()), (Some(2), "no keymap is called `vmi`\n  mend: did you mean `vim`?\n"));
}

#[test]
fn themes_are_listed_shown_and_checked() {
    let home = home(&[("themes/mine.yaml", "extends: dark\nroles: {muted: \"#1c1f27\"}\n")]);
    insta::assert_snapshot!("themes", done(home.path(), &["themes"]));
    let shown = done(home.path(), &["themes", "mine"]);
    assert!(
        shown.contains("border-focused") && !shown.contains('\x1b'),
        "colours only for a terminal\n{shown}"
    );
    let (code, out, err) = run(home.path(), &["themes", "--check"]);
    assert_eq!(code, Some(2));
    assert!(out.contains("theme mine: wrong\ntheme mono: well"), "{out}");
    assert!(err.contains("mine.yaml:2:16: `muted` is hard to read"), "{err}");
    assert_eq!(done(home.path(), &["themes", "--check", "light"]), "theme light: well\n");
}

#[test]
fn config_check_tells_everything_at_once() {
    let home = home(&[]);
    let nothing = done(home.path(), &["config", "check"]);
    assert_eq!(
        nothing,
        "No configuration (HOME/config/pilothouse/config.yaml is not there): all defaults hold.\n"
    );

    let file = home.path().join("c.yaml");
    let name = file.to_str().unwrap();
    std::fs::write(&file, "stages: [{name: prod, context: gke}]\nui: {theme: drak, keymap: vmi}\n").unwrap();
    let (code, _, err) = run(home.path(), &["config", "check", name]);
    assert_eq!(code, Some(2));
    assert!(err.contains("did you mean `vim`?") && err.contains("did you mean `dark`?"), "{err}");

    std::fs::write(&file, "stages: [{name: prod, context: gke}]\n").unwrap();
    let kubeconfig = home.path().join("kube");
    std::fs::write(
        &kubeconfig,
        "{apiVersion: v1, kind: Config, current-context: gke1, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}], \
         users: [], contexts: [{name: gke1, context: {cluster: c, user: ''}}]}",
    )
    .unwrap();
    let told = done(home.path(), &["--kubeconfig", kubeconfig.to_str().unwrap(), "config", "check", name]);
    assert_eq!(
        told,
        "HOME/c.yaml is well: 1 stage, 1 environment, 0 apps.\n\
         Note: the kubeconfig has no context `gke`; did you mean `gke1`?\n"
    );
}

#[test]
fn a_missing_or_broken_configuration_is_a_usage_error_everywhere() {
    let home = home(&[("config.yaml", "stagse: []\n")]);
    for command in [&["keys"][..], &["themes"], &["config", "check"], &["snapshot"]] {
        let (code, out, err) = run(home.path(), command);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{command:?}");
        if command != ["snapshot"] {
            assert!(
                err.contains("config.yaml:1:1: unknown key `stagse`\n  mend: did you mean `stages`?"),
                "{err}"
            );
        }
    }
    let (code, _, err) = run(home.path(), &["keys", "--config", "none.yaml"]);
    assert_eq!(code, Some(2));
    assert!(err.starts_with("none.yaml: the file does not exist\n  mend:"), "{err}");
}

#[test]
fn config_init_never_overwrites_unasked() {
    let home = home(&[("config.yaml", "# mine\n")]);
    let (code, _, err) = run(home.path(), &["config", "init"]);
    assert_eq!(code, Some(4));
    assert!(err.contains("the file is there already") && err.contains("--force"), "{err}");
    let file = home.path().join("config/pilothouse/config.yaml");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "# mine\n");
}

#[test]
fn the_sample_is_a_good_configuration() {
    let home = home(&[]);
    let sample = done(home.path(), &["config", "sample"]);
    let file = home.path().join("sample.yaml");
    std::fs::write(&file, sample).unwrap();
    assert!(done(home.path(), &["config", "check", file.to_str().unwrap()]).contains("is well: 0 stages"));
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let home = home(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = done(home.path(), &["completions", shell]);
        assert!(script.contains("snapshot") && script.contains("completions"), "{shell}");
    }
    assert!(done(home.path(), &["man"]).contains(".TH pilothouse 1"));
    let folder = home.path().join("man");
    done(home.path(), &["man", "--dir", folder.to_str().unwrap()]);
    for page in ["pilothouse.1", "pilothouse-keys.1", "pilothouse-config-init.1"] {
        assert!(folder.join(page).exists(), "{page}");
    }
}

#[test]
fn the_log_is_filtered_and_never_opened_to_what_goes_over_the_wire() {
    let home = home(&[]);
    let log = home.path().join("log");
    let with = |filter| {
        run_with(
            home.path(),
            &[("PILOTHOUSE_LOG", filter)],
            &["--log-file", log.to_str().unwrap(), "keys", "--list"],
        )
    };
    let (code, _, err) = with("kube_client::client=debug,pilothouse=debug");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let told = std::fs::read_to_string(&log).unwrap();
    assert!(told.contains("WARN") && told.contains("`kube_client::client=debug`"), "{told:?}");
    assert!(!told.contains("`pilothouse"), "{told:?}");

    let (code, out, err) = with("pilothouse=loud");
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("PILOTHOUSE_LOG") && err.contains("`pilothouse=loud`"), "{err}");
    assert!(err.contains("mend: "), "{err}");
}
