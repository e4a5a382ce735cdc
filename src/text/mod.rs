//! Text: foreign strings made harmless, widths in terminal cells, and the way we write times and amounts.
//!
//! Every string that did not come from our own binary passes [`clean`], [`clean_lines`] or [`log_line`] at the
//! place where it enters (a decoder in a source, a file reader), so that the rest of the program may draw it as
//! it is. After that, panes cut and align it with [`fit`], [`pad`] and their siblings, which measure as the
//! screen buffer does. This room knows no facts, no panes and no colours but those a log line itself carries.

mod amount;
mod clean;
mod escape;
mod go;
mod log;
mod measure;
#[cfg(test)]
mod props;
mod units;

pub use amount::{Scale, Unit};
pub use clean::{clean, clean_lines};
pub use go::go_seconds;
pub use log::log_line;
pub use measure::{asciify, cell, cell_end, fit, fit_end, fit_middle, pad, pad_start, width};
pub use units::{age, age_short, bytes, count, cpu_milli, duration_words, percent};
