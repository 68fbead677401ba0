//! Links between members on the lab network, as faults of links see them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redquake_experiments::spec::Direction;
use redquake_topologies::rules::{PeerRule, Ports, Traffic};
use redquake_topologies::shaping::End;

use super::endpoint::Endpoint;
use super::injection::Injection;
use crate::context::TrialContext;

/// Some members and the links between them that a fault is about.
pub struct Links {
    members: Vec<Endpoint>,
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
    pub fn between(from: &[Endpoint], to: &[Endpoint], direction: Direction) -> Self {
        let mut links = Self { members: Vec::new(), pairs: Vec::new() };
        let others: Vec<Endpoint> =
            to.iter().filter(|endpoint| !from.iter().any(|other| other.name() == endpoint.name())).cloned().collect();
        links.add(from, &others, direction);
        links
    }

    /// Every link between members of different groups.
    pub fn apart(groups: &[Vec<Endpoint>]) -> Self {
        let mut links = Self { members: Vec::new(), pairs: Vec::new() };
        for (place, group) in groups.iter().enumerate() {
            for other in &groups[place + 1..] {
                links.add(group, other, Direction::Both);
            }
        }
        links
    }

    /// Some links of some members, by their places.
    pub fn of(members: Vec<Endpoint>, pairs: &[(usize, usize)]) -> Self {
        let pairs = pairs.iter().map(|(near, far)| Pair { near: *near, far: *far, direction: Direction::Both }).collect();
        Self { members, pairs }
    }

    fn add(&mut self, from: &[Endpoint], to: &[Endpoint], direction: Direction) {
        for near in from {
            for far in to {
                let (near, far) = (self.place(near), self.place(far));
                self.pairs.push(Pair { near, far, direction });
            }
        }
    }

    fn place(&mut self, endpoint: &Endpoint) -> usize {
        let known = self.members.iter().position(|member| member.name() == endpoint.name());
        known.unwrap_or_else(|| {
            self.members.push(endpoint.clone());
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
    pub fn members(&self) -> &[Endpoint] {
        &self.members
    }

    /// The members in whose namespaces something is done.
    pub fn near(&self) -> impl Iterator<Item = &Endpoint> {
        self.pairs.iter().map(|pair| pair.near).collect::<BTreeSet<_>>().into_iter().map(|place| &self.members[place])
    }

    /// Those members, each with the packets it is about there.
    pub fn traffic(&self, ports: &Ports) -> Vec<(&Endpoint, Vec<Traffic>)> {
        let mut traffic: BTreeMap<usize, Vec<Traffic>> = BTreeMap::new();
        for pair in &self.pairs {
            let rule = PeerRule { peer: self.members[pair.far].ip(), direction: pair.direction };
            traffic.entry(pair.near).or_default().push(rule.on(ports.clone()));
        }
        traffic.into_iter().map(|(place, traffic)| (&self.members[place], traffic)).collect()
    }

    /// Every link with the packets it is about, seen from the first.
    pub fn pairs(&self) -> impl Iterator<Item = (&Endpoint, &Endpoint, Direction)> {
        self.pairs.iter().map(|pair| (&self.members[pair.near], &self.members[pair.far], pair.direction))
    }

    /// Up to so many links between living members that no other fault disturbs.
    pub async fn undisturbed(
        &self,
        most: usize,
        context: &TrialContext,
        others: &[Arc<dyn Injection>],
    ) -> Vec<(&Endpoint, &Endpoint, Direction)> {
        let mut chosen = Vec::new();
        for (near, far, direction) in self.pairs() {
            let disturbed = others.iter().any(|other| other.disturbs(near.name(), far.name()));
            if chosen.len() < most && !disturbed && near.alive(context).await && far.alive(context).await {
                chosen.push((near, far, direction));
            }
        }
        chosen
    }

    /// Every link, from both of its ends.
    pub fn ends(&self) -> impl Iterator<Item = (&Endpoint, &Endpoint)> {
        self.pairs().flat_map(|(near, far, _)| [(near, far), (far, near)])
    }

    /// Whether the link between the two named is one of them.
    pub fn join(&self, one: &str, other: &str) -> bool {
        self.ends().any(|(near, far)| near.name() == one && far.name() == other)
    }
}

/// A member as the end of a measurement.
pub async fn end(endpoint: &Endpoint, context: &TrialContext) -> Result<End, String> {
    Ok(End { namespace: endpoint.namespace(context).await?, address: endpoint.ip(), port: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Endpoint {
        Endpoint::Zone(name.to_owned(), [10, 0, 0, name.as_bytes()[0]].into())
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
