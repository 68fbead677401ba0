//! Looking at nodes until nothing is missing.

use std::time::Duration;

use tokio::time::Instant;

use super::info::Info;

/// Pause between two looks at nodes that are not ready yet.
const LOOK: Duration = Duration::from_millis(5);

/// What each node says, by name.
pub(crate) type Infos = Vec<(String, Info)>;

/// What is missing, by node; empty when nothing is.
pub(crate) type Lacks = Vec<(String, String)>;

/// One look at some nodes.
pub(crate) trait Check: Send + 'static {
    fn look(&mut self) -> impl Future<Output = Result<Infos, Lacks>> + Send;
}

/// Looks until nothing is missing or the time is over.
pub(crate) async fn look<C: Check>(mut check: C, deadline: Instant) -> Result<Infos, Lacks> {
    let mut lacks = Vec::new();
    loop {
        match tokio::time::timeout_at(deadline, check.look()).await {
            Ok(Ok(infos)) => return Ok(infos),
            Ok(Err(missing)) => lacks = missing,
            Err(_) => return Err(lacks),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// All results, or all that failed.
pub(crate) fn all<T>(results: Vec<Result<T, (String, String)>>) -> Result<Vec<T>, Lacks> {
    let (good, bad): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let lacks: Lacks = bad.into_iter().filter_map(Result::err).collect();
    if lacks.is_empty() { Ok(good.into_iter().filter_map(Result::ok).collect()) } else { Err(lacks) }
}
