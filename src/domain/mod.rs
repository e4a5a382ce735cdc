//! Plain facts about what runs where, without behaviour of their own.
//!
//! Every other room may import this one; it imports nothing of the crate and no
//! Kubernetes type. Facts are slim: they hold what some pane shows and nothing
//! else, because a cluster may have 50,000 pods.

pub mod alert;
pub mod backup;
pub mod environment;
pub mod freeze;
pub mod graph;
pub mod id;
pub mod level;
pub mod link;
pub mod meta;
pub mod network;
pub mod node;
pub mod pod;
pub mod pod_detail;
pub mod selector;
pub mod sync;
pub mod sync_detail;
pub mod sync_window;
pub mod time;
pub mod traffic;
pub mod upstream;
pub mod workload;
