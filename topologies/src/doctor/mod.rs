//! What works on this machine, found by trying it, and what to do about the rest.

mod capabilities;
mod carried;
mod check;
mod engine;
mod examine;
mod kernel;
mod machine;
mod shaping;

pub use capabilities::capabilities;
pub use carried::exchanges;
pub use check::{Check, Status};
pub use examine::examine;
