//! A disk with little room.

use std::process::Command;

use crate::support::{self, finish, not_done};

#[test]
fn a_run_fills_no_disk_and_says_when_it_has_used_up_what_it_may() {
    if !rustix::process::geteuid().is_root() {
        return not_done("only root can mount a small disk");
    }
    let bench = support::bench_without_docker();
    let busy = support::quick("max < 5s").replace("rate: 100/s", "rate: 4000/s").replace("clients: 4", "clients: 32");
    let file = bench.experiment(&busy);
    let disk = bench.out.path().join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    // Three quarters of four megabytes are too few for three trials; the mount is seen by this run alone, and ends with it.
    let script = "mount -t tmpfs -o size=4m none \"$1\" && shift && \"$@\"; code=$?; ls -R \"$0\"; exit $code";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).arg(&disk).arg(&disk).arg(env!("CARGO_BIN_EXE_redquake"));
    command.args(["run", &file, "--runtime", "process", "--trials", "20", "--repeats", "none", "--out"]).arg(&disk);
    let ended = finish(&mut command);
    assert_eq!(ended.code, Some(4), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("MiB of disk that this run may fill are used up; `--disk-gb` sets how much"), "{}", ended.stderr);
    // What was done before is told.
    assert!(ended.stdout.contains("report.html") && ended.stdout.contains("result.json"), "{}", ended.stdout);
}
