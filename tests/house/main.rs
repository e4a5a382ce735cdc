//! The house rules: what ARCHITECTURE.md promises is held against the code.
//!
//! Sources are read as Rust tokens, so neither comments nor texts are mistaken
//! for code, and what is compiled for tests only is left out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod pages;
mod registry;
mod rules;
mod tree;
