//! Many samples made into one, and how sure that is.

mod aggregate;
mod bootstrap;
mod proportion;
mod summary;

pub use aggregate::{Bounds, aggregate, max, wanted};
pub use bootstrap::{LEAST, median_interval};
pub use proportion::share;
pub use summary::{is_rare, summarise};
