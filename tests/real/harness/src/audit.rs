//! The API server's own list of what was asked of it: the judge of "exactly one PATCH" and of "nothing was changed".

use std::path::{Path, PathBuf};

use eyre::{Context as _, Result, ensure};
use serde_json::{Value, json};

/// One request, as the API server took it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The user's name as the cluster knows it.
    pub user: String,
    /// What the client calls itself.
    pub agent: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// Plural, with the subresource: `pods/log`; empty for paths that are no resources.
    pub resource: String,
    /// Empty for what lies in no namespace.
    pub namespace: String,
    /// Empty for lists.
    pub name: String,
    /// With the query.
    pub uri: String,
    /// HTTP status; 0 while it runs.
    pub code: u16,
    /// What was sent, of requests that change something.
    pub body: Value,
}

impl Request {
    /// Whether it asked for a change. Reviews of one's own rights are created, but change nothing.
    pub fn changes(&self) -> bool {
        let review = self.resource.starts_with("selfsubject") || self.resource.starts_with("subjectaccess");
        !review && !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }

    fn read(line: &str) -> Result<Request> {
        let event: Value = serde_json::from_str(line).wrap_err("a line of the audit log")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = &event["objectRef"];
        let resource = match object["subresource"].as_str() {
            Some(sub) => format!("{}/{sub}", text(&object["resource"])),
            None => text(&object["resource"]),
        };
        Ok(Request {
            user: text(&event["user"]["username"]),
            agent: text(&event["userAgent"]),
            verb: text(&event["verb"]),
            resource,
            namespace: text(&object["namespace"]),
            name: text(&object["name"]),
            uri: text(&event["requestURI"]),
            code: event["responseStatus"]["code"].as_u64().and_then(|c| u16::try_from(c).ok()).unwrap_or(0),
            body: event["requestObject"].clone(),
        })
    }
}

/// The log of one API server.
#[derive(Debug)]
pub struct Audit {
    file: PathBuf,
}

/// A moment in the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark(usize);

impl Audit {
    /// Writes the policy beside the log and returns the API server's arguments.
    pub(crate) fn prepare(folder: &Path) -> Result<(Audit, [String; 4])> {
        let (policy, file) = (folder.join("audit-policy.json"), folder.join("audit.jsonl"));
        let text = json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
            "rules": [
                // The servers' own traffic is of no interest and would be most of it.
                {"level": "None", "userGroups": ["system:serviceaccounts:kube-system", "system:masters"]},
                {"level": "None", "resources": [{"group": "coordination.k8s.io"}]},
                {"level": "Request", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
                {"level": "Metadata"},
            ],
        });
        std::fs::write(&policy, text.to_string())?;
        let flags = [
            format!("--audit-policy-file={}", policy.display()),
            format!("--audit-log-path={}", file.display()),
            // Megabytes, 100 when not said: no test comes near it, and `lines` says when one does.
            "--audit-log-maxsize=1000".to_owned(),
            "--audit-log-maxbackup=1".to_owned(),
        ];
        Ok((Audit { file }, flags))
    }

    /// Everything up to now; for [`Audit::since`].
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn mark(&self) -> Result<Mark> {
        Ok(Mark(self.lines()?.len()))
    }

    /// The requests since a moment, of everybody but the servers and the administrator. A request is in it before
    /// its answer is sent; a watch twice: when it begins, and when it ends.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn since(&self, mark: Mark) -> Result<Vec<Request>> {
        self.lines()?.iter().skip(mark.0).map(|line| Request::read(line)).collect()
    }

    fn lines(&self) -> Result<Vec<String>> {
        ensure!(!self.begun_anew()?, "the audit log has grown so big that its beginning was put away");
        match std::fs::read(&self.file) {
            Ok(mut bytes) => {
                // What stands behind the last end of a line is being written, and is a request that has no answer yet.
                bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
                let text = String::from_utf8(bytes).wrap_err("the audit log")?;
                Ok(text.lines().map(str::to_owned).collect())
            }
            // Nobody asked for anything yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).wrap_err("the audit log"),
        }
    }

    /// Whether the API server has put a full log away, under a name with the time in it, and begun another.
    fn begun_anew(&self) -> Result<bool> {
        for entry in std::fs::read_dir(self.file.with_file_name(""))? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("audit-") && name.ends_with(".jsonl") {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_being_written_is_not_read_yet() {
        let folder = tempfile::tempdir().unwrap();
        let (audit, _) = Audit::prepare(folder.path()).unwrap();
        let line = r#"{"verb": "get", "user": {"username": "jörg"}}"#;
        let half = line.find('\u{f6}').unwrap() + 1;
        let written = [line.as_bytes(), b"\n", &line.as_bytes()[..half]].concat();
        std::fs::write(folder.path().join("audit.jsonl"), written).unwrap();
        let mark = audit.mark().unwrap();
        assert_eq!(audit.since(Mark::default()).unwrap().len(), 1);
        std::fs::write(folder.path().join("audit.jsonl"), format!("{line}\n{line}\n")).unwrap();
        assert_eq!(audit.since(mark).unwrap()[0].user, "jörg");
    }

    #[test]
    fn a_log_whose_beginning_is_gone_is_no_judge() {
        let folder = tempfile::tempdir().unwrap();
        let (audit, _) = Audit::prepare(folder.path()).unwrap();
        assert!(audit.since(Mark::default()).unwrap().is_empty());
        std::fs::write(folder.path().join("audit-2026-01-01T00-00-00.000.jsonl"), "").unwrap();
        let error = audit.since(Mark::default()).unwrap_err().to_string();
        assert!(error.contains("put away"), "{error}");
    }
}
