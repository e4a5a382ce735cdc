//! What follows from the settings and the world for environments and apps:
//! which environments there are, how each one stands (its card), which apps
//! run in them, at which release (the matrix), and how traffic reaches an app.
//!
//! Pure: settings and [`crate::world::World`] in, plain data out, no clock but
//! the one handed in. It knows nothing of panes, keys or the terminal. The
//! state keeps the results and the panes and `report` draw them.

pub mod alerts;
pub mod apps;
pub mod backups;
pub mod cards;
pub mod destination;
pub mod environments;
pub mod follow;
pub mod follow_facts;
pub mod freshness;
pub mod graphs;
pub mod health;
pub mod image;
pub mod marks;
pub mod matrix;
pub mod network;
pub mod promql;
pub mod provider;
pub mod queries;
pub mod release;
pub mod rollouts;
pub mod sync;
pub mod sync_tree;
pub mod sync_truth;
pub mod traffic;
pub mod upstreams;
pub mod wanted;
pub mod windows;
pub mod words;

#[cfg(test)]
pub(crate) mod testing;

pub use backups::Backups;
pub use cards::{Basis, Card, Cards, Share};
pub use environments::{environments, fingerprint, follow};
pub use freshness::Freshness;
pub use graphs::{Graphs, Surveyed};
pub use health::{Health, Standing};
pub use matrix::Matrix;
pub use network::{Endpoints, Route, network, services_of};
pub use provider::{Platform, Provider, platform};
pub use release::{Cell, Relation, Rolling, Row, worst};
pub use sync::{Delivery, SyncCounts, Syncs};
pub use upstreams::Upstreams;
pub use wanted::{Wanted, WantedApp, WantedEnvironment, WantedStage};
