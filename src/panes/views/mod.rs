//! The views that open on top of the Bridge: logs, texts, events, a rollout, a
//! pod, a node. Each is a [`crate::panes::Pane`] with its own state; what they ask for
//! comes back as answers to numbered questions, and answers to numbers that are
//! no longer theirs are left to nobody.
//!
//! They are made of the parts beside them: [`painted`] lines, a [`scroll`]
//! window, a [`search`], a [`page`] of lines and rows, a [`feed`] of answers.

pub mod alert;
pub mod choose;
pub mod document;
pub mod events;
mod explain;
pub mod favourites;
pub mod feed;
pub mod graph;
pub mod journal;
pub mod logs;
pub mod node;
pub mod page;
pub mod painted;
pub mod pod;
pub mod rollout;
pub mod scroll;
pub mod search;
pub mod sync;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod words;
