//! How long the steps of a fault may take.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// Reversal has a deadline of its own, detached from the run that may have been cancelled.
const REVERT_WITHIN: Duration = Duration::from_secs(10);
/// So has what shows that it worked.
const PROVE_WITHIN: Duration = Duration::from_secs(30);
/// The same, and for a reversal, once the run was interrupted: what is not reverted by then goes with the servers, at once.
const INTERRUPTED_WITHIN: Duration = Duration::from_secs(3);

/// Ends a while after the run was interrupted.
pub async fn late(cancel: &CancellationToken) {
    cancel.cancelled().await;
    tokio::time::sleep(INTERRUPTED_WITHIN).await;
}

/// The outcome of a step, which has little time left once the run is interrupted.
pub async fn soon<T, E: From<String>>(cancel: &CancellationToken, step: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    tokio::select! {
        biased;
        ended = step => ended,
        () = late(cancel) => Err(format!("it had not ended {INTERRUPTED_WITHIN:?} after the run was interrupted").into()),
    }
}

/// A look at the effect of a fault, or at its end.
pub async fn shown(look: impl Future<Output = Result<String, String>>) -> Result<String, String> {
    tokio::time::timeout(PROVE_WITHIN, look).await.unwrap_or_else(|_| Err(format!("nothing was shown within {PROVE_WITHIN:?}")))
}

/// A reversal.
pub async fn reversed(step: impl Future<Output = Result<Instant, String>>) -> Result<Instant, String> {
    let bounded = tokio::time::timeout(REVERT_WITHIN, step).await;
    bounded.unwrap_or_else(|_| Err(format!("reversal did not end within {REVERT_WITHIN:?}")))
}
