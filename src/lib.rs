//! Pilothouse: one terminal screen from which operators watch and steer
//! Kubernetes releases.
//!
//! ARCHITECTURE.md is the map of these rooms: what each is for and what it may
//! import.
#![forbid(unsafe_code)]

pub mod action;
pub mod change;
pub mod cli;
pub mod config;
pub mod connect;
pub mod cron;
pub mod demo;
pub mod domain;
pub mod effect;
pub mod error;
pub mod fleet;
pub mod journal;
pub mod keymap;
pub mod layout;
pub mod look;
pub mod msg;
pub mod panes;
pub mod picture;
pub mod report;
pub mod runtime;
pub mod shared;
pub mod sources;
pub mod state;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod update;
pub mod view;
pub mod widgets;
pub mod wire;
pub mod world;
pub mod yaml;
