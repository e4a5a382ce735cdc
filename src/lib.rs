//! Pilothouse.
#![forbid(unsafe_code)]
pub mod action;
pub mod demo;
pub mod domain;
pub mod effect;
pub mod error;
pub mod msg;
pub mod text;
pub mod theme;
pub mod world;
pub mod yaml;
