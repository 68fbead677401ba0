//! `report.html`: one file that needs nothing else, readable with scripts and style sheets blocked.

mod anatomy;
mod anomaly_rows;
mod classes;
mod columns;
mod fallback;
mod fit;
mod lanes;
mod page;
mod phase;
pub(super) mod scale;
mod series;
mod shards;
mod strip;
pub(super) mod svg;
pub(super) mod tables;
mod tiles;
mod timeline;
mod trials;

pub use fit::{MAX_BYTES, render};
