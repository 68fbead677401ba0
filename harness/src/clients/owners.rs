//! Who serves which slots of a Cluster at the moment, by what the nodes say of themselves.

use std::time::Duration;

use futures_util::future::join_all;
use redquake_experiments::spec::SlotRanges;
use redquake_topologies::cluster::known_nodes;

use super::{Timeouts, open};
use crate::context::{Member, TrialContext};

/// Every node must have answered by then; one that has not serves nothing.
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(150), response: Duration::from_millis(150) };

/// A node that says that it serves slots.
#[derive(Debug, Clone)]
pub struct Claim<M = Member> {
    /// The node.
    pub member: M,
    /// Of two claims to a slot the one with the larger epoch holds.
    pub epoch: u64,
    /// The slots.
    pub slots: SlotRanges,
}

/// What the nodes of a Cluster claim, whether it still holds or not.
pub async fn claims(context: &TrialContext) -> Vec<Claim> {
    let asked = context.roster.data().map(|member| {
        let address = member.node.address;
        let answer = context.control.spawn(async move {
            let mut connection = open(address, TIMEOUTS).await.ok()?;
            let text: String = redis::cmd("CLUSTER").arg("NODES").query_async(&mut connection).await.ok()?;
            let myself = known_nodes(&text).into_iter().find(|node| node.is("myself"))?;
            (myself.is("master") && myself.slots.count() > 0).then_some((myself.epoch, myself.slots))
        });
        async move { (member, answer.await) }
    });
    let said = join_all(asked).await.into_iter();
    said.filter_map(|(member, said)| said.ok().flatten().map(|(epoch, slots)| Claim { member, epoch, slots })).collect()
}

/// Every slot with its one owner: claims that a newer one took slots from keep the rest, or are gone.
pub fn owners<M>(mut claims: Vec<Claim<M>>) -> Vec<Claim<M>> {
    claims.sort_by_key(|claim| std::cmp::Reverse(claim.epoch));
    let mut newer: Vec<SlotRanges> = Vec::new();
    let mut owners = Vec::new();
    for claim in claims {
        let own = claim.slots.iter().flat_map(|(first, last)| first..=last);
        let own = own.filter(|slot| !newer.iter().any(|slots| slots.contains(*slot)));
        let own = SlotRanges::new(own.map(|slot| (slot, slot)).collect()).merged();
        newer.push(claim.slots);
        if own.count() > 0 {
            owners.push(Claim { member: claim.member, epoch: claim.epoch, slots: own });
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(member: &str, epoch: u64, slots: &str) -> Claim<String> {
        Claim { member: member.to_owned(), epoch, slots: slots.parse().unwrap() }
    }

    fn told(claims: Vec<Claim<String>>) -> Vec<String> {
        let mut told: Vec<String> = owners(claims).iter().map(|claim| format!("{} {}", claim.member, claim.slots)).collect();
        told.sort();
        told
    }

    #[test]
    fn an_old_primary_that_has_not_heard_of_its_successor_owns_nothing() {
        let claims = vec![claim("redis-1", 1, "0-5460"), claim("redis-4", 7, "0-5460"), claim("redis-2", 2, "5461-16383")];
        assert_eq!(told(claims), ["redis-2 5461-16383", "redis-4 0-5460"]);
    }

    #[test]
    fn a_slot_that_moved_belongs_to_who_claimed_it_last() {
        let claims = vec![claim("redis-1", 8, "0-5460,5461"), claim("redis-2", 2, "5461-10922"), claim("redis-3", 3, "10923-16383")];
        assert_eq!(told(claims), ["redis-1 0-5461", "redis-2 5462-10922", "redis-3 10923-16383"]);
    }
}
