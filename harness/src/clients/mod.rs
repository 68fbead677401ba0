//! How clients reach the servers, and what their errors mean.

mod classify;
mod connect;
mod connection;
mod detour;
mod find;
mod follow;
mod owners;
mod session;

pub use classify::{Reading, classify};
pub use connect::{MASTER_NAME, Timeouts, open};
pub use connection::Connection;
pub use detour::{Detour, detour};
pub use follow::Following;
pub use owners::{Claim, claims, owners};
pub use session::{Link, Session};
