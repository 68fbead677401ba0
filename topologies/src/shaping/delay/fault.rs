//! The fault itself, by whichever path serves here.

use std::time::Duration;

use redquake_experiments::plan::DelayPath;

use super::super::site::site;
use super::super::tc::{self, Refused, Shape};
use crate::namespace::Namespace;
use crate::rules::Traffic;
use crate::runtime::RuntimeError;

/// Longest delay, jitter included.
const LONGEST: Duration = Duration::from_secs(60);

/// Packets to delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    /// Delay of a packet, one way, on average.
    pub delay: Duration,
    /// Most by which it is longer or shorter, each packet for itself, so packets overtake each other. At most `delay`.
    pub jitter: Duration,
    /// Which packets: with `Both`, a round trip takes twice the delay longer.
    pub traffic: Vec<Traffic>,
}

/// What a delay has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// By which path.
    pub path: DelayPath,
    /// Packets that were made to wait on the way to the peers. With netem: all packets that passed the link that way.
    pub to: u64,
    /// Likewise on the way from the peers.
    pub from: u64,
    /// Packets lost because too many were waiting, 65536 at a time.
    pub dropped: u64,
    /// By how much the latest packet was later than it should have been; `None` with netem, which does not say.
    pub latest: Option<Duration>,
    /// Whether packets do wait; false when the thread that holds them has died, so that they pass at once.
    pub serves: bool,
}

/// Begins to delay. Says by which path, which is found out by trying.
///
/// A delay has to be removed before its lab is closed: until then, the thread that holds packets keeps the namespace.
///
/// # Errors
/// When the delay is not one, a fault of that id is there already, or neither path serves here.
pub async fn inject(namespace: &Namespace, id: &str, delay: &Delay) -> Result<DelayPath, RuntimeError> {
    let failed = |reason: String| RuntimeError::failed(format!("delaying packets by `{id}`"), reason);
    let Delay { delay: mean, jitter, traffic } = delay;
    if mean.is_zero() || jitter > mean || *mean + *jitter > LONGEST {
        return Err(failed(format!("{mean:?} ± {jitter:?} is no delay: more than 0, at most 60 s, and a jitter no longer than the delay")));
    }
    let mut site = site(namespace).await?;
    if site.shape(id).is_some() || site.queues.knows(id) {
        return Err(failed("a fault of that id is there already".to_owned()));
    }
    let shape = Shape::Delay { delay: *mean, jitter: *jitter, traffic: traffic.clone() };
    let netem = match site.add(namespace, id, shape).await {
        Ok(()) => return Ok(DelayPath::Netem),
        Err(Refused::Impossible(reason)) => reason,
        Err(Refused::Failed(error)) => error.to_string(),
    };
    match site.queues.inject(namespace, id, delay).await {
        Ok(()) => Ok(DelayPath::Queue),
        Err(queue) => Err(failed(format!("neither tc netem ({netem}) nor NFQUEUE serves here ({queue})"))),
    }
}

/// Ends the delay; fine when there is none of that id. Packets that wait in a queue go on at once; those in netem are lost, as on a
/// link that is plugged anew.
///
/// # Errors
/// When a program is missing or the kernel refuses.
pub async fn remove(namespace: &Namespace, id: &str) -> Result<(), RuntimeError> {
    let mut site = site(namespace).await?;
    if site.shape(id).is_some() {
        return site.take(namespace, id).await;
    }
    site.queues.remove(namespace, id).await
}

/// What the delay has done so far; `None` when there is none of that id.
///
/// # Errors
/// When a program is missing or its answer cannot be read.
pub async fn present(namespace: &Namespace, id: &str) -> Result<Option<Counters>, RuntimeError> {
    let site = site(namespace).await?;
    let Some(Shape::Delay { traffic, .. }) = site.shape(id) else { return site.queues.present(namespace, id).await };
    let mut counters = Counters { path: DelayPath::Netem, to: 0, from: 0, dropped: 0, latest: None, serves: true };
    for (wanted, going, counter) in
        [(traffic.iter().any(Traffic::goes), true, &mut counters.to), (traffic.iter().any(Traffic::comes), false, &mut counters.from)]
    {
        if wanted {
            let Some(shaped) = tc::shaped(namespace, going, &site.shapes()).await? else { return Ok(None) };
            *counter = shaped.packets;
            counters.dropped += shaped.dropped;
        }
    }
    Ok(Some(counters))
}
