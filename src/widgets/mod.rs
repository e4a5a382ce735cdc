//! Parts that know no facts: a cursor on changing rows, a strip of text, bars, charts.

pub mod bar;
pub mod chart;
pub mod cursor;
pub mod strip;
