//! From an action of the file to a fault with its targets resolved, at the instant it fires.

use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use redquake_experiments::plan::PlannedFault;
use redquake_experiments::spec::Action;

use super::injection::{Injection, NotDone};
use super::links::Links;
use super::select::Among;
use super::{
    bandwidth, busy, client_crash, clients_pause, clock_jump, config_set, delay, disk_full, failover, failover_cluster, kill, loss,
    partition, party, pause, reshard, restart, select, sentinel_crash, stop,
};
use crate::context::Stage;
use crate::workloads::Crowd;

/// Resolves the targets of a fault. `index` is its place in the plan, which names what it leaves in a namespace.
pub async fn build(
    index: usize,
    planned: &PlannedFault,
    stage: &Stage,
    crowds: &[Crowd],
    random: &mut ChaCha8Rng,
) -> Result<Arc<dyn Injection>, NotDone> {
    let action = &planned.fault.action;
    let lasts = Duration::from_nanos(planned.lasts.unwrap_or_default());
    let targets = match action.target() {
        // It may be asked of whichever Sentinel answers, and finds out itself.
        Some(_) if matches!(action, Action::Failover(_)) && !stage.roster.cluster => Vec::new(),
        Some(target) if matches!(action, Action::Restart(_)) => select::resolve(target, Among::Any, stage, random).await?,
        Some(target) => select::resolve(target, Among::Running, stage, random).await?,
        None => Vec::new(),
    };
    Ok(match action {
        Action::Failover(spec) if stage.roster.cluster => Arc::new(failover_cluster::Told::new(targets, spec.mode.unwrap_or_default())),
        Action::Kill(_) => Arc::new(kill::Killing::new(targets)),
        Action::Stop(_) => Arc::new(stop::Stopping::new(targets)),
        Action::Restart(spec) => Arc::new(restart::Restarting::new(targets, spec.clone())),
        Action::Pause(_) => Arc::new(pause::Pausing::new(targets, lasts)),
        Action::Busy(spec) => Arc::new(busy::Busying::new(targets, spec.how, lasts)),
        Action::ClientsPause(spec) => Arc::new(clients_pause::Held::new(targets, spec.mode, lasts)),
        Action::ConfigSet(spec) => Arc::new(config_set::Setting::new(targets, spec.set.clone())),
        Action::SentinelCrash(spec) => Arc::new(sentinel_crash::Armed::new(targets, spec.point)),
        Action::DiskFull(_) => Arc::new(disk_full::Full::new(targets)),
        Action::Partition(spec) => Arc::new(partition::Cut::new(index, spec, stage, random).await?),
        Action::Loss(spec) => {
            let sides = (party::resolve(&spec.from, stage, random).await?, party::resolve(&spec.to, stage, random).await?);
            Arc::new(loss::Lossy::new(index, Links::between(&sides.0, &sides.1, spec.direction), spec.percent.share()))
        }
        Action::Delay(spec) => {
            let sides = (party::resolve(&spec.from, stage, random).await?, party::resolve(&spec.to, stage, random).await?);
            let links = Links::between(&sides.0, &sides.1, spec.direction);
            Arc::new(delay::Late::new(index, links, spec.delay.to_std(), spec.jitter.to_std()))
        }
        Action::Bandwidth(spec) => Arc::new(bandwidth::Narrow::new(index, targets, stage, spec.rate.bits_per_second(), spec.direction)),
        Action::ClientCrash(spec) => Arc::new(client_crash::Crash::new(spec, crowds, random)?),
        Action::ClockJump(spec) => Arc::new(clock_jump::Jump::new(targets, spec.by.as_nanos())),
        Action::Reshard(spec) => Arc::new(reshard::Moving::resolve(index, spec, stage, random).await?),
        Action::Failover(spec) => Arc::new(failover::Planned::resolve(spec.target.as_ref(), stage, random).await?),
    })
}
