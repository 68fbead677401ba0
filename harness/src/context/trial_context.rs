//! What a running trial consists of; faults and final reads work on it.

use std::sync::Arc;

use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::Lab;

use super::{Clock, OverrideStack, Recorder, Roster, live::Live};

/// The servers, the clock and the record of a running trial.
pub struct TrialContext {
    /// Seed of the trial.
    pub seed: u64,
    /// Its clock.
    pub clock: Clock,
    /// Where everything is recorded.
    pub recorder: Recorder,
    /// The nodes.
    pub roster: Arc<Roster>,
    /// What is known right now.
    pub live: Arc<Live>,
    /// The lab.
    pub lab: Arc<dyn Lab>,
    /// Threads on the lab network for the tool's own questions, apart from the load.
    pub control: Zone,
    /// What faults that may overlap have done to its nodes.
    pub standing: ActiveOverrides,
}

/// What faults have done to nodes and not yet reverted.
#[derive(Debug, Default)]
pub struct ActiveOverrides {
    /// Processes that are stopped.
    pub stopped: OverrideStack<()>,
    /// Disks that are full.
    pub full: OverrideStack<()>,
    /// Clients that are held back.
    pub held: OverrideStack<()>,
    /// Directives, in the server's own words.
    pub settings: OverrideStack<String>,
    /// Clocks, by how many nanoseconds each fault set them ahead.
    pub clocks: OverrideStack<i64>,
}
