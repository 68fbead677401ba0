//! How a history is stored: one JSON object a line, in independent zstd frames.
//!
//! A frame ends at the end of a line, so a file cut anywhere is readable up to the last complete frame, and further
//! as far as zstd hands out complete blocks of the frame that was cut.

mod checksum;
mod error;
mod kinds;
mod line;
mod lines;
mod reader;
mod writer;

use checksum::Checksum;
pub use error::HistoryError;
pub use reader::{Ending, Reader};
pub use writer::Writer;

/// Longest line, in bytes, that is written or read. The longest real line is the header, which carries the plan.
pub const MAX_LINE: usize = 4 << 20;
