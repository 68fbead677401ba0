//! `report.html`: one file that needs nothing else, readable with scripts and style sheets blocked.

mod anatomy;
mod classes;
mod columns;
mod fit;
mod lanes;
mod page;
mod scale;
mod series;
mod strip;
mod svg;
mod tables;
mod timeline;
mod trials;

pub use fit::{MAX_BYTES, render};
