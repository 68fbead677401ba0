//! One trial: from an empty machine to a closed history, and back to an empty machine.

mod budget;
mod clock;
mod crew;
mod databases;
pub mod failpoint;
mod final_read;
mod keys;
mod layers;
mod live;
mod nodes;
mod owners;
mod perform;
pub mod recorder;
mod reuse;
mod roster;
mod settle;
mod stage;
mod watch;

pub use budget::{Budget, Within};
pub use clock::Clock;
pub use keys::Keys;
pub use layers::{Layer, Layers};
pub use live::{Live, Strain};
pub use owners::{Claim, claims, owners};
pub use perform::{CLIENT_THREADS, Performed, TrialRequest, perform};
pub use recorder::Recorder;
pub use reuse::{Servers, Warm, may_be_kept};
pub use roster::{Member, Roster};
pub use stage::{Stage, Standing};
pub use watch::Watch;
