//! The commands that change something: planned, confirmed, done, written down.

use crate::world::World;
use crate::{done, home, journal, read_json};

judged! {
    a_plan_changes_nothing_and_says_what_would_happen,
    what_is_confirmed_is_done_and_written_down,
    a_protected_environment_is_confirmed_by_its_name_alone,
    a_name_that_is_not_this_place_is_no_yes_where_nothing_is_protected_either,
    a_switch_is_led_back_without_naming_the_colour,
    read_only_is_refused_whatever_is_said,
    a_journal_that_cannot_be_written_stops_everything,
    a_wish_that_makes_no_sense_is_told_before_anything_is_done,
    every_change_is_a_command_with_a_plan,
    several_programs_share_one_journal,
}

fn a_plan_changes_nothing_and_says_what_would_happen(world: &World) {
    let home = home(&[]);
    let before = world.replicas(home.path(), "development", "deploy/cart");
    let wanted = (before + 2).to_string();
    let args = ["scale", "deploy/cart", "--env", "development", "--replicas", &wanted];
    let (code, out, err) = world.run(home.path(), &[&args[..], &["--plan", "-o", "json"]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
    let plan = &read_json(&out)["plan"];
    assert_eq!(plan["title"], format!("scale deploy/cart {before} → {wanted}"));
    assert_eq!((&plan["environment"], &plan["protected"]), (&"development".into(), &false.into()));
    assert_eq!(plan["user"], world.user());
    assert_eq!(plan["requests"][0]["method"], "PATCH");
    let path = plan["requests"][0]["path"].as_str().unwrap();
    assert!(path.ends_with("/deployments/cart/scale?fieldManager=pilothouse"), "{path}");
    let gate =
        |name: &str| plan["gates"].as_array().unwrap().iter().find(|gate| gate["gate"] == name).unwrap();
    assert_eq!(gate("rbac")["verdict"], "pass", "{plan}");
    assert_eq!(gate("dry run")["verdict"], "pass", "{plan}");

    // Not confirmed: the plan is printed, and nothing is done.
    let (code, out, err) = world.run(home.path(), &args);
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(out.contains("gates") && err.contains("say --yes to do it"), "{out}{err}");
    assert_eq!(world.replicas(home.path(), "development", "deploy/cart"), before);
    assert_eq!(journal(home.path())["actions"].as_array().map(Vec::len), Some(0));
}

fn what_is_confirmed_is_done_and_written_down(world: &World) {
    let home = home(&[]);
    let before = world.replicas(home.path(), "development", "deploy/cart");
    let wanted = (before + 1).to_string();
    let args = ["scale", "deploy/cart", "--env", "development", "--replicas", &wanted, "--yes", "-o", "json"];
    let (code, out, err) = world.run(home.path(), &[&args[..], &["--reason", "a rush"]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(read_json(&out)["outcome"], "done", "{out}");
    assert_eq!(world.replicas(home.path(), "development", "deploy/cart"), before + 1);
    let told = journal(home.path());
    let [action] = told["actions"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((&action["outcome"], &action["intent"]["reason"]), (&"done".into(), &"a rush".into()));
    assert_eq!(
        (&action["intent"]["who"]["kube"], &action["intent"]["confirmed"]),
        (&world.user().into(), &"flag".into())
    );
    assert_eq!(action["intent"]["back"]["replicas"], before);
    let steps: Vec<&str> =
        action["steps"].as_array().unwrap().iter().map(|step| step["outcome"].as_str().unwrap()).collect();
    assert_eq!(steps, ["sent", "done"]);
    let text = done(home.path(), &["journal"]);
    assert!(text.contains(&format!("scale deploy/cart {before} → {wanted}")), "{text}");
    assert!(text.contains("development") && text.contains("a rush"), "{text}");
    assert!(done(home.path(), &["journal", "--env", "production"]).starts_with("Nothing was changed"));
    world.scale_back(home.path(), "deploy/cart", before);
}

fn a_protected_environment_is_confirmed_by_its_name_alone(world: &World) {
    let home = home(&[]);
    let args = ["restart", "deploy/payments", "--env", "production"];
    for wrong in [&["--yes"][..], &["--confirm", "staging"]] {
        let (code, out, err) = world.run(home.path(), &[&args[..], wrong].concat());
        assert_eq!(code, Some(4), "{wrong:?} {out}{err}");
        assert!(err.contains("say --confirm production"), "{err}");
    }
    assert_eq!(journal(home.path())["actions"].as_array().map(Vec::len), Some(0));
    let (code, out, err) = world.run(home.path(), &[&args[..], &["--confirm", "production"]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(journal(home.path())["actions"][0]["intent"]["requests"].as_array().map(Vec::len), Some(1));
}

fn a_name_that_is_not_this_place_is_no_yes_where_nothing_is_protected_either(world: &World) {
    let home = home(&[]);
    let before = world.replicas(home.path(), "development", "deploy/cart");
    let wanted = (before + 1).to_string();
    let args = ["scale", "deploy/cart", "--env", "development", "--replicas", &wanted, "--confirm"];
    let (code, out, err) = world.run(home.path(), &[&args[..], &["staging"]].concat());
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(err.contains("This is development, and not staging"), "{err}");
    assert_eq!(world.replicas(home.path(), "development", "deploy/cart"), before);
    let (code, out, err) = world.run(home.path(), &[&args[..], &["development"]].concat());
    assert_eq!(code, Some(0), "{out}{err}");
    world.scale_back(home.path(), "deploy/cart", before);
}

/// Where it is led back to, the journal tells; a switch that nobody made has no way back.
fn a_switch_is_led_back_without_naming_the_colour(world: &World) {
    let home = home(&[("config.yaml", "traffic:\n  guard: {window: 5s}\n")]);
    let switch = |more: &[&str]| {
        world.run(home.path(), &[&["switch", "checkout", "--env", "production"], more].concat())
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
    let (code, out, err) = switch(&["--back", "--confirm", "production", "--reason", "a test"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(title(&switch(&["--plan", "-o", "json"]).1), there);
}

fn read_only_is_refused_whatever_is_said(world: &World) {
    let home = home(&[]);
    let args = ["scale", "deploy/cart", "--env", "development", "--replicas", "9", "--yes", "--read-only"];
    let (code, out, err) = world.run(home.path(), &[&args[..], &["--reason", "please"]].concat());
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(err.contains("read-only"), "{err}");
    assert_ne!(world.replicas(home.path(), "development", "deploy/cart"), 9);
    assert_eq!(journal(home.path())["actions"].as_array().map(Vec::len), Some(0));
}

fn a_journal_that_cannot_be_written_stops_everything(world: &World) {
    let home = home(&[]);
    std::fs::create_dir_all(home.path().join("state/pilothouse")).unwrap();
    std::fs::write(home.path().join("state/pilothouse/journal"), "a file where the folder should be")
        .unwrap();
    let before = world.replicas(home.path(), "development", "deploy/cart");
    let (code, out, err) =
        world.run(home.path(), &["scale", "deploy/cart", "--env", "development", "--replicas", "9", "--yes"]);
    assert_eq!(code, Some(4), "{out}{err}");
    assert!(
        out.contains("The journal cannot be written") && out.contains("nothing was changed"),
        "{out}{err}"
    );
    assert_eq!(world.replicas(home.path(), "development", "deploy/cart"), before);
}

fn a_wish_that_makes_no_sense_is_told_before_anything_is_done(world: &World) {
    let home = home(&[]);
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
        let (found, out, err) = world.run(home.path(), args);
        assert_eq!(found, Some(code), "{args:?} {out}{err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}

fn every_change_is_a_command_with_a_plan(world: &World) {
    let home = home(&[]);
    world.copied_cron_job("resume", "cj/pricing");
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
            world.run(home.path(), &[action, object, "--env", env, "--plan", "-o", "json"]);
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
        let (code, out, err) = world.run(home.path(), &[action, object, "--env", env, "--yes"]);
        assert!(matches!(code, Some(1 | 2)), "{args:?}: {code:?} {out}{err}");
        assert!(err.contains(wanted), "{args:?}: {out}{err}");
    }
    assert_eq!(journal(home.path())["actions"].as_array().map(Vec::len), Some(0), "nothing was begun");
    world.copied_cron_job("suspend", "cj/pricing");
}

fn several_programs_share_one_journal(world: &World) {
    let home = home(&[]);
    let objects = ["deploy/cart", "deploy/storefront", "deploy/catalog", "deploy/mailer"];
    std::thread::scope(|scope| {
        for object in objects {
            let home = home.path();
            scope.spawn(move || {
                let args = ["restart", object, "--env", "development", "--yes"];
                let (code, out, err) = world.run(home, &args);
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
