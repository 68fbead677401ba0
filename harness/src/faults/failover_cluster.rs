//! `failover` in a Cluster: a replica is told to take its primary's place. Proved by the slots it then says it serves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redquake_experiments::spec::FailoverMode;
use redquake_topologies::cluster::known_nodes;

use super::ask::ask;
use super::injection::{Done, Injection, NotDone};
use crate::context::{Member, TrialContext};

/// A manual failover is given up after 5 s (cluster.c, `CLUSTER_MF_TIMEOUT`); a forced one needs an election.
const DONE_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// `CLUSTER FAILOVER`, told to each of these replicas.
pub struct ClusterFailoverFault {
    replicas: Vec<Member>,
    mode: FailoverMode,
}

impl ClusterFailoverFault {
    pub fn new(replicas: Vec<Member>, mode: FailoverMode) -> Self {
        Self { replicas, mode }
    }
}

#[async_trait]
impl Injection for ClusterFailoverFault {
    fn targets(&self) -> Vec<String> {
        self.replicas.iter().map(|member| member.node.name.clone()).collect()
    }

    fn is_order(&self) -> bool {
        true
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let mut done = Vec::new();
        for replica in &self.replicas {
            let mut command = redis::cmd("CLUSTER");
            command.arg("FAILOVER");
            let words = match self.mode {
                FailoverMode::Graceful => "CLUSTER FAILOVER",
                FailoverMode::Force => {
                    command.arg("FORCE");
                    "CLUSTER FAILOVER FORCE"
                }
                FailoverMode::Takeover => {
                    command.arg("TAKEOVER");
                    "CLUSTER FAILOVER TAKEOVER"
                }
            };
            let at = Instant::now();
            ask::<String>(context, &replica.node, command).await.map_err(NotDone::NoOccasion)?;
            done.push(Done { at, targets: vec![replica.node.name.clone()], detail: format!("{} agreed to {words}", replica.node.name) });
        }
        Ok(done)
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let since = Instant::now();
        let mut proofs = Vec::new();
        for replica in &self.replicas {
            let name = &replica.node.name;
            loop {
                let mut command = redis::cmd("CLUSTER");
                command.arg("NODES");
                let told = ask::<String>(context, &replica.node, command).await.unwrap_or_default();
                let serves = known_nodes(&told).into_iter().find(|node| node.is("myself") && node.is("master") && node.slots.count() > 0);
                if let Some(node) = serves {
                    let took = since.elapsed().as_secs_f64() * 1e3;
                    proofs.push(format!("{name} says that it serves {} {took:.0} ms later, in epoch {}", node.slots, node.epoch));
                    break;
                }
                if since.elapsed() > DONE_WITHIN {
                    return Err(format!("{name} agreed, and did not say that it serves any slot within {DONE_WITHIN:?}"));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(proofs.join("; "))
    }
}
