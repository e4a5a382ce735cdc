//! The one way anything is changed, its files in the order in which a wish travels:
//!
//! [`intent`] what is wanted; [`gather`] fresh reads of what is; [`actions`] how a wish becomes requests; [`gates`]
//! what speaks for and against it; [`plan`] all of that on one sheet; [`confirm`] the sole maker of what may be
//! done; [`execute`] the SOLE writer; [`verify`] whether it came true. The record of it is [`crate::journal`].
//!
//! Screen and command line hand in an [`intent::Order`] and a person's answer, and are told what happens; neither can
//! send a request that changes something, and a house rule holds that nothing else of the program can.

pub mod actions;
mod ask;
pub mod confirm;
pub mod diff;
pub mod execute;
#[cfg(test)]
mod faults;
pub mod gates;
pub mod gather;
mod gauge;
pub mod guard;
pub mod intent;
mod json;
mod owners;
pub mod plan;
mod pods;
pub mod redact;
mod requests;
mod rollouts;
pub mod smoke;
pub mod standing;
#[cfg(test)]
mod testing;
mod traffic;
pub mod verify;

/// What is known of something, or why it is not: a source that is missing or silent is never taken for a good one.
pub type Known<T> = Result<T, String>;
