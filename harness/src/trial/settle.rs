//! The steady state: reached within a bound, or the trial proves nothing.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Stage;
use crate::clients::Session;

/// The primary must acknowledge every probe write for this long, ns.
const QUIET_WINDOW: u64 = 500_000_000;
/// Longer than any healthy set needs by far.
const WITHIN: Duration = Duration::from_secs(15);

/// Waits until the set is steady and every client is connected. `Err` says what was missing.
pub async fn settle(stage: &Stage, sessions: &[Session], replicas: usize, cancel: &CancellationToken) -> Result<(), String> {
    let steady = async {
        loop {
            // Registered before the look, so that no change between look and wait is missed.
            let changed = stage.live.changed();
            if stage.live.steady_primary(QUIET_WINDOW).is_some() && stage.live.linked_replicas() == replicas {
                return;
            }
            changed.await;
        }
    };
    let connected = async {
        for session in sessions {
            session.connected().await;
        }
    };
    let both = async { tokio::join!(steady, connected) };
    match cancel.run_until_cancelled(tokio::time::timeout(WITHIN, both)).await {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(_)) => Err(missing(stage, replicas)),
    }
}

fn missing(stage: &Stage, replicas: usize) -> String {
    let primary = match stage.live.steady_primary(QUIET_WINDOW) {
        Some(_) => "a primary accepts writes",
        None => "no primary accepted every probe write for 500 ms",
    };
    format!(
        "not steady within {WITHIN:?}: {primary}; {} of {replicas} replicas linked; or a client could not connect",
        stage.live.linked_replicas()
    )
}
