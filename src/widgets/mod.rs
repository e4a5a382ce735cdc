//! Parts that panes are made of. They know cells and themes, and no facts.

pub mod cursor;
