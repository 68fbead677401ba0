//! PostgreSQL as a node of a lab: where it comes from and how it is started.

mod launch;
mod script;
mod software;

pub(crate) use launch::sandbox;
pub use launch::{packaged, start};
pub(crate) use script::{FILE as SCRIPT, Settings, script};
pub use software::{installed, provide};

/// Name of the node, also in rules and logs.
pub const NAME: &str = "postgres";
/// Port the server listens on.
pub const PORT: u16 = 5432;
/// The user, who owns everything and needs no password: the lab's network is its own.
pub const USER: &str = "redquake";
