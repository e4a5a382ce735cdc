//! `pilothouse snapshot`: one frame, once data is in.

use std::time::Duration;

use clap::ValueEnum;
use crossterm::event::Event;

use super::run::to_end;
use super::{Exit, Global, print, report, start};
use crate::demo::{self, DemoOptions};
use crate::error::{Problem, Problems};
use crate::keymap::Keys;
use crate::msg::Msg;
use crate::picture;

/// Arguments of `snapshot`.
#[derive(Clone, Debug, clap::Args)]
pub struct SnapshotArgs {
    /// Columns and rows
    #[arg(long, default_value = "120x40", value_parser = size, value_name = "COLUMNSxROWS")]
    pub size: (u16, u16),
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Zoom this pane: environments, releases, sync, workloads, pods, network, metrics, alerts, backups, nodes
    #[arg(long, value_name = "NAME")]
    pub pane: Option<String>,
    /// Press these keys first, once data is in: `3 j enter`
    #[arg(long, value_name = "KEYS")]
    pub keys: Option<String>,
    /// Wait until this text is on the screen
    #[arg(long, value_name = "TEXT")]
    pub wait_for: Option<String>,
    /// Give up after so many seconds
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub timeout: u64,
    /// Of the demo's platform instead of your own, so many seconds into its story
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "0")]
    pub demo: Option<u64>,
}

/// Forms of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Plain text
    Text,
    /// Text with colours
    Ansi,
    /// A picture
    Svg,
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parsed = text
        .split_once('x')
        .and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)))
        .filter(|(columns, rows)| (1..=1000).contains(columns) && (1..=1000).contains(rows));
    parsed.ok_or_else(|| "write COLUMNSxROWS, from 1x1 to 1000x1000, as in 120x40".to_owned())
}

/// Runs it.
pub fn run(global: &Global, args: SnapshotArgs) -> Result<Exit, Problems> {
    to_end(async {
        match args.demo {
            None => frame(global, &args, start::Connect::Usual).await,
            Some(at) => {
                let options =
                    DemoOptions { start_at: Duration::from_secs(at), speed: 0.0, ..DemoOptions::default() };
                let server = demo::start(options)
                    .await
                    .map_err(|error| Problem::failed("The demo could not be started.").because(error))?;
                let global = Global { kubeconfig: Some(server.kubeconfig().to_owned()), ..global.clone() };
                frame(&global, &args, start::Connect::All).await
            }
        }
    })
}

async fn frame(global: &Global, args: &SnapshotArgs, connect: start::Connect) -> Result<Exit, Problems> {
    let keys = match &args.keys {
        None => Vec::new(),
        Some(text) => Keys::parse(text).map_err(|(what, mend)| Problem::usage(what).mend(mend))?.0,
    };
    let mut driver = start::driver(global, connect, start::Canvas::Picture)?.machine;
    driver.state.size = args.size;
    if let Some(name) = &args.pane {
        start::zoom(&mut driver.state, name)?;
    }
    let limit = Duration::from_secs(args.timeout);
    let mut complete = driver.run_until(limit, |driver| driver.is_loaded()).await;
    // A server of alerts that is silent costs its pane, not the picture.
    driver.run_until(limit.min(Duration::from_secs(5)), |driver| driver.has_heard_of_alerts()).await;
    for key in keys {
        driver.feed(Msg::Input(Event::Key(key.event())));
    }
    if let Some(text) = &args.wait_for {
        complete =
            driver.run_until(limit, |driver| picture::text(&driver.frame()).contains(text.as_str())).await;
    } else if args.keys.is_some() {
        driver.run_until(limit, |driver| driver.is_quiet()).await;
    }
    // So does a Prometheus that is silent.
    driver.run_until(limit.min(Duration::from_secs(5)), |driver| driver.has_graphs()).await;
    let buffer = driver.frame();
    print(&match args.format {
        Format::Text => picture::text(&buffer),
        Format::Ansi => picture::ansi(&buffer),
        Format::Svg => picture::svg(&buffer),
    })?;
    if complete {
        return Ok(Exit::Done);
    }
    report(&match &args.wait_for {
        Some(text) => format!("pilothouse: `{text}` was not on the screen after {} s", args.timeout),
        None => format!("pilothouse: not all data was in after {} s", args.timeout),
    });
    Ok(Exit::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_nonsense_is_refused() {
        assert_eq!(size("120x40"), Ok((120, 40)));
        for text in ["", "120", "x", "0x5", "5x0", "1001x5", "axb", "-1x5"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
