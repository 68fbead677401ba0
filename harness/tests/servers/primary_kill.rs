//! The main job on real servers.

use crate::support::{self, Bench, Ended, finish};
use redquake_reports::result::{Sample, TrialStatus, Verdict};

/// `down-after-milliseconds` of the experiment, ns.
const DOWN_AFTER: f64 = 1e9;

#[test]
#[ignore = "a minute of serial trials in Docker: ci/test --all"]
fn five_kills_in_docker_are_five_conclusive_trials_whose_gap_lies_where_the_configuration_predicts() {
    let Some(bench) = support::bench() else { return };
    let ended = finish(&mut bench.run(&["sentinel/primary-kill", "--trials", "5", "--seed", "7", "--runtime", "docker"]));
    lie_where_predicted(&bench, &ended);
}

#[test]
fn five_kills_without_docker_are_five_conclusive_trials_whose_gap_lies_where_the_configuration_predicts_and_analyze_agrees() {
    let bench = support::bench_alone();
    let file = bench.experiment(&support::quick("max < 3s"));
    let ended = finish(&mut bench.run(&[&file, "--trials", "5", "--jobs", "2", "--seed", "7", "--runtime", "process"]));
    lie_where_predicted(&bench, &ended);
    analyze_gives_the_same_from_the_histories_alone(&bench);
}

fn lie_where_predicted(bench: &Bench, ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);

    let document = bench.document();
    assert_eq!(document.verdict, Verdict::Pass);
    // A busy machine may spoil one, which is repeated.
    let (conclusive, rest): (Vec<_>, Vec<_>) = document.trials.iter().partition(|trial| trial.status == TrialStatus::Conclusive);
    let why: Vec<_> = rest.iter().map(|trial| (trial.index, trial.status, &trial.reasons)).collect();
    assert!(conclusive.len() == 5 && rest.len() <= 1, "{why:?}");
    for trial in conclusive {
        let failover = trial.failovers.first().expect("a failover");
        let gap = failover.write_gap.as_ref().expect("a write gap");
        let Sample::Exact(length) = gap.length else { panic!("trial {}: the gap never ended", trial.index) };
        // The formula's own bounds: ticks of 53 to 100 ms and a ping period of 1 s decide where in them a failover falls.
        let predicted = &document.predictions["failover.write_gap"];
        assert!(length >= predicted.low as f64 && length <= predicted.high as f64, "trial {}: {length} outside {predicted:?}", trial.index);
        assert!(length > DOWN_AFTER, "trial {}: {length}", trial.index);

        let to = gap.to.expect("an end");
        let server: u64 = failover.parts.iter().filter(|part| part.to <= to).map(|part| part.to - part.from).sum();
        assert_eq!(server as f64, length, "trial {}: the parts up to promotion add up to the gap", trial.index);
        let client = failover.client_gap.as_ref().expect("a client gap");
        let all: u64 = failover.parts.iter().map(|part| part.to - part.from).sum();
        assert_eq!(
            failover.parts.first().map(|part| part.from + all),
            client.to,
            "trial {}: all parts lead to the clients' first success",
            trial.index
        );
        assert_eq!(failover.old_primary.as_deref(), Some("redis-1"));
        assert_ne!(failover.new_primary, failover.old_primary);
    }
    for name in ["report.html", "junit.xml", "summary.md", "metrics.txt", "metrics.prom", "result.json", "run.json", "experiment.yaml"] {
        assert!(bench.results().join(name).exists(), "{name}");
    }
    assert_eq!(ended.residue, Vec::<String>::new());
}

fn analyze_gives_the_same_from_the_histories_alone(bench: &Bench) {
    let folder = bench.results();
    let taken = ["result.json", "report.html"].map(|name| {
        let path = folder.join(name);
        let before = std::fs::read(&path).expect(name);
        std::fs::remove_file(&path).expect("removed");
        (path, before)
    });
    let again = finish(support::redquake().arg("analyze").arg(&folder));
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    for (path, before) in taken {
        assert!(std::fs::read(&path).expect("written again") == before, "{} differs", path.display());
    }
}

#[test]
fn a_client_that_leaves_everything_to_the_library_never_comes_back() {
    let bench = support::bench_without_docker();
    let text = support::quick("max < 3s").replace("hold: 20ms", "hold: 20ms, client: library");
    let file = bench.experiment(&text);
    let ended = finish(&mut bench.run(&[&file, "--runtime", "process"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let failover = bench.document().trials[0].failovers[0].clone();
    assert!(matches!(failover.write_gap.expect("a write gap").length, Sample::Exact(_)), "the servers came back");
    assert!(matches!(failover.client_gap.expect("a client gap").length, Sample::AtLeast(_)), "the clients did not");
}
