//! `CLUSTER NODES` and `CLUSTER INFO` of one node, often enough to see what it holds of the others within some milliseconds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redquake_reports::history::{ClusterEvent, ClusterNews, Event};
use redquake_topologies::cluster::{KnownNode, known_nodes};
use redquake_topologies::namespace::Zone;

use super::often::every;
use crate::clients::{Timeouts, open};
use crate::context::{Member, Recorder, Roster, Watch};

/// A node is asked this often; in a large Cluster less often, because each answer has a line for each node.
const ASK_EVERY: Duration = Duration::from_millis(20);

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(200), response: Duration::from_millis(250) };

/// Starts asking one node on the zone's threads.
pub fn start(watch: &Watch, zone: &Zone, member: &Member, roster: &Arc<Roster>) {
    let (clock, recorder, roster) = (watch.clock, watch.recorder.clone(), Arc::clone(roster));
    let member = member.clone();
    let every = every(ASK_EVERY, roster.data().count());
    watch.spawn(zone, async move {
        let mut connection: Option<MultiplexedConnection> = None;
        let mut seen = Seen { node: member.index, recorder, roster, state: None, others: HashMap::new(), owners: HashMap::new() };
        let mut beat = tokio::time::interval(every);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            match ask(&member, &mut connection).await {
                Some((info, nodes)) => seen.answer(clock.now(), &info, &known_nodes(&nodes)),
                None => connection = None,
            }
        }
    });
}

async fn ask(member: &Member, connection: &mut Option<MultiplexedConnection>) -> Option<(String, String)> {
    if connection.is_none() {
        *connection = open(member.node.address, TIMEOUTS).await.ok();
    }
    let link = connection.as_mut()?;
    redis::pipe().cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("NODES").query_async(link).await.ok()
}

/// What a node said last.
struct Seen {
    node: u16,
    recorder: Recorder,
    roster: Arc<Roster>,
    state: Option<ClusterNews>,
    /// How it held the others.
    others: HashMap<u16, ClusterNews>,
    /// Who served each shard, with the epoch of the claim.
    owners: HashMap<u32, u16>,
}

impl Seen {
    /// Records what has changed since the last answer; of the first answer only what is not as it should be.
    fn answer(&mut self, at: u64, info: &str, nodes: &[KnownNode]) {
        let state = info.lines().find_map(|line| line.strip_prefix("cluster_state:")).map(str::trim);
        let state = if state == Some("ok") { ClusterNews::StateOk } else { ClusterNews::StateFail };
        if self.state != Some(state) {
            self.tell(at, state, None, None);
            self.state = Some(state);
        }
        for known in nodes {
            let Some(about) = self.index(known) else { continue };
            let holds = if known.is("fail") {
                ClusterNews::Fail
            } else if known.is("fail?") {
                ClusterNews::Pfail
            } else {
                ClusterNews::Cleared
            };
            let before = self.others.insert(about, holds).unwrap_or(ClusterNews::Cleared);
            if before != holds {
                self.tell(at, holds, Some(about), None);
            }
            let shard = self.roster.all().find(|member| member.index == about).map(|member| member.shard);
            if let Some(shard) = shard.filter(|_| known.is("master") && known.slots.count() > 0)
                && self.owners.insert(shard, about).is_some_and(|owner| owner != about)
            {
                self.tell(at, ClusterNews::Owner, Some(about), Some(known.epoch));
            }
        }
    }

    fn index(&self, known: &KnownNode) -> Option<u16> {
        let (host, port) = known.address.rsplit_once(':')?;
        // A node may leave its own address empty until another has told it.
        if known.is("myself") { Some(self.node) } else { self.roster.at(host, port.parse().ok()?) }
    }

    fn tell(&self, at: u64, news: ClusterNews, about: Option<u16>, epoch: Option<u64>) {
        let event = ClusterEvent { at, node: self.node, news, about, epoch, delay: None, rank: None, log: None };
        self.recorder.record(Event::Cluster(event));
    }
}
