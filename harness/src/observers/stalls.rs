//! The tool watches itself: a loop that is late cannot be trusted with milliseconds.

use std::time::Duration;

use redquake_reports::history::{Event, Stall};
use redquake_topologies::namespace::Zone;

use crate::context::Watch;

const EVERY: Duration = Duration::from_millis(10);
/// Lateness from which a stall is recorded; what it means is for the analysis to say.
const WORTH_RECORDING: Duration = Duration::from_millis(5);

/// Starts watching a zone's threads; `place` names it in the history.
pub fn start(watch: &Watch, zone: &Zone, place: &str) {
    let place = place.to_owned();
    let (clock, recorder) = (watch.clock, watch.recorder.clone());
    watch.spawn(zone, async move {
        loop {
            let due = tokio::time::Instant::now() + EVERY;
            tokio::time::sleep_until(due).await;
            let late = due.elapsed();
            if late >= WORTH_RECORDING {
                let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
                recorder.record(Event::Stall(Stall { at: clock.now(), late, place: place.clone() }));
            }
        }
    });
}
