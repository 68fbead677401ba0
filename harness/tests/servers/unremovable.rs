//! What cannot be removed is told, with the way out and exit code 6, and nothing else of the run is lost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{self, Reaped};

/// Longest wait for a run to make its network.
const LIMIT: Duration = Duration::from_secs(60);

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("docker");
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A container of somebody else's, removed with the test.
struct Stranger(String);

impl Stranger {
    fn new() -> Self {
        let image = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", "redquake-redis"]);
        let image = image.lines().next().expect("an image").to_owned();
        let name = format!("stranger-{}", uuid::Uuid::new_v4());
        docker(&["run", "--detach", "--name", &name, "--entrypoint", "sleep", &image, "600"]);
        Self(name)
    }

    fn runs(&self) -> bool {
        docker(&["inspect", "--format", "{{.State.Running}}", &self.0]) == "true"
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "--force", &self.0]).stdout(Stdio::null()).status();
    }
}

/// The network of the run that the process has begun.
fn network_of(tool: &mut Reaped) -> String {
    let began = Instant::now();
    let mark = format!(":{}:", tool.0.id());
    loop {
        let networks =
            docker(&["network", "ls", "--filter", "label=redquake.owner", "--format", "{{.Name}} {{.Label \"redquake.owner\"}}"]);
        if let Some(line) = networks.lines().find(|line| line.contains(&mark)) {
            return line.split(' ').next().unwrap_or_default().to_owned();
        }
        assert!(began.elapsed() < LIMIT && tool.0.try_wait().expect("redquake").is_none(), "the run made no network");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[ignore = "two minutes in Docker: ci/test --all"]
fn a_network_that_somebody_else_uses_is_told_with_exit_code_6_by_run_and_clean_and_goes_once_it_is_free() {
    let Some(bench) = support::bench() else { return };
    let file = bench.experiment(&support::quick("max < 3s"));
    // The image is there afterwards.
    let ended = support::finish(&mut bench.run(&[&file, "--runtime", "docker"]));
    assert!(matches!(ended.code, Some(0 | 1 | 3)), "{}{}", ended.stdout, ended.stderr);
    let stranger = Stranger::new();

    let bench = bench.again();
    let mut command = bench.run(&[&file, "--runtime", "docker", "--trials", "1"]);
    let mut tool = Reaped(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("redquake"));
    let network = network_of(&mut tool);
    // At an address that no part of a lab is given.
    let subnet = docker(&["network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", &network]);
    let address = format!("{}.200", subnet.rsplit_once('.').expect("a subnet").0);
    docker(&["network", "connect", "--ip", &address, &network, &stranger.0]);
    let status = tool.0.wait().expect("redquake");
    assert_eq!(status.code(), Some(6));
    // Nothing else is lost.
    let document = bench.document();
    assert_eq!(document.exit_code, 6);
    assert!(document.trials.iter().all(|trial| !trial.metrics.is_empty()), "{:?}", document.reasons);
    for report in ["report.html", "junit.xml", "summary.md"] {
        assert!(bench.results().join(report).exists(), "{report}");
    }
    assert!(document.residue.iter().any(|left| left.contains(&network) && left.contains(&stranger.0)), "{:?}", document.residue);
    assert!(stranger.runs());

    let listed = support::finish(support::redquake().args(["clean", "--dry-run"]));
    let line = listed.stdout.lines().find(|line| line.contains(&network)).unwrap_or_else(|| panic!("{}", listed.stdout));
    assert!(line.starts_with("would be removed: network") && line.ends_with("which is gone"), "{line}");
    let refused = support::finish(support::redquake().arg("clean"));
    assert_eq!(refused.code, Some(6), "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains(&stranger.0) && refused.stderr.contains("docker network disconnect"), "{}", refused.stderr);
    assert!(stranger.runs());

    docker(&["network", "disconnect", &network, &stranger.0]);
    let cleaned = support::finish(support::redquake().arg("clean"));
    assert_eq!(cleaned.code, Some(0), "{}{}", cleaned.stdout, cleaned.stderr);
    assert!(cleaned.stdout.contains(&format!("removed: network {network}")), "{}", cleaned.stdout);
    assert!(stranger.runs(), "what is not ours stays");
}
