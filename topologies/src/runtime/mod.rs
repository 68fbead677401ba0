//! What every runtime offers: a lab with a private network, nodes on it, and a zone where clients live.

mod contract;
mod error;
mod log;
mod objects;
mod owner;
mod state;

pub use contract::{
    Announce, Configuration, DATA_PORT, DatabaseNode, Lab, LabNode, LabRequest, LabZone, Leftover, NodeAddress, NodeFile, NodeSpec,
    Runtime, RuntimeInfo, SENTINEL_PORT, ServerSource, Signal, Sweep, Swept,
};
pub use error::{Refused, RuntimeError};
pub(crate) use log::{BoundedLog, left_out};
pub(crate) use objects::{CLIENTS_NAME, OutOfMemory, Task, zone_name};
pub use objects::{Ending, Load, ObjectKind, ObjectState, Sight};
pub(crate) use owner::start_time;
pub use owner::{Fate, Owner};
pub use state::ServerState;
pub(crate) use state::state;
