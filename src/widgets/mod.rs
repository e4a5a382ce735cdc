//! Parts that know no facts: a cursor on changing rows, a strip of text, bars.

pub mod bar;
pub mod cursor;
pub mod strip;
