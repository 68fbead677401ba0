//! What every runtime offers: a lab with a private network, nodes on it, and a zone where clients live.

mod contract;
mod error;

pub use contract::{
    Announce, DATA_PORT, Lab, LabNode, LabRequest, NodeAddress, NodeFile, NodeSpec, Owner, Runtime, RuntimeInfo, SENTINEL_PORT,
    ServerSource, Signal,
};
pub use error::RuntimeError;
