//! What it meant: the history of a trial, its analysis, the verdict and the rendered reports.
//!
//! Pure: no sockets, no clock, no processes. The history is the only thing analysis sees.

pub mod analysis;
pub mod history;
pub mod number;
pub mod render;
pub mod result;
#[cfg(feature = "testing")]
pub mod testing;
