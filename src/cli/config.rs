//! `pilothouse config`: write a configuration from what is inferred, and check one.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};

use super::files::Files;
use super::run::to_end;
use super::settings::Origin;
use super::{Exit, Global, print, report, start};
use crate::config::sample::{self, InferredEnvironment, InferredStage};
use crate::config::{self, Folders};
use crate::domain::environment::{Environments, Group, Scope};
use crate::domain::link::Link;
use crate::error::{Problem, Problems, nearest};
use crate::fleet::{self, Wanted};
use crate::text::clean;
use crate::world::World;

/// Arguments of `config`.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What can be done with configurations.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Write what is inferred from contexts and namespaces as a commented file to go on from
    Init(InitArgs),
    /// Say whether the configuration is well, and what is wrong with it
    Check {
        /// The file; left out: the one that would be used
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print a sample with every setting
    Sample,
}

/// Arguments of `config init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// Print it instead of writing the file
    #[arg(long)]
    pub stdout: bool,
    /// Take the place of a file that is there
    #[arg(long)]
    pub force: bool,
    /// Connect all contexts, not only the current one
    #[arg(long)]
    pub all_contexts: bool,
    /// Give up waiting for clusters after so many seconds
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub timeout: u64,
}

/// Runs it.
///
/// # Errors
/// Everything that is wrong with the file, or keeps it from being written.
pub fn run(global: &Global, args: &ConfigArgs) -> Result<Exit, Problems> {
    match &args.command {
        ConfigCommand::Init(args) => init(global, args),
        ConfigCommand::Check { file } => check(global, file.as_deref()),
        ConfigCommand::Sample => {
            print(sample::SAMPLE)?;
            Ok(Exit::Done)
        }
    }
}

fn check(global: &Global, file: Option<&Path>) -> Result<Exit, Problems> {
    let mut global = global.clone();
    if let Some(file) = file {
        global.config = Some(file.to_owned());
    }
    let files = Files::find(&global)?;
    let Some(file) = &files.loaded.file else {
        let place = files.folders.config_file().unwrap_or_default();
        print(&format!("No configuration ({} is not there): all defaults hold.\n", place.display()))?;
        return Ok(Exit::Done);
    };
    let mut problems = Problems::default();
    if let Err(found) = files.keymaps.load(&files.keymap) {
        problems.0.extend(found.0);
    }
    let theme = &files.theme;
    if theme != crate::theme::AUTO
        && let Err(found) = files.themes.check(theme)
    {
        problems.0.extend(found.0);
    }
    problems.or_ok()?;
    let config = &files.loaded.config;
    print(&format!(
        "{} is well: {}, {}, {}.\n",
        clean(&file.display().to_string()),
        plural(config.stages.len(), "stage"),
        plural(config.environments().count(), "environment"),
        plural(config.apps.len(), "app"),
    ))?;
    for note in unknown_contexts(&global, config) {
        print(&note)?;
    }
    Ok(Exit::Done)
}

/// Contexts that the file names and the kubeconfig of this machine lacks. No error: the file may be shared.
fn unknown_contexts(global: &Global, config: &config::Config) -> Vec<String> {
    let Ok(contexts) = start::contexts(global) else {
        return vec!["Note: without a kubeconfig the names of contexts cannot be checked.\n".to_owned()];
    };
    let known: Vec<&str> = contexts.list.iter().map(|c| &*c.name).collect();
    let named: BTreeSet<&str> = config
        .environments()
        .filter_map(|env| env.context.as_deref())
        .chain(config.connect.iter().map(String::as_str))
        .collect();
    named
        .into_iter()
        .filter(|name| !known.contains(name))
        .map(|name| {
            let near = nearest(name, known.iter().copied());
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            format!("Note: the kubeconfig has no context `{name}`{hint}\n")
        })
        .collect()
}

fn plural(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn init(global: &Global, args: &InitArgs) -> Result<Exit, Problems> {
    let file = match &global.config {
        Some(file) => file.clone(),
        None => Folders::find(|name| std::env::var(name).ok()).config_file().ok_or_else(|| {
            Problem::usage("there is no home folder to write to").mend("name a file with --config")
        })?,
    };
    if !args.stdout && !args.force && file.exists() {
        return Err(Problem::refused("the file is there already")
            .in_file(&file)
            .mend("look at it with --stdout, or write it anew with --force")
            .into());
    }
    let found = to_end(infer(global, args))?;
    if found.stages.is_empty() && !found.silent.is_empty() {
        return Err(Problem::timed_out(format!(
            "no namespaces could be read from {}",
            found.silent.join(", ")
        ))
        .mend("see `pilothouse doctor`; nothing was written")
        .into());
    }
    let text = sample::write(&found.stages);
    if args.stdout {
        print(&text)?;
    } else {
        write(&file, &text)?;
        print(&format!("Written: {}\n", clean(&file.display().to_string())))?;
    }
    if !found.dim.is_empty() {
        report(&format!("Not looked into: {}; --all-contexts connects them too.", found.dim.join(", ")));
    }
    if found.silent.is_empty() {
        return Ok(Exit::Done);
    }
    report(&format!("No namespaces could be read from {}: they are missing.", found.silent.join(", ")));
    Ok(Exit::Unknown)
}

/// What was inferred, and from whom not.
struct Inferred {
    stages: Vec<InferredStage>,
    /// Contexts that were not connected.
    dim: Vec<String>,
    /// Contexts that told no namespaces.
    silent: Vec<String>,
}

/// Connects, waits for namespaces, and infers.
async fn infer(global: &Global, args: &InitArgs) -> Result<Inferred, Problems> {
    let connect = if args.all_contexts { start::Connect::All } else { start::Connect::Usual };
    // What is configured already has no say in what is inferred, and may be broken.
    let contexts = start::contexts(global)?;
    let origin = Origin::bare(
        &Global { keymap: None, theme: None, ..global.clone() },
        start::Canvas::Picture,
        &contexts,
    );
    let mut driver = start::driver_from(origin, contexts, connect)?.machine;
    driver.run_until(Duration::from_secs(args.timeout), |driver| driver.is_loaded()).await;
    driver.settle();
    let world = &driver.state.shared.world;
    let environments = fleet::environments(&Wanted::default(), world);
    let (mut dim, mut silent) = (Vec::new(), Vec::new());
    for cluster in &world.clusters {
        let context = cluster.connection.context.to_string();
        match cluster.connection.link {
            Link::Dim => dim.push(context),
            _ if cluster.namespace_names().is_empty() => silent.push(context),
            _ => {}
        }
    }
    Ok(Inferred { stages: stages(&environments, world), dim, silent })
}

/// The inferred stages as the sample writer takes them.
fn stages(environments: &Environments, world: &World) -> Vec<InferredStage> {
    let of_stage = |n: usize| environments.staged().filter(move |env| env.stage.map(usize::from) == Some(n));
    environments
        .stages
        .iter()
        .enumerate()
        .map(|(n, name)| InferredStage {
            name: name.to_string(),
            environments: of_stage(n)
                .filter(|env| env.group == Group::Stage)
                .map(|env| InferredEnvironment {
                    name: env.name.to_string(),
                    context: env.context.to_string(),
                    namespaces: match &env.scope {
                        Scope::Namespaces(names) => names.iter().map(ToString::to_string).collect(),
                        Scope::Selector { resolved, .. } => {
                            resolved.iter().map(ToString::to_string).collect()
                        }
                    },
                    protected: env.protected,
                    note: world.cluster(env.cluster).map(|c| {
                        let platform =
                            fleet::platform(&c.connection.version, c.nodes.iter().map(|(_, node)| node));
                        // Without the path: a proxy's may be nobody's business.
                        let server = c.connection.server.parse::<http::Uri>().ok();
                        let host = server.as_ref().and_then(|uri| uri.authority()).map(|a| a.as_str());
                        format!("{platform} at {}", host.unwrap_or("an unknown address"))
                    }),
                })
                .collect(),
        })
        .collect()
}

/// Writes the file whole or not at all.
fn write(file: &Path, text: &str) -> Result<(), Problem> {
    let failed = |e: std::io::Error| Problem::failed("the file cannot be written").in_file(file).because(e);
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(file).map_err(|e| failed(e.error))?;
    Ok(())
}
