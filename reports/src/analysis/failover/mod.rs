//! Who became primary, and what the time until then was spent on. Definitions: docs/definitions.md.

mod anatomy;
mod cluster;
mod isolation;
mod message;
mod obstacle;
mod promotions;
mod vacancy;

pub use anatomy::{Anatomy, Known, anatomy};
pub use cluster::{Contest, cluster_anatomy};
pub use isolation::isolated;
pub use message::Message;
pub use obstacle::{Loss, Obstacle, obstacle};
pub use promotions::{Promotion, Sources, promotions};
pub use vacancy::{Vacancy, vacancy};
