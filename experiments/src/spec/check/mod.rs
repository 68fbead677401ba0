//! What a file asks, checked across its fields. One rule, one function; none of them knows about text.

mod actions;
mod assertions;
mod cluster;
mod databases;
mod detection;
mod directives;
mod finding;
mod instants;
mod jitter;
mod limiters;
mod locks;
mod names;
mod network;
mod payments;
mod recovery;
mod registers;
mod reshard;
mod rules;
mod schedule;
mod selectors;
mod sentinels;
mod sides;
mod timing;
mod topology;
mod waits;
mod zones;

pub(crate) use finding::Finding;
pub(crate) use rules::check;
