//! Bandwidth: a node's traffic limited to a rate.

use redquake_experiments::spec::Direction;

use super::site::site;
use super::tc::{self, FASTEST, Refused, SLOWEST, Shape};
use crate::namespace::Namespace;
use crate::runtime::RuntimeError;

/// A rate not to be exceeded, by everything on the link of the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bits a second, headers included: 8 kbit/s to 10 Gbit/s.
    pub bits_per_second: u64,
    /// `To` limits what the node sends, `From` what it receives, `Both` each of them by itself.
    pub direction: Direction,
}

/// What a limit has done so far. Of several limits the slowest holds, so they share these counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets the node sent and those of them that were dropped, since 200 ms of them were waiting already.
    pub to: Limited,
    /// Packets the node was sent, likewise.
    pub from: Limited,
}

/// Packets of one direction, since the last fault that shapes this namespace's link came or went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limited {
    /// Packets that passed.
    pub passed: u64,
    /// Their bytes, headers included.
    pub bytes: u64,
    /// Packets that were dropped.
    pub dropped: u64,
}

/// Bits that pass a limit at once after a rest, before its rate holds.
pub fn burst_bits(bits_per_second: u64) -> u64 {
    tc::bucket(bits_per_second).0 * 8
}

/// Begins to limit. Packets that are waiting because of another limit or delay of this way are lost, as on a link that is plugged anew.
///
/// # Errors
/// When the rate is not one, a fault of that id is there already, `tc` or `ip` is missing, or the kernel or what others have set up on
/// the link does not allow it.
pub async fn inject(namespace: &Namespace, id: &str, bandwidth: Bandwidth) -> Result<(), RuntimeError> {
    let failed = |reason: String| RuntimeError::failed(format!("limiting bandwidth by `{id}`"), reason);
    let Bandwidth { bits_per_second: bits, direction } = bandwidth;
    if !(SLOWEST..=FASTEST).contains(&bits) {
        return Err(failed(format!("{bits} bit/s is not between 8 kbit/s and 10 Gbit/s")));
    }
    let mut site = site(namespace).await?;
    if site.shape(id).is_some() {
        return Err(failed("a fault of that id is there already".to_owned()));
    }
    let going = matches!(direction, Direction::Both | Direction::To);
    let coming = matches!(direction, Direction::Both | Direction::From);
    match site.add(namespace, id, Shape::Rate { bits, going, coming }).await {
        Ok(()) => Ok(()),
        Err(Refused::Failed(error)) => Err(error),
        Err(Refused::Impossible(reason)) => Err(failed(reason)),
    }
}

/// Ends the limit; fine when there is none of that id.
///
/// # Errors
/// When `tc` or `ip` is missing or the kernel refuses.
pub async fn remove(namespace: &Namespace, id: &str) -> Result<(), RuntimeError> {
    site(namespace).await?.take(namespace, id).await
}

/// What the limit has done so far; `None` when there is none of that id that this process made.
///
/// # Errors
/// When `tc` is missing or its answer cannot be read.
pub async fn present(namespace: &Namespace, id: &str) -> Result<Option<Counters>, RuntimeError> {
    let site = site(namespace).await?;
    let Some(Shape::Rate { going, coming, .. }) = site.shape(id) else { return Ok(None) };
    let mut counters = Counters::default();
    for (wanted, going, counter) in [(*going, true, &mut counters.to), (*coming, false, &mut counters.from)] {
        if wanted {
            // Known here and gone there: somebody else removed it.
            let Some(shaped) = tc::shaped(namespace, going, &site.shapes()).await? else { return Ok(None) };
            *counter = Limited { passed: shaped.packets, bytes: shaped.bytes, dropped: shaped.dropped };
        }
    }
    Ok(Some(counters))
}
