//! What works, what does not, and how to mend it: what `pilothouse doctor`
//! prints.

use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Works.
    Ok,
    /// Works without something.
    Warn,
    /// Does not work.
    Fail,
}

impl Verdict {
    /// The word that begins a line.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it belongs to: `terminal`, `configuration`, a context's name.
    pub area: String,
    /// What was looked at: `api server`, `permissions`.
    pub what: String,
    /// How it ended.
    pub verdict: Verdict,
    /// In words.
    pub words: String,
    /// How to mend it; empty when there is nothing to mend.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mend: String,
}

impl Check {
    /// It works.
    pub fn ok(area: &str, what: &str, words: impl Into<String>) -> Check {
        Check::new(Verdict::Ok, area, what, words, "")
    }

    /// It works without something.
    pub fn warn(area: &str, what: &str, words: impl Into<String>, mend: impl Into<String>) -> Check {
        Check::new(Verdict::Warn, area, what, words, mend)
    }

    /// It does not work.
    pub fn fail(area: &str, what: &str, words: impl Into<String>, mend: impl Into<String>) -> Check {
        Check::new(Verdict::Fail, area, what, words, mend)
    }

    fn new(
        verdict: Verdict,
        area: &str,
        what: &str,
        words: impl Into<String>,
        mend: impl Into<String>,
    ) -> Check {
        Check {
            area: area.to_owned(),
            what: what.to_owned(),
            verdict,
            words: words.into(),
            mend: mend.into(),
        }
    }
}

/// All that was looked at, in order; those of one area stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// The checks.
    pub checks: Vec<Check>,
}

impl Checks {
    /// The worst verdict; `Ok` when nothing was looked at.
    pub fn verdict(&self) -> Verdict {
        self.checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
    }

    /// As JSON, indented.
    ///
    /// # Errors
    /// Never in practice: everything here has a JSON form.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// As lines, an area each headed by its name, the mend below what it mends.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let widest =
            self.checks.iter().map(|check| crate::text::width(&check.what)).max().unwrap_or_default();
        let mut area = None;
        for check in &self.checks {
            if area != Some(&check.area) {
                if area.is_some() {
                    text.push('\n');
                }
                text.push_str(&check.area);
                text.push('\n');
                area = Some(&check.area);
            }
            let what = crate::text::pad(&check.what, widest);
            let line = format!("  {:<4}  {what}  {}", check.verdict.word(), check.words);
            text.push_str(line.trim_end());
            text.push('\n');
            if !check.mend.is_empty() {
                text.push_str(&format!("        {:widest$}  mend: {}\n", "", check.mend));
            }
        }
        let count = |verdict| self.checks.iter().filter(|check| check.verdict == verdict).count();
        let (ok, warn, fail) = (count(Verdict::Ok), count(Verdict::Warn), count(Verdict::Fail));
        text.push_str(&format!("\n{ok} ok, {warn} warnings, {fail} failures\n"));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_read_as_a_list_with_mends() {
        let checks = Checks {
            checks: vec![
                Check::ok("terminal", "size", "120x40"),
                Check::warn("terminal", "colours", "16 only", "set COLORTERM=truecolor"),
                Check::fail("gke", "api server", "connection refused", "is the VPN up?"),
            ],
        };
        assert_eq!(
            checks.text(),
            "terminal\n  ok    size        120x40\n  warn  colours     16 only\n                    \
             mend: set COLORTERM=truecolor\n\ngke\n  FAIL  api server  connection refused\n                    \
             mend: is the VPN up?\n\n1 ok, 1 warnings, 1 failures\n"
        );
        assert_eq!(checks.verdict(), Verdict::Fail);
        assert!(checks.json().unwrap().contains("\"verdict\": \"warn\""));
        assert_eq!(Checks::default().verdict(), Verdict::Ok);
    }
}
