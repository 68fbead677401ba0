//! `kill`: `SIGKILL`, proved by the process being gone and its port taking no connection.

use std::time::{Duration, Instant};

use redquake_topologies::runtime::{RuntimeError, Signal};
use tokio::net::TcpStream;

use crate::trial::{Member, Stage};

/// A killed process that is still there after this is not killed.
const PROVE_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// A connection that takes longer than this on an idle lab network is not being accepted.
const ACCEPTED_WITHIN: Duration = Duration::from_millis(200);

/// Kills the target; returns the instant right before the signal was sent.
pub async fn inject(stage: &Stage, target: &Member) -> Result<Instant, RuntimeError> {
    stage.lab.signal(&target.node.name, Signal::Kill).await.map(|(before, _)| before)
}

/// Looks from both ends until both agree: the process table, and a client that tries to connect. The process may be gone from the table
/// a moment before the last of its threads lets go of the listening socket.
pub async fn prove(stage: &Stage, target: &Member, since: Instant) -> Result<String, String> {
    let name = &target.node.name;
    let gone = loop {
        if !stage.lab.alive(name).await.map_err(|error| error.to_string())? {
            break since.elapsed();
        }
        look_again(since, || format!("the process of {name} was still there")).await?;
    };
    let address = target.node.address;
    loop {
        let attempt =
            stage.control.spawn(async move { tokio::time::timeout(ACCEPTED_WITHIN, TcpStream::connect((address.ip, address.port))).await });
        let refused = match attempt.await.map_err(|error| format!("the connection attempt to {name} could not be made: {error}"))? {
            Ok(Ok(_)) => {
                look_again(since, || format!("{name} still accepted a connection on {address}")).await?;
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {ACCEPTED_WITHIN:?}"),
        };
        return Ok(format!(
            "process of {name} gone within {:.1} ms of SIGKILL; a connection to {address}: {refused}",
            gone.as_secs_f64() * 1e3
        ));
    }
}

async fn look_again(since: Instant, what: impl Fn() -> String) -> Result<(), String> {
    if since.elapsed() > PROVE_WITHIN {
        return Err(format!("{} {PROVE_WITHIN:?} after SIGKILL", what()));
    }
    tokio::time::sleep(LOOK_EVERY).await;
    Ok(())
}
