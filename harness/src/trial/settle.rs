//! The steady state: reached within a bound, or the trial proves nothing.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clients::Session;
use crate::context::TrialContext;

/// The primary must acknowledge every probe write for this long, ns.
const QUIET_WINDOW: u64 = 500_000_000;
/// Longer than any healthy set needs by far.
const WITHIN: Duration = Duration::from_secs(15);

/// Waits until the set is steady and every client is connected. `Err` says what was missing.
pub async fn settle(context: &TrialContext, sessions: &[Session], replicas: usize, cancel: &CancellationToken) -> Result<(), String> {
    let steady = until(context, || unsteady(context).next().is_none() && context.live.linked_replicas() == replicas);
    let connected = async {
        for session in sessions {
            session.connected().await;
        }
    };
    let both = async { tokio::join!(steady, connected) };
    match cancel.run_until_cancelled(tokio::time::timeout(WITHIN, both)).await {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(_)) => Err(missing(context, sessions, replicas)),
    }
}

/// Waits until every replica gets what its primary writes, within a bound: whether it came to that is asked by [`settle`]. A primary sends nothing before the
/// first word of a replica that has its data, up to a second after both call it in sync.
pub async fn replicating(context: &TrialContext, replicas: usize, cancel: &CancellationToken) {
    let linked = until(context, || context.live.linked_replicas() == replicas);
    let _ = cancel.run_until_cancelled(tokio::time::timeout(WITHIN, linked)).await;
}

async fn until(context: &TrialContext, reached: impl Fn() -> bool) {
    loop {
        // Registered before the look, so that no change between look and wait is missed.
        let changed = context.live.changed();
        if reached() {
            return;
        }
        changed.await;
    }
}

/// The shards without a steady primary, with their nodes.
fn unsteady(context: &TrialContext) -> impl Iterator<Item = (u32, Vec<u16>)> {
    let shards = context.roster.shards().map(|shard| (shard, context.roster.of_shard(shard).map(|member| member.index).collect()));
    shards.filter(|(_, nodes): &(u32, Vec<u16>)| !context.live.steady_primary(QUIET_WINDOW, nodes))
}

fn missing(context: &TrialContext, sessions: &[Session], replicas: usize) -> String {
    let mut missing = Vec::new();
    for (shard, nodes) in unsteady(context) {
        let why = context.live.refusal(&nodes).and_then(|(node, why)| {
            let name = context.roster.data().find(|member| member.index == node)?.node.name.clone();
            Some(format!(" (the last refusal of {name}: {})", why.as_str()))
        });
        let of_shard = if context.roster.cluster { format!(" of shard {shard}") } else { String::new() };
        missing.push(format!(
            "no primary{of_shard} accepted every probe write for {:?}{}",
            Duration::from_nanos(QUIET_WINDOW),
            why.unwrap_or_default()
        ));
    }
    let linked = context.live.linked_replicas();
    if linked != replicas {
        missing.push(format!("{linked} of {replicas} replicas linked"));
    }
    let unconnected = sessions.iter().filter(|session| !session.is_connected()).count();
    if unconnected > 0 {
        missing.push(format!("{unconnected} of {} clients had no connection", sessions.len()));
    }
    format!("not within {WITHIN:?}: {}", missing.join("; "))
}
