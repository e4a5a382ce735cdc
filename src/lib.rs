//! Pilothouse.
#![forbid(unsafe_code)]
pub mod action;
pub mod demo;
pub mod domain;
pub mod effect;
pub mod error;
pub mod fleet;
pub mod keymap;
pub mod layout;
pub mod look;
pub mod msg;
pub mod panes;
pub mod shared;
pub mod state;
pub mod text;
pub mod theme;
pub mod update;
pub mod view;
pub mod widgets;
pub mod world;
pub mod yaml;
