//! What the commands print: the same facts as tables for people and as JSON
//! for programs. Pure: it takes what `fleet` worked out and gives text; it
//! knows no terminal, no theme and no clock but the one handed in.

pub mod alerts;
pub mod backups;
pub mod checks;
pub mod journal;
pub mod plan;
pub mod status;
mod table;

pub use checks::{Check, Checks, Verdict};
pub use status::Status;
pub use table::Table;
