//! `kill`: `SIGKILL`, proved by the process being gone and its port taking no connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use redquake_topologies::runtime::Signal;
use tokio::net::TcpStream;

use super::injection::{Done, Injection, NotDone};
use super::names::names;
use crate::context::{Member, TrialContext};

/// A killed process that is still there after this is not killed.
pub const PROVE_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// A connection that takes longer than this on an idle lab network is not being accepted.
const ACCEPTED_WITHIN: Duration = Duration::from_millis(200);

/// `SIGKILL` to some nodes.
pub struct KillFault {
    targets: Vec<Member>,
}

impl KillFault {
    /// Of these nodes.
    pub fn new(targets: Vec<Member>) -> Self {
        Self { targets }
    }
}

#[async_trait]
impl Injection for KillFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let signals = self.targets.iter().map(|target| context.lab.signal(&target.node.name, Signal::Kill));
        let mut done = Vec::new();
        for (target, sent) in self.targets.iter().zip(join_all(signals).await) {
            let (at, _) = sent.map_err(|error| error.to_string())?;
            done.push(Done { at, targets: vec![target.node.name.clone()], detail: "SIGKILL".to_owned() });
        }
        Ok(done)
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let since = Instant::now();
        let looks = join_all(self.targets.iter().map(|target| gone(context, target, since, "SIGKILL", PROVE_WITHIN))).await;
        Ok(looks.into_iter().collect::<Result<Vec<_>, _>>()?.join("; "))
    }
}

/// Looks from both ends until both agree, and no longer than `within` after the signal: the process table, and a client that tries to connect. The process may be gone from the table
/// a moment before the last of its threads lets go of the listening socket.
pub async fn gone(context: &TrialContext, target: &Member, since: Instant, signal: &str, within: Duration) -> Result<String, String> {
    let name = &target.node.name;
    let gone = loop {
        if !context.lab.alive(name).await.map_err(|error| error.to_string())? {
            break since.elapsed();
        }
        look_again(since, signal, within, || format!("the process of {name} was still there")).await?;
    };
    let address = target.node.address;
    loop {
        let attempt = context
            .control
            .spawn(async move { tokio::time::timeout(ACCEPTED_WITHIN, TcpStream::connect((address.ip, address.port))).await });
        let refused = match attempt.await.map_err(|error| format!("the connection attempt to {name} could not be made: {error}"))? {
            Ok(Ok(_)) => {
                look_again(since, signal, within, || format!("{name} still accepted a connection on {address}")).await?;
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {ACCEPTED_WITHIN:?}"),
        };
        return Ok(format!(
            "process of {name} gone within {:.1} ms of {signal}; a connection to {address}: {refused}",
            gone.as_secs_f64() * 1e3
        ));
    }
}

async fn look_again(since: Instant, signal: &str, within: Duration, what: impl Fn() -> String) -> Result<(), String> {
    if since.elapsed() > within {
        return Err(format!("{} {within:?} after {signal}", what()));
    }
    tokio::time::sleep(LOOK_EVERY).await;
    Ok(())
}
