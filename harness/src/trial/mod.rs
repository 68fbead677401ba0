//! One trial: from an empty machine to a closed history, and back to an empty machine.

mod clock;
mod failpoint;
mod final_read;
mod live;
mod perform;
mod recorder;
mod roster;
mod settle;
mod stage;
mod watch;

pub use clock::Clock;
pub use live::Strain;
pub use perform::{Performed, TrialRequest, perform};
pub use recorder::Recorder;
pub use roster::{Member, Roster};
pub use stage::Stage;
pub use watch::Watch;
