//! Images that the tool built.

use std::process::Command;

use crate::support::{self, Ended, finish};

/// A second name of an image that the tool built here.
struct Named(String);

impl Named {
    fn new() -> Self {
        let output = Command::new("docker").args(["images", "redquake-redis", "--format", "{{.Repository}}:{{.Tag}}"]).output();
        let list = String::from_utf8(output.expect("docker").stdout).expect("text");
        let first = list.lines().next().expect("the tool has built an image").to_owned();
        let name = format!("redquake-redis:test-{}", std::process::id());
        assert!(Command::new("docker").args(["tag", &first, &name]).status().expect("docker").success());
        Self(name)
    }

    fn is_there(&self) -> bool {
        let output = Command::new("docker").args(["images", "-q", &self.0]).output().expect("docker");
        !output.stdout.is_empty()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", &self.0]).output();
    }
}

fn clean(options: &[&str]) -> Ended {
    finish(support::redquake().arg("clean").args(options))
}

/// Has the default image here, whatever else the run is.
fn provide(bench: &support::Bench) {
    let file = bench.experiment(&support::quick("max < 5s"));
    let ended = finish(&mut bench.run(&[&file, "--runtime", "docker", "--trials", "1"]));
    assert!(matches!(ended.code, Some(0 | 1 | 3)), "{}{}", ended.stdout, ended.stderr);
}

#[test]
#[ignore = "removes the images, which the next tests build again: ci/test --all"]
fn images_are_listed_with_their_size_and_removed_only_by_who_asks_for_it() {
    let Some(bench) = support::bench() else { return };
    provide(&bench);
    let image = Named::new();
    let told = |ended: &Ended, begin: &str, end: &str| {
        let found = ended.stdout.lines().any(|line| line.starts_with(&format!("{begin}: image {} (", image.0)) && line.ends_with(end));
        assert!(found, "{begin}: {}{}", ended.stdout, ended.stderr);
    };
    told(&clean(&["--dry-run"]), "would be kept", "MiB); --images removes it");
    told(&clean(&["--dry-run", "--images"]), "would be removed", "MiB)");
    assert!(!clean(&[]).stdout.contains("image ") && image.is_there());
    told(&clean(&["--images"]), "removed", "MiB)");
    assert!(!image.is_there());
    assert!(!clean(&["--dry-run"]).stdout.contains("image "), "all of them are gone");
    // The next run has it again.
    provide(&bench.again());
}
