//! What Prometheus scrapes: series whose values the test sets, in Prometheus' text format.
//!
//! Native histograms have no text form. A scrape config with `convert_classic_histograms_to_nhcb: true` makes them of
//! our classic ones.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use eyre::Result;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::ports::Port;

/// A server in this process; it ends when this is dropped.
#[derive(Debug)]
pub struct Exporter {
    port: Port,
    shown: Arc<Mutex<Shown>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shown {
    families: BTreeMap<String, Family>,
    silent: bool,
}

#[derive(Debug)]
struct Family {
    kind: &'static str,
    /// The lines of each series, by its labels.
    series: BTreeMap<String, String>,
}

impl Exporter {
    /// Starts one that has nothing to say yet.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start() -> Result<Exporter> {
        let port = Port::take()?;
        let listener = TcpListener::bind(port.address()).await?;
        let shown = Arc::new(Mutex::new(Shown::default()));
        let task = tokio::spawn(serve(listener, Arc::clone(&shown)));
        Ok(Exporter { port, shown, task })
    }

    /// `127.0.0.1:PORT`, for a scrape config.
    pub fn address(&self) -> String {
        self.port.address()
    }

    /// A gauge has this value now.
    pub fn gauge(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.set(name, "gauge", labels, format!("{name}{} {value}\n", braces(labels, None)));
    }

    /// A counter has come to this value; a smaller one than before is a restart.
    pub fn counter(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.set(name, "counter", labels, format!("{name}{} {value}\n", braces(labels, None)));
    }

    /// A histogram has come to these counts, each of what was at most so much, the smaller ones included; then the sum
    /// of all and their count.
    pub fn histogram(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        buckets: &[(f64, u64)],
        sum: f64,
        count: u64,
    ) {
        let mut lines = String::new();
        let ends = buckets.iter().map(|(end, count)| (end.to_string(), *count));
        for (end, count) in ends.chain([("+Inf".to_owned(), count)]) {
            let _ = writeln!(lines, "{name}_bucket{} {count}", braces(labels, Some(&end)));
        }
        let labelled = braces(labels, None);
        let _ = writeln!(lines, "{name}_sum{labelled} {sum}\n{name}_count{labelled} {count}");
        self.set(name, "histogram", labels, lines);
    }

    /// Takes back every series of that name: they are stale from the next scrape on.
    pub fn forget(&self, name: &str) {
        self.shown().families.remove(name);
    }

    /// Whether scrapes fail from now on: all series have a gap, and `up` is 0.
    pub fn silent(&self, silent: bool) {
        self.shown().silent = silent;
    }

    fn set(&self, name: &str, kind: &'static str, labels: &[(&str, &str)], lines: String) {
        let mut shown = self.shown();
        let family =
            shown.families.entry(name.to_owned()).or_insert_with(|| Family { kind, series: BTreeMap::new() });
        family.series.insert(braces(labels, None), lines);
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shown {
    /// In Prometheus' text format.
    fn text(&self) -> String {
        let mut text = String::new();
        for (name, Family { kind, series }) in &self.families {
            let _ = writeln!(text, "# TYPE {name} {kind}");
            text.extend(series.values().map(String::as_str));
        }
        text
    }
}

/// Labels as they follow a name, with a bucket's end when there is one.
fn braces(labels: &[(&str, &str)], end: Option<&str>) -> String {
    let labels: Vec<String> = labels
        .iter()
        .copied()
        .chain(end.map(|end| ("le", end)))
        .map(|(name, value)| {
            let value = value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
            format!("{name}=\"{value}\"")
        })
        .collect();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

async fn serve(listener: TcpListener, shown: Arc<Mutex<Shown>>) {
    loop {
        // A connection that failed while it was taken is Prometheus' to try again.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shown = Arc::clone(&shown);
        tokio::spawn(async move {
            let service = service_fn(|_| {
                let answer = answer(&shown.lock().unwrap_or_else(PoisonError::into_inner));
                async { Ok::<_, Infallible>(answer) }
            });
            // It ends with the connection, and how is Prometheus' to tell.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(shown: &Shown) -> Response<Full<Bytes>> {
    if shown.silent {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        return response;
    }
    let mut response = Response::new(Full::from(shown.text()));
    let kind = http::HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn series_are_said_as_they_were_set_last() {
        let exporter = Exporter::start().await.unwrap();
        exporter.gauge("depth", &[("app", "a\"b")], 1.0);
        exporter.gauge("depth", &[("app", "a\"b")], 2.5);
        exporter.gauge("depth", &[("app", "c")], f64::NAN);
        exporter.counter("hits_total", &[], 7.0);
        exporter.histogram("took_seconds", &[("app", "c")], &[(0.1, 2), (1.0, 5)], 3.5, 6);
        let expected = "# TYPE depth gauge\ndepth{app=\"a\\\"b\"} 2.5\ndepth{app=\"c\"} NaN\n\
            # TYPE hits_total counter\nhits_total 7\n\
            # TYPE took_seconds histogram\ntook_seconds_bucket{app=\"c\",le=\"0.1\"} 2\n\
            took_seconds_bucket{app=\"c\",le=\"1\"} 5\ntook_seconds_bucket{app=\"c\",le=\"+Inf\"} 6\n\
            took_seconds_sum{app=\"c\"} 3.5\ntook_seconds_count{app=\"c\"} 6\n";
        let ask = async || crate::upstreams::get(&exporter.port.http(), "/metrics").await;
        let _ = rustls::crypto::ring::default_provider().install_default();
        assert_eq!(ask().await.unwrap(), expected);
        exporter.silent(true);
        assert!(ask().await.is_err());
        exporter.silent(false);
        exporter.forget("depth");
        exporter.forget("took_seconds");
        assert_eq!(ask().await.unwrap(), "# TYPE hits_total counter\nhits_total 7\n");
    }
}
