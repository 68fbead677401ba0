//! From an action of the file to a fault with its targets resolved, at the instant it fires.

use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use redquake_experiments::plan::PlannedFault;
use redquake_experiments::spec::Action;

use super::injection::{Injection, NotDone};
use super::links::Links;
use super::select::Liveness;
use super::{
    bandwidth, busy, client_crash, clients_pause, clock_jump, config_set, delay, disk_full, endpoint, failover, failover_cluster, kill,
    loss, partition, pause, reshard, restart, select, sentinel_crash, stop,
};
use crate::context::TrialContext;
use crate::workloads::ClientPool;

/// Resolves the targets of a fault. `index` is its place in the plan, which names what it leaves in a namespace.
pub async fn build(
    index: usize,
    planned: &PlannedFault,
    context: &TrialContext,
    pools: &[ClientPool],
    random: &mut ChaCha8Rng,
) -> Result<Arc<dyn Injection>, NotDone> {
    let action = &planned.fault.action;
    let lasts = Duration::from_nanos(planned.lasts.unwrap_or_default());
    let targets = match action.target() {
        // It may be asked of whichever Sentinel answers, and finds out itself.
        Some(_) if matches!(action, Action::Failover(_)) && !context.roster.cluster => Vec::new(),
        Some(target) if matches!(action, Action::Restart(_)) => select::resolve(target, Liveness::Any, context, random).await?,
        Some(target) => select::resolve(target, Liveness::Running, context, random).await?,
        None => Vec::new(),
    };
    Ok(match action {
        Action::Failover(spec) if context.roster.cluster => {
            Arc::new(failover_cluster::ClusterFailoverFault::new(targets, spec.mode.unwrap_or_default()))
        }
        Action::Kill(_) => Arc::new(kill::KillFault::new(targets)),
        Action::Stop(_) => Arc::new(stop::StopFault::new(targets)),
        Action::Restart(spec) => Arc::new(restart::RestartFault::new(targets, spec.clone())),
        Action::Pause(_) => Arc::new(pause::PauseFault::new(targets, lasts)),
        Action::Busy(spec) => Arc::new(busy::BusyFault::new(targets, spec.how, lasts)),
        Action::ClientsPause(spec) => Arc::new(clients_pause::ClientsPauseFault::new(targets, spec.mode, lasts)),
        Action::ConfigSet(spec) => Arc::new(config_set::ConfigSetFault::new(targets, spec.set.clone())),
        Action::SentinelCrash(spec) => Arc::new(sentinel_crash::SentinelCrashFault::new(targets, spec.point)),
        Action::DiskFull(_) => Arc::new(disk_full::DiskFullFault::new(targets)),
        Action::Partition(spec) => Arc::new(partition::PartitionFault::new(index, spec, context, random).await?),
        Action::Loss(spec) => {
            let sides = (endpoint::resolve(&spec.from, context, random).await?, endpoint::resolve(&spec.to, context, random).await?);
            Arc::new(loss::LossFault::new(index, Links::between(&sides.0, &sides.1, spec.direction), spec.percent.share()))
        }
        Action::Delay(spec) => {
            let sides = (endpoint::resolve(&spec.from, context, random).await?, endpoint::resolve(&spec.to, context, random).await?);
            let links = Links::between(&sides.0, &sides.1, spec.direction);
            Arc::new(delay::DelayFault::new(index, links, spec.delay.to_std(), spec.jitter.to_std()))
        }
        Action::Bandwidth(spec) => {
            Arc::new(bandwidth::BandwidthFault::new(index, targets, context, spec.rate.bits_per_second(), spec.direction))
        }
        Action::ClientCrash(spec) => Arc::new(client_crash::ClientCrashFault::new(spec, pools, random)?),
        Action::ClockJump(spec) => Arc::new(clock_jump::ClockJumpFault::new(targets, spec.by.as_nanos())),
        Action::Reshard(spec) => Arc::new(reshard::ReshardFault::resolve(index, spec, context, random).await?),
        Action::Failover(spec) => Arc::new(failover::FailoverFault::resolve(spec.target.as_ref(), context, random).await?),
    })
}
