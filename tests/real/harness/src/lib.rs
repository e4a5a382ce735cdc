//! Real servers for Pilothouse's tests: etcd, the Kubernetes API server and its controllers, KWOK and more, started
//! on free loopback ports, ready when handed out, and ended by process id whatever becomes of the test.
//!
//! ```no_run
//! # async fn example() -> eyre::Result<()> {
//! let cluster = ground::Cluster::start().with_kwok().await?;
//! let shop = cluster.namespace("shop").await?;
//! cluster.kubectl(&["-n", &shop, "create", "deployment", "cart", "--image=cart:1.30.0"])?;
//! # Ok(()) }
//! ```
//!
//! The programs come from `tests/real/build`. A server that is missing or does not start is an error with what it
//! said last, never a skipped test.
#![forbid(unsafe_code)]

pub mod argocd;
pub mod audit;
mod clerk;
pub mod cluster;
mod copy;
pub mod exporter;
mod folder;
pub mod git;
mod keeper;
pub mod kubectl;
pub mod kwok;
pub mod people;
pub mod ports;
mod programs;
pub mod prometheus;
pub mod proxy;
pub mod relay;
pub mod rollouts;
pub mod seed;
mod server;
mod upstreams;
pub mod velero;

pub use cluster::{Cluster, Start};
pub use programs::built;
