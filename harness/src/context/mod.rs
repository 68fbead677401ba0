//! What everybody in a trial shares: its clock, its servers, its history, and what is known of both while it runs.

mod budget;
mod clock;
mod conduct;
pub mod failpoint;
mod keys;
mod live;
mod override_stack;
pub mod recorder;
mod roster;
mod trial_context;
mod watch;

pub use budget::{Budget, Within};
pub use clock::Clock;
pub use conduct::Conduct;
pub use keys::Keys;
pub use live::{Live, MachineLoad};
pub use override_stack::{OverrideId, OverrideStack};
pub use recorder::Recorder;
pub use roster::{Member, Roster};
pub use trial_context::{ActiveOverrides, TrialContext};
pub use watch::Watch;
