//! The plan a forged history claims to come from.

use redquake_experiments::plan::{NodePlan, Plan, PlannedFault, RuntimeKind, Start, TrialPlan};
use redquake_experiments::spec::{
    Action, Assertion, ClientPolicy, Common, Directives, Duration, Experiment, Fault, Fencing, Kill, LockWorkload, Rate, Role, Selector,
    SentinelTopology, Server, Severity, Topology, TopologyConfig, WantedRole, Workload, WorkloadKind,
};

use super::FailoverParams;

/// The plan of an experiment that kills the primary: one workload `locks`, one fault `crash`, five trials.
pub fn plan(params: &FailoverParams) -> Plan {
    let kill = Action::Kill(Kill { target: Selector::role(WantedRole::Primary) });
    let kill = Fault::at("crash", Duration::from_nanos(params.kill_at), None, kill);
    plan_with(params, vec![kill])
}

/// The same with other faults.
pub fn plan_with(params: &FailoverParams, faults: Vec<Fault>) -> Plan {
    let millis = |nanos: u64| (nanos / 1_000_000).to_string();
    let directives = [("down-after-milliseconds", millis(params.down_after)), ("failover-timeout", millis(params.failover_timeout))];
    let experiment = Experiment {
        version: 1,
        name: "sentinel-primary-kill".to_owned(),
        description: "Writers recover within 5 s of losing the primary, and no lock has two holders.".to_owned(),
        topology: Topology::Sentinel(SentinelTopology {
            server: Server::default(),
            replicas: 2,
            sentinels: 3,
            quorum: 2,
            independent: 0,
            config: TopologyConfig { redis: Directives::default(), sentinel: Directives::new(directives).expect("names and numbers") },
        }),
        duration: Duration::from_nanos(params.duration),
        trials: 5,
        jitter: None,
        seed: Some(params.seed),
        workloads: vec![Workload {
            common: Common {
                name: "locks".to_owned(),
                zone: None,
                clients: u32::from(params.clients),
                rate: Rate::per_second(params.rate as f64),
                client: ClientPolicy::Rebuild,
                timeout: Duration::from_millis(250),
                connect_timeout: Duration::from_millis(250),
            },
            kind: WorkloadKind::Lock(LockWorkload {
                wait: 0,
                renew: false,
                quorum: 0,
                resource: false,
                fencing: Fencing::None,
                keys: params.keys,
                ttl: Duration::from_nanos(params.ttl).into(),
                hold: Duration::from_nanos(params.hold),
                drift: None,
            }),
        }],
        faults: faults.clone(),
        assertions: vec![
            assertion("failover.write_gap", "max < 5s", Severity::Error),
            assertion("locks.double_acquired", "count == 0", Severity::Error),
            assertion("failover.library_cost", "median < 500ms", Severity::Warn),
        ],
    };
    let node = |name: &str, role| NodePlan { name: name.to_owned(), role, shard: None };
    Plan {
        experiment,
        seed: params.seed,
        runtime: RuntimeKind::Docker,
        nodes: vec![
            node("redis-1", Role::Primary),
            node("redis-2", Role::Replica),
            node("redis-3", Role::Replica),
            node("sentinel-1", Role::Sentinel),
            node("sentinel-2", Role::Sentinel),
            node("sentinel-3", Role::Sentinel),
        ],
        faults: faults
            .into_iter()
            .map(|fault| PlannedFault::once(Start::At(fault.timing.at.unwrap_or_default().as_nanos()), fault))
            .collect(),
        trials: (1..=5)
            .map(|index| TrialPlan { index, seed: params.seed.wrapping_add(u64::from(index)), phase: 0, repeats: None })
            .collect(),
    }
}

fn assertion(metric: &str, expect: &str, severity: Severity) -> Assertion {
    Assertion { metric: metric.to_owned(), expect: expect.parse().expect("a fixed expectation"), severity }
}
