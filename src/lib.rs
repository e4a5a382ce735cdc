//! Pilothouse.
pub mod demo;
