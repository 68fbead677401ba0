//! What every runtime offers: a lab with a private network, nodes on it, and a zone where clients live.

mod contract;
mod error;
mod owner;

pub use contract::{
    Announce, DATA_PORT, Lab, LabNode, LabRequest, NodeAddress, NodeFile, NodeSpec, Runtime, RuntimeInfo, SENTINEL_PORT, ServerSource,
    Signal,
};
pub use error::RuntimeError;
pub use owner::Owner;
pub(crate) use owner::start_time;
