//! What falls through a cache to the database behind it. Definitions: docs/definitions.md.

mod check;
mod hits;
mod load;
mod measure;
mod projection;
mod stampede;

pub use check::Caches;
pub use load::{DatabaseLoad, Period, Query, Served};
pub use measure::{Back, FallbackFindings, Read, measure};
pub use projection::{ASSUMES, Shares, project, shares};
