//! Shards and zones: the same forged history told as that of a Cluster, and of clients in zones.

use redquake_experiments::spec::{ClusterConfig, ClusterTopology, Server, Topology, Zones};
use redquake_reports::analysis::{CellDocument, MatrixAssembly, analyze_events, assemble, assemble_matrix};
use redquake_reports::history::{Event, Header};
use redquake_reports::render::{html, matrix, summary, terminal};
use redquake_reports::result::{Document, MatrixAxis, MatrixDocument, Sample, Source, Trial};
use redquake_reports::testing::{FailoverParams, assembly, failover_history};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// The new primary forgets what was acknowledged last, while locks are held.
fn forgetful() -> FailoverParams {
    FailoverParams { lag: 400 * MS, hold: 4 * S, ttl: 10 * S, keys: 400, duration: 20 * S, ..FailoverParams::default() }
}

fn cluster() -> Topology {
    let config = ClusterConfig::default();
    Topology::Cluster(ClusterTopology { server: Server::default(), shards: 3, replicas_per_shard: 1, slots: Vec::new(), config })
}

fn analysed(params: &FailoverParams, change: impl Fn(&mut Header)) -> Trial {
    let mut events = failover_history(params);
    let Some(Event::Header(header)) = events.first_mut() else { panic!("the first event is the header") };
    change(header);
    let header = header.clone();
    analyze_events(&header, &events)
}

#[test]
fn harm_is_told_by_shard_and_the_shards_are_the_whole() {
    let whole = analysed(&forgetful(), |_| {});
    let told = analysed(&forgetful(), |header| header.plan.experiment.topology = cluster());
    for metric in ["locks.double_acquired", "locks.lost", "locks.acquired", "locks.unknown"] {
        let of = |name: &str| told.metrics[name].value();
        let each: Vec<f64> = (1..=3).map(|shard| of(&format!("shard-{shard}.{metric}"))).collect();
        assert_eq!((each.iter().sum::<f64>(), of(metric)), (whole.metrics[metric].value(), whole.metrics[metric].value()), "{metric}");
        assert!(metric.ends_with("unknown") || each.iter().all(|value| *value > 0.0), "{metric}: {each:?}");
    }
    assert!(!whole.metrics.keys().any(|name| name.starts_with("shard-")), "one primary has no shards");
}

#[test]
fn a_lane_a_zone_has_the_attempts_of_its_clients_and_the_gap_says_whose_it_is() {
    let plain = analysed(&FailoverParams::default(), |_| {});
    let zoned = analysed(&FailoverParams::default(), |header| {
        let zones = serde_json::from_str::<Zones>(r#"["near", "far"]"#).expect("zones");
        header.plan.experiment.workloads[0].common.zone = Some(zones);
    });
    let attempts = |trial: &Trial| -> Vec<u64> {
        let all = |buckets: &[redquake_reports::result::OpBucket]| {
            buckets.iter().map(|one| u64::from(one.ok) + u64::from(one.held) + u64::from(one.fail) + u64::from(one.info)).sum()
        };
        trial.timeline.workloads.iter().map(|series| all(&series.buckets)).collect()
    };
    let names: Vec<Option<&str>> = zoned.timeline.workloads.iter().map(|series| series.zone.as_deref()).collect();
    assert_eq!(names, [Some("near"), Some("far")]);
    assert_eq!(attempts(&zoned).iter().sum::<u64>(), attempts(&plain)[0]);
    assert!(attempts(&zoned).iter().all(|attempts| *attempts > 0));
    assert_eq!(plain.failovers[0].client_gap_of.as_deref(), Some("locks"));
    let whose = zoned.failovers[0].client_gap_of.clone().expect("clients that waited");
    assert!(["locks in zone near", "locks in zone far"].contains(&whose.as_str()), "{whose}");
}

/// A run whose outages are those of shard 2 of three.
fn sharded() -> Document {
    let mut run = assembly(&FailoverParams::default(), 3);
    for trial in &mut run.trials {
        for failover in &mut trial.failovers {
            failover.shard = Some(2);
        }
        for (node, shard) in trial.nodes.iter_mut().zip([2, 2, 1]) {
            node.shard = Some(shard);
        }
        let gap = trial.metrics["failover.write_gap"];
        trial.metrics.extend([("shard-1.write_gap".to_owned(), Sample::Exact(3e6)), ("shard-2.write_gap".to_owned(), gap)]);
        trial
            .metrics
            .extend([("shard-1.locks.acquired".to_owned(), Sample::Exact(7.0)), ("shard-2.locks.acquired".to_owned(), Sample::Exact(5.0))]);
        trial
            .metrics
            .extend([("shard-1.locks.lost".to_owned(), Sample::Exact(0.0)), ("shard-2.locks.lost".to_owned(), Sample::Exact(2.0))]);
    }
    run.plan.experiment.topology = cluster();
    assemble(run)
}

#[test]
fn every_row_of_an_outage_names_its_shard() {
    let document = sharded();
    let page = html::render(&document);
    for wanted in [
        "shard 2, server",
        "shard 2, clients",
        "shard 2, parts",
        "trial 1, shard 2",
        "redis-1, shard 2",
        "close-up of the outage of shard 2",
        ">Shard 2</th>",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    let text = terminal::render(&document, &terminal::Options::default());
    let row = text.lines().find(|line| line.trim_start().starts_with("shard 2 ")).expect("a row of the shard that was down");
    assert!(row.contains("write gap, median of 3 trials"), "{row}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("shard 1 ")), "shard 1 was never down");
    let text = summary::render(&document);
    assert!(text.contains("| All shards | Shard 1 | Shard 2 |") && text.contains("| `locks.lost` |"), "{text}");
}

#[test]
fn what_one_shard_lost_is_counted_once() {
    let document = sharded();
    assert_eq!(document.metrics["shard-2.locks.lost"].total, 6.0);
    assert!(document.metrics["shard-2.locks.lost"].rare.is_none(), "the total has it");
    let rows = html::render(&document).matches("<code>shard-2.locks.lost</code>").count();
    assert_eq!(rows, 0, "the table of the shards tells it, and no other");
}

/// A Sentinel set and a Cluster on the same schedule.
fn beside() -> MatrixDocument {
    let cell = |index: usize, topology: Option<Topology>| {
        let kind = if topology.is_some() { "cluster" } else { "sentinel" };
        let mut run = assembly(&FailoverParams::default(), 5);
        if let Some(topology) = topology {
            run.plan.experiment.topology = topology;
            for trial in &mut run.trials {
                trial.metrics.insert("failover.blast_radius".to_owned(), Sample::Exact(0.9e9));
            }
        }
        let value = format!("{{kind: {kind}}}");
        CellDocument {
            folder: format!("0{index}-topology.kind-{kind}"),
            label: format!("topology.kind={kind}"),
            values: vec![value],
            document: assemble(run),
        }
    };
    assemble_matrix(MatrixAssembly {
        tool_version: "0.1.0".to_owned(),
        name: "beside".to_owned(),
        description: String::new(),
        source: Source::default(),
        seed: 7,
        repro: "redquake run beside.yaml --seed 7".to_owned(),
        started_at: "2026-03-02T09:15:00Z".to_owned(),
        ended_at: Some("2026-03-02T09:17:08Z".to_owned()),
        axes: vec![MatrixAxis { path: "topology".to_owned(), values: vec!["{kind: sentinel}".to_owned(), "{kind: cluster}".to_owned()] }],
        cells: vec![cell(1, None), cell(2, Some(cluster()))],
    })
}

#[test]
fn a_metric_only_a_cluster_has_is_shown_as_one_the_sentinel_set_lacks() {
    let document = beside();
    assert!(document.compared.iter().any(|name| name == "failover.blast_radius"), "{:?}", document.compared);
    assert_eq!(document.cells.iter().map(|cell| cell.lacks.len()).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(document.cells[0].lacks, ["failover.blast_radius"]);
    assert!(!document.differences.iter().any(|one| one.metric == "failover.blast_radius"), "there is nothing to subtract");
    let page = matrix::html(&document);
    assert!(page.contains("only a Cluster has it") && !page.contains("not measured"), "{page}");
    assert!(page.contains("1 primary and 2 replicas, 3 Sentinels, quorum 2") && page.contains("3 shards of 1 primary and 1 replica"));
    assert!(matrix::summary(&document).contains("only a Cluster has it"));
    assert!(matrix::terminal(&document, &terminal::Options::default()).contains("failover.blast_radius: only a Cluster has it"));
}
