//! What outages and promotions are put down to, from forged histories: the fault, the servers themselves, another shard, or the machine.

use redquake_experiments::spec::Assertion;
use redquake_reports::analysis::assemble;
use redquake_reports::history::{
    ClusterEvent, ClusterNews, Event, FaultEvent, FaultState, Header, NodeRole, Outcome, Probe, ProbeKind, RoleSample, SentinelEvent,
    Stall, Why,
};
use redquake_reports::render;
use redquake_reports::result::{Failover, Sample, Trial, TrialStatus, Verdict};
use redquake_reports::testing::{FailoverParams, Story, assembly, header};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;
const ZERO: u64 = S;
const END: u64 = 21 * S;

const SENTINEL: &str = "
topology: { kind: sentinel, config: { sentinel: { down-after-milliseconds: 200, failover-timeout: 2000 } } }
duration: 20s
workloads:
  - { name: w, kind: set, clients: 2, rate: 100/s }
";

const CLUSTER: &str = "
topology: { kind: cluster, shards: 3, replicas_per_shard: 1, config: { redis: { cluster-node-timeout: 2000 } } }
duration: 20s
workloads:
  - { name: w, kind: set, clients: 2, rate: 100/s }
";

const KILL: &str = "faults:\n  - { name: crash, at: 4s, action: kill, target: { node: redis-1 } }\n";
const RESTART: &str = "faults:\n  - { name: back, at: 4s, action: restart, target: { node: redis-4 }, delay: 500ms }\n";

/// What the data nodes are and do, in milliseconds of the trial.
struct World {
    header: Header,
    /// Node, from when to when it is a primary that takes writes.
    reigns: Vec<(u16, u64, u64)>,
    /// Node, from when to when it answers nothing.
    silent: Vec<(u16, u64, u64)>,
    /// Node, from when to when it answers writes with `CLUSTERDOWN`.
    refusing: Vec<(u16, u64, u64)>,
    /// Node, from when to when it only says that it is a primary.
    boasting: Vec<(u16, u64, u64)>,
    /// How long nodes are looked at after the measured time.
    afterwards: u64,
    more: Vec<Event>,
}

fn within(spans: &[(u16, u64, u64)], node: u16, at: u64) -> bool {
    spans.iter().any(|(of, from, to)| *of == node && (*from..*to).contains(&at))
}

impl World {
    fn new(experiment: &str, reigns: &[(u16, u64, u64)]) -> Self {
        let header = header(experiment);
        Self { header, reigns: reigns.to_vec(), silent: vec![], refusing: vec![], boasting: vec![], afterwards: 0, more: vec![] }
    }

    fn fault(mut self, at: u64, target: &str, state: FaultState) -> Self {
        let targets = vec![target.to_owned()];
        self.more.push(Event::Fault(FaultEvent { at: at * MS, fault: 0, state, targets, detail: String::new() }));
        self
    }

    /// `redis-1` dies.
    fn killed(mut self, at: u64) -> Self {
        self.silent.push((0, at, u64::MAX));
        self.fault(at, "redis-1", FaultState::Injected).fault(at + 4, "redis-1", FaultState::Proved)
    }

    fn data(&self) -> u16 {
        self.header.plan.nodes.iter().filter(|node| node.name.starts_with("redis-")).count() as u16
    }

    fn analysed(self) -> Trial {
        let mut story = Story::new(self.header.clone(), [ZERO, END]);
        let address = |node: u16| format!("10.0.0.{}", node + 1);
        for at in (0..END / MS + self.afterwards).step_by(5) {
            for node in 0..self.data() {
                let now = at * MS + u64::from(node) * 1_000;
                let (gone, writes) = (within(&self.silent, node, at), within(&self.reigns, node, at));
                let probe = |op, out, why| Event::Probe(Probe { node, op, at: [now; 3], out, why });
                let refusal = if within(&self.refusing, node, at) { Why::Clusterdown } else { Why::Readonly };
                story.tell(
                    now,
                    match () {
                        () if gone => probe(ProbeKind::Write, Outcome::Fail, Some(Why::Connect)),
                        () if refusal == Why::Readonly && writes => probe(ProbeKind::Write, Outcome::Ok, None),
                        () => probe(ProbeKind::Write, Outcome::Fail, Some(refusal)),
                    },
                );
                let read = if gone { (Outcome::Fail, Some(Why::Connect)) } else { (Outcome::Ok, None) };
                story.tell(now, probe(ProbeKind::Read, read.0, read.1));
                let role = match () {
                    () if gone => NodeRole::Unreachable,
                    () if writes || within(&self.boasting, node, at) => NodeRole::Primary,
                    () => NodeRole::Replica,
                };
                let link = !gone;
                let follows = String::new();
                story.tell(
                    now,
                    Event::Role(RoleSample { at: [now; 2], node, role, offset: at, link, follows, syncing: false, priority: None }),
                );
            }
        }
        // Each Sentinel announces each change, one after the other.
        for (pair, sentinel) in self.reigns.windows(2).flat_map(|pair| [3, 4, 5].map(|sentinel| (pair, sentinel))) {
            let at = (pair[1].1 + 300 + u64::from(sentinel) * 50) * MS;
            let payload = format!("m {} 6379 {} 6379", address(pair[0].0), address(pair[1].0));
            if self.data() == 3 && at < END {
                story.tell(at, Event::Sentinel(SentinelEvent { at, node: sentinel, event: "+switch-master".to_owned(), payload }));
            }
        }
        for event in self.more {
            let at = match &event {
                Event::Fault(step) => step.at,
                Event::Cluster(news) => news.at,
                Event::Stall(stall) => stall.at,
                other => panic!("{other:?} has no place in these stories"),
            };
            story.tell(at, event);
        }
        story.analysed()
    }
}

fn value(trial: &Trial, metric: &str) -> f64 {
    match trial.metrics[metric] {
        Sample::Exact(value) => value,
        Sample::AtLeast(value) => panic!("{metric} is only known to be at least {value}"),
    }
}

fn conclusive(trial: &Trial) {
    assert_eq!((trial.status, &trial.reasons), (TrialStatus::Conclusive, &vec![]));
}

fn outages(trial: &Trial) -> Vec<&Failover> {
    trial.failovers.iter().filter(|one| one.write_gap.as_ref().is_some_and(|gap| gap.length.value() >= 250e6)).collect()
}

/// The primary changes four times after one kill; the third change stops writes as well.
fn storm() -> World {
    let reigns = [(0, 0, 5_000), (1, 5_400, 6_500), (2, 6_550, 8_000), (1, 8_400, 9_500), (2, 9_510, 30_000)];
    World::new(&format!("{SENTINEL}{KILL}"), &reigns).killed(5_000)
}

#[test]
fn a_failover_storm_after_one_kill_is_conclusive_and_what_came_after_the_first_change_are_aftershocks() {
    let trial = storm().analysed();
    conclusive(&trial);
    assert_eq!((value(&trial, "failover.count"), value(&trial, "failover.aftershocks")), (4.0, 3.0));
    let told: Vec<(&str, bool)> = trial.promotions.iter().map(|one| (one.new_primary.as_str(), one.aftershock)).collect();
    assert_eq!(told, [("redis-2", false), ("redis-3", true), ("redis-2", true), ("redis-3", true)]);
    assert!(trial.promotions.iter().all(|one| one.fault.as_deref() == Some("crash")));
    let outages: Vec<(u64, bool)> = outages(&trial).iter().map(|one| (one.write_gap.as_ref().unwrap().from / MS, one.aftershock)).collect();
    assert_eq!(outages, [(4_995, false), (7_995, true)]);
    let remark = trial.remarks.iter().find(|remark| remark.starts_with("aftershocks of `crash` at T+4.000 s: ")).expect("the evidence");
    assert!(remark.contains("redis-3 became primary at T+5.5") && remark.contains("the tool's own loops were in time"), "{remark}");
    let marks = trial.timeline.sentinel.iter().filter(|mark| mark.event == "aftershock");
    assert_eq!(marks.map(|mark| mark.node.as_str()).collect::<Vec<_>>(), ["redis-3", "redis-2", "redis-3"]);
}

#[test]
fn an_assertion_judges_a_storm_and_the_first_sentence_tells_it() {
    let mut run = assembly(&FailoverParams::default(), 1);
    run.plan.experiment.assertions =
        vec![serde_json::from_str::<Assertion>(r#"{"metric":"failover.count","expect":"max == 1"}"#).expect("an assertion")];
    run.plan.trials.truncate(1);
    run.trials = vec![storm().analysed()];
    let document = assemble(run);
    assert_eq!(document.verdict, Verdict::Fail);
    let told = render::sentence(&document);
    assert!(told.contains("the primary changed 4 times after one kill"), "{told}");
}

#[test]
fn a_storm_that_the_tool_was_late_in_proves_nothing() {
    let mut world = storm();
    world.more.push(Event::Stall(Stall { at: 6_500 * MS, late: 300 * MS, place: "probes".to_owned() }));
    assert_eq!(world.analysed().status, TrialStatus::Inconclusive);
}

#[test]
fn a_promotion_after_the_measured_time_is_told_and_not_counted() {
    let late = World::new(&format!("{SENTINEL}{KILL}"), &[(0, 0, 20_800), (1, 21_300, 30_000)]).killed(20_800);
    let trial = World { afterwards: 1_000, ..late }.analysed();
    assert_eq!((value(&trial, "failover.count"), trial.promotions.len()), (0.0, 0));
    let remark = "redis-2 became primary at T+20.300 s, after the measured time: it is not counted";
    assert!(trial.remarks.iter().any(|told| told == remark), "{:?}", trial.remarks);
}

#[test]
fn one_change_after_a_kill_has_no_aftershock() {
    let trial = World::new(&format!("{SENTINEL}{KILL}"), &[(0, 0, 5_000), (1, 5_400, 30_000)]).killed(5_000).analysed();
    conclusive(&trial);
    assert_eq!((value(&trial, "failover.count"), value(&trial, "failover.aftershocks")), (1.0, 0.0));
    assert!(!trial.remarks.iter().any(|remark| remark.contains("aftershock")), "{:?}", trial.remarks);
}

#[test]
fn an_outage_long_after_the_kill_that_nobody_was_promoted_in_is_an_aftershock_and_one_before_it_is_the_servers_own() {
    let mut world = World::new(&format!("{SENTINEL}{KILL}"), &[(0, 0, 5_000), (1, 5_400, 30_000)]).killed(5_000);
    world.silent.extend([(0, 2_000, 2_400), (1, 12_000, 12_400)]);
    let trial = world.analysed();
    conclusive(&trial);
    let told: Vec<(Option<&str>, bool)> = outages(&trial).iter().map(|one| (one.fault.as_deref(), one.aftershock)).collect();
    assert_eq!(told, [(None, false), (Some("crash"), false), (Some("crash"), true)]);
    assert_eq!((value(&trial, "failover.count"), value(&trial, "failover.aftershocks")), (1.0, 1.0));
}

#[test]
fn a_node_that_comes_back_is_not_said_to_have_gone_on_acknowledging_all_the_while() {
    let mut world = World::new(&format!("{CLUSTER}{KILL}"), &[(0, 0, 5_000), (1, 0, 30_000), (2, 0, 30_000), (3, 8_000, 30_000)]);
    world = world.killed(5_000);
    world.silent.push((3, 14_000, 14_500));
    let trial = world.analysed();
    assert!(value(&trial, "failover.still_acknowledged") < 10e6, "the killed node had been dead for nine seconds");
}

/// A Cluster whose shard 1 loses its primary and gets another.
fn replaced() -> World {
    let mut world =
        World::new(&format!("{CLUSTER}{KILL}"), &[(0, 0, 5_000), (1, 0, 30_000), (2, 0, 30_000), (3, 8_000, 30_000)]).killed(5_000);
    let won =
        ClusterEvent { at: 7_990 * MS, node: 3, news: ClusterNews::Won, about: None, epoch: None, delay: None, rank: None, log: None };
    world.more.push(Event::Cluster(won));
    world
}

#[test]
fn all_nodes_silent_at_once_long_after_the_kill_is_the_machine_and_not_the_kill() {
    let mut world = replaced();
    world.silent.extend((1..6).map(|node| (node, 10_700, 12_400)));
    let trial = world.analysed();
    assert_eq!(trial.status, TrialStatus::Inconclusive);
    assert_eq!(trial.reasons.len(), 1, "{:?}", trial.reasons);
    assert!(
        trial.disturbed && trial.reasons[0].starts_with("all 5 nodes that no fault had taken were silent at once for 1.7"),
        "{:?}",
        trial.reasons
    );
    assert!(trial.reasons[0].ends_with("at T+9.695 s: the machine of the servers stood still"), "{:?}", trial.reasons);
    let mut told: Vec<(Option<u32>, Option<&str>)> = outages(&trial).iter().map(|one| (one.shard, one.fault.as_deref())).collect();
    told.sort_unstable();
    assert_eq!(told, [(Some(1), None), (Some(1), Some("crash")), (Some(2), None), (Some(3), None)]);
    assert_eq!(value(&trial, "failover.blast_radius"), 0.0, "the other shards felt the machine and not the kill");
}

#[test]
fn one_node_silent_in_a_shard_that_no_fault_touched_is_its_own_doing() {
    let mut world = replaced();
    world.silent.push((1, 10_700, 12_400));
    let trial = world.analysed();
    conclusive(&trial);
    let told: Vec<(Option<u32>, Option<&str>)> = outages(&trial).iter().map(|one| (one.shard, one.fault.as_deref())).collect();
    assert_eq!(told, [(Some(1), Some("crash")), (Some(2), None)]);
    assert_eq!(value(&trial, "failover.count"), 1.0);
}

#[test]
fn a_restarted_replica_of_a_cluster_that_calls_itself_a_primary_for_a_moment_is_not_promoted() {
    let mut world = World::new(&format!("{CLUSTER}{RESTART}"), &[(0, 0, 30_000), (1, 0, 30_000), (2, 0, 30_000)]);
    world.silent.push((3, 5_000, 5_600));
    world.boasting.push((3, 5_600, 5_615));
    let states =
        [(5_000, FaultState::Injected), (5_010, FaultState::Proved), (5_550, FaultState::Reverted), (5_800, FaultState::RevertProved)];
    let world = states.into_iter().fold(world, |world, (at, state)| world.fault(at, "redis-4", state));
    let trial = world.analysed();
    conclusive(&trial);
    assert_eq!((value(&trial, "failover.count"), trial.promotions.len()), (0.0, 0));
    assert!(trial.failovers.iter().all(|one| one.new_primary.is_none()), "{:#?}", trial.failovers);
    let told = trial.remarks.iter().find(|remark| remark.starts_with("redis-4 was called a primary at T+4.6")).expect("it is told");
    assert!(told.ends_with("it is not counted as promoted"), "{told}");
}

#[test]
fn shards_that_lost_nothing_are_refused_for_coverage_because_of_the_one_that_did() {
    let mut world = World::new(&format!("{CLUSTER}{KILL}"), &[(0, 0, 5_000), (1, 0, 30_000), (2, 0, 30_000)]).killed(5_000);
    world.silent.push((3, 0, 30_000));
    // The second shard is refused to the end, the third until the trial's last seconds.
    world.refusing.extend([(1, 7_400, 30_000), (2, 7_400, 18_000)]);
    let trial = world.analysed();
    conclusive(&trial);
    let of = |shard: u32| outages(&trial).into_iter().find(|one| one.shard == Some(shard)).expect("an outage");
    assert!(of(1).refused_for_coverage.is_none());
    assert_eq!(of(1).obstacle.as_deref(), Some("its only replica, redis-4, gave no answer"));
    for shard in [2, 3] {
        let one = of(shard);
        let refusal = one.refused_for_coverage.as_ref().expect("a refusal");
        assert_eq!((refusal.shards.as_slice(), one.fault.as_deref(), one.obstacle.as_deref()), ([1].as_slice(), Some("crash"), None));
        assert_eq!(one.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["coverage"], "nothing was detected");
        let why = format!("shard {shard} lost nothing and refused writes because shard 1 was not served (cluster-require-full-coverage)");
        assert_eq!(refusal.why, why);
        assert!(trial.remarks.iter().any(|remark| remark.starts_with(&why)), "{:?}", trial.remarks);
    }
    assert!(matches!(of(2).refused_for_coverage.as_ref().unwrap().lasted, Sample::AtLeast(bound) if bound > 13e9));
    let Sample::Exact(lasted) = of(3).refused_for_coverage.as_ref().unwrap().lasted else { panic!("it ended") };
    assert!((lasted - 10.6e9).abs() < 20e6, "{lasted}");
    let Sample::AtLeast(radius) = trial.metrics["failover.blast_radius"] else { panic!("it lasted to the end") };
    assert!(radius > 13e9);
    assert_eq!((value(&trial, "failover.count"), value(&trial, "failover.aftershocks")), (0.0, 0.0));
}
