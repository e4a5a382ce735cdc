//! `pilothouse scale | restart | undo | drain ...`: a command for each action of the registry, by the same door as on the
//! screen. Without `--yes` (or `--confirm` in a protected environment) it prints the plan and changes nothing.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use clap::{ArgMatches, Args, Command, FromArgMatches};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::run::to_end;
use super::status::{Output, StatusArgs, find, loaded};
use super::{Exit, Global, print, report};
use crate::action::Action;
use crate::change::actions;
use crate::change::confirm::{Answer, Refusal, confirm};
use crate::change::execute::{Means, Pace, Progress, StepState, execute};
use crate::change::gather::{self, NoPlan};
use crate::change::guard::Guard;
use crate::change::intent::{Intent, Order, Verb, With};
use crate::change::plan::{Challenge, Plan};
use crate::domain::id::{ClusterId, Kind, Name, ObjectRef, Uid};
use crate::domain::link::Link;
use crate::error::{Kind as Sort, Problem, Problems, suggest};
use crate::journal::{End, Outcome};
use crate::panes::{PaneId, changes, objects};
use crate::report::plan::{PlanReport, text};
use crate::runtime::Driver;
use crate::text::clean;

/// How often a guard is told of.
const TOLD_EACH: Duration = Duration::from_secs(10);
/// How long it is waited for what a Prometheus has.
const SURVEYED: Duration = Duration::from_secs(5);

/// What every change can be told.
#[derive(Clone, Debug, clap::Args)]
pub struct ChangeArgs {
    /// What to change, as in deployment/cart; where only one kind can be meant, its name is enough
    #[arg(value_name = "KIND/NAME")]
    pub object: String,
    /// The environment that it stands in, instead of a context and namespace
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Only print what would happen
    #[arg(long, conflicts_with_all = ["yes", "confirm"])]
    pub plan: bool,
    /// Do it, where nothing is protected
    #[arg(long, short)]
    pub yes: bool,
    /// Do it, in the protected environment of this name
    #[arg(long, value_name = "ENV")]
    pub confirm: Option<String>,
    /// Why; needed where a gate fails that may be overridden
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// Wait until it has come true
    #[arg(long)]
    pub wait: bool,
    /// Form of the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// Connect every context of the kubeconfig
    #[arg(long)]
    pub all_contexts: bool,
    /// Give up reading after so many seconds
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub timeout: u64,
}

/// Arguments of `scale`.
#[derive(Clone, Debug, clap::Args)]
struct ScaleArgs {
    /// So many replicas
    #[arg(long, value_name = "N", conflicts_with_all = ["min", "max"])]
    replicas: Option<u32>,
    /// The fewest that its autoscaler may make
    #[arg(long, value_name = "N")]
    min: Option<u32>,
    /// The most that its autoscaler may make
    #[arg(long, value_name = "N")]
    max: Option<u32>,
}

/// Arguments of `undo`.
#[derive(Clone, Debug, clap::Args)]
struct UndoArgs {
    /// Back to this revision, instead of the one before
    #[arg(long, value_name = "N")]
    to_revision: Option<u64>,
}

/// Arguments of `drain`.
#[derive(Clone, Debug, clap::Args)]
struct DrainArgs {
    /// Pods that nobody makes again may go too
    #[arg(long)]
    force: bool,
    /// Pods that keep data in an emptyDir may go too; the data is lost
    #[arg(long)]
    delete_emptydir_data: bool,
}

/// Arguments of `switch`.
#[derive(Clone, Debug, clap::Args)]
struct SwitchArgs {
    /// Lead to this colour; needed where more than one stands by
    #[arg(long, value_name = "COLOUR")]
    to: Option<String>,
    /// It is the way back from the last switch that the journal here tells of: freezes, alerts, soak and smoke only inform
    #[arg(long)]
    back: bool,
}

/// A command of an action of the registry: each has one, of its name.
#[derive(Clone, Debug)]
pub struct ChangeCommand {
    verb: Verb,
    args: ChangeArgs,
    with: With,
}

/// Adds what an action is told besides what every change can be told.
fn options(action: &str, command: Command) -> Command {
    match action {
        "scale" => ScaleArgs::augment_args(command),
        "undo" => UndoArgs::augment_args(command),
        "drain" => DrainArgs::augment_args(command),
        "switch" => SwitchArgs::augment_args(command),
        _ => command,
    }
}

/// What it was told by them.
fn with(action: &str, matches: &ArgMatches) -> Result<With, clap::Error> {
    let none = With::default();
    Ok(match action {
        "scale" => {
            let ScaleArgs { replicas, min, max } = ScaleArgs::from_arg_matches(matches)?;
            With { replicas, min, max, ..none }
        }
        "undo" => With { revision: UndoArgs::from_arg_matches(matches)?.to_revision, ..none },
        "drain" => {
            let DrainArgs { force, delete_emptydir_data } = DrainArgs::from_arg_matches(matches)?;
            With { force, empty_dir: delete_emptydir_data, ..none }
        }
        "switch" => {
            let SwitchArgs { to, back } = SwitchArgs::from_arg_matches(matches)?;
            With { to, back, ..none }
        }
        _ => none,
    })
}

impl clap::Subcommand for ChangeCommand {
    fn augment_subcommands(command: Command) -> Command {
        actions::ALL.iter().fold(command, |command, act| {
            let info = Action::from_name(act.row()).map(Action::info);
            let about = format!("{} With --yes or --confirm it is done", info.map_or("", |info| info.doc));
            let one = options(act.name(), ChangeArgs::augment_args(Command::new(act.name())));
            // What the arguments have as their own words is not the command's.
            command.subcommand(one.about(about).long_about(None))
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        actions::named(name).is_some()
    }
}

impl FromArgMatches for ChangeCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<ChangeCommand, clap::Error> {
        let found = matches.subcommand().and_then(|(name, own)| Some((actions::named(name)?, own)));
        let (verb, own) = found.ok_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidSubcommand))?;
        let args = ChangeArgs::from_arg_matches(own)?;
        Ok(ChangeCommand { verb, args, with: with(verb.name(), own)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = ChangeCommand::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Plans an action and, when it is confirmed, does it. A switch stays until its guard has ended, with or without `--wait`.
/// Ends with 0 when it was done (with `--plan`: could be done), 3
/// when a gate fails, 4 when it is refused, 5 when it timed out or is not known.
///
/// # Errors
/// Wrong arguments; nothing could be planned.
pub fn run(global: &Global, command: ChangeCommand) -> Result<Exit, Problems> {
    let ChangeCommand { verb, args, with } = command;
    if verb.name() == "scale" && with.replicas.is_none() && with.min.is_none() && with.max.is_none() {
        return Err(Problem::usage("How many?")
            .mend("say --replicas N, or --min and --max where an autoscaler rules")
            .into());
    }
    to_end(async {
        let status = StatusArgs {
            output: args.output,
            env: args.env.clone(),
            all_contexts: args.all_contexts,
            timeout: args.timeout,
        };
        let (mut driver, _) = loaded(global, &status).await?;
        let object = object(&driver, global, &args, verb.kinds())?;
        if !verb.kinds().contains(&object.kind) {
            let kinds: Vec<&str> = verb.kinds().iter().map(|kind| kind.word()).collect();
            return Err(Problem::usage(format!("{} is for a {}.", verb.name(), kinds.join(", "))).into());
        }
        if verb.needs().colours {
            survey(&mut driver, &object).await;
        }
        let intent = Intent { verb, objects: vec![object], with };
        let mut order = changes::order(&driver.state.shared, intent);
        if order.intent.with.back {
            led_back(&driver, &mut order);
        }
        let clients = driver.clients();
        let planned = gather::plan(&|cluster| clients.get(&cluster).cloned(), order, driver.now()).await;
        let plan = planned.map_err(|why| match why {
            NoPlan::Refused(words) => Problem::new(Sort::Failed, words),
            NoPlan::Forbidden(words) => Problem::new(Sort::Refused, words),
            NoPlan::Unread(words) => Problem::new(Sort::TimedOut, words),
        })?;
        if args.plan {
            tell_plan(&plan, args.output)?;
            return Ok(verdict(&plan));
        }
        confirmed(&driver, plan, &args).await
    })
}

/// Looks in the journal for the switch that an order is the way back from, and for where that led away from. Where it tells
/// of none, the order is one like any other.
fn led_back(driver: &Driver, order: &mut Order) {
    let reading = driver.desk().0.and_then(|journal| journal.read(None).ok());
    if let (Some(reading), None) = (&reading, &order.intent.with.to) {
        let service = order.intent.objects.first();
        let before = service.and_then(|one| changes::way_back(reading, one, &order.place.context));
        order.intent.with.to = before.map(str::to_owned);
    }
    if !reading.is_some_and(|reading| changes::leads_back(&reading, order)) {
        report(
            "pilothouse: the journal here tells of no switch to go back from: it is judged like any other",
        );
        order.intent.with.back = false;
    }
}

/// Lets the Traffic pane look at a pair, so that it is known whom to ask how requests to its colours fare.
async fn survey(driver: &mut Driver, object: &ObjectRef) {
    let state = &mut driver.state;
    if let Some(env) = state.shared.environments.of(object.cluster, &object.namespace).map(|env| env.id)
        && let Some(at) = state.pane(PaneId::Traffic)
    {
        state.shared.choose(env);
        (state.focus, state.zoomed) = (at, true);
        driver.run_until(SURVEYED, |driver| driver.has_surveys()).await;
    }
}

/// What the plan alone amounts to.
fn verdict(plan: &Plan) -> Exit {
    let refused = plan.refused_by().any(|judged| matches!(judged.gate, "read-only" | "rbac"));
    match (refused, plan.refused_by().next().or_else(|| plan.overridden().next())) {
        (true, _) => Exit::Refused,
        (false, Some(_)) => Exit::Gate,
        (false, None) => Exit::Done,
    }
}

fn tell_plan(plan: &Plan, output: Output) -> Result<(), Problems> {
    print(&match output {
        Output::Table => text(plan),
        Output::Json => json(&serde_json::json!({ "plan": PlanReport::of(plan) }))?,
    })
}

fn json(value: &serde_json::Value) -> Result<String, Problem> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Problem::failed("The result could not be written as JSON.").because(error))
}

async fn confirmed(driver: &Driver, plan: Plan, args: &ChangeArgs) -> Result<Exit, Problems> {
    // Also where nothing is protected: whoever says the name believes that it is there.
    let here = plan.order.place.name();
    let other = args.confirm.as_deref().filter(|named| **named != **here);
    if let (Some(named), Challenge::Yes) = (other, plan.challenge()) {
        tell_plan(&plan, args.output)?;
        report(&format!("pilothouse: nothing was changed. This is {here}, and not {}.", clean(named)));
        report(&format!("  mend: say --confirm {here} or --yes if that is what is meant"));
        return Ok(Exit::Refused);
    }
    let answer = Answer {
        yes: args.yes || args.confirm.is_some(),
        name: args.confirm.clone().unwrap_or_default(),
        reason: args.reason.clone(),
        flag: true,
    };
    let asked = match plan.challenge() {
        Challenge::Yes => "--yes".to_owned(),
        Challenge::Name(name) => format!("--confirm {name}"),
    };
    let confirmed = match confirm(plan.clone(), &answer, driver.now()) {
        Ok(confirmed) => Arc::new(confirmed),
        Err(refusal) => {
            tell_plan(&plan, args.output)?;
            report(&format!("pilothouse: nothing was changed. {}", refusal.words()));
            return Ok(match refusal {
                Refusal::Stale => Exit::Refused,
                Refusal::Final(_) => verdict(&plan),
                Refusal::Reason(_) => {
                    report("  mend: say --reason \"why it is done all the same\"");
                    Exit::Gate
                }
                Refusal::NotConfirmed(_) => {
                    report(&format!("  mend: say {asked} to do it"));
                    Exit::Refused
                }
            });
        }
    };
    let client = driver.client(plan.order.place.cluster).ok_or_else(|| {
        Problem::new(Sort::TimedOut, format!("{} is not connected.", plan.order.place.context))
    })?;
    // As long as somebody listens to them, neither a terminal that goes away nor a job that is called off ends what was
    // begun: half of a drain, or a switch that nobody watches, is worse than a few minutes more.
    let listened = |kind: SignalKind| {
        signal(kind).map_err(|error| Problem::failed("Signals cannot be listened to.").because(error))
    };
    let _held = (listened(SignalKind::hangup())?, listened(SignalKind::terminate())?);
    // What was last said of each step, and of all of it: several may wait, and say so again and again.
    let last: std::sync::Mutex<std::collections::HashMap<Option<usize>, String>> =
        std::sync::Mutex::default();
    let guard_told: std::sync::Mutex<Option<Instant>> = std::sync::Mutex::new(None);
    let tell = |progress: Progress| {
        let mut guard_told = guard_told.lock().unwrap_or_else(PoisonError::into_inner);
        let step = match &progress {
            Progress::Step(at, ..) => Some(*at),
            _ => None,
        };
        let words = match progress {
            // A guard says the same every second: now and then is enough for a log, until it finds something.
            Progress::Guard(shown)
                if shown.breach.is_empty()
                    && shown.turning.is_empty()
                    && guard_told.is_some_and(|at| at.elapsed() < TOLD_EACH) =>
            {
                return;
            }
            Progress::Guard(shown) => {
                *guard_told = Some(Instant::now());
                shown.words()
            }
            Progress::Watching(_) if guard_told.is_some() => return,
            Progress::Step(_, StepState::Doing, words) => words,
            Progress::Step(_, _, words) | Progress::Watching(words) => words,
            Progress::Ended(_) => return,
        };
        if let Ok(mut last) = last.lock()
            && last.get(&step) != Some(&words)
        {
            super::report_quietly(&words);
            last.insert(step, words);
        }
    };
    let (journal, local) = driver.desk();
    let (watch, pace, ways) = (args.wait, Pace::default(), driver.ways());
    let turn = Notify::new();
    let means = Means { client, journal, local, watch, pace, tell: &tell, ways, turn: Some(&turn) };
    let end = match &plan.guard {
        Some(guard) => interruptible(execute(&confirmed, means), guard, &turn).await?,
        None => execute(&confirmed, means).await,
    };
    tell_end(&plan, &end, args.output)?;
    Ok(exit(end.outcome))
}

/// Ctrl-c while a switch is watched must not leave it unwatched: once it says what it would do, twice it leads back.
async fn interruptible(
    doing: impl Future<Output = End>,
    guard: &Guard,
    turn: &Notify,
) -> Result<End, Problems> {
    let mut interrupts = signal(SignalKind::interrupt())
        .map_err(|error| Problem::failed("Signals cannot be listened to.").because(error))?;
    tokio::pin!(doing);
    let mut warned = false;
    loop {
        tokio::select! {
            end = &mut doing => return Ok(end),
            Some(()) = interrupts.recv() => {
                if warned {
                    turn.notify_one();
                } else {
                    report(&format!(
                        "pilothouse: {} is watched to its end. ctrl-c again leads back to {} now.",
                        guard.to, guard.from
                    ));
                }
                warned = true;
            }
        }
    }
}

fn tell_end(plan: &Plan, end: &End, output: Output) -> Result<(), Problems> {
    print(&match output {
        Output::Table => format!("{}: {}: {}\n", plan.title, end.outcome.word(), end.words),
        Output::Json => json(&serde_json::json!({
            "plan": PlanReport::of(plan), "outcome": end.outcome.word(), "words": end.words,
        }))?,
    })
}

fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Done => Exit::Done,
        Outcome::Failed | Outcome::Superseded => Exit::Failed,
        Outcome::Refused => Exit::Refused,
        Outcome::TimedOut | Outcome::Unknown => Exit::Unknown,
    }
}

/// The object that is meant.
fn object(driver: &Driver, global: &Global, args: &ChangeArgs, kinds: &[Kind]) -> Result<ObjectRef, Problem> {
    let usage = |what: String| Problem::usage(what).mend("write KIND/NAME, as in deployment/cart");
    let (kind, name) = args
        .object
        .split_once('/')
        .or(match kinds {
            [only] => Some((only.word(), args.object.as_str())),
            _ => None,
        })
        .filter(|(_, name)| !name.is_empty() && !name.contains('/'))
        .ok_or_else(|| usage(format!("`{}` names no object.", clean(&args.object))))?;
    let kind = objects::kind_named(kind).ok_or_else(|| {
        let known = Kind::ALL.iter().map(|kind| kind.api().2);
        Problem::usage(format!("There is no kind `{}`.", clean(kind))).mend(suggest(kind, known))
    })?;
    let shared = &driver.state.shared;
    let (cluster, namespace): (ClusterId, Name) = match &args.env {
        Some(wanted) => {
            let id = find(driver, wanted)?;
            let env = shared.environments.get(id).ok_or_else(|| usage("No such environment.".to_owned()))?;
            let scope = env.scope.namespaces();
            let has = |namespace: &Name| {
                shared.world.cluster(env.cluster).is_some_and(|cluster| {
                    let pods = || cluster.pods.iter().map(|(_, pod)| pod);
                    if kind == Kind::Pod {
                        return pods().any(|pod| pod.namespace == *namespace && *pod.name == *name);
                    }
                    if kind == Kind::Service {
                        let mut services = cluster.services.iter().map(|(_, service)| service);
                        return services.any(|one| one.namespace == *namespace && *one.name == *name);
                    }
                    cluster.workloads.iter().any(|(_, workload)| {
                        workload.kind == kind && workload.namespace == *namespace && *workload.name == *name
                    })
                })
            };
            let namespace = match (&global.namespace, scope) {
                _ if !kind.namespaced() => "".into(),
                (Some(named), _) if env.scope.contains(named) => named.as_str().into(),
                (Some(named), _) => {
                    return Err(Problem::usage(format!("{} has no namespace `{}`.", env.name, clean(named))));
                }
                (None, [only]) => only.clone(),
                (None, several) => {
                    let found: Vec<&Name> = several.iter().filter(|namespace| has(namespace)).collect();
                    match found.as_slice() {
                        [only] => (*only).clone(),
                        _ => {
                            return Err(Problem::usage(format!(
                                "In which namespace of {} is {}?",
                                env.name,
                                clean(&args.object)
                            ))
                            .mend("say -n NAMESPACE"));
                        }
                    }
                }
            };
            (env.cluster, namespace)
        }
        None => {
            let current = driver.current().ok_or_else(|| {
                Problem::usage("The kubeconfig has no current context.").mend("say --context or --env")
            })?;
            let connection = shared.world.cluster(current).map(|cluster| &cluster.connection);
            let usual = connection.map(|known| known.namespace.clone()).filter(|name| !name.is_empty());
            let named = global.namespace.as_deref().map(Name::from);
            let namespace = named.or(usual).unwrap_or_else(|| "default".into());
            (current, if kind.namespaced() { namespace } else { "".into() })
        }
    };
    if let Some(connection) = shared.world.cluster(cluster).map(|cluster| &cluster.connection)
        && connection.link == Link::Dim
    {
        return Err(Problem::usage(format!("{} is not connected.", connection.context))
            .mend("say --context, or --all-contexts"));
    }
    Ok(ObjectRef { cluster, kind, namespace, name: name.into(), uid: Uid::default() })
}
