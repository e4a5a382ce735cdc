//! The real program in a pseudo terminal, read through an emulator: it starts,
//! draws, takes keys and sizes, and whatever ends it, the terminal is given back.
//!
//! Nothing here sleeps: every step waits for what it needs to see.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not seen as tests")]

mod changes;
mod ends;
mod looks;
mod others;
mod panics;
mod program;
mod sizes;
