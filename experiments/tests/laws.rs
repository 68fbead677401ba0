//! Laws that hold for every input.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proptest::prelude::*;
use redquake_experiments::catalogue;
use redquake_experiments::plan::{self, Act, Capabilities, DelayPath, RuntimeKind};
use redquake_experiments::spec::{self, Aggregate, Comparison, Duration, Expectation, Limit, Rate};

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

fn load(text: &str) -> spec::Loaded {
    spec::load("law.yaml", text.as_bytes(), &|_| Err("nothing is read".to_owned()))
}

/// Everything that is done with a file that was loaded.
fn exercise(loaded: &spec::Loaded) {
    loaded.render_human(false);
    loaded.render_github();
    loaded.problems_as_json();
    if let Some(experiment) = &loaded.experiment {
        let _ = plan::plan(experiment, 1, None, &capable()).map(|plan| plan::render(&plan));
    }
    assert!(loaded.problems.iter().all(|problem| problem.code != "RQ0199"), "{}", loaded.render_human(false));
}

/// Pieces from which near-valid files are made.
const WORDS: &[&str] = &[
    "version: 1",
    "name",
    "topology",
    "kind: sentinel",
    "duration: 9s",
    "trials",
    "workloads",
    "faults",
    "assert",
    "role",
    "node",
    "pick",
    ": ",
    "- ",
    "{ ",
    " }",
    "[",
    "]",
    ", ",
    "\n",
    "  ",
    "\"",
    "'",
    "&a ",
    "*a",
    "!t ",
    "#",
    "---",
    "|",
    ">",
    "? ",
    "5s",
    "200/s",
    "max < 5s",
    "count == 0",
    "primary",
    "kill",
    "partition",
    "action",
    "at",
    "for",
    "from",
    "to",
    "target",
    "0",
    "-1",
    "99999999999999999999",
    "\t",
    "é",
    "%",
];

/// A topology-to-assertions file with a few things swapped out.
fn mutated() -> impl Strategy<Value = String> {
    let texts: Vec<&'static str> = catalogue::entries().map(|entry| entry.text).collect();
    let edit = (any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(WORDS));
    (prop::sample::select(texts), prop::collection::vec(edit, 1..6)).prop_map(|(text, edits)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, remove, word) in edits {
            let at = at.index(chars.len() + 1);
            let end = (at + remove).min(chars.len());
            chars.splice(at..end, word.chars());
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn loading_any_text_never_panics(text in ".{0,200}") {
        exercise(&load(&text));
    }

    #[test]
    fn loading_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&spec::load("law.yaml", &bytes, &|_| Err(String::new())));
    }

    #[test]
    fn loading_any_heap_of_words_never_panics(words in prop::collection::vec(prop::sample::select(WORDS), 0..40)) {
        exercise(&load(&format!("version: 1\n{}", words.concat())));
    }

    #[test]
    fn loading_a_mutated_experiment_never_panics(text in mutated()) {
        exercise(&load(&text));
    }

    #[test]
    fn every_problem_lies_inside_its_file(text in mutated()) {
        let loaded = load(&text);
        for problem in &loaded.problems {
            let place = loaded.sources.location(&problem.span);
            let lines = text.split('\n').count();
            prop_assert!((1..=lines).contains(&(place.line as usize)));
            let width = text.split('\n').nth(place.line as usize - 1).map_or(0, |line| line.chars().count());
            prop_assert!(place.column as usize <= width + 1);
        }
    }

    #[test]
    fn a_file_with_an_experiment_has_no_error(text in mutated()) {
        let loaded = load(&text);
        prop_assert_eq!(loaded.experiment.is_some(), !loaded.has_errors());
    }

    #[test]
    fn a_duration_reads_back_as_itself(nanos in 0..=1_000_000_000_000_000_000_u64) {
        let duration = Duration::from_nanos(nanos);
        prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
    }

    #[test]
    fn a_short_duration_reads_back_as_itself(nanos in 0..10_000_000_u64) {
        let duration = Duration::from_nanos(nanos);
        prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
    }

    #[test]
    fn a_rate_reads_back_as_itself(rate in 1e-9..1e12_f64) {
        let rate = Rate::per_second(rate);
        prop_assert_eq!(rate.to_string().parse::<Rate>(), Ok(rate));
    }

    #[test]
    fn an_expectation_reads_back_as_itself(expectation in expectations()) {
        prop_assert_eq!(expectation.to_string().parse::<Expectation>(), Ok(expectation));
    }

    #[test]
    fn reading_units_never_panics(text in "[0-9.smuhk/%<>=p()a-z ]{0,20}") {
        let _ = (text.parse::<Duration>().is_ok(), text.parse::<Rate>().is_ok(), text.parse::<Expectation>().is_ok());
    }

    #[test]
    fn what_is_read_as_a_duration_or_rate_fits_the_schemas_pattern(text in "[0-9]{0,3}[.]?[0-9]{0,2}[ k]?/?(us|ms|s|m|h|x)?") {
        let fits = |definition: &str| {
            let schema = spec::schema();
            let schema = jsonschema::validator_for(&schema["$defs"][definition]).unwrap();
            schema.is_valid(&serde_json::Value::String(text.clone()))
        };
        if text.parse::<Duration>().is_ok() {
            prop_assert!(fits("Duration"), "{}", text);
        }
        if text.parse::<Rate>().is_ok() {
            prop_assert!(fits("Rate"), "{}", text);
        }
    }

    #[test]
    fn a_plan_is_the_same_every_time_and_in_the_order_of_time(faults in faults(), seed: u64) {
        let loaded = load(&experiment(&faults));
        let experiment = loaded.experiment.expect("these faults are all right");
        let plan = plan::plan(&experiment, seed, None, &capable()).unwrap();
        prop_assert_eq!(&plan, &plan::plan(&experiment, seed, None, &capable()).unwrap());
        prop_assert!(plan.faults.is_sorted_by_key(|fault| fault.inject_at()));
        let steps = plan.timeline();
        prop_assert!(steps.is_sorted_by_key(|step| step.at));
        for (index, planned) in plan.faults.iter().enumerate() {
            let of = |act: Act| steps.iter().position(|step| step.fault == index && step.act == act);
            let injected = of(Act::Inject).unwrap();
            prop_assert_eq!(of(Act::Revert).is_some(), planned.revert_at().is_some());
            prop_assert!(of(Act::Revert).is_none_or(|reverted| injected < reverted));
        }
        // What is reverted at one instant is reverted in the reverse order of its injection.
        for pair in steps.windows(2).filter(|pair| pair[0].at == pair[1].at) {
            match (pair[0].act, pair[1].act) {
                (Act::Revert, Act::Revert) => prop_assert!(pair[0].fault > pair[1].fault),
                (Act::Inject, Act::Inject) => prop_assert!(pair[0].fault < pair[1].fault),
                (first, _) => prop_assert_eq!(first, Act::Revert),
            }
        }
    }

    #[test]
    fn a_trials_seed_does_not_depend_on_how_many_trials_there_are(seed: u64, few in 1..20_u32, more in 0..20_u32) {
        let experiment = load(&experiment(&[])).experiment.unwrap();
        let seeds = |trials| plan::plan(&experiment, seed, Some(trials), &capable()).unwrap().trials;
        prop_assert_eq!(&seeds(few)[..], &seeds(few + more)[..few as usize]);
    }
}

fn expectations() -> impl Strategy<Value = Expectation> {
    let aggregate = prop_oneof![
        Just(Aggregate::Min),
        Just(Aggregate::Mean),
        Just(Aggregate::Median),
        Just(Aggregate::Max),
        Just(Aggregate::Count),
        (1..1000_u32)
            .prop_map(|tenths| Aggregate::Percentile(f64::from(tenths) / 10.0))
            .prop_filter("below 100", |a| *a != Aggregate::Percentile(100.0)),
    ];
    let comparison = prop::sample::select(vec![
        Comparison::Less,
        Comparison::AtMost,
        Comparison::Greater,
        Comparison::AtLeast,
        Comparison::Equal,
        Comparison::NotEqual,
    ]);
    let limit = prop_oneof![
        (0..10_000_000_000_000_u64).prop_map(Limit::Time),
        (0.0..1e9_f64).prop_map(Limit::Number),
        (0.001..1e9_f64).prop_map(|rate| Limit::Rate(Rate::per_second(rate))),
        (0..=1_000_000_u32).prop_map(|share| Limit::Share(format!("{}", f64::from(share) / 10_000.0).parse::<f64>().unwrap() / 100.0)),
    ];
    (aggregate, comparison, limit).prop_map(|(aggregate, comparison, limit)| Expectation { aggregate, comparison, limit })
}

/// Kills (no length) and partitions with times that often coincide.
fn faults() -> impl Strategy<Value = Vec<(u64, Option<u64>)>> {
    prop::collection::vec((0..8_u64, prop::option::of(1..8_u64)), 0..12)
}

fn experiment(faults: &[(u64, Option<u64>)]) -> String {
    let faults: String = faults
        .iter()
        .enumerate()
        .map(|(index, (at, length))| match length {
            Some(length) => format!(
                "  - {{ name: f{index}, at: {at}s, for: {length}s, action: partition, from: {{ role: primary }}, to: {{ role: replica }} }}\n"
            ),
            None => format!("  - {{ name: f{index}, at: {at}s, action: kill, target: {{ node: redis-2 }} }}\n"),
        })
        .collect();
    let faults = if faults.is_empty() { "faults: []\n".to_owned() } else { format!("faults:\n{faults}") };
    format!("version: 1\nname: law\ntopology: {{ kind: sentinel }}\nduration: 60s\n{faults}")
}
