//! The commands, run as a person runs them: those about our own files (`keys`, `themes`, `config`, `completions`,
//! `man`), and those that change something, before the demo.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not seen as tests")]

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

/// A home of its own, with these files below `.config/pilothouse`.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = home.path().join("config/pilothouse").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    home
}

fn run(home: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    run_with(home, &[], args)
}

fn run_with(home: &Path, env: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::cargo_bin("pilothouse")
        .unwrap()
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("LANG", "C.UTF-8")
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let tidy = |bytes| String::from_utf8(bytes).unwrap().replace(home.to_str().unwrap(), "HOME");
    (status.code(), tidy(stdout), tidy(stderr))
}

fn done(home: &Path, args: &[&str]) -> String {
    let (code, out, err) = run(home, args);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}\n{out}");
    out
}

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

/// The demo's clusters, served until the end of the test.
struct Demo {
    process: std::process::Child,
    kubeconfig: String,
}

impl Demo {
    fn serve(home: &Path) -> Demo {
        use std::io::BufRead;
        let mut process = std::process::Command::new(assert_cmd::cargo::cargo_bin("pilothouse"))
            .args(["demo", "--serve", "--still", "--dir"])
            .arg(home.join("demo"))
            .env("HOME", home)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Demo { process, kubeconfig: line.trim().to_owned() }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Asked, not killed: it has folders of its own to remove.
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.process),
            rustix::process::Signal::TERM,
        )
        .unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

#[test]
fn config_init_writes_what_the_clusters_show_and_it_is_read_again() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    let with =
        |args: &[&str]| run(home.path(), &[&["--kubeconfig", demo.kubeconfig.as_str()], args].concat());

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

    drop(demo);
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

/// Runs a command on the demo, with all its contexts.
fn on(demo: &Demo, home: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    run(home, &[&["--kubeconfig", demo.kubeconfig.as_str()], args, &["--all-contexts"]].concat())
}

fn read_json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn journal(home: &Path) -> serde_json::Value {
    read_json(&done(home, &["journal", "-o", "json"]))
}

/// The replicas of a workload by the plan of another number, which changes nothing.
fn replicas(demo: &Demo, home: &Path, env: &str, object: &str) -> u64 {
    let args = ["scale", object, "--env", env, "--replicas", "77", "--plan", "-o", "json"];
    let (_, out, err) = on(demo, home, &args);
    let plan = read_json(&out);
    plan["plan"]["changes"][0]["before"].as_u64().unwrap_or_else(|| panic!("{out}{err}"))
}

#[test]
fn a_plan_changes_nothing_and_says_what_would_happen() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    let before = replicas(&demo, home.path(), "development", "deploy/cart");
    let wanted = (before + 2).to_string();
    let args = ["scale", "deploy/cart", "--env", "development", "--replicas", &wanted];
    let (code, out, err) = on(&demo, home.path(), &[&args[..], &["--plan", "-o", "json"]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
    let plan = &read_json(&out)["plan"];
    assert_eq!(plan["title"], format!("scale deploy/cart {before} → {wanted}"));
    assert_eq!((&plan["environment"], &plan["protected"]), (&"development".into(), &false.into()));
    assert_eq!(plan["user"], "demo-admin");
    assert_eq!(plan["requests"][0]["method"], "PATCH");
    let path = plan["requests"][0]["path"].as_str().unwrap();
    assert!(path.ends_with("/deployments/cart/scale?fieldManager=pilothouse"), "{path}");
    let gate =
        |name: &str| plan["gates"].as_array().unwrap().iter().find(|gate| gate["gate"] == name).unwrap();
    assert_eq!(gate("rbac")["verdict"], "pass", "{plan}");
    assert_eq!(gate("dry run")["verdict"], "pass", "{plan}");

    // Not confirmed: the plan is printed, and nothing is done.
    let (code, out, err) = on(&demo, home.path(), &args);
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(out.contains("gates") && err.contains("say --yes to do it"), "{out}{err}");
    assert_eq!(replicas(&demo, home.path(), "development", "deploy/cart"), before);
    assert_eq!(journal(home.path())["actions"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_is_confirmed_is_done_and_written_down() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    let before = replicas(&demo, home.path(), "development", "deploy/cart");
    let wanted = (before + 1).to_string();
    let args = ["scale", "deploy/cart", "--env", "development", "--replicas", &wanted, "--yes", "-o", "json"];
    let (code, out, err) = on(&demo, home.path(), &[&args[..], &["--reason", "a rush"]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(read_json(&out)["outcome"], "done", "{out}");
    assert_eq!(replicas(&demo, home.path(), "development", "deploy/cart"), before + 1);
    let told = journal(home.path());
    let [action] = told["actions"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((&action["outcome"], &action["intent"]["reason"]), (&"done".into(), &"a rush".into()));
    assert_eq!(
        (&action["intent"]["who"]["kube"], &action["intent"]["confirmed"]),
        (&"demo-admin".into(), &"flag".into())
    );
    assert_eq!(action["intent"]["back"]["replicas"], before);
    let steps: Vec<&str> =
        action["steps"].as_array().unwrap().iter().map(|step| step["outcome"].as_str().unwrap()).collect();
    assert_eq!(steps, ["sent", "done"]);
    let text = done(home.path(), &["journal"]);
    assert!(text.contains(&format!("scale deploy/cart {before} → {wanted}")), "{text}");
    assert!(text.contains("development") && text.contains("a rush"), "{text}");
    assert!(done(home.path(), &["journal", "--env", "production"]).starts_with("Nothing was changed"));
}

#[test]
fn a_protected_environment_is_confirmed_by_its_name_alone() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    let args = ["restart", "deploy/payments", "--env", "production"];
    for wrong in [&["--yes"][..], &["--confirm", "staging"]] {
        let (code, out, err) = on(&demo, home.path(), &[&args[..], wrong].concat());
        assert_eq!(code, Some(4), "{wrong:?} {out}{err}");
        assert!(err.contains("say --confirm production"), "{err}");
    }
    assert_eq!(journal(home.path())["actions"].as_array().map(Vec::len), Some(0));
    let (code, out, err) = on(&demo, home.path(), &[&args[..], &["--confirm", "production"]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(journal(home.path())["actions"][0]["intent"]["requests"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_name_that_is_not_this_place_is_no_yes_where_nothing_is_protected_either() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    let before = replicas(&demo, home.path(), "development", "deploy/cart");
    let args = ["scale", "deploy/cart", "--env", "development", "--replicas", "9", "--confirm"];
    let (code, out, err) = on(&demo, home.path(), &[&args[..], &["staging"]].concat());
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(err.contains("This is development, and not staging"), "{err}");
    assert_eq!(replicas(&demo, home.path(), "development", "deploy/cart"), before);
    let (code, out, err) = on(&demo, home.path(), &[&args[..], &["development"]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
}

/// Where it is led back to, the journal tells; a switch that nobody made has no way back.
#[test]
fn a_switch_is_led_back_without_naming_the_colour() {
    let home = home(&[("config.yaml", "traffic:\n  guard: {window: 5s}\n")]);
    let demo = Demo::serve(home.path());
    let switch = |more: &[&str]| {
        on(&demo, home.path(), &[&["switch", "checkout", "--env", "production"], more].concat())
    };
    let title = |out: &str| read_json(out)["plan"]["title"].as_str().unwrap_or_default().to_owned();
    let (_, out, err) = switch(&["--back", "--plan", "-o", "json"]);
    assert!(err.contains("tells of no switch to go back from"), "{out}{err}");
    let there = title(&out);
    let (code, out, err) = switch(&["--confirm", "production", "--reason", "a test"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let (_, out, err) = switch(&["--back", "--plan", "-o", "json"]);
    assert!(!err.contains("tells of no switch"), "{out}{err}");
    let back: Vec<String> = title(&out).rsplit(' ').map(str::to_owned).collect();
    let words: Vec<&str> = there.split(' ').collect();
    // `switch svc/checkout blue → green`, and the other way round.
    assert_eq!(back[..3], words[words.len() - 3..], "{there} and {}", title(&out));
}

#[test]
fn read_only_is_refused_whatever_is_said() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    let args = ["scale", "deploy/cart", "--env", "development", "--replicas", "9", "--yes", "--read-only"];
    let (code, out, err) = on(&demo, home.path(), &[&args[..], &["--reason", "please"]].concat());
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(err.contains("read-only"), "{err}");
    assert_ne!(replicas(&demo, home.path(), "development", "deploy/cart"), 9);
    assert_eq!(journal(home.path())["actions"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_journal_that_cannot_be_written_stops_everything() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    std::fs::create_dir_all(home.path().join("state/pilothouse")).unwrap();
    std::fs::write(home.path().join("state/pilothouse/journal"), "a file where the folder should be")
        .unwrap();
    let before = replicas(&demo, home.path(), "development", "deploy/cart");
    let (code, out, err) =
        on(&demo, home.path(), &["scale", "deploy/cart", "--env", "development", "--replicas", "9", "--yes"]);
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(
        out.contains("The journal cannot be written") && out.contains("nothing was changed"),
        "{out}{err}"
    );
    assert_eq!(replicas(&demo, home.path(), "development", "deploy/cart"), before);
}

#[test]
fn a_wish_that_makes_no_sense_is_told_before_anything_is_done() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    for (args, code, words) in [
        (&["scale", "deploy/cart", "--env", "development"][..], 2, "How many?"),
        (&["scale", "cart", "--env", "development", "--replicas", "2"], 2, "names no object"),
        (&["scale", "deplyo/cart", "--env", "development", "--replicas", "2"], 2, "There is no kind"),
        (&["restart", "deploy/cart", "--env", "devlopment"], 2, "did you mean `development`?"),
        (
            &["restart", "deploy/nobody", "-n", "shop-dev", "--env", "development"],
            1,
            "There is no deploy/nobody",
        ),
        (
            &["undo", "deploy/cart", "--env", "development", "--to-revision", "999"],
            1,
            "keeps no revision 999",
        ),
    ] {
        let (found, out, err) = on(&demo, home.path(), args);
        assert_eq!(found, Some(code), "{args:?} {out}{err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}

#[test]
fn every_change_is_a_command_with_a_plan() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    for (args, wanted) in [
        (["restart", "deploy/cart", "development"], "restart deploy/cart"),
        (["pause", "deploy/cart", "development"], "pause deploy/cart"),
        (["suspend", "pricing", "development"], "suspend cj/pricing"),
        (["trigger", "pricing", "development"], "pricing"),
        (["promote-step", "recommendations", "production"], "promote ro/recommendations"),
        (["promote-full", "recommendations", "production"], "promote ro/recommendations in full"),
        (["abort", "recommendations", "production"], "abort ro/recommendations"),
    ] {
        let [action, object, env] = args;
        let (code, out, err) =
            on(&demo, home.path(), &[action, object, "--env", env, "--plan", "-o", "json"]);
        // A gate may fail in production: that is a plan all the same.
        assert!(matches!(code, Some(0 | 3)), "{args:?}: {code:?} {out}{err}");
        let title = read_json(&out)["plan"]["title"].as_str().unwrap_or_default().to_owned();
        assert!(title.contains(wanted), "{args:?}: {title}");
    }
    for (args, wanted) in [
        (["resume", "deploy/cart", "development"], "is not paused"),
        (["resume", "cj/pricing", "development"], "is not suspended"),
        (["retry", "recommendations", "production"], "was not aborted"),
        (["promote-step", "recommendations", "development"], "nothing on its way"),
        (["undo", "cj/pricing", "development"], "undo is for a"),
        (["undo", "sts/search", "development"], "keeps no earlier revision"),
        (["delete", "no-such-pod", "development"], "no-such-pod"),
        (["cordon", "no-such-node", "development"], "no-such-node"),
    ] {
        let [action, object, env] = args;
        let (code, out, err) = on(&demo, home.path(), &[action, object, "--env", env, "--yes"]);
        assert!(matches!(code, Some(1 | 2)), "{args:?}: {code:?} {out}{err}");
        assert!(err.contains(wanted), "{args:?}: {out}{err}");
    }
    assert_eq!(journal(home.path())["actions"].as_array().map(Vec::len), Some(0), "nothing was begun");
}

#[test]
fn several_programs_share_one_journal() {
    let home = home(&[]);
    let demo = Demo::serve(home.path());
    let objects = ["deploy/cart", "deploy/storefront", "deploy/catalog", "deploy/mailer"];
    std::thread::scope(|scope| {
        for object in objects {
            let (demo, home) = (&demo, home.path());
            scope.spawn(move || {
                let args = ["restart", object, "--env", "development", "--yes"];
                let (code, out, err) = on(demo, home, &args);
                assert_eq!(code, Some(0), "{object}: {out}{err}");
            });
        }
    });
    let told = journal(home.path());
    let actions = told["actions"].as_array().unwrap();
    assert_eq!((actions.len(), told["torn"].as_array().map_or(0, Vec::len)), (objects.len(), 0), "{told}");
    for object in objects {
        let of_it = |action: &&serde_json::Value| {
            action["intent"]["title"].as_str().is_some_and(|title| title.ends_with(object))
        };
        let action = actions.iter().find(of_it).unwrap_or_else(|| panic!("{object}: {told}"));
        assert_eq!(action["outcome"], "done", "{action}");
    }
}
