//! Observers: what the Sentinels publish and what the data nodes say of themselves, on the trial's clock.

mod roles;
mod sentinels;
mod stalls;

pub use roles::start as roles;
pub use sentinels::start as sentinels;
pub use stalls::start as stalls;
