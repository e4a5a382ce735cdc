//! A small PromQL: the language is read by a parser crate, judged as Prometheus judges it (`parse`), and evaluated here
//! on a grid of steps (`eval`) over anything that can name its series (`storage`). It knows nothing of HTTP nor of the
//! demo's world. What it cannot do it says; it never guesses.

mod aggregate;
mod binary;
pub mod eval;
mod functions;
mod histogram;
pub mod labels;
pub mod matcher;
pub mod parse;
mod rate;
pub mod storage;
#[cfg(test)]
mod tests;

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The query is no PromQL: 400 `bad_data`. With the position, as Prometheus words it (`1:5: parse error: …`).
    BadData(String),
    /// The query cannot be evaluated, by anybody or by this demo: 422 `execution`.
    Execution(String),
}

impl Refusal {
    /// 422 with words.
    pub fn execution(words: impl Into<String>) -> Self {
        Self::Execution(words.into())
    }

    /// 422 for what Prometheus has and this demo has not.
    pub fn unsupported(what: &str) -> Self {
        Self::Execution(format!("{what} is not supported by the demo's PromQL"))
    }
}
