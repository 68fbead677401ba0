//! Schedules: every injection appears once, in order, and follows whom the file says, in whatever order the file says it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use redquake_experiments::plan::{self, Capabilities, DelayPath, Plan, RuntimeKind, Start};
use redquake_experiments::spec::{self, Experiment, Fault};

/// How a fault of a made-up file says when, with the place of its leader among those made before it.
#[derive(Debug, Clone)]
enum When {
    At(u64),
    After(prop::sample::Index, u64),
    Seen,
}

#[derive(Debug, Clone)]
struct Made {
    when: When,
    times: Option<u32>,
    lasts: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let when = prop_oneof![
        (0..8_u64).prop_map(When::At),
        (any::<prop::sample::Index>(), 0..8_u64).prop_map(|(leader, delay)| When::After(leader, delay)),
        Just(When::Seen),
    ];
    (when, prop::option::of(2..5_u32), any::<bool>()).prop_map(|(when, times, lasts)| Made { when, times, lasts })
}

/// Faults in the order in which they were made, each as a line of a file.
fn lines(made: &[Made]) -> Vec<String> {
    let line = |(index, one): (usize, &Made)| {
        let when = match &one.when {
            When::After(leader, delay) if index > 0 => format!("after: f{} + {delay}s", leader.index(index)),
            When::At(at) => format!("at: {at}s"),
            When::After(_, at) => format!("at: {at}s"),
            When::Seen => "when: full-sync".to_owned(),
        };
        let repeated = one.times.map(|times| format!("every: 2s, times: {times}, ")).unwrap_or_default();
        let action = if one.lasts { "pause, for: 1s" } else { "kill" };
        format!("  - {{ name: f{index}, {when}, {repeated}action: {action}, target: {{ node: redis-2 }} }}\n")
    };
    made.iter().enumerate().map(line).collect()
}

fn experiment(lines: &[String]) -> Experiment {
    let faults = lines.concat();
    let text = format!("version: 1\nname: law\ntopology: {{ kind: sentinel }}\nduration: 10m\nfaults:\n{faults}");
    let loaded = spec::load("law.yaml", text.as_bytes(), &|_| Err("nothing is read".to_owned()));
    assert!(!loaded.has_errors(), "{}", loaded.render_human(false));
    loaded.experiment.unwrap()
}

fn planned(experiment: &Experiment) -> Plan {
    let capable = Capabilities {
        runtime: RuntimeKind::Process,
        enter_namespaces: Ok(()),
        drop_packets: Ok(()),
        lose_packets: Ok(()),
        delay_packets: Ok(DelayPath::Queue),
        limit_bandwidth: Ok(()),
    };
    plan::plan(experiment, 1, None, &capable).unwrap()
}

/// When a fault is first injected, found the slow way: by following it by name.
fn instant(faults: &[Fault], fault: &Fault) -> Option<u64> {
    let Some(after) = &fault.timing.after else { return fault.timing.at.map(|at| at.as_nanos()) };
    let leader = faults.iter().find(|other| other.name == after.fault).unwrap();
    instant(faults, leader).map(|at| at + after.delay.as_nanos())
}

/// Injections with what they follow by its label rather than by its place.
fn by_label(plan: &Plan) -> BTreeMap<String, String> {
    let of = |planned: &plan::PlannedFault| match &planned.start {
        Start::At(at) => format!("at {at}"),
        Start::After { fault, delay } => format!("{} + {delay}", plan.faults[*fault].label()),
        Start::When { trigger, deadline } => format!("{trigger} by {deadline}"),
    };
    plan.faults.iter().map(|planned| (planned.label(), of(planned))).collect()
}

fn shuffled() -> impl Strategy<Value = (Vec<Made>, Vec<usize>)> {
    prop::collection::vec(made(), 1..10).prop_flat_map(|made| {
        let places: Vec<usize> = (0..made.len()).collect();
        (Just(made), Just(places).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn every_injection_appears_once((made, order) in shuffled()) {
        let lines = lines(&made);
        let plan = planned(&experiment(&order.iter().map(|place| lines[*place].clone()).collect::<Vec<_>>()));
        let labels: Vec<String> = plan.faults.iter().map(plan::PlannedFault::label).collect();
        let mut wanted = BTreeSet::new();
        for (index, one) in made.iter().enumerate() {
            match one.times {
                Some(times) => wanted.extend((1..=times).map(|number| format!("f{index} #{number}"))),
                None => { wanted.insert(format!("f{index}")); }
            }
        }
        prop_assert_eq!(labels.len(), wanted.len());
        prop_assert_eq!(labels.into_iter().collect::<BTreeSet<_>>(), wanted);
    }

    #[test]
    fn injections_are_in_the_order_of_time_then_of_the_file((made, order) in shuffled()) {
        let lines = lines(&made);
        let experiment = experiment(&order.iter().map(|place| lines[*place].clone()).collect::<Vec<_>>());
        let plan = planned(&experiment);
        let place = |name: &str| experiment.faults.iter().position(|fault| fault.name == name);
        let keys = plan.faults.iter().map(|one| (one.inject_at().unwrap_or(u64::MAX), place(&one.fault.name), one.occurrence[0]));
        prop_assert!(keys.collect::<Vec<_>>().is_sorted());
    }

    #[test]
    fn each_injection_is_when_the_file_says((made, order) in shuffled()) {
        let lines = lines(&made);
        let experiment = experiment(&order.iter().map(|place| lines[*place].clone()).collect::<Vec<_>>());
        let plan = planned(&experiment);
        for one in &plan.faults {
            let every = one.fault.timing.every.map_or(0, |every| every.as_nanos());
            let later = u64::from(one.occurrence[0] - 1) * every;
            match (&one.start, instant(&experiment.faults, &one.fault)) {
                (Start::At(at), first) => prop_assert_eq!(Some(*at), first.map(|first| first + later)),
                (_, Some(first)) => prop_assert!(false, "{} is at {first}", one.label()),
                (Start::After { fault, delay }, None) if one.occurrence[0] > 1 => {
                    let leader = &plan.faults[*fault];
                    prop_assert_eq!((&leader.fault.name, leader.occurrence[0], *delay), (&one.fault.name, 1, later));
                }
                (Start::After { fault, delay }, None) => {
                    let (leader, after) = (&plan.faults[*fault], one.fault.timing.after.as_ref().unwrap());
                    prop_assert_eq!((&leader.fault.name, leader.occurrence[0], *delay), (&after.fault, 1, after.delay.as_nanos()));
                }
                (Start::When { .. }, None) => prop_assert!(one.fault.timing.when.is_some()),
            }
        }
    }

    #[test]
    fn the_order_of_the_file_changes_no_instant((made, order) in shuffled()) {
        let lines = lines(&made);
        let moved: Vec<String> = order.iter().map(|place| lines[*place].clone()).collect();
        prop_assert_eq!(by_label(&planned(&experiment(&lines))), by_label(&planned(&experiment(&moved))));
    }

    #[test]
    fn a_plan_that_was_written_reads_back((made, order) in shuffled()) {
        let lines = lines(&made);
        let plan = planned(&experiment(&order.iter().map(|place| lines[*place].clone()).collect::<Vec<_>>()));
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn circles_are_always_refused(length in 1..12_usize, turn in 0..12_usize) {
        let mut lines: Vec<String> = (0..length)
            .map(|index| format!("  - {{ name: f{index}, after: f{} + 1s, action: kill, target: {{ node: redis-2 }} }}\n", (index + 1) % length))
            .collect();
        lines.rotate_left(turn % length);
        let text = format!("version: 1\nname: law\ntopology: {{ kind: sentinel }}\nduration: 10m\nfaults:\n{}", lines.concat());
        let loaded = spec::load("law.yaml", text.as_bytes(), &|_| Err("nothing is read".to_owned()));
        let codes: Vec<&str> = loaded.problems.iter().map(|problem| problem.code).filter(|code| *code == "RQ0227").collect();
        prop_assert_eq!(codes, ["RQ0227"]);
    }
}
