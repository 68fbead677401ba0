//! Links between members on the lab network, as faults of links see them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redquake_experiments::spec::Direction;
use redquake_topologies::rules::{PeerRule, Ports, Traffic};
use redquake_topologies::shaping::End;

use super::injection::Injection;
use super::party::Party;
use crate::context::Stage;

/// Some members and the links between them that a fault is about.
pub struct Links {
    members: Vec<Party>,
    pairs: Vec<Pair>,
}

/// A link between two members, by their places. What is done to it is done in the namespace of `near`.
#[derive(Debug, Clone, Copy)]
struct Pair {
    near: usize,
    far: usize,
    /// Which packets, seen from `near`.
    direction: Direction,
}

impl Links {
    /// Every link between two sides. Whoever stands on the first does not stand on the second: `{ role: any }` there means everybody else.
    pub fn between(from: &[Party], to: &[Party], direction: Direction) -> Self {
        let mut links = Self { members: Vec::new(), pairs: Vec::new() };
        let others: Vec<Party> = to.iter().filter(|party| !from.iter().any(|other| other.name() == party.name())).cloned().collect();
        links.add(from, &others, direction);
        links
    }

    /// Every link between members of different groups.
    pub fn apart(groups: &[Vec<Party>]) -> Self {
        let mut links = Self { members: Vec::new(), pairs: Vec::new() };
        for (place, group) in groups.iter().enumerate() {
            for other in &groups[place + 1..] {
                links.add(group, other, Direction::Both);
            }
        }
        links
    }

    /// Some links of some members, by their places.
    pub fn of(members: Vec<Party>, pairs: &[(usize, usize)]) -> Self {
        let pairs = pairs.iter().map(|(near, far)| Pair { near: *near, far: *far, direction: Direction::Both }).collect();
        Self { members, pairs }
    }

    fn add(&mut self, from: &[Party], to: &[Party], direction: Direction) {
        for near in from {
            for far in to {
                let (near, far) = (self.place(near), self.place(far));
                self.pairs.push(Pair { near, far, direction });
            }
        }
    }

    fn place(&mut self, party: &Party) -> usize {
        let known = self.members.iter().position(|member| member.name() == party.name());
        known.unwrap_or_else(|| {
            self.members.push(party.clone());
            self.members.len() - 1
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Names of the members.
    pub fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.name().to_owned()).collect()
    }

    /// The members.
    pub fn members(&self) -> &[Party] {
        &self.members
    }

    /// The members in whose namespaces something is done.
    pub fn near(&self) -> impl Iterator<Item = &Party> {
        self.pairs.iter().map(|pair| pair.near).collect::<BTreeSet<_>>().into_iter().map(|place| &self.members[place])
    }

    /// Those members, each with the packets it is about there.
    pub fn traffic(&self, ports: &Ports) -> Vec<(&Party, Vec<Traffic>)> {
        let mut traffic: BTreeMap<usize, Vec<Traffic>> = BTreeMap::new();
        for pair in &self.pairs {
            let rule = PeerRule { peer: self.members[pair.far].ip(), direction: pair.direction };
            traffic.entry(pair.near).or_default().push(rule.on(ports.clone()));
        }
        traffic.into_iter().map(|(place, traffic)| (&self.members[place], traffic)).collect()
    }

    /// Every link with the packets it is about, seen from the first.
    pub fn pairs(&self) -> impl Iterator<Item = (&Party, &Party, Direction)> {
        self.pairs.iter().map(|pair| (&self.members[pair.near], &self.members[pair.far], pair.direction))
    }

    /// Up to so many links between living members that no other fault disturbs.
    pub async fn undisturbed(&self, most: usize, stage: &Stage, others: &[Arc<dyn Injection>]) -> Vec<(&Party, &Party, Direction)> {
        let mut chosen = Vec::new();
        for (near, far, direction) in self.pairs() {
            let disturbed = others.iter().any(|other| other.disturbs(near.name(), far.name()));
            if chosen.len() < most && !disturbed && near.alive(stage).await && far.alive(stage).await {
                chosen.push((near, far, direction));
            }
        }
        chosen
    }

    /// Every link, from both of its ends.
    pub fn ends(&self) -> impl Iterator<Item = (&Party, &Party)> {
        self.pairs().flat_map(|(near, far, _)| [(near, far), (far, near)])
    }

    /// Whether the link between the two named is one of them.
    pub fn join(&self, one: &str, other: &str) -> bool {
        self.ends().any(|(near, far)| near.name() == one && far.name() == other)
    }
}

/// A member as the end of a measurement.
pub async fn end(party: &Party, stage: &Stage) -> Result<End, String> {
    Ok(End { namespace: party.namespace(stage).await?, address: party.ip(), port: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Party {
        Party::Zone(name.to_owned(), [10, 0, 0, name.as_bytes()[0]].into())
    }

    fn told(links: &Links) -> Vec<String> {
        links.pairs().map(|(near, far, _)| format!("{}{}", near.name(), far.name())).collect()
    }

    #[test]
    fn who_stands_on_the_first_side_does_not_stand_on_the_second() {
        let links = Links::between(&[zone("a"), zone("b")], &[zone("b"), zone("c")], Direction::Both);
        assert_eq!(told(&links), ["ac", "bc"], "a and b stay together");
        assert!(Links::between(&[zone("a"), zone("b")], &[zone("b"), zone("a")], Direction::Both).is_empty());
    }

    #[test]
    fn groups_are_apart_from_each_other_and_whole_in_themselves() {
        let links = Links::apart(&[vec![zone("a"), zone("b")], vec![zone("c")], vec![zone("d")]]);
        assert_eq!(told(&links), ["ac", "bc", "ad", "bd", "cd"]);
        assert!(links.join("d", "a") && !links.join("a", "b"));
    }

    #[test]
    fn what_is_done_is_done_once_for_each_link() {
        let links = Links::between(&[zone("a")], &[zone("b"), zone("c")], Direction::To);
        let traffic = links.traffic(&Ports::default());
        assert_eq!(traffic.len(), 1, "all of it in the namespace of the one near end");
        assert_eq!(traffic[0].1.len(), 2);
    }
}
