//! Outages of a Cluster, shard by shard: trials of which it is known what was down when, and who felt it.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::history::{Event, FaultEvent, FaultState, NodeRole, Op, OpKind, Outcome, Probe, ProbeKind, RoleSample, Why};
use redquake_reports::result::{Failover, Sample};
use redquake_reports::testing::{Story, header};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;
const ZERO: u64 = S;
const END: u64 = 40 * S;
/// What is between two writes of a shard that is at work.
const EVERY: u64 = 200 * MS;
const SHARDS: u32 = 3;

const EXPERIMENT: &str = "
topology: { kind: cluster, shards: 3, replicas_per_shard: 1 }
duration: 39s
workloads:
  - { name: w, kind: set, clients: 2, rate: 100/s }
faults:
  - { name: f0, at: 4s, action: kill, target: { node: redis-1 } }
  - { name: f1, at: 16s, action: kill, target: { node: redis-1 } }
";

/// A shard that is down.
#[derive(Debug, Clone, Copy)]
struct Down {
    shard: u32,
    fault: u16,
    from: u64,
    /// When it takes writes again, if it ever does.
    to: u64,
    /// How much longer its clients wait.
    extra: u64,
    /// Whether another node has taken over.
    other: bool,
    /// Whether its primary is there and answers `CLUSTERDOWN`.
    refused: bool,
}

/// What an outage is put down to, least first where several are possible: the fault that struck the shard, one that did so before, none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Direct(u16),
    Aftershock(u16),
    Spontaneous,
}

/// `struck` are the shards of the faults.
fn origin(down: &Down, all: &[Down], struck: &[u32]) -> Origin {
    if down.refused {
        let lost = |other: &&Down| other.fault == down.fault && other.shard != down.shard && !other.refused;
        return all.iter().filter(lost).map(|other| origin(other, all, struck)).min().unwrap_or(Origin::Direct(down.fault));
    }
    let before = || (0..down.fault).rev().find(|fault| struck[usize::from(*fault)] == down.shard);
    match struck[usize::from(down.fault)] == down.shard {
        true => Origin::Direct(down.fault),
        false => before().map_or(Origin::Spontaneous, Origin::Aftershock),
    }
}

fn sample(length: u64, ended: bool) -> Sample {
    if ended { Sample::Exact(length as f64) } else { Sample::AtLeast(length as f64) }
}

/// The longest; of equals what may be longer.
fn longest(samples: impl Iterator<Item = Sample>) -> Option<Sample> {
    let open = |sample: &Sample| matches!(sample, Sample::AtLeast(_));
    samples.max_by(|one, other| one.value().total_cmp(&other.value()).then(open(one).cmp(&open(other))))
}

#[test]
fn each_shard_has_its_own_outages_and_what_those_felt_that_no_fault_took_hold_of_is_the_blast_radius() {
    let mut rng = ChaCha8Rng::seed_from_u64(71);
    let header = header(EXPERIMENT);
    let nodes: Vec<(String, u32)> = header.plan.nodes.iter().map(|node| (node.name.clone(), node.shard.unwrap())).collect();
    let of_shard = |shard: u32, place: usize| (0_u16..).zip(&nodes).filter(|(_, node)| node.1 == shard).nth(place).unwrap().0;
    let empty = Story::new(header.clone(), [ZERO, END]);
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for number in 0..600 {
        let mut story = empty.clone();
        let (mut down, mut struck) = (Vec::new(), Vec::new());
        for fault in 0..rng.random_range(0..3_u16) {
            let from = (5 + 12 * u64::from(fault)) * S;
            let at = from + rng.random_range(0..150) * MS;
            let target = &nodes[rng.random_range(0..nodes.len())];
            struck.push(target.1);
            let step = FaultEvent { at, fault, state: FaultState::Injected, targets: vec![target.0.clone()], detail: String::new() };
            story.tell(at, Event::Fault(step));
            for shard in 1..=SHARDS {
                if rng.random_bool(if shard == target.1 { 0.7 } else { 0.2 }) {
                    let long = rng.random_range(5..if fault == 0 { 200 } else { 900 }) * 50 * MS;
                    let extra = rng.random_range(0..20) * 50 * MS;
                    let refused = shard != target.1 && rng.random_bool(0.5);
                    down.push(Down { shard, fault, from, to: from + long, extra, other: !refused && rng.random_bool(0.5), refused });
                }
            }
        }
        for shard in 1..=SHARDS {
            // Its replica answers all the while: the machine never stands still.
            for at in (0..END).step_by(50 * MS as usize) {
                let (node, role, follows) = (of_shard(shard, 1), NodeRole::Replica, String::new());
                let said = RoleSample { at: [at; 2], node, role, offset: 0, link: true, follows, syncing: false, priority: None };
                story.tell(at, Event::Role(said));
            }
            let own: Vec<&Down> = down.iter().filter(|down| down.shard == shard).collect();
            let (mut at, mut writer) = (0, of_shard(shard, 0));
            while at < END {
                let probe = |op, out, why| Event::Probe(Probe { node: writer, op, at: [at; 3], out, why });
                story.tell(at, probe(ProbeKind::Write, Outcome::Ok, None));
                story.tell(at, probe(ProbeKind::Read, Outcome::Ok, None));
                let answered = at + MS;
                let waits = own.iter().find(|down| down.from < answered && answered <= down.to + down.extra);
                // The answer to a client may wait: until then it is the last one.
                let told = waits.map_or(answered, |down| down.to + down.extra + MS);
                if told < END && waits.is_none_or(|down| at == down.to) {
                    // Who is asked is told, or else the key says which shard it was.
                    let (key, node) = if rng.random_bool(0.5) {
                        (rng.random_range(0..9), Some(writer))
                    } else {
                        (shard - 1 + 3 * rng.random_range(0..3), None)
                    };
                    let op = Op {
                        w: 0,
                        c: 0,
                        op: OpKind::Add,
                        id: at * 4 + u64::from(shard),
                        key,
                        at: [told; 3],
                        out: Outcome::Ok,
                        why: None,
                        node,
                    };
                    story.tell(told, Event::Op(op));
                }
                let ends = own.iter().find(|down| down.from == at);
                if let Some(down) = ends.filter(|down| down.refused) {
                    for at in (down.from + MS..down.to.min(END)).step_by(100 * MS as usize) {
                        story.tell(
                            at,
                            Event::Probe(Probe {
                                node: writer,
                                op: ProbeKind::Write,
                                at: [at; 3],
                                out: Outcome::Fail,
                                why: Some(Why::Clusterdown),
                            }),
                        );
                    }
                }
                at = ends.map_or(at + EVERY, |down| down.to);
                if ends.is_some_and(|down| down.other) {
                    writer = of_shard(shard, usize::from(writer == of_shard(shard, 0)));
                }
                // What is down next begins when it does.
                at = own.iter().map(|down| down.from).filter(|from| (at - EVERY..at).contains(from) && ends.is_none()).max().unwrap_or(at);
            }
            let late = |op| Event::Probe(Probe { node: writer, op, at: [END; 3], out: Outcome::Fail, why: Some(Why::Connect) });
            [ProbeKind::Write, ProbeKind::Read].into_iter().for_each(|op| story.tell(END, late(op)));
        }
        let trial = story.analysed();

        let down_all = down.clone();
        let row = |down: &Down| {
            let (fault, again) = match origin(down, &down_all, &struck) {
                Origin::Direct(fault) => (Some(format!("f{fault}")), false),
                Origin::Aftershock(fault) => (Some(format!("f{fault}")), true),
                Origin::Spontaneous => (None, false),
            };
            (down.shard, fault, again, down.from, (down.to < END).then_some(down.to), down.refused)
        };
        let mut wanted: Vec<_> = down.iter().map(row).collect();
        wanted.sort();
        let told = trial.failovers.iter().filter_map(|one| Some((one, one.write_gap.as_ref()?)));
        let told = told.filter(|(_, gap)| gap.length.value() >= 250e6);
        let refused = |one: &Failover| one.refused_for_coverage.is_some();
        let mut told: Vec<_> =
            told.map(|(one, gap)| (one.shard.unwrap(), one.fault.clone(), one.aftershock, gap.from, gap.to, refused(one))).collect();
        told.sort();
        assert_eq!(told, wanted, "{number}: {down:?}");
        let length = |down: &Down| sample(down.to.min(END) - down.from, down.to < END);
        for shard in 1..=SHARDS {
            let own = || down.iter().filter(|down| down.shard == shard);
            let silent = (0..).zip(&struck).any(|(fault, hit)| *hit == shard && !own().any(|down| down.fault == fault));
            // Where nothing was broken, or nothing stopped, it is the space between two writes.
            let calm = (struck.is_empty() || silent).then_some(Sample::Exact(EVERY as f64));
            let gap = longest(own().map(length).chain(calm));
            let metric = trial.metrics.get(&format!("shard-{shard}.write_gap")).copied();
            assert_eq!(metric, gap, "{number}: shard {shard} of {down:?}");
            if own().next().is_some() {
                let wait = |down: &Down| {
                    let back = down.to + down.extra + MS;
                    sample(back.min(END) - down.from, back < END)
                };
                let metric = trial.metrics.get(&format!("shard-{shard}.client_gap")).copied();
                assert_eq!(metric, longest(own().map(wait)), "{number}: clients of shard {shard}: {down:?}");
            }
        }
        let beside = longest(down.iter().filter(|down| !struck.contains(&down.shard)).map(length));
        let radius = beside.or((!down.is_empty()).then_some(Sample::Exact(0.0)));
        assert_eq!(trial.metrics.get("failover.blast_radius").copied(), radius, "{number}: {struck:?} {down:?}");
        let class = match (struck.len(), radius) {
            (0, _) => "nothing broken",
            (_, None) => "nothing stopped",
            (_, Some(Sample::Exact(0.0))) => "only where it was struck",
            (_, Some(Sample::Exact(_))) => "beside it as well",
            (_, Some(Sample::AtLeast(_))) => "beside it until the end",
        };
        *seen.entry(class).or_default() += 1;
        for one in &trial.failovers {
            let Some(down) =
                down.iter().find(|down| Some(down.shard) == one.shard && one.write_gap.as_ref().is_some_and(|gap| gap.from == down.from))
            else {
                continue;
            };
            if down.refused {
                *seen.entry("refused for coverage").or_default() += 1;
                let lost = down_all.iter().filter(|other| other.fault == down.fault && other.shard != down.shard && !other.refused);
                let mut lost: Vec<u32> = lost.map(|other| other.shard).collect();
                lost.sort_unstable();
                assert_eq!(one.refused_for_coverage.as_ref().unwrap().shards, lost, "{number}: {one:?}");
            }
            *seen.entry("an aftershock").or_default() += u32::from(one.aftershock);
            *seen.entry("nobody's").or_default() += u32::from(one.fault.is_none());
            let heir = (down.to < END && down.other).then_some(down.shard);
            let new = one.new_primary.as_ref().map(|new| nodes.iter().find(|node| node.0 == *new).unwrap().1);
            assert_eq!(new, heir, "{number}: {one:?}");
            *seen.entry("another took over").or_default() += u32::from(heir.is_some());
        }
    }
    assert!(seen.len() == 9 && seen.values().all(|often| *often > 10), "{seen:?}");
}
