//! Plans: what will be done, when, to whom.

use redquake_experiments::catalogue;
use redquake_experiments::plan::{self, Act, Capabilities, Cause, DelayPath, Plan, RuntimeKind};
use redquake_experiments::spec::{self, Experiment};

fn capable() -> Capabilities {
    Capabilities {
        runtime: RuntimeKind::Docker,
        enter_namespaces: Ok(()),
        drop_packets: Ok(()),
        lose_packets: Ok(()),
        delay_packets: Ok(DelayPath::Queue),
        limit_bandwidth: Ok(()),
    }
}

fn experiment(text: &str) -> Experiment {
    let loaded = spec::load("plan.yaml", text.as_bytes(), &|_| Err("nothing is read".to_owned()));
    let report = loaded.render_human(false);
    loaded.experiment.unwrap_or_else(|| panic!("{report}"))
}

fn of(name: &str) -> Plan {
    plan::plan(&experiment(catalogue::find(name).expect("in the catalogue")), 42, None, &capable()).expect("nothing is refused")
}

#[test]
fn a_plan_reads_as_in_the_snapshot() {
    for entry in catalogue::entries() {
        insta::assert_snapshot!(entry.name.replace('/', "-"), plan::render(&of(entry.name)));
    }
}

#[test]
fn a_plan_for_programs_has_the_steps_and_predictions() {
    let json = plan::json(&of("lost-locks"));
    assert_eq!(json["steps"][2], serde_json::json!({ "at": 8_000_000_000_u64, "act": "revert", "fault": 0 }));
    assert_eq!(json["predictions"][1]["metric"], "failover.write_gap");
    assert_eq!(serde_json::from_value::<Plan>(json["plan"].clone()).unwrap(), of("lost-locks"));
}

#[test]
fn nodes_are_brought_up_primary_first_and_sentinels_last() {
    let plan = of("sentinel/primary-kill");
    let names: Vec<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["redis-1", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3"]);
}

#[test]
fn the_seed_of_a_trial_is_the_same_for_ever() {
    // A changed figure here means that recorded seeds no longer repeat the runs they belong to.
    let seeds: Vec<u64> = of("sentinel/primary-kill").trials.iter().take(2).map(|trial| trial.seed).collect();
    insta::assert_debug_snapshot!("seeds_of_42", seeds);
}

#[test]
fn an_override_of_the_trials_and_the_seed_are_part_of_the_plans_experiment() {
    let text = catalogue::find("sentinel/primary-kill").unwrap();
    let plan = plan::plan(&experiment(text), 7, Some(2), &capable()).unwrap();
    assert_eq!((plan.experiment.trials, plan.experiment.seed, plan.trials.len()), (2, Some(7), 2));
}

#[test]
fn what_begins_when_another_ends_comes_after_it_and_what_began_last_ends_first() {
    let text = "version: 1
name: ties
topology: { kind: sentinel }
duration: 30s
faults:
  - { name: third, at: 4s, action: kill, target: { role: replica, pick: one } }
  - { name: first, at: 2s, for: 2s, action: partition, from: { node: redis-1 }, to: { node: redis-2 } }
  - { name: second, at: 3s, for: 1s, action: partition, from: { node: redis-1 }, to: { node: redis-3 } }
";
    let plan = plan::plan(&experiment(text), 1, None, &capable()).unwrap();
    let steps: Vec<(u64, Act, &str)> =
        plan.timeline().iter().map(|step| (step.at / 1_000_000_000, step.act, plan.faults[step.fault].fault.name.as_str())).collect();
    let wanted = [
        (2, Act::Inject, "first"),
        (3, Act::Inject, "second"),
        (4, Act::Revert, "second"),
        (4, Act::Revert, "first"),
        (4, Act::Inject, "third"),
    ];
    assert_eq!(steps, wanted);
}

#[test]
fn a_partition_is_refused_where_packets_cannot_be_dropped_with_the_way_out() {
    let capabilities = Capabilities { drop_packets: Err("nft is missing; install the package nftables".to_owned()), ..capable() };
    let refusals = plan::plan(&experiment(catalogue::find("lost-locks").unwrap()), 1, None, &capabilities).unwrap_err();
    let words: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["partition `lag` needs dropping packets: nft is missing; install the package nftables"]);
    assert_eq!((refusals[0].path.as_str(), refusals[0].cause), ("faults[0].action", Cause::Machine));
}

/// An experiment whose assertions want 20 trials.
const PERCENTILE: &str = "version: 1
name: percentile
topology: { kind: sentinel }
duration: 50s
trials: 20
faults:
  - { name: crash, at: 2s, action: kill, target: { role: primary } }
assert:
  - { metric: failover.write_gap, expect: \"max < 45s\" }
  - { metric: failover.write_gap, expect: \"p(95) < 45s\" }
";

#[test]
fn fewer_trials_than_a_percentile_needs_are_refused_whatever_the_machine() {
    let experiment = experiment(PERCENTILE);
    let refusals = plan::plan(&experiment, 1, Some(19), &capable()).unwrap_err();
    let words: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["19 trials for `failover.write_gap p(95) < 45s`: `p(95)` needs 20 or more"]);
    assert_eq!((refusals[0].path.as_str(), refusals[0].cause), ("assert[1].expect", Cause::Override));
    assert_eq!(plan::refuse_trials(&experiment, Some(19)), refusals);
}

#[test]
fn as_many_trials_as_a_percentile_needs_are_planned() {
    let planned = plan::plan(&experiment(PERCENTILE), 1, Some(20), &capable()).unwrap();
    assert_eq!(planned.trials.len(), 20);
    assert!(plan::refuse_trials(&experiment(PERCENTILE), None).is_empty());
}

#[test]
fn a_kill_needs_no_namespace() {
    let none = || Err("not root; run as root".to_owned());
    let capabilities = Capabilities { runtime: RuntimeKind::Docker, enter_namespaces: none(), drop_packets: none(), ..capable() };
    assert!(plan::plan(&experiment(catalogue::find("sentinel/primary-kill").unwrap()), 1, None, &capabilities).is_ok());
}

#[test]
fn everything_that_cannot_be_done_is_refused_at_once() {
    let text = "version: 1
name: refused
topology: { kind: sentinel, server: { binary: /usr/bin/redis-server } }
duration: 30s
faults:
  - { name: cut, at: 2s, for: 2s, action: partition, from: { role: primary }, to: { role: replica } }
";
    let none = || Err("not root; run as root".to_owned());
    let capabilities = Capabilities { runtime: RuntimeKind::Docker, enter_namespaces: none(), drop_packets: none(), ..capable() };
    let refusals = plan::plan(&experiment(text), 1, Some(0), &capabilities).unwrap_err();
    let paths: Vec<&str> = refusals.iter().map(|refusal| refusal.path.as_str()).collect();
    assert_eq!(paths, ["trials", "topology.server", "faults[0].action", "faults[0].action"]);
}

#[test]
fn an_image_is_refused_by_the_process_runtime() {
    let text = "version: 1\nname: image\ntopology: { kind: sentinel, server: { image: my/redis } }\nduration: 30s\n";
    let capabilities = Capabilities { runtime: RuntimeKind::Process, ..capable() };
    let refusals = plan::plan(&experiment(text), 1, None, &capabilities).unwrap_err();
    assert_eq!(refusals[0].what, "the server image my/redis on the runtime `process`");
}

/// Range predicted for a metric with `down-after-milliseconds: <down_after>`, in milliseconds.
fn predicted(down_after: u64, metric: &str) -> (u64, u64) {
    let text = catalogue::find("sentinel/primary-kill").expect("in the catalogue").replace(": 1000,", &format!(": {down_after},"));
    let experiment = experiment(&text.replace("duration: 12s", "duration: 60s").replace("ttl: 3s", "ttl: 31s"));
    let found = plan::predict(&experiment).into_iter().find(|prediction| prediction.metric == metric).expect("predicted");
    (found.low / 1_000_000, found.high / 1_000_000)
}

#[test]
fn the_predictions_contain_what_was_measured() {
    // First write through Sentinel after SIGKILL, Redis 7.0.15, N = 3 to 8 each; server-side 330 to 420 ms after down-after.
    for (down_after, low, high) in [(500, 1693, 1819), (1000, 2158, 2290), (2000, 3177, 3310), (5000, 6185, 6298)] {
        let client = predicted(down_after, "failover.client_gap");
        assert!(client.0 <= low && high <= client.1, "{client:?} for {down_after}");
        let server = predicted(down_after, "failover.write_gap");
        assert!(server.0 <= down_after + 330 && down_after + 420 <= server.1, "{server:?} for {down_after}");
    }
}

#[test]
fn no_client_gap_is_predicted_for_the_client_policy_library() {
    let text = catalogue::find("sentinel/primary-kill").unwrap().replace("hold: 50ms }", "hold: 50ms, client: library }");
    let metrics: Vec<String> = plan::predict(&experiment(&text)).into_iter().map(|prediction| prediction.metric).collect();
    assert_eq!(metrics, ["failover.detection", "failover.write_gap"]);
}

#[test]
fn writes_that_need_a_replica_wait_for_one_to_follow_the_new_primary() {
    let text = catalogue::find("sentinel/primary-kill").unwrap();
    let predicted = |needed: u32, metric: &str| {
        let text = text.replace("save: \"\" }", &format!("save: \"\", min-replicas-to-write: {needed} }}"));
        plan::predict(&experiment(&text)).into_iter().find(|prediction| prediction.metric == metric)
    };
    // Measured: 2.26 s to the first write, and clients 10 ms later.
    for metric in ["failover.write_gap", "failover.client_gap"] {
        let found = predicted(1, metric).expect("predicted");
        assert!((found.low..=found.high).contains(&2_260_000_000), "{found:?}");
    }
    assert_eq!(predicted(1, "failover.client_gap").unwrap().low, predicted(0, "failover.client_gap").unwrap().low);
    assert_eq!(predicted(2, "failover.write_gap"), None, "one replica is left: nobody can ever write");
}

#[test]
fn a_single_sentinel_tells_clients_after_it_reconfigured_the_replicas() {
    let text = catalogue::find("sentinel/primary-kill").unwrap().replace("sentinels: 3", "sentinels: 1").replace("quorum: 2", "quorum: 1");
    let found = plan::predict(&experiment(&text)).into_iter().find(|prediction| prediction.metric == "failover.client_gap").unwrap();
    // Measured: 3.28 s.
    assert!((found.low..=found.high).contains(&3_280_000_000), "{found:?}");
}

#[test]
fn nothing_is_predicted_where_the_formula_does_not_hold() {
    let with = |faults: &str, topology: &str| {
        plan::predict(&experiment(&format!("version: 1\nname: p\ntopology: {topology}\nduration: 90s\nfaults:\n{faults}")))
    };
    let kill = "  - { name: a, at: 4s, action: kill, target: { role: primary } }\n";
    let plain = "{ kind: sentinel }";
    assert_eq!(with(kill, plain).len(), 2, "no clients, so no client gap");
    assert!(with(kill, "{ kind: sentinel, replicas: 0 }").is_empty());
    assert!(with("  - { name: a, at: 4s, action: kill, target: { role: replica, pick: one } }\n", plain).is_empty());
    assert!(with(&format!("{kill}  - {{ name: b, at: 3s, action: kill, target: {{ role: sentinel, pick: one }} }}\n"), plain).is_empty());
    assert!(with(&format!("{kill}  - {{ name: b, at: 3s, action: kill, target: {{ role: replica }} }}\n"), plain).is_empty());
    assert!(with(&format!("{kill}  - {{ name: b, at: 8s, action: kill, target: {{ role: primary }} }}\n"), plain).is_empty());
}

/// Range predicted for a metric by one fault, in milliseconds.
fn predicted_by(fault: &str, redis: &str, metric: &str) -> Option<(u64, u64)> {
    let text = format!(
        "version: 1
name: p
topology: {{ kind: sentinel, config: {{ redis: {{ {redis} }}, sentinel: {{ down-after-milliseconds: 1000 }} }} }}
duration: 60s
workloads:
  - {{ name: a, kind: set, zone: a, clients: 2, rate: 10/s }}
faults:
  - {{ name: f, at: 4s, {fault} }}
"
    );
    let found = plan::predict(&experiment(&text)).into_iter().find(|prediction| prediction.metric == metric)?;
    Some((found.low / 1_000_000, found.high / 1_000_000))
}

#[test]
fn predictions_for_a_frozen_primary_contain_what_was_measured() {
    let pause = "action: pause, for: 6s, target: { role: primary }";
    // SIGSTOP, first write through Sentinel 2640 to 3247 ms, of which the announcement is 800 to 1100.
    let gap = predicted_by(pause, "", "failover.write_gap").unwrap();
    assert!(gap.0 <= 2640 - 1100 && 3247 - 800 <= gap.1, "{gap:?}");
    // Zombie for 10.0 s; with min-replicas-to-write for 6 to 20 ms.
    let zombie = predicted_by(pause, "", "failover.split_brain").unwrap();
    assert!((zombie.0..=zombie.1).contains(&10_000), "{zombie:?}");
    let fenced = predicted_by(pause, "min-replicas-to-write: 1", "failover.split_brain").unwrap();
    assert!(fenced.0 <= 6 && 20 <= fenced.1 && fenced.1 <= 100, "{fenced:?}");
    // Too short for anybody to notice: writes wait as long as the pause, and nobody is promoted.
    let short = "action: pause, for: 800ms, target: { role: primary }";
    assert!(predicted_by(short, "", "failover.write_gap").is_some_and(|gap| gap.0 == 800 && gap.1 <= 1_000));
    assert_eq!(predicted_by(short, "", "failover.split_brain"), None);
    // Whether Sentinels are quicker than the end of such a pause is chance.
    assert_eq!(predicted_by("action: pause, for: 1500ms, target: { role: primary }", "", "failover.write_gap"), None);
}

#[test]
fn a_planned_failover_leaves_two_primaries_for_as_long_as_was_measured() {
    let found = predicted_by("action: failover", "", "failover.split_brain").unwrap();
    assert!((found.0..=found.1).contains(&11_100), "{found:?}");
    assert_eq!(predicted_by("action: failover", "min-replicas-to-write: 1", "failover.split_brain"), None, "no formula for that");
}

#[test]
fn a_primary_cut_off_with_clients_goes_on_until_the_cut_heals_or_its_replicas_are_missed() {
    let cut = "action: partition, for: 20s, from: [{ role: primary }, { zone: a }], to: [{ role: sentinel }, { role: replica }]";
    let found = predicted_by(cut, "", "failover.split_brain").unwrap();
    assert!(found.0 <= 20_000 - 1_500 && 20_000 <= found.1, "{found:?}");
    // It refuses 3.0 s after the cut with a lag of 3, 10.8 s with one of 10; the other one takes writes from about 1.4 to 3.5 s after it.
    for (lag, stops) in [(3, 3_000), (10, 10_800)] {
        let found = predicted_by(cut, &format!("min-replicas-to-write: 1, min-replicas-max-lag: {lag}"), "failover.split_brain").unwrap();
        assert!(found.0 <= stops - 2_500 && stops - 1_400 <= found.1, "{lag}: {found:?}");
        assert!(found.1 <= (lag + 1) * 1_000, "{lag}: {found:?}");
    }
    let without_clients = "action: partition, for: 20s, from: { role: primary }, to: [{ role: sentinel }, { role: replica }]";
    assert_eq!(predicted_by(without_clients, "", "failover.split_brain"), None);
}
