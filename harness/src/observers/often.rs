//! How often nodes are asked.

use std::time::Duration;

/// Nodes one thread can ask as often as is wanted; of more, each is asked less often.
const FEW: u32 = 12;

/// The interval between two questions to each of so many nodes.
pub fn every(wanted: Duration, nodes: usize) -> Duration {
    wanted * u32::try_from(nodes).unwrap_or(u32::MAX).div_ceil(FEW).max(1)
}
