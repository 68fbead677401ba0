//! Which nodes a Sentinel set has.

use redquake_experiments::spec::{Role, SentinelTopology};

use crate::runtime::NodeSpec;

/// The nodes of a set, data nodes first, the first primary before its replicas; independent primaries last.
pub fn nodes(topology: &SentinelTopology) -> Vec<NodeSpec> {
    let data = (0..=topology.replicas)
        .map(|index| NodeSpec::new(format!("redis-{}", index + 1), if index == 0 { Role::Primary } else { Role::Replica }));
    let sentinels = (1..=topology.sentinels).map(|index| NodeSpec::new(format!("sentinel-{index}"), Role::Sentinel));
    let independent = (1..=topology.independent).map(|index| NodeSpec::new(format!("independent-{index}"), Role::Independent));
    data.chain(sentinels).chain(independent).collect()
}

#[cfg(test)]
mod tests {
    use redquake_experiments::spec::{Server, TopologyConfig};

    use super::*;

    #[test]
    fn the_first_primary_comes_before_its_replicas_and_those_that_belong_to_no_set_last() {
        let topology = SentinelTopology {
            server: Server::default(),
            replicas: 1,
            sentinels: 2,
            quorum: 2,
            independent: 1,
            config: TopologyConfig::default(),
        };
        let nodes = nodes(&topology);
        let names: Vec<(&str, Role)> = nodes.iter().map(|node| (node.name.as_str(), node.role)).collect();
        assert_eq!(
            names,
            [
                ("redis-1", Role::Primary),
                ("redis-2", Role::Replica),
                ("sentinel-1", Role::Sentinel),
                ("sentinel-2", Role::Sentinel),
                ("independent-1", Role::Independent),
            ]
        );
    }
}
