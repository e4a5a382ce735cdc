//! The way from a kubeconfig to messages, against a server that fails in every way that API servers fail.
//!
//! No test sleeps or asserts times: each waits until what it claims has come.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod bench;
#[cfg(test)]
#[path = "../copied/mod.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts")]
mod copied;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod graphs;
#[cfg(test)]
mod installed;
#[cfg(test)]
mod kubeconfig;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod operated;
#[cfg(test)]
#[path = "../person/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with other tests, which use other parts")]
mod person;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod script;
#[cfg(test)]
mod sync;
#[cfg(test)]
mod velero;
