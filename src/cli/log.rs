//! The log of the program itself (`--log-file`) and what `PILOTHOUSE_LOG` lets into it.
//!
//! The filter is an ordinary one of `tracing`, but for one thing: libraries that can print what goes over the wire
//! (bodies hold Secrets, headers hold tokens) never get to do so, whatever it says.

use std::path::Path;

use tracing::{Level, Metadata};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, FilterFn, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::Problem;
use crate::text::clean;

/// The variable of the environment that chooses what is in the log.
const CHOICE: &str = "PILOTHOUSE_LOG";
/// What is in it otherwise.
const USUAL: &str = "warn,pilothouse=info";
/// Libraries that write no line at all: the Kubernetes client warns of bodies that it cannot read by quoting them.
const SILENT: [&str; 1] = ["kube"];
/// Libraries that see bodies, headers or frames, and print them in their more talkative levels.
const CAPPED: [&str; 9] =
    ["hyper", "h2", "http", "tower", "reqwest", "rustls", "tokio_rustls", "tungstenite", "tokio_tungstenite"];

/// Starts the log, if one is wanted.
///
/// # Errors
/// When the file cannot be written, or `PILOTHOUSE_LOG` cannot be read.
pub fn start(file: Option<&Path>) -> Result<Option<WorkerGuard>, Problem> {
    let Some(file) = file else { return Ok(None) };
    let wanted = match std::env::var(CHOICE) {
        Ok(wanted) => wanted,
        Err(std::env::VarError::NotPresent) => String::new(),
        Err(error) => return Err(Problem::usage(format!("{CHOICE} cannot be read.")).because(error)),
    };
    let choice = Choice::read(&wanted)?;
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(file).map_err(|error| {
        Problem::usage(format!("The log file {} cannot be written.", file.display())).because(error)
    })?;
    let (writer, guard) = tracing_appender::non_blocking(opened);
    tracing_subscriber::registry()
        .with(choice.filter)
        .with(discretion())
        .with(tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false))
        .init();
    for refused in choice.refused {
        tracing::warn!(
            "{CHOICE}: `{refused}` does not open what can print requests and answers: {} write nothing, {} no more than info",
            SILENT.join(", "),
            CAPPED.join(", ")
        );
    }
    Ok(Some(guard))
}

/// What `PILOTHOUSE_LOG` asks for.
struct Choice {
    filter: EnvFilter,
    /// Directives that ask for more than there will be.
    refused: Vec<String>,
}

impl Choice {
    fn read(wanted: &str) -> Result<Choice, Problem> {
        let wanted = if wanted.trim().is_empty() { USUAL } else { wanted };
        let mut filter = EnvFilter::builder().with_regex(false).parse_lossy("off");
        let mut refused = Vec::new();
        for piece in pieces(wanted) {
            let directive: Directive = piece.parse().map_err(|_| {
                Problem::usage(format!("{CHOICE}: `{}` is no directive of a log filter.", clean(piece)))
                    .mend("write TARGET=LEVEL, separated by commas; levels are off, error, warn, info, debug and trace: warn,pilothouse=debug")
            })?;
            if asks_too_much(piece) {
                refused.push(clean(piece).into_owned());
            }
            filter = filter.add_directive(directive);
        }
        Ok(Choice { filter, refused })
    }
}

/// The directives of a filter: commas separate them, but for those between the braces of a span's fields.
fn pieces(wanted: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    wanted
        .split(move |c: char| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// Whether a directive names a library that shall not say so much. Levels for everybody (`debug`) do not name it.
fn asks_too_much(piece: &str) -> bool {
    let (target, level) = piece.rsplit_once('=').unwrap_or((piece, "trace"));
    let target = target.split('[').next().unwrap_or_default();
    let level = level.parse().unwrap_or(LevelFilter::TRACE);
    (is_of(target, &SILENT) && level > LevelFilter::OFF)
        || (is_of(target, &CAPPED) && level > LevelFilter::INFO)
}

/// Lets nobody print what goes over the wire. A layer of its own, since a directive for a span would go around any
/// that could be added to the filter.
fn discretion() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    FilterFn::new(|metadata: &Metadata<'_>| {
        !(is_of(metadata.target(), &SILENT)
            || (is_of(metadata.target(), &CAPPED) && *metadata.level() > Level::INFO))
    })
}

/// Whether a target is of one of these crates or their families (`hyper_util`, `kube_client::client`).
fn is_of(target: &str, crates: &[&str]) -> bool {
    crates.iter().any(|name| {
        target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '_', '-']))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is in the log of somebody who chose this and to whom all this happens.
    fn written(wanted: &str) -> String {
        let paper = Paper::default();
        let out = paper.clone();
        let subscriber = tracing_subscriber::registry()
            .with(Choice::read(wanted).unwrap().filter)
            .with(discretion())
            .with(tracing_subscriber::fmt::layer().with_writer(move || out.clone()).with_ansi(false));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "pilothouse::sources", "ours-info");
            tracing::debug!(target: "pilothouse::sources", "ours-debug");
            tracing::warn!(target: "other", "other-warn");
            tracing::info!(target: "other", "other-info");
            let span = tracing::info_span!(target: "kube_client::client", "HTTP", method = "GET");
            let _inside = span.enter();
            tracing::warn!(target: "kube_client::client", "kube-body");
            tracing::error!(target: "kube_client", "kube-error");
            tracing::debug!(target: "hyper_util::client", "hyper-head");
            tracing::trace!(target: "h2::codec", "h2-frame");
            tracing::debug!(target: "tower_http::trace", "tower-head");
            tracing::info!(target: "hyper::proto", "hyper-info");
            tracing::debug!(target: "rustls::client", "rustls-hello");
            tracing::debug!(target: "reqwest::connect", "reqwest-head");
        });
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    #[track_caller]
    fn has(wanted: &str, lines: &[&str]) {
        let log = written(wanted);
        let found: Vec<&str> = log.lines().filter_map(|line| line.rsplit(' ').next()).collect();
        assert_eq!(found, lines, "{wanted}");
    }

    #[test]
    fn the_filter_chooses() {
        has("", &["ours-info", "other-warn"]);
        has("warn", &["other-warn"]);
        has("pilothouse=debug", &["ours-info", "ours-debug"]);
        has("info,pilothouse=off", &["other-warn", "other-info", "hyper-info"]);
        has("pilothouse::sources=info, other=info", &["ours-info", "other-warn", "other-info"]);
    }

    #[test]
    fn nothing_lets_the_wire_into_the_log() {
        let all = ["ours-info", "ours-debug", "other-warn", "other-info", "hyper-info"];
        has("trace", &all);
        has("trace,kube_client=trace,kube_client::client=debug,hyper=trace,h2=trace,rustls=trace", &all);
        has("k=trace,h=trace,hyper_util::client=trace", &["hyper-info"]);
        has("[HTTP]=trace", &[]);
        has("kube_client[HTTP{method=GET}]=trace", &[]);
    }

    #[test]
    fn who_asks_for_it_is_told() {
        let refused = |wanted: &str| Choice::read(wanted).unwrap().refused;
        assert_eq!(refused("kube_client::client=debug,pilothouse=debug"), ["kube_client::client=debug"]);
        assert_eq!(
            refused("hyper=trace,h2,kube=off,rustls=info,tower_http[x{a=1,b=2}]=debug"),
            ["hyper=trace", "h2", "tower_http[x{a=1,b=2}]=debug"]
        );
        assert_eq!(refused("debug,kubernetes=debug"), [] as [&str; 0]);
    }

    #[test]
    fn what_is_no_directive_is_named() {
        for (wanted, named) in [("pilothouse=loud", "`pilothouse=loud`"), ("info,a=b=c\x1b[31m", "`a=b=c")] {
            let problem = Choice::read(wanted).err().unwrap();
            assert_eq!(problem.kind.exit_code(), 2);
            let told = problem.to_string();
            assert!(told.contains(named) && told.contains("TARGET=LEVEL"), "{told}");
            assert!(!told.contains('\x1b'), "{told:?}");
        }
    }
}
