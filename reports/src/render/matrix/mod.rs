//! How the cells of a matrix are shown side by side: pure functions from the document to text.

mod figures;
mod junit;
mod metrics;
mod page;
mod plane;
mod summary;
mod terminal;
mod words;

pub use junit::render as junit;
pub use metrics::prometheus;
pub use metrics::render as metrics;
pub use page::render as html;
pub use summary::render as summary;
pub use terminal::render as terminal;
