//! The engine by itself, for benches: real clients, a real history on disk, and nothing beside them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redquake_experiments::plan::Plan;
use redquake_experiments::spec::{Rate, Workload};
use redquake_reports::history::{FORMAT_VERSION, Header, PhaseName};
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::Lab;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::context::{Budget, Clock, Live, Roster, recorder};
pub use crate::trial::CLIENT_THREADS;
use crate::workloads::{self, Common, Shutdown};

/// Longest wait for the connections of all clients, and for the end of what is under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// What clients are to do.
pub struct Order<'a> {
    /// A plan, of which the first workload is performed.
    pub plan: &'a Plan,
    /// Servers made for its topology, running.
    pub lab: &'a dyn Lab,
    /// Operations begun per second. One without bound means: each client begins when its previous operation has ended.
    pub rate: Rate,
    /// How long operations are begun once every client is connected.
    pub time: Duration,
    /// Where the history is to be written; must not exist.
    pub history: &'a Path,
}

/// When it was done, ns on the history's clock.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Every client was connected.
    pub from: u64,
    /// No further operation was begun.
    pub to: u64,
    /// The history was on the disk.
    pub stored: u64,
}

/// Performs the load as a trial does: the same clients on as many threads, the same recorder.
///
/// # Errors
/// What went wrong, in words.
pub async fn perform(order: &Order<'_>) -> Result<Done, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let Order { plan, lab, rate, time, history } = *order;
    let seed = plan.seed;
    let mut workload: Workload = plan.experiment.workloads.first().ok_or("the plan has no workload")?.clone();
    workload.common.rate = rate;
    let clock = Clock::start();
    let header = Header {
        format: FORMAT_VERSION,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        plan: plan.clone(),
        trial: 1,
        seed,
        began: jiff::Timestamp::now().to_string(),
        probe_every: 0,
    };
    let (recorder, writing) =
        recorder::open(history, header, clock, Arc::new(Live::default()), Budget::of_disk(Path::new("."))).map_err(|error| told(&error))?;
    let zone = Zone::open("clients", lab.client_namespace(), CLIENT_THREADS).map_err(|error| told(&error))?;
    let roster = Arc::new(Roster::new(lab.nodes(), &plan.experiment.topology));
    let ends = Shutdown { tasks: TaskTracker::new(), stop: CancellationToken::new(), close: CancellationToken::new() };
    let (timeout, keys) = (workload.timeout.to_std(), roster.keys.clone());
    let common = Common { index: 0, seed, clock, recorder: recorder.clone(), timeout, keys, database: None };
    let pool = workloads::start(&workload, common, &roster, &[&zone], &ends).map_err(|error| told(&error))?;
    let connected = async {
        for session in &pool.sessions {
            session.connected().await;
        }
    };
    tokio::time::timeout(PATIENCE, connected).await.map_err(|_| "not every client found its primary")?;
    let from = recorder.phase(PhaseName::Baseline);
    tokio::time::sleep(time).await;
    let to = recorder.phase(PhaseName::Stop);
    drop(pool);
    ends.stop.cancel();
    ends.tasks.close();
    tokio::time::timeout(PATIENCE, ends.tasks.wait()).await.map_err(|_| "some operations did not end")?;
    ends.close.cancel();
    drop(recorder);
    tokio::task::spawn_blocking(|| writing.finish()).await.map_err(|error| told(&error))?.map_err(|error| told(&error))?;
    let stored = clock.now();
    zone.close(PATIENCE).await;
    Ok(Done { from, to, stored })
}
