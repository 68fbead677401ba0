//! The window over which the start of the schedule is drawn.

use super::Finding;
use crate::spec::{Duration, Experiment, TIMER_PERIOD};

/// Longer than any timer of a server that decides a failover, by far; each trial waits half of it on average.
const LONGEST: Duration = Duration::from_secs(60);

pub(super) fn covers_the_timers(experiment: &Experiment, found: &mut Vec<Finding>) {
    let Some(jitter) = experiment.jitter.filter(|jitter| !jitter.is_zero()) else { return };
    if jitter > LONGEST {
        let finding = Finding::error("RQ0280", "jitter", format!("`jitter` is longer than {LONGEST}"));
        found.push(
            finding
                .help("each trial waits half of it on average; `1s` covers the timers that decide a failover, `10s` also Sentinel's INFO"),
        );
    } else if experiment.jitter().is_zero() {
        let finding = Finding::warning("RQ0351", "jitter", "there is nothing to draw: no fault has a fixed time").uses("faults");
        found.push(finding.help("leave `jitter` out, or give a fault `at`"));
    } else if jitter.as_nanos() % TIMER_PERIOD.as_nanos() != 0 {
        let finding = Finding::warning("RQ0350", "jitter", "some phases of the servers' timers are met more often than others, or never");
        found.push(
            finding.label(format!("no multiple of {TIMER_PERIOD}")).help(format!(
                "timers that decide a failover come every {TIMER_PERIOD}: use a multiple of it, or `0s` for one phase alone"
            )),
        );
    }
}
