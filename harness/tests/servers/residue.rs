//! After whatever end, nothing of a run is left.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{self, Reaped, finish};
use redquake_reports::result::Verdict;

#[test]
fn nothing_is_left_after_a_failed_assertion_and_the_exit_code_is_1() {
    let Some(bench) = support::bench() else { return };
    let file = bench.experiment(&support::quick("max < 10ms"));
    let ended = finish(&mut bench.run(&[&file]));
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(bench.document().verdict, Verdict::Fail);
    assert_eq!(ended.residue, Vec::<String>::new());
}

#[test]
fn nothing_is_left_after_a_panic_in_any_phase_and_the_exit_code_is_70() {
    let Some(bench) = support::bench() else { return };
    let file = bench.experiment(&support::quick("max < 3s"));
    for phase in ["provision", "settle", "baseline", "recovery"] {
        let ended = finish(bench.run(&[&file]).env("REDQUAKE_FAILPOINT", format!("panic@{phase}")));
        assert_eq!(ended.code, Some(70), "{}", ended.stderr);
        assert!(ended.stderr.contains(&format!("failpoint panic@{phase}")), "{}", ended.stderr);
        assert_eq!(ended.residue, Vec::<String>::new(), "after a panic in {phase}");
    }
}

#[test]
fn nothing_is_left_after_sigint_at_ten_instants_the_report_is_written_and_the_exit_code_is_130() {
    interrupted_at_ten_instants("INT", 130);
}

#[test]
fn nothing_is_left_after_sigterm_at_ten_instants_the_report_is_written_and_the_exit_code_is_143() {
    interrupted_at_ten_instants("TERM", 143);
}

fn interrupted_at_ten_instants(signal: &str, code: i32) {
    let Some(bench) = support::bench() else { return };
    // The images must be there, or the first instants would all fall into building them.
    let file = bench.experiment(&support::quick("max < 3s"));
    let ended = finish(&mut bench.run(&[&file]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for instant in 0..10u64 {
        // From the first engine calls, over bring-up, baseline and outage, to recovery.
        let after = Duration::from_millis(250 + instant * 600);
        let bench = bench.again();
        let began = Instant::now();
        let mut tool = Reaped(bench.run(&[&file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
        let pid = tool.0.id();
        std::thread::sleep(after.saturating_sub(began.elapsed()));
        let sent = Command::new("kill").args(["-s", signal, &pid.to_string()]).status().expect("kill");
        assert!(sent.success());
        let status = tool.0.wait().expect("redquake");
        assert_eq!(status.code(), Some(code), "SIG{signal} after {after:?}");
        assert_eq!(support::owned_by(pid), Vec::<String>::new(), "left after SIG{signal} after {after:?}");
        assert_eq!(bench.document().verdict, Verdict::Inconclusive, "SIG{signal} after {after:?}");
        assert!(bench.results().join("report.html").exists());
    }
}
