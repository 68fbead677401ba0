//! How clients reach the servers, and what their errors mean.

mod classify;
mod connect;
mod session;

pub use classify::{Reading, classify};
pub use connect::{MASTER_NAME, Timeouts, open};
pub use session::Session;
