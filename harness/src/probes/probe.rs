//! One probe: a node, a command, a beat.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redquake_reports::history::{Event, Outcome, Probe, ProbeKind, Why};
use redquake_topologies::namespace::Zone;
use tokio::sync::watch;

use crate::clients::{Reading, Timeouts, classify, open};
use crate::trial::{Clock, Member, Recorder, Watch};

/// A probe write starts this often on every data node.
pub const WRITE_EVERY: Duration = Duration::from_millis(1);
/// A probe read starts this often on every data node.
pub const READ_EVERY: Duration = Duration::from_millis(5);

/// The key probe writes go to; replicated like any other.
const CANARY: &str = "redquake:probe";

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(100), response: Duration::from_millis(250) };

/// Operations of one probe that may wait for their replies at once: those of a whole response timeout, and some.
const MOST_UNDER_WAY: usize = 512;

/// Starts a probe of one node on a zone's threads.
pub fn start(watch: &Watch, zone: &Zone, kind: ProbeKind, member: &Member, mut beats: watch::Receiver<Instant>) {
    let clock = watch.clock;
    let prober = Prober { kind, node: member.index, clock, recorder: watch.recorder.clone() };
    let address = member.node.address;
    watch.spawn(zone, async move {
        loop {
            // While there is no connection, an attempt to connect is the operation.
            let intended = *beats.borrow_and_update();
            let invoked = clock.now();
            match open(address, TIMEOUTS).await {
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

struct Prober {
    kind: ProbeKind,
    node: u16,
    clock: Clock,
    recorder: Recorder,
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
        command.arg(CANARY);
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
