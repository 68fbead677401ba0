//! `matrix`: many experiments out of one file.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use redquake_experiments::plan::{self, Capabilities, CellPlan, DelayPath, RuntimeKind};
use redquake_experiments::spec::{self, Loaded};

const BASE: &str = "version: 1
name: varied
topology:
  kind: sentinel
  server: redis:7.0
  config:
    sentinel: { down-after-milliseconds: 1000 }
duration: 40s
trials: 2
workloads:
  - { name: locks, kind: lock, clients: 8, rate: 200/s, keys: 16, ttl: 3s, hold: 50ms, client: rebuild }
faults:
  - { name: crash, at: 4s, action: kill, target: { role: primary } }
assert:
  - { metric: failover.write_gap, expect: \"max < 5s\" }
";

fn load(text: &str) -> Loaded {
    let files = BTreeMap::from([
        ("a.yaml", "version: 1\nkind: sentinel\nreplicas: 1\n"),
        ("b.yaml", "version: 1\nkind: sentinel\nreplicas: 3\nconfig: { redis: { include: set.conf } }\n"),
        ("set.conf", "maxmemory 10mb\n"),
        ("other.conf", "maxmemory 20mb\n"),
    ]);
    spec::load("varied.yaml", text.as_bytes(), &|path| {
        files.get(path).map(|text| text.as_bytes().to_vec()).ok_or("no such file".to_owned())
    })
}

fn with(matrix: &str) -> Loaded {
    load(&format!("{BASE}matrix:\n{matrix}"))
}

fn labels(loaded: &Loaded) -> Vec<&str> {
    assert_eq!(loaded.render_human(false), "");
    loaded.cells.iter().map(|cell| cell.label.as_str()).collect()
}

#[test]
fn a_file_without_a_matrix_has_no_cells() {
    let loaded = load(BASE);
    assert!(loaded.cells.is_empty() && loaded.experiment.is_some());
}

#[test]
fn cells_are_named_by_the_ends_of_the_paths_and_the_last_path_varies_fastest() {
    let loaded = with("  topology.server: [redis:7.0, valkey:8.1]\n  workloads.locks.client: [rebuild, library]\n");
    assert_eq!(
        labels(&loaded),
        [
            "server=redis:7.0, client=rebuild",
            "server=redis:7.0, client=library",
            "server=valkey:8.1, client=rebuild",
            "server=valkey:8.1, client=library"
        ]
    );
    assert_eq!(loaded.cells[3].name, "04-server-valkey-8.1-client-library");
    assert_eq!(loaded.experiment.as_ref(), Some(&loaded.cells[0].experiment));
    let values = ("topology.server".to_owned(), "valkey:8.1".to_owned());
    assert_eq!(loaded.cells[2].values[0], values);
}

#[test]
fn paths_that_end_alike_are_told_apart_by_more_of_them() {
    let loaded = with("  faults.crash.at: [4s, 5s]\n  workloads.locks.ttl: [3s]\n");
    assert_eq!(labels(&loaded), ["at=4s, ttl=3s", "at=5s, ttl=3s"]);
    let second = BASE.replace("faults:", "  - { name: jobs, kind: lock, clients: 1, rate: 1/s, keys: 1, ttl: 2s, hold: 1ms }\nfaults:");
    let loaded = load(&format!("{second}matrix:\n  workloads.locks.ttl: [3s, 4s]\n  workloads.jobs.ttl: [2s]\n"));
    assert_eq!(labels(&loaded), ["locks.ttl=3s, jobs.ttl=2s", "locks.ttl=4s, jobs.ttl=2s"]);
}

#[test]
fn a_value_may_stand_where_the_file_has_none_and_may_be_a_mapping() {
    let loaded =
        with("  topology.config.redis.min-replicas-to-write: [0, 1]\n  faults.crash.target: [{ role: primary }, { node: redis-2 }]\n");
    assert_eq!(labels(&loaded)[3], "min-replicas-to-write=1, target={node: redis-2}");
    let place = loaded.location_in(&loaded.cells[3], "faults[0].target").unwrap();
    assert_eq!((place.line, place.column), (18, 44));
}

#[test]
fn whole_topologies_and_configuration_files_can_be_compared() {
    let loaded = load(&format!("{}matrix:\n  topology: [a.yaml, b.yaml]\n", BASE));
    let spec::Topology::Sentinel(second) = &loaded.cells[1].experiment.topology else { panic!("a Sentinel set") };
    assert_eq!((second.replicas, second.config.redis.get("maxmemory")), (3, Some("10mb")));
    let loaded = with("  topology.config.redis.include: [set.conf, other.conf]\n");
    let memory = |cell: usize| {
        let spec::Topology::Sentinel(topology) = &loaded.cells[cell].experiment.topology else { panic!("a Sentinel set") };
        topology.config.redis.get("maxmemory").map(str::to_owned)
    };
    assert_eq!([memory(0).as_deref(), memory(1).as_deref()], [Some("10mb"), Some("20mb")]);
}

#[test]
fn whole_topologies_are_told_apart_by_their_kind_and_what_one_of_them_lacks_points_at_it() {
    let sentinel = "{ kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }";
    let cluster = |shards: u32| format!("{{ kind: cluster, shards: {shards}, config: {{ redis: {{ cluster-node-timeout: 1000 }} }} }}");
    // `role: primary` with `pick: one` is one primary of either.
    let base = BASE.replace("target: { role: primary }", "target: { role: primary, pick: one }");
    let of = |text: &str, values: [&str; 2]| load(&format!("{text}matrix:\n  topology: [{}]\n", values.join(", ")));
    let loaded = of(&base, [sentinel, &cluster(3)]);
    assert_eq!(labels(&loaded), ["topology.kind=sentinel", "topology.kind=cluster"]);
    assert_eq!(loaded.cells[1].name, "02-topology.kind-cluster");
    assert!(loaded.cells[1].values[0].1.starts_with("{kind: cluster, shards: 3, "), "{:?}", loaded.cells[1].values);
    // Of two Clusters the kind tells nothing; their shards do.
    let loaded = of(&base, [&cluster(3), &cluster(6)]);
    assert_eq!(labels(&loaded), ["topology.shards=3", "topology.shards=6"]);
    let loaded = of(&base.replace("failover.write_gap", "failover.blast_radius"), [sentinel, &cluster(3)]);
    let problem = loaded.problems.iter().find(|problem| problem.code == "RQ0220").unwrap();
    assert!(problem.message.ends_with("(in the cell `topology.kind=sentinel`)"), "{}", problem.message);
}

#[test]
fn a_problem_that_only_some_cells_have_points_at_the_value_that_causes_it() {
    let loaded = with("  topology.sentinels: [3, 5]\n  topology.quorum: [2, 4]\n");
    let problem = loaded.problems.iter().find(|problem| problem.code == "RQ0211").unwrap();
    assert!(problem.message.ends_with("(in the cell `sentinels=3, quorum=4`)"), "{}", problem.message);
    assert_eq!(loaded.sources.location(&problem.span).line, 18);
    assert!(loaded.experiment.is_none() && loaded.cells.is_empty());
}

#[test]
fn a_problem_of_every_cell_that_has_nothing_to_do_with_the_matrix_is_told_once_and_as_it_is() {
    let text = BASE.replace("max < 5s", "max < 5");
    let plain = load(&text).problems;
    let varied = load(&format!("{text}matrix:\n  topology.replicas: [1, 2, 3]\n")).problems;
    assert_eq!(plain, varied);
}

#[test]
fn the_plan_of_a_matrix_reads_as_in_the_snapshot() {
    let loaded = with("  topology.config.sentinel.down-after-milliseconds: [1000, 3000]\n  workloads.locks.client: [rebuild, library]\n");
    let capable = Capabilities {
        runtime: RuntimeKind::Process,
        enter_namespaces: Ok(()),
        drop_packets: Ok(()),
        lose_packets: Ok(()),
        delay_packets: Ok(DelayPath::Queue),
        limit_bandwidth: Ok(()),
    };
    let cells: Vec<CellPlan> = loaded
        .cells
        .iter()
        .map(|cell| CellPlan {
            name: cell.name.clone(),
            label: cell.label.clone(),
            values: cell.values.clone(),
            plan: plan::plan(&cell.experiment, 42, None, &capable).unwrap(),
        })
        .collect();
    insta::assert_snapshot!(plan::render_cells(&cells));
    let json = plan::json_cells(&cells);
    assert_eq!(json["cells"][1]["values"]["workloads.locks.client"], "library");
    assert_eq!(json["cells"][2]["predictions"][0]["low"], 3_000_000_000_u64);
}

/// Fields, each with values a file may have and the text in `BASE` they replace.
const FIELDS: [(&str, &str, &[&str]); 5] = [
    ("topology.server", "server: redis:7.0", &["server: redis:7.0", "server: redis:8.0", "server: valkey:8.1"]),
    (
        "topology.config.sentinel.down-after-milliseconds",
        "down-after-milliseconds: 1000",
        &["down-after-milliseconds: 1000", "down-after-milliseconds: 2000", "down-after-milliseconds: 500"],
    ),
    ("workloads.locks.client", "client: rebuild", &["client: rebuild", "client: library"]),
    ("faults.crash.at", "at: 4s", &["at: 4s", "at: 5s", "at: 6500ms", "at: 7s"]),
    ("trials", "trials: 2", &["trials: 2", "trials: 3"]),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn cells_are_the_product_and_each_is_the_file_edited_by_hand(chosen in prop::collection::vec(0..4_usize, 5)) {
        let mut matrix = String::new();
        let mut edits: Vec<String> = vec![BASE.to_owned()];
        for ((path, written, values), count) in FIELDS.iter().zip(&chosen) {
            let values = &values[..(*count).min(values.len())];
            if values.is_empty() {
                continue;
            }
            let plain: Vec<&str> = values.iter().map(|value| value.split_once(": ").unwrap().1).collect();
            matrix.push_str(&format!("  {path}: [{}]\n", plain.join(", ")));
            edits = edits.iter().flat_map(|text| values.iter().map(|value| text.replacen(written, value, 1)).collect::<Vec<_>>()).collect();
        }
        prop_assume!(!matrix.is_empty() && edits.len() <= 64);
        let loaded = with(&matrix);
        prop_assert_eq!(loaded.cells.len(), edits.len());
        for (cell, text) in loaded.cells.iter().zip(&edits) {
            prop_assert_eq!(Some(cell.experiment.clone()), load(text).experiment);
        }
        let names: BTreeSet<&str> = loaded.cells.iter().map(|cell| cell.name.as_str()).collect();
        prop_assert_eq!(names.len(), edits.len());
    }

    #[test]
    fn rounds_have_every_trial_once_and_no_cell_is_ahead_of_another_by_more_than_one(
        seed: u64, trials in prop::collection::vec(1..6_u32, 1..8)
    ) {
        let order = plan::interleave(seed, &trials);
        prop_assert_eq!(&order, &plan::interleave(seed, &trials));
        let all: BTreeSet<(usize, u32)> = order.iter().copied().collect();
        prop_assert_eq!(all.len(), order.len());
        prop_assert_eq!(order.len() as u32, trials.iter().sum::<u32>());
        prop_assert!(order.iter().is_sorted_by_key(|(_, index)| *index), "a round ends before the next begins");
        // More trials leave the rounds before as they were.
        let more: Vec<u32> = trials.iter().map(|trials| trials + 1).collect();
        let shared: Vec<_> = plan::interleave(seed, &more).into_iter().filter(|(cell, index)| *index <= trials[*cell]).collect();
        prop_assert_eq!(shared, order);
    }
}

#[test]
fn rounds_are_not_all_in_one_order() {
    let order = plan::interleave(7, &[10; 4]);
    let rounds: BTreeSet<Vec<usize>> = order.chunks(4).map(|round| round.iter().map(|(cell, _)| *cell).collect()).collect();
    assert!(rounds.len() > 3, "{rounds:?}");
}
