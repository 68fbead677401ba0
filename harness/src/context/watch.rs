//! What probes and observers share: the clock, the record, and when to end.

use redquake_topologies::namespace::Zone;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Clock, Recorder};

/// Tasks that watch the servers until the trial ends.
pub struct Watch {
    /// The clock of the trial.
    pub clock: Clock,
    /// Where everything is recorded.
    pub recorder: Recorder,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Watch {
    /// Nothing is watched yet.
    pub fn new(clock: Clock, recorder: Recorder) -> Self {
        Self { clock, recorder, tasks: TaskTracker::new(), stop: CancellationToken::new() }
    }

    /// Runs a task on a zone's threads until the watch ends.
    pub fn spawn(&self, zone: &Zone, task: impl Future<Output = ()> + Send + 'static) {
        zone.spawn(self.tasks.track_future(self.stop.clone().run_until_cancelled_owned(task)));
    }

    /// Ends every task and waits for it.
    pub async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
