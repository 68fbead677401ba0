//! Observers: what the Sentinels publish, what the nodes of a Cluster see and decide, and what data nodes say of themselves, on the
//! trial's clock.

mod cluster;
mod cluster_log;
mod cluster_logs;
mod last_words;
mod objects;
mod often;
mod roles;
mod sentinels;
mod stalls;

pub use cluster::start as cluster;
pub use cluster_logs::read as cluster_logs;
pub use objects::start as objects;
pub use roles::start as roles;
pub use sentinels::start as sentinels;
pub use stalls::start as stalls;
