//! Which nodes became primary, and what shows it.

use super::Message;
use crate::history::NodeRole;

/// A node's own word and a Sentinel's, or a write and the sample that shows the role, are this far apart at most.
const APART: u64 = 1_000_000_000;

/// A write may be acknowledged this long before the node is asked for its role: it is asked every 20 ms, of many nodes less often.
const ASKED_EVERY: u64 = 250_000_000;

/// A node that became primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// When it was first told, by a Sentinel or by the node.
    pub at: u64,
    /// Address of the node that was primary before, where a Sentinel named it.
    pub old: Option<String>,
    /// Address of the new primary.
    pub new: String,
}

/// What is known of the nodes of one shard.
pub struct Sources<'a> {
    /// What the Sentinels published, in order of time.
    pub messages: &'a [Message],
    /// The changes of role the nodes told: time, address, role; in order of time.
    pub told: &'a [(u64, String, NodeRole)],
    /// Address of the primary at the start.
    pub first: &'a str,
    /// Whether the node at an address acknowledged a probe write between two instants, both included.
    pub wrote: &'a dyn Fn(&str, [u64; 2]) -> bool,
    /// Whether the nodes of a Cluster tell that it was elected, told to take over, or seen with its slots then.
    pub elected: &'a dyn Fn(&str, [u64; 2]) -> bool,
}

/// The promotions of a shard, and what looked like one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Promotions {
    /// In order of time.
    pub found: Vec<Promotion>,
    /// Nodes that were called primary, by themselves or by a Sentinel, of which nothing else shows it: when and which.
    pub unproved: Vec<(u64, String)>,
}

/// A time in which a node that had been a replica said that it was a primary.
struct Reign<'a> {
    from: u64,
    to: u64,
    address: &'a str,
}

/// A promotion is told by a node that had been a replica and shown by something else: a Sentinel's announcement, an election or slots in a
/// Cluster, or a write it acknowledged. A restarted node of a Cluster says for a moment that it is a primary, and is none.
pub fn promotions(sources: &Sources<'_>) -> Promotions {
    let reigns = reigns(sources);
    let mut all = Promotions::default();
    // What the Sentinels announced of each reign, and of nodes that were not asked for their role in that time.
    let mut announced: Vec<Option<&Message>> = vec![None; reigns.len()];
    let mut elsewhere: Vec<&Message> = Vec::new();
    for message in sources.messages.iter().filter(|message| message.promoted.is_some()) {
        let of =
            |reign: &Reign<'_>| message.promoted.as_deref() == Some(reign.address) && reign.from <= message.at.saturating_add(ASKED_EVERY);
        match reigns.iter().rposition(of) {
            Some(index) => {
                // That of the switch names the primary before.
                let better = announced[index].is_none_or(|known| known.event != "+switch-master" && message.event == "+switch-master");
                announced[index] = if better { Some(message) } else { announced[index] };
            }
            None => elsewhere.push(message),
        }
    }
    for (reign, announced) in reigns.iter().zip(announced) {
        let shown = announced.is_some()
            || (sources.wrote)(reign.address, [reign.from.saturating_sub(ASKED_EVERY), reign.to])
            || (sources.elected)(reign.address, [reign.from.saturating_sub(APART), reign.to]);
        if shown {
            let at = announced.map_or(reign.from, |message| message.at.min(reign.from));
            let old = announced.filter(|message| message.event == "+switch-master").and_then(|message| message.about.clone());
            all.found.push(Promotion { at, old, new: reign.address.to_owned() });
        } else {
            all.unproved.push((reign.from, reign.address.to_owned()));
        }
    }
    switches(sources, &elsewhere, &mut all);
    all.found.sort_by(|one, other| one.at.cmp(&other.at).then_with(|| one.new.cmp(&other.new)));
    all
}

fn reigns<'a>(sources: &Sources<'a>) -> Vec<Reign<'a>> {
    let mut last: Vec<(&str, NodeRole)> = vec![(sources.first, NodeRole::Primary)];
    let mut found: Vec<Reign<'a>> = Vec::new();
    for (at, address, role) in sources.told {
        if *role == NodeRole::Unreachable {
            continue;
        }
        let before = last.iter().rposition(|(known, _)| known == address);
        let was = before.map(|index| last.swap_remove(index).1);
        last.push((address, *role));
        match (was, *role) {
            (Some(NodeRole::Replica), NodeRole::Primary) => found.push(Reign { from: *at, to: u64::MAX, address }),
            (Some(NodeRole::Primary), NodeRole::Replica) => {
                found.iter_mut().rev().find(|reign| reign.address == address).iter_mut().for_each(|reign| reign.to = *at);
            }
            _ => {}
        }
    }
    found
}

/// Switches to nodes that told no role then. Every Sentinel announces the same switch, some late: one belongs to the first promotion of that
/// node which this Sentinel has not announced yet. It counts where the node took writes.
fn switches(sources: &Sources<'_>, messages: &[&Message], all: &mut Promotions) {
    let mut current = sources.first.to_owned();
    let mut known: Vec<Promotion> = Vec::new();
    // How many promotions each Sentinel has announced or missed.
    let mut past: Vec<(u16, usize)> = Vec::new();
    for message in messages.iter().filter(|message| message.event == "+switch-master") {
        let (Some(old), Some(new)) = (&message.about, &message.promoted) else { continue };
        let place = past.iter().position(|(node, _)| *node == message.node);
        let from = place.map_or(0, |place| past[place].1);
        let again = known.iter().enumerate().skip(from).find(|(_, promotion)| promotion.new == *new).map(|(index, _)| index);
        let index = again.unwrap_or(known.len());
        if again.is_none() && *new != current {
            known.push(Promotion { at: message.at, old: Some(old.clone()), new: new.clone() });
            current.clone_from(new);
        }
        match place {
            Some(place) => past[place].1 = index + 1,
            None => past.push((message.node, index + 1)),
        }
    }
    for promotion in known {
        let next = all.found.iter().filter(|other| other.at > promotion.at).map(|other| other.at).min();
        if (sources.wrote)(&promotion.new, [promotion.at.saturating_sub(2 * APART), next.unwrap_or(u64::MAX)]) {
            all.found.push(promotion);
        } else {
            all.unproved.push((promotion.at, promotion.new));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, NodeRole, Promotions, Sources, promotions};
    use crate::history::SentinelEvent;

    const MS: u64 = 1_000_000;

    fn switch(at: u64, node: u16, old: &str, new: &str) -> Message {
        let payload = format!("m {old} 1 {new} 1");
        Message::read(&SentinelEvent { at: at * MS, node, event: "+switch-master".to_owned(), payload })
    }

    fn role(at: u64, node: &str, role: NodeRole) -> (u64, String, NodeRole) {
        (at * MS, format!("{node}:1"), role)
    }

    /// `wrote` are the times in ms at which nodes acknowledged writes.
    fn found(messages: &[Message], told: &[(u64, String, NodeRole)], wrote: &[(&str, u64)]) -> Promotions {
        let wrote = |address: &str, [from, to]: [u64; 2]| {
            wrote.iter().any(|(node, at)| format!("{node}:1") == address && (from..=to).contains(&(at * MS)))
        };
        promotions(&Sources { messages, told, first: "a:1", wrote: &wrote, elected: &|_, _| false })
    }

    fn told(promotions: &Promotions) -> Vec<(u64, &str)> {
        promotions.found.iter().map(|one| (one.at / MS, one.new.as_str())).collect()
    }

    #[test]
    fn a_switch_told_by_three_sentinels_is_one_promotion() {
        let messages = [
            switch(10, 3, "a", "b"),
            switch(11, 4, "a", "b"),
            switch(30, 3, "b", "c"),
            // The third one is late, and tells both after the others are done.
            switch(31, 5, "a", "b"),
            switch(32, 5, "b", "c"),
            switch(33, 4, "a", "c"),
        ];
        let promoted = found(&messages, &[], &[("b", 12), ("c", 40)]);
        assert_eq!(told(&promoted), [(10, "b:1"), (30, "c:1")]);
        assert_eq!(promoted.found[1].old.as_deref(), Some("b:1"));
    }

    #[test]
    fn a_primary_that_comes_back_to_the_same_node_is_counted_each_time() {
        let mut messages = Vec::new();
        for sentinel in 3..6 {
            let late = u64::from(sentinel) * 100;
            messages.extend([switch(1_000 + late, sentinel, "a", "b"), switch(3_000, sentinel, "b", "a")]);
            messages.push(switch(5_000 + 7 * late, sentinel, "a", "b"));
        }
        messages.sort_by_key(|message| message.at);
        let promoted = found(&messages, &[], &[("a", 4_000), ("b", 2_000), ("b", 8_000)]);
        assert_eq!(told(&promoted), [(1_300, "b:1"), (3_000, "a:1"), (7_100, "b:1")]);
        // The same from what the nodes said.
        let roles: Vec<_> = [(500, "b", NodeRole::Replica), (1_200, "b", NodeRole::Primary), (2_900, "a", NodeRole::Replica)]
            .into_iter()
            .chain([(3_100, "b", NodeRole::Replica), (3_200, "a", NodeRole::Primary), (6_000, "b", NodeRole::Primary)])
            .map(|(at, node, told)| role(at, node, told))
            .collect();
        assert_eq!(told(&found(&messages, &roles, &[])), [(1_200, "b:1"), (3_000, "a:1"), (6_000, "b:1")]);
        let silent = found(&[], &roles, &[]);
        assert_eq!((told(&silent), silent.unproved.len()), (vec![], 3), "what the nodes say is not enough");
    }

    #[test]
    fn a_replica_that_says_it_is_a_primary_was_promoted_if_it_took_a_write_or_a_sentinel_says_so() {
        let roles = [role(1, "b", NodeRole::Replica), role(9, "b", NodeRole::Primary), role(20, "c", NodeRole::Replica)];
        assert_eq!(told(&found(&[], &roles, &[("b", 15)])), [(9, "b:1")], "nobody announced it before the trial ended");
        assert_eq!(told(&found(&[switch(10, 3, "a", "b")], &roles, &[])), [(9, "b:1")], "told twice, counted once");
        let word = found(&[], &roles, &[("c", 15)]);
        assert_eq!((told(&word), &word.unproved), (vec![], &vec![(9 * MS, "b:1".to_owned())]), "its word alone is not enough");
    }

    #[test]
    fn a_restarted_replica_that_calls_itself_a_primary_for_a_moment_was_not_promoted() {
        let roles = [
            role(1, "b", NodeRole::Replica),
            role(900, "b", NodeRole::Unreachable),
            role(1_500, "b", NodeRole::Primary),
            role(1_510, "b", NodeRole::Replica),
        ];
        // What another node acknowledged, or what it took before, is no sign of it.
        assert_eq!(told(&found(&[], &roles, &[("a", 1_505), ("b", 100)])), []);
        assert_eq!(told(&found(&[], &roles, &[("b", 1_505)])), [(1_500, "b:1")]);
    }

    #[test]
    fn a_switch_to_a_node_that_never_took_a_write_is_unproved() {
        let switched = found(&[switch(10, 3, "a", "b")], &[], &[]);
        assert_eq!((told(&switched), &switched.unproved), (vec![], &vec![(10 * MS, "b:1".to_owned())]));
    }
}
