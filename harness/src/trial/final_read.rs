//! What the owners of the keys hold after the clients stopped.

use std::sync::Arc;
use std::time::Duration;

use redquake_experiments::spec::{Selector, SlotRanges, WantedRole, Workload};
use redquake_reports::history::NoteKind;
use redquake_topologies::runtime::NodeAddress;

use crate::clients::{Following, Timeouts, claims, open, owners};
use crate::context::{Keys, TrialContext};
use crate::databases::Database;
use crate::faults::{Liveness, resolve};
use crate::workloads::{self, Common, stream_of};

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(500), response: Duration::from_secs(2) };

/// Reads what every workload left, each key from the node that owns it now, and what is in the databases; and records it.
pub async fn final_read(context: &TrialContext, workloads: &[Workload], databases: &[Option<Arc<dyn Database>>]) {
    for (address, keys) in if context.roster.cluster { of_slots(context).await } else { of_primary(context).await } {
        for (workload, index) in workloads.iter().zip(0u16..) {
            read(context, workload, &common(context, workload, index, keys.clone(), databases), address).await;
        }
    }
    for (workload, index) in workloads.iter().zip(0u16..) {
        let (reading, common) = (workload.clone(), common(context, workload, index, context.roster.keys.clone(), databases));
        // On threads of the lab: a database may be a node of it.
        if let Err(error) = context.control.spawn(async move { workloads::final_ledger(&reading, &common).await }).await {
            context.recorder.note(NoteKind::Remark, format!("the database of `{}` could not be read: {error}", workload.name));
        }
    }
}

/// The primary, which has every key.
async fn of_primary(context: &TrialContext) -> Vec<(NodeAddress, Keys)> {
    let found = resolve(&Selector::role(WantedRole::Primary), Liveness::Running, context, &mut stream_of(context.seed, 0)).await;
    let found = found.ok().and_then(|members| members.into_iter().next());
    if found.is_none() {
        context.recorder.note(NoteKind::Remark, "no primary answered the final read");
    }
    found.map(|member| (member.node.address, context.roster.keys.clone())).into_iter().collect()
}

/// The owners of slots, each with the keys in its slots; what nobody owns is told.
async fn of_slots(context: &TrialContext) -> Vec<(NodeAddress, Keys)> {
    let owners = owners(claims(context).await);
    let owned = SlotRanges::new(owners.iter().flat_map(|owner| owner.slots.iter()).collect());
    for shard in context.roster.shards().filter(|shard| !context.roster.keys.lie_within(*shard, &owned)) {
        context.recorder.note(NoteKind::Remark, format!("no primary of shard {shard} answered the final read"));
    }
    owners.into_iter().map(|owner| (owner.member.node.address, context.roster.keys.within(owner.slots))).collect()
}

fn common(context: &TrialContext, workload: &Workload, index: u16, keys: Keys, databases: &[Option<Arc<dyn Database>>]) -> Common {
    let (recorder, timeout) = (context.recorder.clone(), workload.timeout.to_std());
    let database = databases.get(usize::from(index)).cloned().flatten();
    Common { index, seed: context.seed, clock: context.clock, recorder, timeout, keys, database }
}

async fn read(context: &TrialContext, workload: &Workload, common: &Common, address: NodeAddress) {
    let (reading, common, cluster) = (workload.clone(), common.clone(), context.roster.cluster);
    let reading = context.control.spawn(async move {
        let mut connection = open(address, TIMEOUTS).await?;
        if cluster {
            // Clients have stopped: a node that refuses reads because another shard is down is to tell all the same what it holds. Where it
            // cannot be told to, the reads say what is wrong.
            let allow = redis::cmd("CONFIG").arg("SET").arg("cluster-allow-reads-when-down").arg("yes").take();
            let _ = allow.query_async::<()>(&mut connection).await;
        }
        // A slot may still be on its way: the owner says where keys are that it no longer has.
        workloads::final_read(&reading, &common, &mut Following::new(connection, TIMEOUTS)).await
    });
    let problem = match reading.await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(problem) = problem {
        context.recorder.note(NoteKind::Remark, format!("the final read of `{}` failed: {problem}", workload.name));
    }
}
