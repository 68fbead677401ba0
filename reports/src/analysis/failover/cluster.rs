//! The gap of a Cluster's shard in parts: what its nodes saw of each other and decided. Definitions: docs/definitions.md.

use super::anatomy::{Anatomy, Known, Step, compose};
use crate::analysis::words::count;
use crate::history::{ClusterEvent, ClusterNews};

/// The old primary and whoever replaced it, by index, and the nodes that could have.
#[derive(Debug, Clone, Copy)]
pub struct Contest<'a> {
    pub old: u16,
    pub new: Option<u16>,
    pub shard: &'a [u16],
}

/// Tells an outage in parts. `events` are in order of time.
pub fn cluster_anatomy(known: &Known<'_>, contest: Contest<'_>, events: &[ClusterEvent]) -> Anatomy {
    let given_up = |from: u64| {
        let mut tried = events.iter().filter(|event| event.at >= from && contest.shard.contains(&event.node));
        let last = tried.rfind(|event| matches!(event.news, ClusterNews::Unable | ClusterNews::Expired | ClusterNews::Refused));
        last.and_then(|event| event.log.as_ref())
            .map(|line| format!("; {} said last: {line}", name(known, last.map_or(0, |event| event.node))))
    };
    compose(known, steps(known, contest, events), |from| given_up(from).unwrap_or_default())
}

fn name<'a>(known: &Known<'a>, node: u16) -> &'a str {
    known.nodes.get(usize::from(node)).map_or("a node", String::as_str)
}

/// How soon the other nodes saw the slots with their new owner, as far as they were asked (every 20 ms).
fn spread(known: &Known<'_>, contest: Contest<'_>, events: &[ClusterEvent]) -> String {
    let Some((new, since)) = contest.new.zip(known.fault.or(Some(known.from))) else { return String::new() };
    let saw = events.iter().filter(|event| event.at >= since && event.news == ClusterNews::Owner && event.about == Some(new));
    let won = events.iter().rfind(|event| {
        event.at >= since
            && event.node == new
            && event.at <= known.writable.unwrap_or(known.end)
            && matches!(event.news, ClusterNews::Won | ClusterNews::TookOver)
    });
    let saw: Vec<u64> = saw.filter(|event| event.node != new).map(|event| event.at).collect();
    let (Some(won), Some(last)) = (won, saw.iter().max()) else { return String::new() };
    let millis = last.saturating_sub(won.at) / 1_000_000;
    format!("; {} saw its slots there {millis} ms after it had won at the latest", count(saw.len() as u64, "other node"))
}

fn steps(known: &Known<'_>, contest: Contest<'_>, events: &[ClusterEvent]) -> Vec<Step> {
    let Contest { old, new, shard } = contest;
    let since = known.fault.unwrap_or(known.from).min(known.from);
    let until = known.writable.unwrap_or(known.end);
    let within = |event: &&ClusterEvent| (since..=until).contains(&event.at);
    let of_old = || events.iter().filter(within).filter(|event| event.about == Some(old) && event.node != old);
    let stands = |event: &&ClusterEvent| new.map_or(shard.contains(&event.node), |new| event.node == new);
    let by_new = |news: ClusterNews| events.iter().filter(within).filter(stands).filter(move |event| event.news == news);

    // Who agreed in the same moment need not have been seen doubting before.
    let doubted = of_old().find(|event| matches!(event.news, ClusterNews::Pfail | ClusterNews::Fail));
    let failed = of_old().find(|event| event.news == ClusterNews::Fail);
    let told_to = by_new(ClusterNews::TookOver).next_back();
    let won = by_new(ClusterNews::Won).next_back();
    let stood: Vec<&ClusterEvent> = by_new(ClusterNews::Standing).filter(|event| won.is_none_or(|won| event.at <= won.at)).collect();

    let old_name = name(known, old);
    let mut steps = vec![
        Step {
            name: "detection",
            event: "a node that doubts the primary",
            seen: doubted.map(|event| (event.at, format!("{} held {old_name} for possibly failing (fail?)", name(known, event.node)))),
        },
        Step {
            name: "agreement",
            event: "FAIL",
            seen: failed.map(|event| {
                (event.at, format!("{} held {old_name} for failing: a majority of the primaries agreed", name(known, event.node)))
            }),
        },
    ];
    // Who is told to take over waits for nothing; what went before it is how long it took somebody to say so.
    if let Some(told) = told_to {
        let before = events.iter().filter(within).filter(|event| event.node == told.node && event.at <= told.at);
        let said = before.filter(|event| event.news == ClusterNews::Unable).filter_map(|event| event.log.as_deref()).next_back();
        let said = said.map_or(String::new(), |line| format!("; before that it wrote: {line}"));
        let by = format!("{} was told to take over{said}", name(known, told.node));
        steps.push(Step { name: "order", event: "somebody who told a replica to take over", seen: Some((told.at, by)) });
    } else {
        let waited = |event: &ClusterEvent| {
            let delayed = by_new(ClusterNews::Delayed).rfind(|delayed| delayed.node == event.node && delayed.at <= event.at);
            let why = delayed.map(|delayed| {
                let wait = delayed.delay.map_or(String::new(), |delay| format!(" after waiting {} ms", delay / 1_000_000));
                delayed.rank.map_or(wait.clone(), |rank| format!("{wait}, rank {rank}"))
            });
            format!("{} asked for votes{}", name(known, event.node), why.unwrap_or_default())
        };
        let first = stood.first().map(|event| (event.at, waited(event)));
        steps.push(Step { name: "delay", event: "a replica that asks for votes", seen: first });
        if let Some(last) = stood.last().filter(|_| stood.len() > 1) {
            let by = format!("{} again after {}", waited(last), count((stood.len() - 1) as u64, "failed attempt"));
            steps.push(Step { name: "retry", event: "a replica that asks for votes again", seen: Some((last.at, by)) });
        }
    }
    // A takeover asks nobody.
    let asked = told_to.is_none() || won.is_some() || !stood.is_empty();
    let elected = won.map(|event| {
        let voters = events.iter().filter(|vote| vote.news == ClusterNews::Voted && vote.about == Some(event.node) && within(vote));
        let voters: Vec<&str> = voters.map(|vote| name(known, vote.node)).collect();
        let votes = if voters.is_empty() { String::new() } else { format!(" with the votes of {}", voters.join(", ")) };
        (event.at, format!("{} won the election{votes}", name(known, event.node)))
    });
    if asked {
        steps.push(Step { name: "election", event: "a replica that won", seen: elected });
    }
    let writable =
        known.writable.map(|at| (at, format!("{} acknowledged a probe write{}", known.new_name, spread(known, contest, events))));
    let open = writable.is_none();
    steps.push(Step { name: "promotion", event: "a write acknowledged by a new primary", seen: writable });
    // A client that was answered before the next probe write waited for nothing more.
    if known.clients && !open && known.rediscovered.is_none_or(|at| at > until) {
        let answered = known.rediscovered.map(|at| (at, "a client of the workload was answered".to_owned()));
        steps.push(Step { name: "rediscovery", event: "an answer to a client", seen: answered });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::{Contest, Known, cluster_anatomy};
    use crate::history::{ClusterEvent, ClusterNews};

    fn event(at: u64, node: u16, news: ClusterNews, about: Option<u16>) -> ClusterEvent {
        ClusterEvent { at, node, news, about, epoch: None, delay: None, rank: None, log: None }
    }

    /// redis-1 dies; redis-2 is a primary of another shard, redis-3 its own replica.
    fn usual() -> Vec<ClusterEvent> {
        let delayed = ClusterEvent { delay: Some(734_000_000), rank: Some(0), ..event(2_600, 2, ClusterNews::Delayed, None) };
        vec![
            event(2_020, 1, ClusterNews::Pfail, Some(0)),
            event(2_590, 1, ClusterNews::Fail, Some(0)),
            delayed,
            event(3_340, 2, ClusterNews::Standing, None),
            event(3_345, 1, ClusterNews::Voted, Some(2)),
            event(3_350, 2, ClusterNews::Won, None),
        ]
    }

    fn told(events: &[ClusterEvent], change: impl FnOnce(&mut Known<'_>)) -> (Vec<(String, u64)>, Vec<String>) {
        let nodes = ["redis-1", "redis-2", "redis-3"].map(str::to_owned);
        let mut known = Known {
            from: 0,
            fault: Some(1),
            writable: Some(3_360),
            rediscovered: Some(3_400),
            end: 9_000,
            clients: true,
            old: None,
            new: None,
            new_name: "redis-3",
            nodes: &nodes,
        };
        change(&mut known);
        let new = known.writable.map(|_| 2);
        let anatomy = cluster_anatomy(&known, Contest { old: 0, new, shard: &[0, 2] }, events);
        let parts = anatomy.parts.iter().map(|part| (part.name.clone(), part.to - part.from)).collect();
        (parts, anatomy.parts.into_iter().map(|part| part.ended_by).collect())
    }

    fn lengths(parts: &[(String, u64)]) -> Vec<(&str, u64)> {
        parts.iter().map(|(name, length)| (name.as_str(), *length)).collect()
    }

    #[test]
    fn the_parts_of_an_election_add_up_to_the_gap_and_say_why_it_took_so_long() {
        let (parts, why) = told(&usual(), |_| ());
        assert_eq!(
            lengths(&parts),
            [("detection", 2_020), ("agreement", 570), ("delay", 750), ("election", 10), ("promotion", 10), ("rediscovery", 40)]
        );
        assert_eq!(why[2], "redis-3 asked for votes after waiting 734 ms, rank 0");
        assert_eq!(why[3], "redis-3 won the election with the votes of redis-2");
    }

    #[test]
    fn an_election_that_was_not_won_at_once_has_a_retry() {
        let mut events = usual();
        events.insert(4, event(3_341, 2, ClusterNews::Expired, None));
        events.insert(5, event(3_344, 2, ClusterNews::Standing, None));
        let (parts, why) = told(&events, |_| ());
        assert_eq!(lengths(&parts)[2..5], [("delay", 750), ("retry", 4), ("election", 6)]);
        assert!(why[3].ends_with("again after 1 failed attempt"), "{}", why[3]);
    }

    #[test]
    fn a_takeover_needs_no_votes() {
        let mut events = usual()[..2].to_vec();
        events.push(event(3_000, 2, ClusterNews::TookOver, None));
        let (parts, why) = told(&events, |_| ());
        assert_eq!(lengths(&parts)[..4], [("detection", 2_020), ("agreement", 570), ("order", 410), ("promotion", 360)]);
        assert_eq!(why[2], "redis-3 was told to take over");
    }

    #[test]
    fn a_replica_that_is_forced_to_stand_needs_votes_and_the_wait_for_the_order_is_no_delay_of_its_own() {
        let mut events = usual();
        let line = "Currently unable to failover: Disconnected from master for longer than allowed.".to_owned();
        events[2] = ClusterEvent { log: Some(line), ..event(2_700, 2, ClusterNews::Unable, None) };
        events.insert(3, event(3_338, 2, ClusterNews::TookOver, None));
        let (parts, why) = told(&events, |_| ());
        assert_eq!(lengths(&parts)[..5], [("detection", 2_020), ("agreement", 570), ("order", 748), ("election", 12), ("promotion", 10)]);
        let wrote = "before that it wrote: Currently unable to failover: Disconnected from master for longer than allowed.";
        assert_eq!(why[2], format!("redis-3 was told to take over; {wrote}"));
        assert_eq!(why[3], "redis-3 won the election with the votes of redis-2");
    }

    #[test]
    fn without_a_majority_the_open_part_says_what_the_replica_said_last() {
        let mut events = usual()[..1].to_vec();
        let line = "Currently unable to failover: Waiting for votes".to_owned();
        events.push(ClusterEvent { log: Some(line), ..event(4_000, 2, ClusterNews::Unable, None) });
        let (parts, why) = told(&events, |known| known.writable = None);
        assert_eq!(lengths(&parts), [("detection", 2_020), ("agreement", 6_980)]);
        assert!(why[1].ends_with("redis-3 said last: Currently unable to failover: Waiting for votes"), "{}", why[1]);
    }
}
