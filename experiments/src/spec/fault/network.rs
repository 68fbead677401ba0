//! Faults of the links between nodes and zones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BitRate, Percent};
use crate::spec::{Duration, Selector};

/// One selector, or a list of them: everything any of them matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Group {
    /// One selector.
    One(Selector),
    /// Several.
    Several(Vec<Selector>),
}

impl Group {
    /// The selectors.
    pub fn all(&self) -> &[Selector] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }

    /// Paths of the selectors in the file, for a group that stands at `path`.
    pub fn paths(&self, path: &str) -> Vec<String> {
        match self {
            Self::One(_) => vec![path.to_owned()],
            Self::Several(several) => (0..several.len()).map(|index| format!("{path}[{index}]")).collect(),
        }
    }
}

/// Packets between groups are dropped inside the members' own network namespaces. Exactly one of `from` with `to`, `groups`, and `shape` is given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Partition {
    /// One side of the cut, resolved when the fault fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Group>,
    /// The other side of the cut, resolved when the fault fires. Whoever is in `from` is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Group>,
    /// Two or more groups, each cut off from all others. A node belongs to the first group that names it, so `{ role: any }` last means all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<Group>>,
    /// A shape drawn over the members of `of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Whom `shape` is drawn over; default: every node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Group>,
    /// Which packets are dropped; only with `from` and `to`.
    #[serde(default)]
    pub direction: Direction,
    /// Which connections are cut.
    #[serde(default)]
    pub link: Link,
}

/// Named shapes of a partition. Members are put in an order drawn from the trial's seed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One member is cut off from all others.
    Isolate,
    /// Two halves; of an odd number the first has one more.
    Halves,
    /// The smallest majority and the rest.
    MajorityMinority,
    /// Two halves that see each other only through one member that sees both.
    Bridge,
    /// Each member sees a majority, no two see the same one: its nearest neighbours on a ring.
    Ring,
    /// One of the above, drawn from the trial's seed.
    Random,
}

/// Which packets a fault of a link touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Packets sent by `from` to `to`.
    To,
    /// Packets sent by `to` to `from`.
    From,
}

/// Which connections a partition cuts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// All.
    #[default]
    All,
    /// Those to the port clients use; a Cluster's bus stays whole.
    Client,
    /// Those to the Cluster bus; clients are still served.
    Bus,
}

/// A share of the packets between two groups is dropped at random.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Loss {
    /// One side, resolved when the fault fires.
    pub from: Group,
    /// The other side, resolved when the fault fires. Whoever is in `from` is not in it.
    pub to: Group,
    /// Which packets.
    #[serde(default)]
    pub direction: Direction,
    /// Share of the packets of each direction that is dropped, like `20%`.
    pub percent: Percent,
}

/// Packets between two groups arrive late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delay {
    /// One side, resolved when the fault fires.
    pub from: Group,
    /// The other side, resolved when the fault fires. Whoever is in `from` is not in it.
    pub to: Group,
    /// Which packets; with `both`, a round trip is late twice.
    #[serde(default)]
    pub direction: Direction,
    /// How late each packet is.
    pub delay: Duration,
    /// Spread: each packet is late by `delay` plus or minus up to so much, drawn evenly.
    #[serde(default)]
    pub jitter: Duration,
}

/// Packets of the targets pass no faster than a rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bandwidth {
    /// Whose link, resolved when the fault fires.
    pub target: Selector,
    /// Highest rate of each direction, like `10mbit`.
    pub rate: BitRate,
    /// What the targets send (`to`), receive (`from`), or both.
    #[serde(default)]
    pub direction: Direction,
}
