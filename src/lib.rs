//! Pilothouse.
#![forbid(unsafe_code)]
pub mod action;
pub mod demo;
pub mod domain;
