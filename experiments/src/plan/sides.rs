//! Who reaches whom while links are cut.

use serde::Serialize;

use super::words::seconds;
use super::{Plan, PlannedFault};
use crate::spec::sides::{Member, Sides, listed, sides};
use crate::spec::{Action, Direction};

/// One partition, by the roles the nodes start with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// The fault.
    pub fault: String,
    /// When, in nanoseconds from the start of the baseline window, where that is known.
    pub at: Option<u64>,
    /// When it is healed, where that is known.
    pub until: Option<u64>,
    /// The groups, each cut off from all others; none where a shape is drawn when the fault fires.
    pub groups: Vec<Vec<String>>,
    /// Which packets between them are dropped, seen from the first.
    pub direction: Direction,
    /// Who is in no group and reaches all of them.
    pub reach_all: Vec<String>,
}

impl Plan {
    /// Every partition of the plan, with who stands on which side.
    pub fn cuts(&self) -> Vec<Cut> {
        let cut = |planned: &PlannedFault| {
            let Action::Partition(partition) = &planned.fault.action else { return None };
            let sides = sides(&self.experiment, partition);
            Some(Cut {
                fault: planned.label(),
                at: planned.inject_at(),
                until: planned.revert_at(),
                groups: sides.groups.iter().map(|side| names(side)).collect(),
                direction: sides.direction,
                reach_all: names(&sides.outside),
            })
        };
        self.faults.iter().filter_map(cut).collect()
    }
}

/// In a few lines for each cut; the repetitions of one are told once.
pub(super) fn drawn(plan: &Plan) -> String {
    let mut out = String::new();
    let mut told: Vec<Sides> = Vec::new();
    for planned in &plan.faults {
        let Action::Partition(partition) = &planned.fault.action else { continue };
        let when = match (planned.inject_at(), planned.revert_at()) {
            (Some(at), Some(until)) => format!("T+{} to T+{}", seconds(at), seconds(until)),
            (Some(at), None) => format!("from T+{} on", seconds(at)),
            (None, _) => "once it is injected".to_owned(),
        };
        let sides = sides(&plan.experiment, partition);
        let again = !sides.groups.is_empty() && told.contains(&sides);
        out.push_str(&format!("  {}, {when}{}\n", planned.label(), if again { ": the same" } else { "" }));
        if again {
            continue;
        }
        let between = match sides.direction {
            Direction::Both => " x ",
            Direction::To => " -x-> ",
            Direction::From => " <-x- ",
        };
        let groups: Vec<String> = sides.groups.iter().map(|side| format!("{{{}}}", names(side).join(", "))).collect();
        match groups.as_slice() {
            [] => out.push_str("    the sides are drawn when it is injected\n"),
            groups => out.push_str(&format!("    {}\n", groups.join(between))),
        }
        if !sides.outside.is_empty() {
            out.push_str(&format!("    in no group, reaching all: {}\n", listed(&sides.outside)));
        }
        told.push(sides);
    }
    out
}

fn names(members: &[Member]) -> Vec<String> {
    members.iter().map(Member::to_string).collect()
}
