//! One probe: a node, a command, a beat.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redquake_reports::history::{Event, Outcome, Probe, ProbeKind, Why};
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::NodeAddress;
use tokio::sync::watch;

use crate::clients::{Reading, Timeouts, classify, open};
use crate::context::{Clock, Member, Recorder, Roster, Watch};

/// A probe write starts this often on every data node of a set of up to [`FEW`] of them.
const WRITE_EVERY: Duration = Duration::from_millis(1);
/// A probe read starts this often.
const READ_EVERY: Duration = Duration::from_millis(5);
/// Data nodes one thread can probe that often; of more, each is probed less often.
const FEW: u32 = 12;

/// How often a probe write and a probe read start on each of so many data nodes.
pub fn every(nodes: usize) -> [Duration; 2] {
    let share = u32::try_from(nodes).unwrap_or(u32::MAX).div_ceil(FEW).max(1);
    [WRITE_EVERY * share, READ_EVERY * share]
}

/// The key probe writes go to; replicated like any other.
const CANARY: &str = "redquake:probe";

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(100), response: Duration::from_millis(250) };

/// Operations of one probe that may wait for their replies at once: those of a whole response timeout, and some.
const MOST_UNDER_WAY: usize = 512;

/// Starts a probe of one node on a zone's threads.
pub fn start(watch: &Watch, zone: &Zone, kind: ProbeKind, member: &Member, roster: &Roster, mut beats: watch::Receiver<Instant>) {
    let clock = watch.clock;
    // The shards are numbered from 1 and keys are dealt out in their order.
    let key = roster.keys.name(CANARY.to_owned(), member.shard.saturating_sub(1));
    let prober = Prober { kind, node: member.index, clock, recorder: watch.recorder.clone(), key };
    let address = member.node.address;
    // Only then a replica of a Cluster answers reads instead of sending them to its primary.
    let read_only = roster.cluster && kind == ProbeKind::Read;
    watch.spawn(zone, async move {
        loop {
            // While there is no connection, an attempt to connect is the operation.
            let intended = *beats.borrow_and_update();
            let invoked = clock.now();
            match connect(address, read_only).await {
                Ok(connection) => prober.probe(connection, &mut beats).await,
                Err(_) => {
                    prober.record([clock.at(intended), invoked, clock.now()], Outcome::Fail, Some(Why::Connect));
                    if beats.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    });
}

async fn connect(address: NodeAddress, read_only: bool) -> redis::RedisResult<MultiplexedConnection> {
    let mut connection = open(address, TIMEOUTS).await?;
    if read_only {
        redis::cmd("READONLY").query_async::<()>(&mut connection).await?;
    }
    Ok(connection)
}

struct Prober {
    kind: ProbeKind,
    node: u16,
    clock: Clock,
    recorder: Recorder,
    key: String,
}

impl Prober {
    /// Probes over one connection until it is lost.
    async fn probe(&self, connection: MultiplexedConnection, beats: &mut watch::Receiver<Instant>) {
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(lost) = under_way.next() => {
                    if lost {
                        // Others in flight share the connection's fate: let them be recorded, then connect anew.
                        while under_way.next().await.is_some() {}
                        return;
                    }
                }
                beat = beats.changed() => {
                    if beat.is_err() {
                        return;
                    }
                    let intended = *beats.borrow_and_update();
                    if under_way.len() < MOST_UNDER_WAY {
                        under_way.push(self.once(connection.clone(), intended));
                    }
                }
            }
        }
    }

    /// One operation; true when the connection is lost.
    async fn once(&self, mut connection: MultiplexedConnection, intended: Instant) -> bool {
        let mut command = redis::cmd(if self.kind == ProbeKind::Write { "SET" } else { "GET" });
        command.arg(&self.key);
        if self.kind == ProbeKind::Write {
            command.arg(self.clock.at(intended));
        }
        let invoked = self.clock.now();
        let reply: redis::RedisResult<redis::Value> = command.query_async(&mut connection).await;
        let at = [self.clock.at(intended), invoked, self.clock.now()];
        match reply {
            Ok(_) => {
                self.record(at, Outcome::Ok, None);
                false
            }
            Err(error) => {
                let Reading { outcome, why, .. } = classify(&error);
                self.record(at, outcome, Some(why));
                why == Why::Reset
            }
        }
    }

    fn record(&self, at: [u64; 3], out: Outcome, why: Option<Why>) {
        self.recorder.record(Event::Probe(Probe { node: self.node, op: self.kind, at, out, why }));
    }
}
