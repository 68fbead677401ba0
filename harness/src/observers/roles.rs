//! `INFO replication` of one data node, often enough to see a role change within a few milliseconds.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redquake_reports::history::{Event, NodeRole, RoleSample};
use redquake_topologies::namespace::Zone;

use super::often::every;
use crate::clients::{Timeouts, open};
use crate::context::{Member, Watch};

/// A node is asked this often; one of many less often.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Without a change, an answer is recorded this often: it carries the replication offset.
const RECORD_EVERY: u64 = 50_000_000;

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(200), response: Duration::from_millis(250) };

/// Starts asking one data node on the zone's threads.
pub fn start(watch: &Watch, zone: &Zone, member: &Member, nodes: usize) {
    let (clock, recorder) = (watch.clock, watch.recorder.clone());
    let member = member.clone();
    watch.spawn(zone, async move {
        let mut connection: Option<MultiplexedConnection> = None;
        let mut told: Option<RoleSample> = None;
        let mut beat = tokio::time::interval(every(ASK_EVERY, nodes));
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            let asked = clock.now();
            let answer = ask(&member, &mut connection).await;
            let at = [asked, clock.now()];
            let sample = match answer {
                Some(text) => read(&text, member.index, at),
                None => {
                    connection = None;
                    RoleSample {
                        at,
                        node: member.index,
                        role: NodeRole::Unreachable,
                        offset: 0,
                        link: false,
                        follows: String::new(),
                        syncing: false,
                        priority: None,
                    }
                }
            };
            let news = told.as_ref().is_none_or(|told| {
                (told.role, told.link, &told.follows, told.syncing, told.priority)
                    != (sample.role, sample.link, &sample.follows, sample.syncing, sample.priority)
                    || sample.at[1] - told.at[1] >= RECORD_EVERY
            });
            if news {
                recorder.record(Event::Role(sample.clone()));
                told = Some(sample);
            }
        }
    });
}

async fn ask(member: &Member, connection: &mut Option<MultiplexedConnection>) -> Option<String> {
    if connection.is_none() {
        *connection = open(member.node.address, TIMEOUTS).await.ok();
    }
    let link = connection.as_mut()?;
    redis::cmd("INFO").arg("replication").query_async(link).await.ok()
}

/// Reads the fields of `INFO replication` that matter.
fn read(text: &str, node: u16, at: [u64; 2]) -> RoleSample {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let number = |name: &str| field(name).and_then(|value| value.parse().ok()).unwrap_or(0);
    if field("role") == Some("master") {
        let online = text.lines().any(|line| line.starts_with("slave") && line.contains("state=online"));
        RoleSample {
            at,
            node,
            role: NodeRole::Primary,
            offset: number("master_repl_offset"),
            link: online,
            follows: String::new(),
            syncing: false,
            priority: None,
        }
    } else {
        let follows = format!("{}:{}", field("master_host").unwrap_or(""), field("master_port").unwrap_or(""));
        let up = field("master_link_status") == Some("up");
        RoleSample {
            at,
            node,
            role: NodeRole::Replica,
            offset: number("slave_repl_offset"),
            link: up,
            follows,
            syncing: field("master_sync_in_progress") == Some("1"),
            priority: field("slave_priority").and_then(|value| value.parse().ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_and_a_primary_are_read_from_what_servers_print() {
        let replica = "# Replication\r\nrole:slave\r\nmaster_host:10.0.0.2\r\nmaster_port:6379\r\nmaster_link_status:up\r\nslave_repl_offset:812\r\nslave_priority:25\r\nmaster_repl_offset:812\r\n";
        let sample = read(replica, 1, [1, 2]);
        assert_eq!((sample.role, sample.offset, sample.link, sample.follows.as_str()), (NodeRole::Replica, 812, true, "10.0.0.2:6379"));
        assert_eq!(sample.priority, Some(25));
        let primary = "# Replication\r\nrole:master\r\nconnected_slaves:1\r\nslave0:ip=10.0.0.3,port=6379,state=online,offset=900,lag=0\r\nmaster_repl_offset:901\r\n";
        let sample = read(primary, 0, [1, 2]);
        assert_eq!((sample.role, sample.offset, sample.link), (NodeRole::Primary, 901, true));
    }
}
