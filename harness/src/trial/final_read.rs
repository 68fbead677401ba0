//! What the primary holds after the clients stopped.

use std::sync::Arc;
use std::time::Duration;

use redquake_experiments::spec::{Selector, WantedRole, Workload};
use redquake_reports::history::NoteKind;

use super::Stage;
use crate::clients::{Timeouts, open};
use crate::databases::Database;
use crate::faults::{Among, resolve};
use crate::workloads::{self, Common, stream_of};

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(500), response: Duration::from_secs(2) };

/// Reads what every workload left on every shard and records it.
pub async fn final_read(stage: &Stage, workloads: &[Workload], databases: &[Option<Arc<dyn Database>>]) {
    for shard in stage.roster.shards() {
        of_shard(stage, workloads, databases, shard).await;
    }
}

async fn of_shard(stage: &Stage, workloads: &[Workload], databases: &[Option<Arc<dyn Database>>], shard: u32) {
    let primary = Selector { shard: stage.roster.cluster.then_some(shard), ..Selector::role(WantedRole::Primary) };
    let found = resolve(&primary, Among::Running, stage, &mut stream_of(stage.seed, 0)).await;
    let Some(address) = found.ok().and_then(|members| members.first().map(|member| member.node.address)) else {
        let whose = if stage.roster.cluster { format!(" of shard {shard}") } else { String::new() };
        stage.recorder.note(NoteKind::Remark, format!("no primary{whose} answered the final read"));
        return;
    };
    for (workload, index) in workloads.iter().zip(0u16..) {
        let (recorder, timeout) = (stage.recorder.clone(), workload.timeout.to_std());
        let (keys, database) = (stage.roster.keys.only(shard), databases.get(usize::from(index)).cloned().flatten());
        let common = Common { index, seed: stage.seed, clock: stage.clock, recorder, timeout, keys, database };
        let reading = workload.clone();
        let reading = stage.control.spawn(async move {
            let mut connection = open(address, TIMEOUTS).await?;
            workloads::final_read(&reading, &common, &mut connection).await
        });
        let problem = match reading.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem {
            stage.recorder.note(NoteKind::Remark, format!("the final read of `{}` failed: {problem}", workload.name));
        }
    }
}
