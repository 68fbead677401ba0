//! What everybody in a trial shares: its clock, its servers, its history, and what is known of both while it runs.

mod budget;
mod clock;
mod conduct;
pub mod failpoint;
mod keys;
mod layers;
mod live;
pub mod recorder;
mod roster;
mod stage;
mod watch;

pub use budget::{Budget, Within};
pub use clock::Clock;
pub use conduct::Conduct;
pub use keys::Keys;
pub use layers::{Layer, Layers};
pub use live::{Live, Strain};
pub use recorder::Recorder;
pub use roster::{Member, Roster};
pub use stage::{Stage, Standing};
pub use watch::Watch;
