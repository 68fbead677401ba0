//! Directives that only the server knows to be wrong: its own words, the line of the file, and exit code 2.

use crate::support::{self, Bench, finish};

/// Adds lines to the directives of the quick experiment and performs it; the mistake is in the line after `config:`.
fn refused(bench: &Bench, runtime: &str, directive: &str) -> support::Ended {
    let text = support::quick("max < 5s")
        .replace("    sentinel: { down-after-milliseconds: 1000, failover-timeout: 10000 }\n", &format!("    redis:\n      {directive}\n"));
    let file = bench.experiment(&text);
    finish(&mut bench.run(&[&file, "--runtime", runtime, "--trials", "2"]))
}

fn told(bench: &Bench, runtime: &str) {
    for (directive, words) in [
        ("maxmemory-policy: sometimes", "redis-1 refuses `maxmemory-policy sometimes`: argument(s) must be one of the following"),
        ("client-output-buffer-limit: normal", "redis-1 refuses `client-output-buffer-limit normal`: Wrong number of arguments"),
    ] {
        let ended = refused(bench, runtime, directive);
        assert_eq!(ended.code, Some(2), "{directive}: {}{}", ended.stdout, ended.stderr);
        // Line and column of the value in the file.
        let place = format!("experiment.yaml:7:{}: ", 7 + directive.find(' ').expect("a value") + 1);
        let line = ended
            .stderr
            .lines()
            .find(|line| line.starts_with("redquake: ") && line.contains(words))
            .unwrap_or_else(|| panic!("{directive}: {}", ended.stderr));
        assert!(line.contains(&place) && line.ends_with("`server`"), "{place}: {line}");
        assert_eq!(ended.residue, Vec::<String>::new());
    }
}

#[test]
fn a_directive_that_the_server_refuses_ends_the_run_with_its_words_and_the_line_of_the_file() {
    told(&support::bench_without_docker(), "process");
}

#[test]
#[ignore = "the same as on `process`, in containers: ci/test --all"]
fn a_directive_that_a_server_in_docker_refuses_ends_the_run_in_the_same_way() {
    let Some(bench) = support::bench() else { return };
    told(&bench, "docker");
}
