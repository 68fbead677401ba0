//! `stop`: `SIGTERM`, proved by the process having ended by itself and its port taking no connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use redquake_topologies::runtime::Signal;

use super::injection::{Done, Injection, NotDone};
use super::kill::gone;
use super::names::names;
use crate::context::{Member, TrialContext};

/// A server waits up to `shutdown-timeout` (10 s unless set) for replicas that lag, and may write a snapshot.
pub const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// `SIGTERM` to some nodes.
pub struct StopFault {
    targets: Vec<Member>,
}

impl StopFault {
    /// Of these nodes.
    pub fn new(targets: Vec<Member>) -> Self {
        Self { targets }
    }
}

#[async_trait]
impl Injection for StopFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let signals = self.targets.iter().map(|target| context.lab.signal(&target.node.name, Signal::Terminate));
        let mut done = Vec::new();
        for (target, sent) in self.targets.iter().zip(join_all(signals).await) {
            let (at, _) = sent.map_err(|error| error.to_string())?;
            done.push(Done { at, targets: vec![target.node.name.clone()], detail: "SIGTERM".to_owned() });
        }
        Ok(done)
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let since = Instant::now();
        let looks = self.targets.iter().map(|target| gone(context, target, since, "SIGTERM", ENDS_WITHIN));
        Ok(try_join_all(looks).await?.join("; "))
    }
}
