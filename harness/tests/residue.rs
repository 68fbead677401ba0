//! After whatever end, nothing of a run is left.

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use redquake_reports::result::Verdict;
use support::Reaped;

fn assert_clean(after: &str) {
    assert_eq!(support::residue(), Vec::<String>::new(), "left after {after}");
}

#[test]
fn nothing_is_left_after_a_failed_assertion_and_the_exit_code_is_1() {
    let Some(bench) = support::bench() else { return };
    let file = bench.experiment(&support::quick("max < 10ms"));
    let status = bench.run(&[&file]).stdout(Stdio::null()).status().expect("redquake");
    assert_eq!(status.code(), Some(1));
    assert_eq!(bench.document().verdict, Verdict::Fail);
    assert_clean("a failed assertion");
}

#[test]
fn nothing_is_left_after_a_panic_in_any_phase_and_the_exit_code_is_70() {
    let Some(bench) = support::bench() else { return };
    let file = bench.experiment(&support::quick("max < 3s"));
    for phase in ["provision", "settle", "baseline", "recovery"] {
        let mut command = bench.run(&[&file]);
        let output = command.env("REDQUAKE_FAILPOINT", format!("panic@{phase}")).output().expect("redquake");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(70), "{told}");
        assert!(told.contains(&format!("failpoint panic@{phase}")), "{told}");
        assert_clean(phase);
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
    assert!(bench.run(&[&file]).stdout(Stdio::null()).status().expect("redquake").success());
    for instant in 0..10u64 {
        // From the first engine call, over bring-up, baseline and outage, to recovery: 0.25 s to 5.65 s.
        let after = Duration::from_millis(250 + instant * 600);
        let bench = bench.again();
        let file = bench.experiment(&support::quick("max < 3s"));
        let began = Instant::now();
        let mut tool = Reaped(bench.run(&[&file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redquake"));
        std::thread::sleep(after.saturating_sub(began.elapsed()));
        let pid = tool.0.id().to_string();
        let sent = std::process::Command::new("kill").args(["-s", signal, &pid]).status().expect("kill");
        assert!(sent.success());
        let status = tool.0.wait().expect("redquake");
        assert_eq!(status.code(), Some(code), "SIG{signal} after {after:?}");
        assert_clean(&format!("SIG{signal} after {after:?}"));
        let document = bench.document();
        assert_eq!(document.verdict, Verdict::Inconclusive, "SIG{signal} after {after:?}");
        assert!(bench.results().join("report.html").exists());
    }
}
