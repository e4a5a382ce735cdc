//! Credential plugins (`users[].user.exec` of a kubeconfig), run so that they can never touch our terminal.
//!
//! kube would run them itself, but with our stdin and stderr unless told otherwise, several times for one client,
//! and without a time limit. So the protocol (client.authentication.k8s.io, v1 and v1beta1 alike) is spoken here:
//! no stdin, stderr kept for the message, a process group of its own so that wanting `/dev/tty` stops the plugin and
//! not us, killed then and at the limit with all that it started (`process`). What comes out is a token or a certificate for [`super::client`], or a
//! [`Refusal`] that names the command which a person must run.

use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use kube::config::ExecConfig;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::problem::first_line;
use super::process::{self, Ran};

/// How long a plugin may take. Those that open a browser are not waited for.
pub const LIMIT: Duration = Duration::from_secs(30);

/// What a plugin gave.
#[derive(Debug, Default)]
pub struct Granted {
    /// A bearer token.
    pub token: Option<SecretString>,
    /// A client certificate and its key, PEM.
    pub certificate: Option<(String, SecretString)>,
    /// When it must be asked again.
    pub expires: Option<Timestamp>,
}

/// Why a plugin gave nothing. Texts are clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A person must log in; this is what the plugin said.
    Login(String),
    /// It cannot be run at all.
    Broken(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    api_version: &'a str,
    kind: &'static str,
    spec: AskedSpec<'a>,
}

#[derive(Serialize)]
struct AskedSpec<'a> {
    interactive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a kube::config::ExecAuthCluster>,
}

#[derive(Deserialize)]
struct Answered {
    status: Option<AnsweredStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnsweredStatus {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs a plugin. Ends within the limit, whatever the plugin does.
///
/// # Errors
/// The plugin cannot be started, fails, takes too long, or answers something else than credentials.
pub async fn ask(exec: &ExecConfig, limit: Duration) -> Result<Granted, Refusal> {
    let Some(command) = &exec.command else {
        return Err(Refusal::Broken("the kubeconfig's credential plugin names no command".to_owned()));
    };
    let name = first_line(command);
    let mut plugin = prepare(exec, command)?;
    let output = match process::run(&mut plugin, limit).await {
        Ok(Ran::Ended(output)) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = exec.install_hint.as_deref().map(first_line).filter(|hint| !hint.is_empty());
            return Err(Refusal::Broken(match hint {
                Some(hint) => format!("the credential plugin `{name}` is not installed: {hint}"),
                None => format!("the credential plugin `{name}` is not installed, or not in PATH"),
            }));
        }
        Err(error) => {
            return Err(Refusal::Broken(format!(
                "the credential plugin `{name}` cannot be run: {}",
                first_line(&error.to_string())
            )));
        }
        Ok(Ran::WantsTerminal) => {
            return Err(Refusal::Login(format!(
                "the credential plugin `{name}` wants to talk to a person in a terminal"
            )));
        }
        Ok(Ran::TookTooLong) => {
            return Err(Refusal::Login(format!(
                "the credential plugin `{name}` took longer than {} s; it may be waiting for a person",
                limit.as_secs()
            )));
        }
    };
    if !output.status.success() {
        let said = last_words(&String::from_utf8_lossy(&output.stderr));
        return Err(Refusal::Login(match said.is_empty() {
            true => format!("the credential plugin `{name}` failed ({})", output.status),
            false => said,
        }));
    }
    read(&output.stdout, &name)
}

fn prepare(exec: &ExecConfig, command: &str) -> Result<tokio::process::Command, Refusal> {
    let asked = Asked {
        api_version: exec.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1"),
        kind: "ExecCredential",
        spec: AskedSpec {
            interactive: false,
            cluster: exec.cluster.as_ref().filter(|_| exec.provide_cluster_info),
        },
    };
    let asked = serde_json::to_string(&asked)
        .map_err(|error| Refusal::Broken(format!("the credential plugin cannot be asked: {error}")))?;
    let mut plugin = tokio::process::Command::new(command);
    plugin.args(exec.args.iter().flatten());
    for pair in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (pair.get("name"), pair.get("value")) {
            plugin.env(name, value);
        }
    }
    for name in exec.drop_env.iter().flatten() {
        plugin.env_remove(name);
    }
    plugin.env("KUBERNETES_EXEC_INFO", asked);
    plugin.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(plugin)
}

/// The answer is never quoted in an error: it may hold a token.
fn read(stdout: &[u8], name: &str) -> Result<Granted, Refusal> {
    let unreadable = |why: &str| Refusal::Broken(format!("the credential plugin `{name}` answered {why}"));
    let answered: Answered =
        serde_saphyr::from_slice(stdout).map_err(|_| unreadable("something that is no ExecCredential"))?;
    let status = answered.status.ok_or_else(|| unreadable("without a status"))?;
    let expires = match status.expiration_timestamp.as_deref().map(str::parse) {
        None => None,
        Some(Ok(stamp)) => Some(stamp),
        Some(Err(_)) => return Err(unreadable("with an expirationTimestamp that is no time")),
    };
    let token = status.token.filter(|token| !token.is_empty()).map(SecretString::from);
    let certificate = match (status.client_certificate_data, status.client_key_data) {
        (Some(certificate), Some(key)) => Some((certificate, SecretString::from(key))),
        _ => None,
    };
    if token.is_none() && certificate.is_none() {
        return Err(unreadable("with neither a token nor a certificate"));
    }
    Ok(Granted { token, certificate, expires })
}

/// Plugins end their stderr with what matters; stack traces and progress stand before it.
fn last_words(stderr: &str) -> String {
    stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(first_line).unwrap_or_default()
}

/// The command that a person should run to log in again, for a context whose user has this plugin (or none).
#[must_use]
pub fn login_command(context: &str, exec: Option<&ExecConfig>) -> String {
    let stem = exec
        .and_then(|exec| exec.command.as_deref())
        .and_then(|command| std::path::Path::new(command).file_stem())
        .map(|stem| stem.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let own = match &*stem {
        "aws" | "aws-iam-authenticator" => match aws_profile(exec) {
            Some(profile) => format!("aws sso login --profile {}", quoted(&profile)),
            None => "aws sso login".to_owned(),
        },
        "kubelogin" | "az" => "az login".to_owned(),
        "gke-gcloud-auth-plugin" | "gcloud" => "gcloud auth login".to_owned(),
        "tsh" => "tsh login".to_owned(),
        "doctl" => "doctl auth init".to_owned(),
        "oci" => "oci session authenticate".to_owned(),
        _ => format!("kubectl --context {} get ns", quoted(context)),
    };
    first_line(&own)
}

fn aws_profile(exec: Option<&ExecConfig>) -> Option<String> {
    let exec = exec?;
    let args = exec.args.as_deref().unwrap_or_default();
    let named = args.iter().position(|arg| arg == "--profile").and_then(|at| args.get(at + 1)).cloned();
    named.or_else(|| {
        let pair =
            exec.env.iter().flatten().find(|pair| pair.get("name").is_some_and(|n| n == "AWS_PROFILE"))?;
        pair.get("value").cloned()
    })
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.replace('\0', ""), |quoted| quoted.into_owned())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn plugin(script: &str) -> ExecConfig {
        let text = serde_json::json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script],
            "env": [{"name": "GREETING", "value": "hello"}],
        });
        serde_json::from_value(text).unwrap()
    }

    #[tokio::test]
    async fn a_token_is_read_and_the_request_is_passed() {
        let script = r#"case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 9;; esac
            if read line; then exit 8; fi
            echo "{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"$GREETING\",\"expirationTimestamp\":\"2030-01-01T00:00:00Z\"}}""#;
        let granted = ask(&plugin(script), LIMIT).await.unwrap();
        assert_eq!(granted.token.unwrap().expose_secret(), "hello");
        assert_eq!(granted.expires.unwrap().as_second(), 1_893_456_000);
    }

    #[tokio::test]
    async fn a_failing_plugin_says_why_in_its_own_last_words() {
        let refusal =
            ask(&plugin("echo trace >&2; printf '\\033[31mtoken expired\\n\\n' >&2; exit 1"), LIMIT).await;
        assert_eq!(refusal.unwrap_err(), Refusal::Login("token expired".to_owned()));
    }

    #[tokio::test]
    async fn one_that_hangs_is_ended() {
        let refusal = ask(&plugin("exec tail -f /dev/null"), Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Login(text) if text.contains("waiting for a person")));
    }

    #[tokio::test]
    async fn one_that_wants_the_terminal_needs_a_person() {
        let refusal = ask(&plugin("kill -TTOU 0"), LIMIT).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Login(text) if text.contains("a terminal")));
    }

    #[tokio::test]
    async fn a_missing_one_gives_its_hint() {
        let mut exec = plugin("");
        exec.command = Some("/nowhere/plugin".to_owned());
        exec.install_hint = Some("get it from your platform team".to_owned());
        let refusal = ask(&exec, LIMIT).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Broken(text) if text.contains("platform team")));
    }

    #[tokio::test]
    async fn what_is_no_credential_is_refused_and_not_quoted() {
        for script in ["echo geheim", "echo '{\"status\":{}}'", "echo '{\"kind\":\"x\"}'"] {
            let refusal = format!("{:?}", ask(&plugin(script), LIMIT).await.unwrap_err());
            assert!(refusal.starts_with("Broken") && !refusal.contains("geheim"), "{refusal}");
        }
    }

    #[test]
    fn the_command_to_log_in_follows_the_plugin() {
        let mut exec = plugin("");
        assert_eq!(login_command("my prod", Some(&exec)), "kubectl --context 'my prod' get ns");
        exec.command = Some("/usr/local/bin/aws".to_owned());
        assert_eq!(login_command("x", Some(&exec)), "aws sso login");
        exec.args = Some(["eks", "get-token", "--profile", "work"].map(str::to_owned).to_vec());
        assert_eq!(login_command("x", Some(&exec)), "aws sso login --profile work");
        exec.command = Some("gke-gcloud-auth-plugin".to_owned());
        assert_eq!(login_command("x", Some(&exec)), "gcloud auth login");
        assert_eq!(login_command("x", None), "kubectl --context x get ns");
    }
}
