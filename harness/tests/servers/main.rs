//! The tool from outside, on real servers. One binary, so that one run at a time is enforced by one lock.

mod catalogue;
mod independent_observer;
mod killed;
mod lost_locks;
mod other_experiments;
mod primary_kill;
mod residue;
mod support;
