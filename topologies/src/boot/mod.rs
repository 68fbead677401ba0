//! What every bring-up needs: starting nodes, asking them until nothing is missing, and saying what was.

mod booter;
mod dial;
mod info;
mod look;
mod node;
mod refusal;
mod replication;

pub(crate) use booter::Booter;
pub use dial::Dialer;
pub(crate) use info::Info;
pub(crate) use look::{Check, Infos, Lacks, all};
pub use node::BootedNode;
pub(crate) use refusal::refused;
pub(crate) use replication::{primary_lacks, replica_lacks};
