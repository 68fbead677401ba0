//! Faults that overlap on one thing of a node: each adds a layer and takes off its own, in whatever order, and the newest that is left counts.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What faults have laid over one kind of thing, such as a directive, on each node.
#[derive(Debug)]
pub struct OverrideStack<T>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    next: u64,
    piles: HashMap<(String, String), Pile<T>>,
}

#[derive(Debug)]
struct Pile<T> {
    /// What was there before any layer.
    ground: T,
    layers: Vec<(OverrideId, T)>,
}

/// One layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverrideId(u64);

impl<T> Default for OverrideStack<T> {
    fn default() -> Self {
        Self(Mutex::new(Inner { next: 0, piles: HashMap::new() }))
    }
}

impl<T: Clone> OverrideStack<T> {
    /// Lays a value over what a node has; `found` is what was there just before.
    pub fn lay(&self, node: &str, what: &str, found: T, value: T) -> OverrideId {
        let mut inner = self.inner();
        inner.next += 1;
        let layer = OverrideId(inner.next);
        let pile = inner.piles.entry((node.to_owned(), what.to_owned()));
        let pile = pile.or_insert_with(|| Pile { ground: found.clone(), layers: Vec::new() });
        if pile.layers.is_empty() {
            pile.ground = found;
        }
        pile.layers.push((layer, value));
        layer
    }

    /// Writes down how the node itself calls the value of a layer.
    pub fn reword(&self, node: &str, what: &str, layer: OverrideId, value: T) {
        let mut inner = self.inner();
        let pile = inner.piles.get_mut(&(node.to_owned(), what.to_owned()));
        if let Some(found) = pile.and_then(|pile| pile.layers.iter_mut().find(|(other, _)| *other == layer)) {
            found.1 = value;
        }
    }

    /// Takes a layer off, wherever it lies; fine when it is gone.
    pub fn take(&self, node: &str, what: &str, layer: OverrideId) {
        if let Some(pile) = self.inner().piles.get_mut(&(node.to_owned(), what.to_owned())) {
            pile.layers.retain(|(other, _)| *other != layer);
        }
    }

    /// What must be there now: the newest layer, or what was there before any.
    pub fn wanted(&self, node: &str, what: &str) -> Option<T> {
        let inner = self.inner();
        let pile = inner.piles.get(&(node.to_owned(), what.to_owned()))?;
        Some(pile.layers.last().map_or_else(|| pile.ground.clone(), |(_, value)| value.clone()))
    }

    /// Every layer that lies there, oldest first.
    pub fn all(&self, node: &str, what: &str) -> Vec<T> {
        let inner = self.inner();
        let pile = inner.piles.get(&(node.to_owned(), what.to_owned()));
        pile.map(|pile| pile.layers.iter().map(|(_, value)| value.clone()).collect()).unwrap_or_default()
    }

    /// Whether any lies there.
    pub fn any(&self, node: &str, what: &str) -> bool {
        !self.all(node, what).is_empty()
    }

    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_off_from_below_changes_nothing_and_the_last_one_brings_back_what_was_there_first() {
        let layers = OverrideStack::default();
        let one = layers.lay("redis-1", "hz", "10", "20");
        let two = layers.lay("redis-1", "hz", "20", "50");
        layers.take("redis-1", "hz", one);
        assert_eq!(layers.wanted("redis-1", "hz"), Some("50"), "the later one goes on");
        layers.take("redis-1", "hz", two);
        assert_eq!(layers.wanted("redis-1", "hz"), Some("10"), "not the value of the one that is over");
    }

    #[test]
    fn what_is_taken_off_from_above_leaves_the_one_below() {
        let layers = OverrideStack::default();
        layers.lay("redis-1", "hz", 10, 20);
        let two = layers.lay("redis-1", "hz", 20, 50);
        layers.take("redis-1", "hz", two);
        assert_eq!(layers.wanted("redis-1", "hz"), Some(20));
        assert!(!layers.any("redis-2", "hz") && layers.any("redis-1", "hz"));
    }

    #[test]
    fn a_bare_ground_is_what_was_found_last() {
        let layers = OverrideStack::default();
        let one = layers.lay("redis-1", "hz", 10, 20);
        layers.take("redis-1", "hz", one);
        let two = layers.lay("redis-1", "hz", 11, 20);
        layers.reword("redis-1", "hz", two, 21);
        assert_eq!(layers.wanted("redis-1", "hz"), Some(21));
        layers.take("redis-1", "hz", two);
        assert_eq!(layers.wanted("redis-1", "hz"), Some(11));
    }
}
