//! Gaps and whose fault they are: random trials on a coarse grid, of which every rule of the definitions is asked for every interval.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::history::{Event, FaultEvent, FaultState, NodeRole, Op, OpKind, Outcome, Probe, ProbeKind, RoleSample, Why};
use redquake_reports::result::{Failover, Gap, Sample, Trial};
use redquake_reports::testing::{Story, header};

const MS: u64 = 1_000_000;
const TICK: u64 = 50 * MS;
const ZERO: u64 = 20 * TICK;
const END: u64 = 640 * TICK;
/// An interval is an outage from this length on.
const OUTAGE: u64 = 250 * MS;
/// How long after a fault its longest ordinary interval is looked for.
const LOOKED_AT: u64 = 15_000 * MS;
/// What ends at once ends within this time.
const AT_ONCE: u64 = 1_000 * MS;
/// How long servers go on undoing what was reverted.
const AFTERMATH: u64 = 20_000 * MS;
const TARGETS: [&str; 3] = ["redis-1", "redis-2", "sentinel-1"];

const EXPERIMENT: &str = "
topology: { kind: sentinel }
duration: 31s
workloads:
  - { name: one, kind: lock, clients: 2, rate: 100/s, keys: 1, ttl: 3s, hold: 100ms }
  - { name: two, kind: set, clients: 2, rate: 100/s }
faults:
  - { name: f0, at: 1s, action: kill, target: { role: primary } }
  - { name: f1, at: 2s, for: 1s, action: pause, target: { role: primary } }
  - { name: f2, at: 3s, action: kill, target: { role: primary } }
";

/// What happens, each by its instant.
#[derive(Debug, Default, Clone)]
struct Course {
    /// Acknowledged probe writes and answered probe reads, with their node.
    writes: Vec<(u64, u16)>,
    reads: Vec<(u64, u16)>,
    /// What the nodes told or showed of their role.
    signs: Vec<(u64, u16, bool)>,
    /// Answers to the clients of each workload.
    answers: [Vec<u64>; 2],
    /// Injected, reverted, and the node it took.
    faults: Vec<(u64, Option<u64>, usize)>,
}

/// Instants with pauses, most of them short.
fn instants(rng: &mut ChaCha8Rng, long: f64) -> Vec<u64> {
    let (mut tick, mut found) = (rng.random_range(0..5), Vec::new());
    while tick * TICK <= END {
        found.push(tick * TICK);
        tick += if !rng.random_bool(long) {
            rng.random_range(1..5)
        } else if rng.random_bool(0.9) {
            rng.random_range(5..60)
        } else {
            300
        };
    }
    found
}

fn any(rng: &mut ChaCha8Rng) -> Course {
    let writes = instants(rng, 0.06).into_iter().map(|at| (at, rng.random_range(0..2))).collect();
    let mut course = Course { writes, ..Course::default() };
    for (at, node) in instants(rng, 0.05).into_iter().filter(|at| *at < END).zip((0..).map(|turn| turn % 3)) {
        course.signs.push((at + 1, node, rng.random_bool(0.6)));
    }
    course.reads = instants(rng, 0.03).into_iter().filter(|at| *at < END).map(|at| (at + 2, rng.random_range(0..2))).collect();
    for answers in &mut course.answers {
        let from = if rng.random_bool(0.2) { rng.random_range(0..END) } else { 0 };
        for at in instants(rng, 0.05).into_iter().filter(|at| *at >= from) {
            // Several within a millisecond, of which the last may be the first of the next.
            answers.extend((0..rng.random_range(1..4)).map(|_| (at + rng.random_range(0..2 * MS)).min(END)));
        }
        answers.sort_unstable();
        answers.dedup();
    }
    let outages: Vec<u64> = course.writes.windows(2).filter(|pair| pair[1].0 - pair[0].0 >= OUTAGE).map(|pair| pair[0].0).collect();
    for _ in 0..rng.random_range(0..4) {
        let at = match outages.get(rng.random_range(0..outages.len().max(1))).filter(|_| rng.random_bool(0.7)) {
            Some(begun) => (begun + rng.random_range(0..13) * TICK).saturating_sub(6 * TICK),
            None => rng.random_range(20..640) * TICK,
        };
        let at = at.clamp(ZERO, END);
        let back = rng.random_bool(0.5).then(|| (at + rng.random_range(0..200) * TICK).min(END));
        course.faults.push((at, back, rng.random_range(0..TARGETS.len())));
    }
    course
}

fn analysed(story: &Story, course: &Course) -> Trial {
    let mut story = story.clone();
    let probe = |node, op, at, out, why| Event::Probe(Probe { node, op, at: [at; 3], out, why });
    course.writes.iter().for_each(|(at, node)| story.tell(*at, probe(*node, ProbeKind::Write, *at, Outcome::Ok, None)));
    course.reads.iter().for_each(|(at, node)| story.tell(*at, probe(*node, ProbeKind::Read, *at, Outcome::Ok, None)));
    story.tell(END, probe(2, ProbeKind::Write, END, Outcome::Fail, Some(Why::Connect)));
    story.tell(END, probe(2, ProbeKind::Read, END, Outcome::Fail, Some(Why::Connect)));
    let said = |at, node, role| {
        Event::Role(RoleSample { at: [at; 2], node, role, offset: 0, link: true, follows: String::new(), syncing: false, priority: None })
    };
    for (at, node, primary) in course.signs.iter().copied() {
        let refused = probe(node, ProbeKind::Write, at, Outcome::Fail, Some(Why::Readonly));
        story.tell(at, if primary { said(at, node, NodeRole::Primary) } else { refused });
    }
    // One replica answers all the while: the machine never stands still.
    (0..END).step_by(60 * MS as usize).for_each(|at| story.tell(at, said(at, 2, NodeRole::Replica)));
    for (w, answers) in (0..).zip(&course.answers) {
        for (id, at) in (0..).zip(answers) {
            let op = |kind, out, why| Event::Op(Op { w, c: 0, op: kind, id, key: 0, at: [*at; 3], out, why, node: Some(0) });
            let held = w == 0 && id % 3 == 0;
            let kind = if w == 0 { OpKind::Release } else { OpKind::Add };
            story.tell(*at, if held { op(OpKind::Acquire, Outcome::Fail, Some(Why::Held)) } else { op(kind, Outcome::Ok, None) });
        }
        // Nobody answered these.
        for at in (0..END).step_by(700 * MS as usize) {
            let op = |out, why| Event::Op(Op { w, c: 1, op: OpKind::Add, id: at, key: 0, at: [at; 3], out, why: Some(why), node: None });
            story.tell(at, op(Outcome::Fail, Why::Connect));
            story.tell(at, op(Outcome::Info, Why::Timeout));
        }
    }
    for (fault, (at, back, target)) in (0..).zip(&course.faults) {
        let targets = vec![TARGETS[*target].to_owned()];
        let step = |at, state| Event::Fault(FaultEvent { at, fault, state, targets: targets.clone(), detail: String::new() });
        story.tell(*at, step(*at, FaultState::Injected));
        back.iter().for_each(|back| story.tell(*back, step(*back, FaultState::Reverted)));
    }
    story.analysed()
}

/// From one acknowledgement to the next, or to the end.
type Interval = (u64, Option<u64>);

fn intervals(instants: &[u64]) -> Vec<Interval> {
    (0..instants.len()).map(|index| (instants[index], instants.get(index + 1).copied())).collect()
}

fn length((from, to): Interval) -> u64 {
    to.unwrap_or(END) - from
}

fn meets((from, to): Interval, [begin, end]: [u64; 2]) -> bool {
    from < end && to.unwrap_or(END.max(end)) > begin
}

/// Of equals the first.
fn longest(intervals: impl Iterator<Item = Interval>) -> Option<Interval> {
    intervals.fold(None, |longest, one| if longest.is_none_or(|longest| length(one) > length(longest)) { Some(one) } else { longest })
}

/// How an outage comes of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Contained,
    Lasting,
    After,
    Aftershock,
}

/// The fault, by its place, and how; `None` where none had reached the servers.
type Origin = Option<(usize, How)>;

impl Course {
    /// The faults in the order in which they were injected: name, instant, end of the window.
    fn windows(&self) -> Vec<(String, u64, u64)> {
        let mut order: Vec<usize> = (0..self.faults.len()).collect();
        order.sort_by_key(|index| (self.faults[*index].0, *index));
        let window = |place: usize| {
            let (at, back, _) = self.faults[order[place]];
            let next = order.get(place + 1).map_or(END, |next| self.faults[*next].0);
            (format!("f{}", order[place]), at, (back.unwrap_or(at) + LOOKED_AT).min(next).min(END))
        };
        (0..order.len()).map(window).collect()
    }

    /// What an outage is put down to.
    fn origin(&self, (from, to): Interval) -> Origin {
        let writer = self.writes.iter().find(|(at, _)| *at == from).map(|(_, node)| usize::from(*node));
        let windows = self.windows();
        let mut best: Option<([u64; 4], Origin)> = None;
        for (place, (name, at, _)) in windows.iter().enumerate() {
            let (_, back, target) = self.faults[name[1..].parse::<usize>().expect("a name ends with its number")];
            // A kill is over at once; a pause lasts until it is reverted, and what follows it goes on for a while.
            let (lasts, reach) = match name.as_str() {
                "f1" => (back.unwrap_or(u64::MAX), back.map_or(u64::MAX, |back| back + AFTERMATH)),
                _ => (at + AT_ONCE, at + AT_ONCE),
            };
            let contained = from <= *at && to.is_none_or(|to| *at < to) && at - from < OUTAGE;
            let lasting = *at <= from && from <= lasts;
            if !contained && (*at > from || from > reach) {
                continue;
            }
            let rank = [u64::from(!contained && !lasting), u64::from(writer != Some(target)), from.abs_diff(*at), place as u64];
            if best.is_none_or(|(other, _)| rank < other) {
                let how = if contained {
                    How::Contained
                } else if lasting {
                    How::Lasting
                } else {
                    How::After
                };
                best = Some((rank, Some((place, how))));
            }
        }
        let before = windows.iter().rposition(|(_, at, _)| *at <= from).map(|place| (place, How::Aftershock));
        best.map_or(before, |(_, origin)| origin)
    }

    /// Which fault an ordinary interval belongs to, by its place among them.
    fn owner(&self, (from, to): Interval) -> Option<usize> {
        let faults = self.windows();
        let contained = |at: u64| from <= at && to.is_none_or(|to| at < to);
        let inside = faults.iter().position(|(_, at, _)| contained(*at) && at - from < OUTAGE);
        let before = faults.iter().rposition(|(_, at, _)| *at < from).filter(|place| from < faults[*place].2);
        match (before, inside) {
            (Some(before), Some(inside)) if from - faults[before].1 <= faults[inside].1 - from => Some(before),
            (before, inside) => inside.or(before),
        }
    }

    /// Reads that count: of a node that is a primary by the latest sign of it.
    fn counted(&self) -> Vec<u64> {
        let mut signs = self.signs.clone();
        signs.extend(self.writes.iter().map(|(at, node)| (*at, *node, true)));
        signs.push((0, 0, true));
        let latest = |at: u64, node: u16| signs.iter().filter(|sign| sign.1 == node && sign.0 <= at).max_by_key(|sign| (sign.0, sign.2));
        self.reads.iter().filter(|(at, node)| latest(*at, *node).is_some_and(|sign| sign.2)).map(|(at, _)| *at).collect()
    }
}

/// An outage, or the gap of a fault that caused none: the fault, and the gaps of writes, reads and clients, the last with their workload.
type Row = (Option<String>, Option<Interval>, Option<Interval>, Option<(String, Interval)>);

fn by_hand(course: &Course) -> Vec<Row> {
    let instants: Vec<u64> = course.writes.iter().map(|(at, _)| *at).collect();
    let (long, short): (Vec<Interval>, Vec<Interval>) = intervals(&instants).into_iter().partition(|one| length(*one) >= OUTAGE);
    let windows = course.windows();
    // Outside the measured time nobody asks.
    let long: Vec<(Origin, Interval)> =
        long.into_iter().filter(|one| meets(*one, [ZERO, END])).map(|one| (course.origin(one), one)).collect();
    let reads = intervals(&course.counted());
    let mut rows = Vec::new();
    for (owner, outage) in &long {
        let (from, to) = (outage.0, outage.1.unwrap_or(END));
        let read = longest(reads.iter().copied().filter(|one| meets(*one, [from, to])));
        let clients = course.answers.each_ref().map(|answers| {
            // Who was never answered before it waited since it began; of those who never were nothing is known.
            let first = answers.first().filter(|first| **first > from).map(|first| (from, Some(*first)));
            let waits = first.into_iter().chain(intervals(answers));
            longest(waits.filter(|one| meets(*one, [from, to]))).map(|(_, to)| (from, to))
        });
        rows.push((owner.map(|(owner, _)| windows[owner].0.clone()), Some(*outage), read, longer(clients)));
    }
    let mut taken: Vec<Interval> = Vec::new();
    for (place, (name, at, until)) in windows.iter().enumerate() {
        if long.iter().any(|(owner, _)| owner.is_some_and(|(owner, how)| owner == place && how != How::Aftershock)) {
            continue;
        }
        let around = |(from, to): Interval| from <= *at && to.is_none_or(|to| *at < to);
        let within = |one: &Interval| around(*one) || (one.0 > *at && one.0 < *until);
        // What the next fault cut short is left to it.
        let left = |one: &Interval| course.owner(*one).is_some_and(|owner| owner > place);
        let own = longest(short.iter().copied().filter(|one| within(one) && !left(one) && !taken.contains(one)));
        taken.extend(own);
        let calm = |one: &Interval| !long.iter().any(|(_, outage)| meets(*one, [outage.0, outage.1.unwrap_or(END)]));
        let of = |all: &[Interval]| longest(all.iter().copied().filter(|one| within(one) && calm(one)));
        let told = own.is_some();
        let clients = course.answers.each_ref().map(|answers| of(&intervals(answers)));
        let [read, clients] = [of(&reads).map(|read| (String::new(), read)), longer(clients)].map(|gap| gap.filter(|_| told));
        rows.push((Some(name.clone()), own, read.map(|(_, read)| read), clients));
    }
    rows.sort();
    rows
}

/// The workload whose clients waited longest; of equals the first, and what has not ended is longer than what has. Gaps
/// begin apart where the servers' is no outage: a short wait that the end cut off is no longer than a long one before it.
fn longer([one, two]: [Option<Interval>; 2]) -> Option<(String, Interval)> {
    let named = [("one", one), ("two", two)].into_iter().filter_map(|(name, gap)| Some((name.to_owned(), gap?)));
    let waited = |gap: Interval| (length(gap), gap.1.is_none());
    named.reduce(|best, next| if waited(next.1) > waited(best.1) { next } else { best })
}

/// What finding the new primary cost the clients.
fn cost(failover: &Failover) -> Option<Sample> {
    let (server, client) = (failover.write_gap.as_ref()?, failover.client_gap.as_ref()?);
    let [server_took, client_took] = [server, client].map(|gap| gap.to.unwrap_or(END) - gap.from);
    let cut_off = server_took < OUTAGE && client_took >= OUTAGE;
    let more = client_took.saturating_sub(server_took) as f64;
    (server.to.is_some() && !cut_off).then_some(if client.to.is_some() { Sample::Exact(more) } else { Sample::AtLeast(more) })
}

fn told(trial: &Trial) -> Vec<Row> {
    let interval = |gap: &Gap| {
        let exact = Sample::Exact((gap.to.unwrap_or(END) - gap.from) as f64);
        assert_eq!(gap.length, if gap.to.is_some() { exact } else { Sample::AtLeast(exact.value()) });
        (gap.from, gap.to)
    };
    let row = |failover: &Failover| {
        assert_eq!(failover.library_cost, cost(failover), "{failover:?}");
        let [write, read, client] = [&failover.write_gap, &failover.read_gap, &failover.client_gap].map(|gap| gap.as_ref().map(interval));
        (failover.fault.clone(), write, read, failover.client_gap_of.clone().zip(client))
    };
    let mut rows: Vec<Row> = trial.failovers.iter().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn every_outage_belongs_to_the_fault_the_definitions_give_it_to_and_has_the_gaps_they_say() {
    let mut rng = ChaCha8Rng::seed_from_u64(51);
    let story = Story::new(header(EXPERIMENT), [ZERO, END]);
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for number in 0..1_000 {
        let course = any(&mut rng);
        let trial = analysed(&story, &course);
        if course.faults.is_empty() {
            continue;
        }
        let wanted = by_hand(&course);
        assert_eq!(told(&trial), wanted, "{number}: {course:?}");
        let instants: Vec<u64> = course.writes.iter().map(|(at, _)| *at).collect();
        let long: Vec<Interval> = intervals(&instants).into_iter().filter(|one| length(*one) >= OUTAGE).collect();
        let measured = || long.iter().filter(|one| meets(**one, [ZERO, END]));
        let later = |one: &&Interval| course.origin(**one).is_some_and(|(_, how)| how == How::Aftershock);
        let marked = trial.failovers.iter().filter(|one| one.aftershock).filter_map(|one| one.write_gap.as_ref());
        let after: Vec<u64> = measured().filter(later).map(|one| one.0).collect();
        assert_eq!(marked.map(|gap| gap.from).collect::<Vec<_>>(), after, "{number}");
        assert_eq!(trial.metrics["failover.aftershocks"], Sample::Exact(after.len() as f64), "{number}");
        for (name, gap) in [("write_gap", 0), ("read_gap", 1), ("client_gap", 2)] {
            let of = |row: &Row| [row.1, row.2, row.3.as_ref().map(|client| client.1)][gap];
            let most = wanted.iter().filter_map(of).map(length).max();
            let metric = trial.metrics.get(&format!("failover.{name}")).map(|sample| sample.value() as u64);
            assert_eq!(metric, most, "{number}: {name}");
        }
        for one in measured() {
            let inside = course.faults.iter().any(|(at, ..)| one.0 <= *at && one.1.is_none_or(|to| *at < to));
            let class = match course.origin(*one) {
                None if inside => "a fault came long after it began",
                None => "nobody's",
                Some((_, How::Contained)) => "contains its fault",
                Some((_, How::Lasting)) => "while its fault lasted",
                Some((_, How::After)) => "after its fault was reverted",
                Some((_, How::Aftershock)) => "an aftershock",
            };
            *seen.entry(class).or_default() += 1;
            *seen.entry("still open").or_default() += u32::from(one.1.is_none());
        }
        for row in &wanted {
            *seen.entry("of no interval").or_default() += u32::from(row.1.is_none());
            *seen.entry("stopped nothing").or_default() += u32::from(row.1.is_some_and(|one| length(one) < OUTAGE));
        }
    }
    assert!(seen.len() == 9 && seen.values().all(|often| *often > 30), "{seen:?}");
}

#[test]
fn without_faults_the_longest_interval_of_the_measured_time_is_the_gap_and_an_outage_is_the_servers_own() {
    let mut rng = ChaCha8Rng::seed_from_u64(52);
    let story = Story::new(header(EXPERIMENT), [ZERO, END]);
    let mut quiet = 0;
    for number in 0..300 {
        let mut course = any(&mut rng);
        course.faults.clear();
        if number % 2 == 0 {
            course.writes = instants(&mut rng, 0.0).into_iter().map(|at| (at, 0)).collect();
        }
        let instants: Vec<u64> = course.writes.iter().map(|(at, _)| *at).collect();
        let measured: Vec<Interval> = intervals(&instants).into_iter().filter(|one| meets(*one, [ZERO, END]) && one.0 < END).collect();
        let trial = analysed(&story, &course);
        let outages = measured.iter().filter(|one| length(**one) >= OUTAGE).count();
        assert!(trial.failovers.iter().all(|one| one.fault.is_none() && !one.aftershock), "{number}");
        assert_eq!(trial.failovers.len(), outages, "{number}: {course:?}");
        if outages == 0 {
            quiet += 1;
            let most = longest(measured.into_iter()).map(length);
            assert_eq!(trial.metrics.get("failover.write_gap").map(|sample| sample.value() as u64), most, "{number}: {course:?}");
        }
    }
    assert!(quiet > 100, "{quiet}");
}
