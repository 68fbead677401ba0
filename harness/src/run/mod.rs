//! One run: all trials of an experiment or of the cells of a matrix, from the results folder to its reports.

mod concurrency;
mod environment;
mod execute;
mod folder;
mod interrupt;
mod judge;
mod matrix;
mod outcome;
mod pool;
mod record;
mod repeats;
mod session;
mod until;

pub use concurrency::Jobs;
pub use execute::{CellOrder, Order, execute};
pub use folder::Folder;
pub use interrupt::Interrupt;
pub use matrix::{CellRecord, MatrixRecord};
pub use outcome::{Outcome, analyze, report};
pub use record::RunRecord;
pub use repeats::Repeats;
pub use session::Directive;
pub use until::Goal;
