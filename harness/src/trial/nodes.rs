//! What the faults of a plan want of the nodes before they are there.

use redquake_experiments::plan::Plan;
use redquake_experiments::spec::{Action, Role, Selector, WantedRole};
use redquake_topologies::runtime::NodeSpec;

/// Size of a disk that a fault may fill: far more than a trial writes, and small enough to be filled in the memory of any machine.
const DISK: u64 = 64 << 20;

/// The nodes of a plan, with what its faults may need of them.
pub fn wanted(plan: &Plan) -> Vec<NodeSpec> {
    let actions = || plan.faults.iter().map(|planned| &planned.fault.action);
    let spec = |name: &str, role: Role| {
        let fills = |action: &Action| matches!(action, Action::DiskFull(spec) if may_mean(&spec.target, name, role));
        let jumps = |action: &Action| matches!(action, Action::ClockJump(spec) if may_mean(&spec.target, name, role));
        NodeSpec { disk: actions().any(fills).then_some(DISK), clock: actions().any(jumps), ..NodeSpec::new(name, role) }
    };
    plan.nodes.iter().map(|node| spec(&node.name, node.role)).collect()
}

/// Whether a selector may come to mean a node. Primary and replica change places, so each of the two may mean any data node.
fn may_mean(selector: &Selector, name: &str, role: Role) -> bool {
    let (sentinel, alone) = (role == Role::Sentinel, role == Role::Independent);
    match (&selector.node, selector.role) {
        (Some(wanted), _) => wanted == name,
        (None, Some(WantedRole::Sentinel | WantedRole::LeaderSentinel)) => sentinel,
        (None, Some(WantedRole::Primary | WantedRole::Replica | WantedRole::Data)) => role.is_data(),
        (None, Some(WantedRole::Independent)) => alone,
        (None, Some(WantedRole::Any)) => true,
        // A zone has no server, a shard has data nodes.
        (None, None) => role.is_data() && selector.shard.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_may_come_to_mean_every_node_that_can_have_it() {
        let primary = Selector::role(WantedRole::Primary);
        assert!(may_mean(&primary, "redis-2", Role::Replica), "it may be promoted");
        assert!(!may_mean(&primary, "sentinel-1", Role::Sentinel));
        assert!(may_mean(&Selector::role(WantedRole::LeaderSentinel), "sentinel-1", Role::Sentinel));
        assert!(may_mean(&Selector::role(WantedRole::Any), "sentinel-1", Role::Sentinel));
        assert!(may_mean(&Selector::role(WantedRole::Independent), "independent-1", Role::Independent));
        assert!(!may_mean(&primary, "independent-1", Role::Independent), "it is of no set");
        assert!(may_mean(&Selector::node("redis-2"), "redis-2", Role::Replica));
        assert!(!may_mean(&Selector::node("redis-2"), "redis-3", Role::Replica));
    }
}
