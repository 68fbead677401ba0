//! One run: all trials of an experiment, from the results folder to its reports.

mod environment;
mod execute;
mod folder;
mod interrupt;
mod judge;
mod lanes;
mod record;

pub use execute::{Order, execute};
pub use folder::Folder;
pub use interrupt::Interrupt;
pub use judge::{judge, write_reports};
pub use lanes::Jobs;
pub use record::RunRecord;
