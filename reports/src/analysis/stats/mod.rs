//! Many samples made into one, and how sure that is.

mod aggregate;
mod bootstrap;
mod difference;
mod proportion;
mod sawtooth;
mod summary;

pub use aggregate::{Bounds, aggregate, max, wanted};
pub use bootstrap::{LEAST, median_interval, precision};
pub use difference::{difference, interval};
pub use proportion::share;
pub use sawtooth::{Sawtooth, sawtooth};
pub use summary::{is_rare, summarise};
