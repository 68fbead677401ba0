//! Trees on the loopback of a fresh namespace, to see whether they can be had. Pure.

use super::tree::{INTERMEDIATE, Shape, Side, redirection, tree};
use crate::shaping::delay::Delay;

const LOOPBACK: &str = "lo";

/// A tree with netem.
pub(crate) fn delay_on_loopback(delay: &Delay) -> String {
    let Delay { delay, jitter, traffic } = delay.clone();
    tree(LOOPBACK, Side::Going, &[&Shape::Delay { delay, jitter, traffic }])
}

/// A limit both ways, given that the intermediate link is there.
pub(crate) fn rate_on_loopback() -> String {
    let rate = Shape::Rate { bits: 1_000_000, going: true, coming: true };
    tree(LOOPBACK, Side::Going, &[&rate]) + &redirection(LOOPBACK) + &tree(INTERMEDIATE, Side::Coming, &[&rate])
}
