//! Frames of the pane and of its sheets.
