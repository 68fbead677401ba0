//! Names of keys: in a Cluster each carries a hash tag that puts it on the shard it is meant for.

use std::sync::Arc;

use redquake_experiments::spec::{ClusterTopology, SlotRanges, key_slot, shard_of};

/// Hash tags of a shard, and so slots its keys lie in.
const TAGS: usize = 16;

/// How keys are named.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Hash tags by shard; empty where there is one shard, whose keys need none.
    tags: Arc<Vec<Vec<String>>>,
    only: Only,
}

/// Which keys are meant.
#[derive(Debug, Clone, Default)]
enum Only {
    #[default]
    All,
    /// Those dealt to a shard.
    Shard(u32),
    /// Those in some slots, wherever they were dealt to: slots move.
    Slots(Arc<SlotRanges>),
}

impl Keys {
    /// Names for the keys of a Cluster.
    pub fn of(cluster: Option<&ClusterTopology>) -> Self {
        let slots = cluster.map(ClusterTopology::slots).unwrap_or_default();
        let tags = slots.iter().map(|slots| {
            let numbered = (0_u32..).map(|number| format!("s{number}"));
            // A shard has one slot at least, and every slot is found among few of a hundred thousand tags.
            numbered.take(1_000_000).filter(|tag| slots.contains(key_slot(tag))).take(TAGS).collect()
        });
        Self { tags: Arc::new(tags.collect()), only: Only::All }
    }

    /// The shard of a key, from 1.
    pub fn shard_of(&self, key: u32) -> u32 {
        shard_of(key, u32::try_from(self.tags.len()).unwrap_or(1))
    }

    /// The name of a key: the plain one, and the hash tag of its shard.
    pub fn name(&self, plain: String, key: u32) -> String {
        match self.tag(key) {
            Some(tag) => format!("{plain}{{{tag}}}"),
            None => plain,
        }
    }

    fn tag(&self, key: u32) -> Option<&str> {
        let shards = self.tags.len().max(1);
        let tags = self.tags.get(key as usize % shards).filter(|tags| !tags.is_empty())?;
        tags.get(key as usize / shards % tags.len()).map(String::as_str)
    }

    /// The hash slot of a key; none where there is one shard.
    pub fn slot(&self, key: u32) -> Option<u16> {
        self.tag(key).map(key_slot)
    }

    /// Every slot in which keys lie: of each shard in the order in which keys are dealt out.
    pub fn slots(&self) -> Vec<u16> {
        self.tags.iter().flatten().map(|tag| key_slot(tag)).collect()
    }

    /// The slots of the keys that probes write, one a shard.
    pub fn probed(&self) -> Vec<u16> {
        (0..).zip(self.tags.iter()).filter_map(|(first, _)| self.slot(first)).collect()
    }

    /// The same names, for the keys of one shard only.
    pub fn only(&self, shard: u32) -> Self {
        Self { only: Only::Shard(shard), ..self.clone() }
    }

    /// The same names, for the keys in some slots only.
    pub fn within(&self, slots: SlotRanges) -> Self {
        Self { only: Only::Slots(Arc::new(slots)), ..self.clone() }
    }

    /// Whether every key dealt to a shard lies in these slots.
    pub fn lie_within(&self, shard: u32, slots: &SlotRanges) -> bool {
        let tags = self.tags.get(shard.saturating_sub(1) as usize);
        tags.is_none_or(|tags| tags.iter().all(|tag| slots.contains(key_slot(tag))))
    }

    /// Whether a key is one of those meant.
    pub fn cover(&self, key: u32) -> bool {
        match &self.only {
            Only::All => true,
            Only::Shard(shard) => self.shard_of(key) == *shard,
            Only::Slots(slots) => self.slot(key).is_none_or(|slot| slots.contains(slot)),
        }
    }
}

#[cfg(test)]
mod tests {
    use redquake_experiments::spec::{ClusterConfig, Server};

    use super::*;

    #[test]
    fn every_key_lies_on_the_shard_it_is_dealt_to() {
        let topology = ClusterTopology {
            server: Server::default(),
            shards: 3,
            replicas_per_shard: 1,
            slots: Vec::new(),
            config: ClusterConfig::default(),
        };
        let keys = Keys::of(Some(&topology));
        let slots = topology.slots();
        for key in 0..1_000 {
            let name = keys.name(format!("lock:0:{key}"), key);
            assert!(slots[keys.shard_of(key) as usize - 1].contains(key_slot(&name)), "{name}");
        }
        let of_second = (0..9).filter(|key| keys.only(2).cover(*key)).collect::<Vec<_>>();
        assert_eq!(of_second, [1, 4, 7]);
    }

    #[test]
    fn a_key_whose_slot_has_moved_is_one_of_its_new_owner() {
        let topology = ClusterTopology {
            server: Server::default(),
            shards: 3,
            replicas_per_shard: 1,
            slots: Vec::new(),
            config: ClusterConfig::default(),
        };
        let keys = Keys::of(Some(&topology));
        let moved = key_slot(&keys.name("set:0:7".to_owned(), 7));
        let rest: SlotRanges = match moved {
            5461 => "5462-10922".parse().unwrap(),
            slot => format!("5461-{},{}-10922", slot - 1, slot + 1).parse().unwrap(),
        };
        let first: SlotRanges = format!("0-5460,{moved}").parse().unwrap();
        assert_eq!(keys.shard_of(7), 2);
        assert!(!keys.within(rest.clone()).cover(7) && keys.within(first.clone()).cover(7));
        assert!(keys.within(rest).cover(1) && !keys.within(first).cover(1), "its neighbours stay");
    }

    #[test]
    fn the_slot_of_a_key_is_that_of_its_name_and_probes_write_to_one_slot_a_shard() {
        let topology = ClusterTopology {
            server: Server::default(),
            shards: 3,
            replicas_per_shard: 1,
            slots: Vec::new(),
            config: ClusterConfig::default(),
        };
        let keys = Keys::of(Some(&topology));
        for key in 0..100 {
            assert_eq!(keys.slot(key), Some(key_slot(&keys.name(format!("set:1:{key}"), key))));
        }
        let written: Vec<u16> = (0..3).map(|shard| key_slot(&keys.name("redquake:probe".to_owned(), shard))).collect();
        assert_eq!(keys.probed(), written);
        assert!(written.iter().all(|slot| keys.slots().contains(slot)));
        assert_eq!((Keys::default().slot(7), Keys::default().slots(), Keys::default().probed()), (None, vec![], vec![]));
    }

    #[test]
    fn a_shard_of_one_slot_has_a_tag_for_it() {
        let slots = ["0", "1-16383"].map(|slots| slots.parse().unwrap()).to_vec();
        let topology =
            ClusterTopology { server: Server::default(), shards: 2, replicas_per_shard: 0, slots, config: ClusterConfig::default() };
        assert_eq!(key_slot(&Keys::of(Some(&topology)).name("canary".to_owned(), 0)), 0);
    }

    #[test]
    fn without_shards_names_are_plain() {
        assert_eq!(Keys::default().name("lock:0:7".to_owned(), 7), "lock:0:7");
        assert_eq!(Keys::default().shard_of(7), 1);
    }
}
