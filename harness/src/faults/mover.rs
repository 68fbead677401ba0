//! Slots on their way from one primary to another, as `redis-cli --cluster reshard` moves them (7.0 to 8.0, and Valkey 8.1): `SETSLOT IMPORTING`
//! and `MIGRATING`, `MIGRATE` until the source has no key of the slot, `SETSLOT NODE` at the target first. One slot at a time.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, ServerErrorKind};
use redquake_topologies::runtime::NodeAddress;
use tokio_util::sync::CancellationToken;

use crate::clients::{Timeouts, open};

/// Keys in one `MIGRATE`: what `redis-cli` sends at a time.
const BATCH: u64 = 10;
/// How long `MIGRATE` may wait for the target, ms; the source serves nobody meanwhile.
const MIGRATE_WAITS: u64 = 1_000;
/// Valkey answers `SETSLOT` only when its replicas have it, within 2 s.
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(500), response: Duration::from_secs(3) };

/// One of the two primaries.
#[derive(Debug, Clone)]
pub struct End {
    pub address: NodeAddress,
    /// Its identity in the Cluster.
    pub id: String,
}

/// What is to be moved.
#[derive(Debug, Clone)]
pub struct Orders {
    pub source: End,
    pub target: End,
    /// The other primaries, which are told as well.
    pub others: Vec<NodeAddress>,
    pub slots: Vec<u16>,
    pub over: Duration,
}

/// How it went.
#[derive(Debug, Clone)]
pub struct Course {
    /// Slots that were moved.
    pub moved: usize,
    /// Keys that went with them.
    pub keys: u64,
    /// When it was over.
    pub ended: Instant,
    /// What ended it early.
    pub trouble: Option<Trouble>,
}

/// Why a move did not go on.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub words: String,
    /// Whether an end was out of reach or no primary any more, as after a kill; otherwise it was refused for a reason nobody planned.
    pub cut: bool,
}

/// A move under way.
pub struct Mover {
    orders: Orders,
    source: MultiplexedConnection,
    target: MultiplexedConnection,
    /// To the other primaries, those that answer.
    others: Vec<MultiplexedConnection>,
    keys: u64,
    moved: usize,
}

impl Mover {
    /// Connects to both ends and opens the first slot.
    pub async fn begin(orders: Orders) -> Result<Self, String> {
        let source = open(orders.source.address, TIMEOUTS).await.map_err(|error| error.to_string())?;
        let target = open(orders.target.address, TIMEOUTS).await.map_err(|error| error.to_string())?;
        let others = join_all(orders.others.iter().map(|other| open(*other, TIMEOUTS))).await.into_iter().filter_map(Result::ok).collect();
        let mut mover = Self { orders, source, target, others, keys: 0, moved: 0 };
        let first = mover.orders.slots.first().copied().ok_or("there is no slot to move")?;
        mover.open(first).await.map_err(|error| trouble("SETSLOT", first, &error).words)?;
        Ok(mover)
    }

    /// Moves everything, each slot in an equal share of the time; stopped, it ends with the slot under way.
    pub async fn go(mut self, begun: Instant, stop: CancellationToken) -> Course {
        let trouble = self.all(begun, &stop).await.err();
        Course { moved: self.moved, keys: self.keys, ended: Instant::now(), trouble }
    }

    async fn all(&mut self, begun: Instant, stop: &CancellationToken) -> Result<(), Trouble> {
        let slots = self.orders.slots.clone();
        let share = self.orders.over / u32::try_from(slots.len()).unwrap_or(u32::MAX).max(1);
        for (slot, number) in slots.into_iter().zip(1_u32..) {
            if number > 1 {
                if stop.is_cancelled() {
                    break;
                }
                self.open(slot).await.map_err(|error| trouble("SETSLOT", slot, &error))?;
            }
            self.drain(slot, begun + share * number, stop).await.map_err(|error| trouble("MIGRATE", slot, &error))?;
            self.close(slot).await.map_err(|error| trouble("SETSLOT NODE", slot, &error))?;
            self.moved += 1;
        }
        Ok(())
    }

    async fn open(&mut self, slot: u16) -> Result<(), RedisError> {
        let Orders { source, target, .. } = &self.orders;
        setslot(&mut self.target, slot, "IMPORTING", &source.id).await?;
        setslot(&mut self.source, slot, "MIGRATING", &target.id).await
    }

    /// Brings the keys over in batches, spread over the time until `until`.
    async fn drain(&mut self, slot: u16, until: Instant, stop: &CancellationToken) -> Result<(), RedisError> {
        let count = redis::cmd("CLUSTER").arg("COUNTKEYSINSLOT").arg(slot).take();
        let keys: u64 = count.query_async(&mut self.source).await?;
        for left in (1..=keys.div_ceil(BATCH)).rev() {
            pause(until, u32::try_from(left + 1).unwrap_or(u32::MAX), stop).await;
            self.batch(slot).await?;
        }
        pause(until, 1, stop).await;
        // A source does not make keys of a slot that leaves it, so this ends.
        while self.batch(slot).await? {}
        Ok(())
    }

    /// Brings a batch over; whether there was any.
    async fn batch(&mut self, slot: u16) -> Result<bool, RedisError> {
        let list = redis::cmd("CLUSTER").arg("GETKEYSINSLOT").arg(slot).arg(BATCH).take();
        let keys: Vec<Vec<u8>> = list.query_async(&mut self.source).await?;
        if keys.is_empty() {
            return Ok(false);
        }
        let NodeAddress { ip, port } = self.orders.target.address;
        let mut migrate = redis::cmd("MIGRATE");
        migrate.arg(ip.to_string()).arg(port).arg("").arg(0).arg(MIGRATE_WAITS).arg("KEYS").arg(&keys);
        // `NOKEY`: all of them had expired.
        let answer: String = migrate.query_async(&mut self.source).await?;
        if answer == "OK" {
            self.keys += keys.len() as u64;
        }
        Ok(true)
    }

    /// The target first: it takes the slot with a new epoch, which the others believe even if they are told nothing.
    async fn close(&mut self, slot: u16) -> Result<(), RedisError> {
        let id = self.orders.target.id.clone();
        setslot(&mut self.target, slot, "NODE", &id).await?;
        setslot(&mut self.source, slot, "NODE", &id).await?;
        // One that is gone hears of it when it is back, and is not asked again.
        let mut heard = Vec::new();
        for mut other in std::mem::take(&mut self.others) {
            if setslot(&mut other, slot, "NODE", &id).await.is_ok() {
                heard.push(other);
            }
        }
        self.others = heard;
        Ok(())
    }
}

async fn setslot(connection: &mut MultiplexedConnection, slot: u16, what: &str, id: &str) -> Result<(), RedisError> {
    redis::cmd("CLUSTER").arg("SETSLOT").arg(slot).arg(what).arg(id).query_async(connection).await
}

/// Waits for one of `parts` equal parts of the time that is left, unless it is stopped.
async fn pause(until: Instant, parts: u32, stop: &CancellationToken) {
    let left = until.saturating_duration_since(Instant::now());
    let _ = stop.run_until_cancelled(tokio::time::sleep(left / parts.max(1))).await;
}

fn trouble(command: &str, slot: u16, error: &RedisError) -> Trouble {
    Trouble { words: format!("{command} of slot {slot}: {error}"), cut: cut(error) }
}

/// Whether an error says that an end was out of reach, or no primary any more.
fn cut(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly};

    let demoted = || error.to_string().contains("only with masters") || error.to_string().contains("only with primaries");
    match error.kind() {
        ErrorKind::Io => true,
        ErrorKind::Server(kind) => matches!(kind, ClusterDown | ReadOnly | MasterDown | BusyLoading) || demoted(),
        ErrorKind::Extension => matches!(error.code(), Some("IOERR" | "NOREPLICAS")) || demoted(),
        _ => demoted(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_says(line: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).expect("a reply");
        value.extract_error().expect_err("an error reply")
    }

    #[test]
    fn an_end_that_is_gone_cuts_a_move_short_and_a_refusal_is_a_surprise() {
        for line in [
            "IOERR error or timeout connecting to the client",
            "CLUSTERDOWN The cluster is down",
            "READONLY You can't write against a read only replica.",
            "ERR You can use SETSLOT only with masters.",
        ] {
            assert!(cut(&server_says(line)), "{line}");
        }
        assert!(cut(&RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset))));
        for line in ["ERR I don't know about node abc", "BUSYKEY Target key name already exists.", "NOPERM no permissions"] {
            assert!(!cut(&server_says(line)), "{line}");
        }
    }
}
