//! Prometheus and Alertmanager that look every second, told by the test what to scrape and what to alert about.
//!
//! Configurations are written as JSON, which is YAML too.

use std::path::{Path, PathBuf};
use std::process::Command;

use eyre::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Start};
use crate::ports::Port;
use crate::programs;
use crate::upstreams::{answers, get, plain, running};

impl Start {
    /// With Prometheus and Alertmanager. They know of each other and of nothing else, until the test says what.
    pub fn with_prometheus(mut self) -> Start {
        self.beside.prometheus = true;
        self
    }
}

/// A running Prometheus and its Alertmanager.
#[derive(Debug)]
pub struct Prometheus {
    folder: PathBuf,
    prometheus: Port,
    alertmanager: Port,
    amtool: PathBuf,
}

impl Cluster {
    /// Its Prometheus.
    ///
    /// # Errors
    /// When it was started without.
    pub fn prometheus(&self) -> Result<&Prometheus> {
        running(&self.upstreams().prometheus, "with_prometheus")
    }
}

impl Prometheus {
    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.prometheus.http()
    }

    /// `http://127.0.0.1:PORT` of the Alertmanager.
    pub fn alertmanager_url(&self) -> String {
        self.alertmanager.http()
    }

    /// Scrapes one more job at this address, from now on. `more` is what else its scrape config says, or `{}`; native
    /// histograms are taken unless it says otherwise.
    ///
    /// # Errors
    /// When Prometheus refuses: with what it says.
    pub async fn scrape(&self, job: &str, address: &str, more: &Value) -> Result<()> {
        let mut config = json!({
            "job_name": job,
            "static_configs": [{"targets": [address]}],
            // The flag for them does nothing any more.
            "scrape_native_histograms": true,
        });
        overlay(&mut config, more);
        self.write("scrape", job, &json!({"scrape_configs": [config]}))?;
        self.reload().await
    }

    /// Evaluates these rules, from now on; a group of that name has them all.
    ///
    /// # Errors
    /// When Prometheus refuses: with what it says.
    pub async fn rules(&self, group: &str, rules: &Value) -> Result<()> {
        self.write("rules", group, &json!({"groups": [{"name": group, "rules": rules}]}))?;
        self.reload().await
    }

    /// Gives Prometheus this configuration over its own, top-level key by key.
    ///
    /// # Errors
    /// When Prometheus refuses: with what it says.
    pub async fn configure(&self, more: &Value) -> Result<()> {
        let mut config = prometheus_config(&self.alertmanager);
        overlay(&mut config, more);
        std::fs::write(self.folder.join("prometheus.yml"), config.to_string())?;
        self.reload().await
    }

    /// Gives Alertmanager this configuration over its own, top-level key by key.
    ///
    /// # Errors
    /// When Alertmanager refuses: with what it says.
    pub async fn configure_alertmanager(&self, more: &Value) -> Result<()> {
        let mut config = alertmanager_config();
        overlay(&mut config, more);
        std::fs::write(self.folder.join("alertmanager.yml"), config.to_string())?;
        post(&self.alertmanager, "/-/reload").await
    }

    /// What a query says now: `data.result` of Prometheus' answer.
    ///
    /// # Errors
    /// When it refuses the query.
    pub async fn query(&self, query: &str) -> Result<Value> {
        let answer = self.get(&format!("/api/v1/query?query={}", escaped(query))).await?;
        Ok(answer["data"]["result"].clone())
    }

    /// What Prometheus answers to a GET.
    ///
    /// # Errors
    /// When that is no success.
    pub async fn get(&self, path: &str) -> Result<Value> {
        Ok(serde_json::from_str(&get(&self.url(), path).await?)?)
    }

    /// What Alertmanager answers to a GET.
    ///
    /// # Errors
    /// When that is no success.
    pub async fn get_of_alertmanager(&self, path: &str) -> Result<Value> {
        Ok(serde_json::from_str(&get(&self.alertmanager_url(), path).await?)?)
    }

    /// Runs Alertmanager's own client and returns what it printed.
    ///
    /// # Errors
    /// When it fails: with what it said.
    pub fn amtool(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.amtool)
            .args(["--alertmanager.url", &self.alertmanager_url()])
            .args(arguments)
            // What its user is used to is none of our business.
            .env("HOME", &self.folder)
            .output()
            .wrap_err("cannot start amtool")?;
        if !output.status.success() {
            bail!("amtool {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn write(&self, folder: &str, name: &str, content: &Value) -> Result<()> {
        let file = self.folder.join(folder).join(format!("{name}.json"));
        std::fs::write(&file, content.to_string()).wrap_err_with(|| file.display().to_string())
    }

    async fn reload(&self) -> Result<()> {
        post(&self.prometheus, "/-/reload").await
    }
}

/// Starts both.
pub(crate) async fn start(cluster: &Cluster) -> Result<Prometheus> {
    let programs = programs::built("alertmanager")?;
    let folder = cluster.folder().join("prometheus");
    for name in ["scrape", "rules", "data", "alerts"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    let (prometheus, alertmanager) = (Port::take()?, Port::take()?);
    std::fs::write(folder.join("prometheus.yml"), prometheus_config(&alertmanager).to_string())?;
    std::fs::write(folder.join("alertmanager.yml"), alertmanager_config().to_string())?;
    let flag = |name: &str, path: &str| format!("--{name}={}", Path::new(&folder).join(path).display());

    let mut watching = Command::new(programs::built("prometheus")?.join("prometheus"));
    watching
        .arg(flag("config.file", "prometheus.yml"))
        .arg(flag("storage.tsdb.path", "data"))
        .arg(format!("--web.listen-address={}", prometheus.address()))
        .args(["--web.enable-lifecycle", "--log.level=warn"]);
    let mut telling = Command::new(programs.join("alertmanager"));
    telling
        .arg(flag("config.file", "alertmanager.yml"))
        .arg(flag("storage.path", "alerts"))
        .arg(format!("--web.listen-address={}", alertmanager.address()))
        .args(["--cluster.listen-address=", "--log.level=warn"]);
    tokio::try_join!(
        cluster.add_server("prometheus", watching, async || answers(&prometheus, "/-/ready").await),
        cluster.add_server("alertmanager", telling, async || answers(&alertmanager, "/-/ready").await),
    )?;
    Ok(Prometheus { folder, prometheus, alertmanager, amtool: programs.join("amtool") })
}

fn prometheus_config(alertmanager: &Port) -> Value {
    json!({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.address()]}]}]},
        // Paths count from the file that this is written to.
        "rule_files": ["rules/*.json"],
        "scrape_config_files": ["scrape/*.json"],
    })
}

fn alertmanager_config() -> Value {
    json!({
        "route": {"receiver": "nobody", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "1s"},
        "receivers": [{"name": "nobody"}],
    })
}

fn overlay(config: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
}

async fn post(port: &Port, path: &str) -> Result<()> {
    let request = http::Request::post(path).body(Vec::new())?;
    Ok(plain(&port.http())?.request_text(request).await.map(drop)?)
}

/// For the query of a URL.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
