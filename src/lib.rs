//! Pilothouse.
#![forbid(unsafe_code)]
pub mod action;
pub mod demo;
pub mod domain;
pub mod effect;
pub mod error;
pub mod msg;
pub mod text;
pub mod world;
pub mod theme;
pub mod yaml;
