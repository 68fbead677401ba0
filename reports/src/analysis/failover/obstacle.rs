//! Why no replica was elected in the place of a primary that was gone: from what the nodes of a Cluster saw of each other and wrote into
//! their logs. Conditions of an election: cluster.c, `clusterHandleSlaveFailover` and `markNodeAsFailingIfNeeded`.

use crate::history::{ClusterEvent, ClusterNews};

/// A primary that was gone for a while.
pub struct Loss<'a> {
    /// Number of the shard.
    pub shard: u32,
    /// The primary, by index.
    pub old: u16,
    /// The nodes of its shard, itself included.
    pub nodes: &'a [u16],
    /// The primaries of all shards.
    pub primaries: &'a [u16],
    /// Names of the nodes, by index.
    pub names: &'a [String],
    /// Last acknowledged write and the first one after it.
    pub from: u64,
    pub to: Option<u64>,
    /// End of the trial.
    pub end: u64,
    /// Whether a fault was injected in between.
    pub struck: bool,
    /// Who acknowledged that first one.
    pub successor: Option<u16>,
    /// Whether a node gave no answer at some time between two instants, both included.
    pub silent: &'a dyn Fn(u16, [u64; 2]) -> bool,
}

/// Why nobody was elected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// In words that go on after "because".
    pub why: String,
    /// What a replica wrote into its log, where it did.
    pub said: Option<String>,
}

/// `None` where a replica was elected, or where the primary never was gone. `events` are in order of time.
pub fn obstacle(loss: &Loss<'_>, events: &[ClusterEvent]) -> Option<Obstacle> {
    let over = loss.to.unwrap_or(loss.end);
    let in_outage = |event: &&ClusterEvent| (loss.from..=over).contains(&event.at);
    let own = |event: &&ClusterEvent| event.node != loss.old && loss.nodes.contains(&event.node);
    let told_to = events.iter().filter(in_outage).filter(own).find(|event| event.news == ClusterNews::TookOver).map(|event| event.at);
    let replaced = loss.successor.is_some_and(|node| node != loss.old);
    if replaced && told_to.is_none() {
        return None;
    }
    // What counts is what kept a replica from standing before it was told to. One that was told in another shard votes in this one.
    let orders = events.iter().filter(in_outage).filter(|event| event.news == ClusterNews::TookOver);
    let until = told_to.map_or(over, |told| orders.map(|event| event.at).min().unwrap_or(told));
    let within = |event: &&ClusterEvent| (loss.from..=until).contains(&event.at);
    let of_old = |news: ClusterNews| events.iter().filter(within).filter(move |event| event.news == news && event.about == Some(loss.old));
    // A primary that is cut off doubts everybody; whom a replica of its own doubts is gone for those that could replace it.
    let doubted = of_old(ClusterNews::Pfail).any(|event| own(&event));
    let failed = of_old(ClusterNews::Fail).any(|event| event.node != loss.old);
    if !doubted && !failed && !(loss.silent)(loss.old, [loss.from, until]) {
        return None;
    }
    let replicas: Vec<u16> = loss.nodes.iter().copied().filter(|node| *node != loss.old).collect();
    let plain = |why: String| Some(Obstacle { why, said: None });
    if replicas.is_empty() {
        return plain(format!("shard {} has no replica", loss.shard));
    }
    if replicas.iter().all(|node| (loss.silent)(*node, [loss.from; 2])) {
        let names = names(loss, &replicas);
        return plain(if replicas.len() == 1 {
            format!("its only replica, {names}, gave no answer")
        } else {
            format!("none of its replicas {names} gave an answer")
        });
    }
    if let Some((event, line)) = refused_itself(events.iter().filter(within).filter(own)) {
        let who = name(loss, event.node);
        let why = if line.contains("Disconnected from") {
            format!("the data of {who} was too old (cluster-replica-validity-factor)")
        } else if line.contains("votes") || line.contains("expired") {
            format!("{who} did not get the votes of a majority of the primaries")
        } else {
            format!("{who} was not able to")
        };
        return Some(Obstacle { why, said: Some(format!("{who} wrote: {line}")) });
    }
    if !failed && loss.to.is_some() && !replaced && !loss.struck {
        // A busy machine makes a node miss for a moment; nobody was to be elected for that.
        return None;
    }
    if !failed {
        let old = name(loss, loss.old);
        let gone = loss.primaries.iter().filter(|node| (loss.silent)(**node, [until; 2])).count();
        let (all, needed) = (loss.primaries.len(), loss.primaries.len() / 2 + 1);
        return plain(if loss.to.is_some() && !replaced {
            format!("{old} was back before a majority of the primaries held it for failing")
        } else if all - gone < needed {
            format!("{gone} of {all} primaries gave no answer, and {needed} must agree that {old} is failing")
        } else {
            format!("a majority of the primaries had not agreed yet that {old} is failing")
        });
    }
    let stood = events.iter().filter(within).filter(own).rfind(|event| event.news == ClusterNews::Standing);
    plain(match stood {
        Some(event) => format!("{} asked for votes and was not elected", name(loss, event.node)),
        None => format!("{} did not stand for election", names(loss, &replicas)),
    })
}

/// The last word of a replica on why it may not stand. That it still waits is no reason.
fn refused_itself<'a>(events: impl DoubleEndedIterator<Item = &'a ClusterEvent>) -> Option<(&'a ClusterEvent, &'a str)> {
    let lines = events.filter(|event| matches!(event.news, ClusterNews::Unable | ClusterNews::Expired));
    let mut lines = lines.filter_map(|event| Some((event, event.log.as_deref()?)));
    lines.rfind(|(_, line)| !line.contains("Waiting the delay"))
}

fn name<'a>(loss: &Loss<'a>, node: u16) -> &'a str {
    loss.names.get(usize::from(node)).map_or("a node", String::as_str)
}

fn names(loss: &Loss<'_>, nodes: &[u16]) -> String {
    nodes.iter().map(|node| name(loss, *node)).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::{Loss, obstacle};
    use crate::history::{ClusterEvent, ClusterNews};

    fn event(at: u64, node: u16, news: ClusterNews, about: Option<u16>) -> ClusterEvent {
        ClusterEvent { at, node, news, about, epoch: None, delay: None, rank: None, log: None }
    }

    fn wrote(at: u64, node: u16, line: &str) -> ClusterEvent {
        let news = if line.starts_with("Failover attempt") { ClusterNews::Expired } else { ClusterNews::Unable };
        ClusterEvent { log: Some(line.to_owned()), ..event(at, node, news, None) }
    }

    /// redis-1 of shard 1 is gone from 100 on; redis-2 and redis-3 are the other primaries, redis-4 is its replica. `silent` are further
    /// nodes that give no answer all the time.
    fn why(nodes: &[u16], silent: &[u16], events: &[ClusterEvent], change: impl FnOnce(&mut Loss<'_>)) -> Option<String> {
        let names = ["redis-1", "redis-2", "redis-3", "redis-4"].map(str::to_owned);
        let gone = |node: u16, [_, to]: [u64; 2]| silent.contains(&node) || (node == 0 && to >= 100);
        let mut loss = Loss {
            shard: 1,
            old: 0,
            nodes,
            primaries: &[0, 1, 2],
            names: &names,
            from: 99,
            to: None,
            end: 9_000,
            struck: true,
            successor: None,
            silent: &gone,
        };
        change(&mut loss);
        obstacle(&loss, events).map(|found| found.why)
    }

    fn failing() -> Vec<ClusterEvent> {
        vec![event(2_100, 1, ClusterNews::Pfail, Some(0)), event(2_400, 1, ClusterNews::Fail, Some(0))]
    }

    #[test]
    fn a_shard_without_a_replica_has_nobody_to_elect() {
        assert_eq!(why(&[0], &[], &failing(), |_| ()).as_deref(), Some("shard 1 has no replica"));
        let gone = why(&[0, 3], &[3], &failing(), |_| ());
        assert_eq!(gone.as_deref(), Some("its only replica, redis-4, gave no answer"));
    }

    #[test]
    fn a_replica_says_itself_that_its_data_is_too_old_and_that_it_waits_is_no_reason() {
        let mut events = failing();
        events.push(wrote(8_000, 3, "Currently unable to failover: Disconnected from master for longer than allowed. Please check"));
        events.push(wrote(8_500, 3, "Currently unable to failover: Waiting the delay before I can start a new failover."));
        let told = why(&[0, 3], &[], &events, |_| ());
        assert_eq!(told.as_deref(), Some("the data of redis-4 was too old (cluster-replica-validity-factor)"));
        // The same when somebody told it to take over in the end.
        events.push(event(8_600, 3, ClusterNews::TookOver, None));
        let told = why(&[0, 3], &[], &events, |loss| (loss.to, loss.successor) = (Some(8_700), Some(3)));
        assert_eq!(told.as_deref(), Some("the data of redis-4 was too old (cluster-replica-validity-factor)"));
    }

    #[test]
    fn too_few_primaries_are_counted_and_votes_that_did_not_come_are_told() {
        let doubted = &failing()[..1];
        let told = why(&[0, 3], &[1], doubted, |_| ());
        assert_eq!(told.as_deref(), Some("2 of 3 primaries gave no answer, and 2 must agree that redis-1 is failing"));
        let mut events = failing();
        events.push(event(3_000, 3, ClusterNews::Standing, None));
        assert_eq!(why(&[0, 3], &[], &events, |_| ()).as_deref(), Some("redis-4 asked for votes and was not elected"));
        events.push(wrote(8_000, 3, "Currently unable to failover: Waiting for votes, but majority still not reached."));
        let told = why(&[0, 3], &[], &events, |_| ());
        assert_eq!(told.as_deref(), Some("redis-4 did not get the votes of a majority of the primaries"));
    }

    #[test]
    fn a_takeover_in_another_shard_ends_the_time_without_a_majority() {
        // redis-5 of shard 2 takes over first: with it a majority is there, which holds redis-1 for failing before redis-4 takes over.
        let mut events = failing();
        events.insert(1, event(2_300, 4, ClusterNews::TookOver, None));
        events.push(event(2_410, 3, ClusterNews::TookOver, None));
        let told = why(&[0, 3], &[1], &events, |loss| (loss.to, loss.successor) = (Some(4_500), Some(3)));
        assert_eq!(told.as_deref(), Some("2 of 3 primaries gave no answer, and 2 must agree that redis-1 is failing"));
    }

    #[test]
    fn a_primary_that_was_back_soon_left_no_time_for_an_election() {
        let told = why(&[0, 3], &[], &[], |loss| (loss.to, loss.successor) = (Some(2_600), Some(0)));
        assert_eq!(told.as_deref(), Some("redis-1 was back before a majority of the primaries held it for failing"));
        let hiccup = why(&[0, 3], &[], &[], |loss| (loss.to, loss.successor, loss.struck) = (Some(400), Some(0), false));
        assert_eq!(hiccup, None, "nothing was done to it in that time");
    }

    #[test]
    fn where_a_replica_was_elected_or_the_primary_never_was_gone_nothing_stood_in_the_way() {
        let elected = why(&[0, 3], &[], &failing(), |loss| (loss.to, loss.successor) = (Some(3_500), Some(3)));
        assert_eq!(elected, None);
        // Another shard's outage: this one's primary only refused, and was doubted by the one that was cut off.
        let mut events = failing();
        events.push(event(2_500, 0, ClusterNews::Pfail, Some(1)));
        let refused = why(&[1, 3], &[], &events, |loss| (loss.old, loss.to, loss.successor) = (1, Some(3_500), Some(1)));
        assert_eq!(refused, None);
        events.push(event(2_500, 3, ClusterNews::Pfail, Some(1)));
        let lost = why(&[1, 3], &[], &events, |loss| (loss.old, loss.to, loss.successor) = (1, Some(3_500), Some(1)));
        assert_eq!(lost.as_deref(), Some("redis-2 was back before a majority of the primaries held it for failing"));
    }
}
