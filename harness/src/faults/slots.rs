//! Who serves which slots of a Cluster, and what is on its way, by what all nodes say.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use redquake_experiments::spec::key_slot;
use redquake_reports::history::{NoteKind, SlotLeft};
use redquake_topologies::cluster::{KnownNode, known_nodes};

use crate::clients::{Timeouts, open};
use crate::context::{Member, Roster, TrialContext};

/// An idle server on a lab network answers in a fraction of a millisecond; one that takes longer than this does not answer.
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(300), response: Duration::from_millis(300) };

/// What one node says of all of them, itself included.
pub struct View {
    /// Index of the node that was asked.
    pub asked: u16,
    /// What it said.
    pub nodes: Vec<KnownNode>,
}

impl View {
    /// What it says of itself.
    pub fn myself(&self) -> Option<&KnownNode> {
        self.nodes.iter().find(|node| node.is("myself"))
    }

    /// Index of a node it knows; it may leave its own address empty until another has told it.
    fn index(&self, known: &KnownNode, at: &impl Fn(&str) -> Option<u16>) -> Option<u16> {
        if known.is("myself") { Some(self.asked) } else { at(&known.address) }
    }
}

/// The index of the node at `ip:port`.
pub fn index_at(roster: &Roster, address: &str) -> Option<u16> {
    let (host, port) = address.rsplit_once(':')?;
    roster.at(host, port.parse().ok()?)
}

/// What every node that answers says.
pub async fn views(context: &TrialContext) -> Vec<View> {
    let asked = context.roster.data().map(|member| {
        let address = member.node.address;
        let answer = context.control.spawn(async move {
            let mut connection = open(address, TIMEOUTS).await.ok()?;
            let text: String = redis::cmd("CLUSTER").arg("NODES").query_async(&mut connection).await.ok()?;
            Some(known_nodes(&text))
        });
        async move { Some(View { asked: member.index, nodes: answer.await.ok()?? }) }
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// How many keys a node has in each of some slots; `None` if it does not answer.
pub async fn keys_in(context: &TrialContext, member: &Member, slots: &[u16]) -> Option<Vec<u64>> {
    let (address, slots) = (member.node.address, slots.to_vec());
    let counting = context.control.spawn(async move {
        let mut connection = open(address, TIMEOUTS).await.ok()?;
        let mut questions = redis::pipe();
        for slot in slots {
            questions.cmd("CLUSTER").arg("COUNTKEYSINSLOT").arg(slot);
        }
        questions.query_async(&mut connection).await.ok()
    });
    counting.await.ok()?
}

/// The node that serves a slot, by the newest claim of which anybody knows: also one that is gone and not replaced yet.
pub fn owner(views: &[View], at: &impl Fn(&str) -> Option<u16>, slot: u16) -> Option<u16> {
    let claims = views.iter().flat_map(|view| view.nodes.iter().map(move |node| (view, node)));
    let claims = claims.filter(|(_, node)| node.is("master") && node.slots.contains(slot));
    claims.max_by_key(|(_, node)| node.epoch).and_then(|(view, node)| view.index(node, at))
}

/// The shard that serves the slot of a key now; what it was found to be is recorded.
pub async fn shard_serving(context: &TrialContext, key: &str) -> Result<u32, String> {
    let slot = key_slot(key);
    let views = views(context).await;
    let owner = owner(&views, &|address| index_at(&context.roster, address), slot);
    let owner = owner.and_then(|index| context.roster.data().find(|member| member.index == index));
    let owner = owner.ok_or_else(|| format!("no node that answers knows who serves slot {slot} of key `{key}`"))?;
    let text = format!("key `{key}` lies in slot {slot}; {} of shard {} served it when a fault asked", owner.node.name, owner.shard);
    context.recorder.note(NoteKind::Remark, text);
    Ok(owner.shard)
}

/// Those of some slots in which something was left: on its way, without an owner, or with keys where it is not served. `keys` are those
/// of each slot, in their order, by primary.
pub fn left(slots: &[u16], views: &[View], keys: &[(u16, Vec<u64>)], at: &impl Fn(&str) -> Option<u16>) -> Vec<SlotLeft> {
    let known = views.iter().flat_map(|view| view.nodes.iter().filter_map(move |node| Some((node.id.as_str(), view.index(node, at)?))));
    let known: HashMap<&str, u16> = known.collect();
    let moving: Vec<(u16, u16, bool, Option<u16>)> = views
        .iter()
        .filter_map(|view| Some((view.asked, view.myself()?)))
        .flat_map(|(asked, myself)| myself.moving.iter().map(move |one| (asked, one)))
        .map(|(asked, one)| (one.slot, asked, one.leaving, known.get(one.other.as_str()).copied()))
        .collect();
    let state = |(place, slot): (usize, u16)| {
        let on_way = |out: bool| moving.iter().filter(move |one| one.0 == slot && one.2 == out).map(|one| (one.1, one.3)).collect();
        let keys = keys.iter().filter_map(|(node, counts)| Some((*node, *counts.get(place)?))).filter(|(_, count)| *count > 0);
        SlotLeft { slot, owner: owner(views, at, slot), leaving: on_way(true), arriving: on_way(false), keys: keys.collect() }
    };
    let states = slots.iter().copied().enumerate().map(state);
    states
        .filter(|state| state.is_open() || state.owner.is_none() || state.keys.iter().any(|(node, _)| Some(*node) != state.owner))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Option<u16> {
        address.strip_prefix("10.0.0.")?.strip_suffix(":6379")?.parse().ok()
    }

    fn view(asked: u16, text: &str) -> View {
        View { asked, nodes: known_nodes(text) }
    }

    #[test]
    fn the_newest_claim_holds_whoever_tells_it() {
        // Node 1 has not heard that node 4 took over from it.
        let old = view(1, "a :6379@1 myself,master - 0 0 1 connected 0-99\nb 10.0.0.2:6379@1 master - 0 0 2 connected 100-200\n");
        let new = view(2, "b :6379@1 myself,master - 0 0 2 connected 100-200\nd 10.0.0.4:6379@1 master - 0 0 9 connected 0-99\n");
        assert_eq!(owner(&[old, new], &at, 7), Some(4));
        let gone = view(2, "a 10.0.0.1:6379@1 master,fail - 0 0 1 disconnected 0-99\n");
        assert_eq!(owner(&[gone], &at, 7), Some(1), "nobody has taken over yet");
        assert_eq!(owner(&[], &at, 7), None);
    }

    #[test]
    fn what_is_where_it_belongs_is_not_told_and_what_is_on_its_way_is() {
        let source = view(1, "a :6379@1 myself,master - 0 0 1 connected 0-99 [7->-b]\nb 10.0.0.2:6379@1 master - 0 0 2 connected 100\n");
        let target = view(2, "a 10.0.0.1:6379@1 master - 0 0 1 connected 0-99\nb :6379@1 myself,master - 0 0 2 connected 100 [7-<-a]\n");
        let keys = [(1, vec![0, 3, 0]), (2, vec![0, 5, 4])];
        let found = left(&[6, 7, 100], &[source, target], &keys, &at);
        let wanted =
            SlotLeft { slot: 7, owner: Some(1), leaving: vec![(1, Some(2))], arriving: vec![(2, Some(1))], keys: vec![(1, 3), (2, 5)] };
        assert_eq!(found, [wanted]);
    }

    #[test]
    fn keys_that_stayed_behind_are_told_though_nobody_holds_the_slot_for_open() {
        let target = view(2, "b :6379@1 myself,master - 0 0 2 connected 7\n");
        let found = left(&[7], &[target], &[(1, vec![2]), (2, vec![1])], &at);
        assert_eq!(found[0].keys, [(1, 2), (2, 1)]);
        assert_eq!((found[0].owner, found[0].is_open()), (Some(2), false));
    }
}
