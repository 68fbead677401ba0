//! At which phase of the servers' timers a trial begins its schedule.
//!
//! Servers do much once a second, counted from their own start. A fault at a fixed time after a quick start would meet these timers in one
//! phase, and a run would measure that phase alone. So each trial begins its baseline window, and with it every fault, at a phase
//! of its own.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Plan, TrialPlan, trial_seed};
use crate::spec::Duration;

/// The golden ratio as a share of 2⁶⁴: multiples of it, taken modulo one, cover the window evenly however many there are.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Plan {
    /// The window the phases of the trials are drawn from, ns. 0: the baseline begins as soon as the servers are steady. Plans from before
    /// there was a jitter have none.
    pub fn window(&self) -> u64 {
        self.experiment.jitter.map_or(0, Duration::as_nanos)
    }

    /// The trial after those that are planned already. A repeat takes the place of the trial it repeats, and so its phase.
    pub fn next_trial(&self, repeats: Option<u32>) -> TrialPlan {
        let index = u32::try_from(self.trials.len() + 1).unwrap_or(u32::MAX);
        let repeated = self.trials.iter().find(|trial| Some(trial.index) == repeats);
        let phase = repeated.map_or_else(|| phase(self.seed, index, self.window()), |trial| trial.phase);
        TrialPlan { index, seed: trial_seed(self.seed, index), phase, repeats }
    }

    /// How long a trial waits for its phase once so much time has passed since its servers were ready, ns.
    pub fn wait(&self, trial: &TrialPlan, since_ready: u64) -> u64 {
        let window = self.window();
        if window == 0 { 0 } else { (trial.phase % window + (window - since_ready % window)) % window }
    }
}

/// Phase of a trial in a window, from the run's seed and the trial's index: the first is drawn, each further one lies a golden section on.
/// It does not depend on anything else, so the trials of one number have the same phase in all cells of a matrix.
pub(super) fn phase(seed: u64, index: u32, window: u64) -> u64 {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(b"phases\0\0");
    let first = ChaCha8Rng::from_seed(key).next_u64();
    let share = first.wrapping_add(u64::from(index).wrapping_mul(GOLDEN));
    // A share of 2⁶⁴ times the window, less than the window.
    u64::try_from((u128::from(share) * u128::from(window)) >> 64).unwrap_or_default()
}
