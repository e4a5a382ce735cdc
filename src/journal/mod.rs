//! The journal: an append-only record of every change that was asked for from here. What is about to be done is
//! written, and on the disk, before the first request; then every step's outcome; then the end.
//!
//! JSON lines, a file a month (`journal/2026-11.jsonl` of the state folder), readable by their owner alone. Several
//! programs on one host append to the same file: each line is one write under a lock. Nothing here knows how a change
//! is made; secrets have been taken out before.

mod read;
mod record;
mod write;

pub use read::{Entry, Reading};
pub use record::{
    Closing, End, Gate, Intention, Local, Object, Outcome, Record, Request, StepDone, Value as Touched, Way,
    Who, With,
};
pub use write::{Held, Journal};
