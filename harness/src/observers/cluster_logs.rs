//! What the servers of a Cluster wrote into their logs, put on the trial's clock.
//!
//! Servers write the wall clock's time, in the time zone of where they run. This machine's wall clock is theirs, so one look at both
//! clocks at one instant relates them; the time zone is the one in which the first line was written during the trial.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::DateTime;
use redquake_reports::history::{ClusterEvent, Event, NoteKind};
use redquake_topologies::config::cluster_id;

use super::cluster_log::{LoggedNews, read as tell, split};
use crate::context::TrialContext;

const MS: u64 = 1_000_000;
/// Time zones lie apart by whole quarters of an hour.
const QUARTER: i64 = 15 * 60 * 1_000;
/// Longest line that is kept.
const LONGEST: usize = 300;

/// Records what the logs tell of failovers.
pub async fn read(context: &TrialContext) {
    // Both clocks at one instant, as far as one thread can.
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    let now = i64::try_from(context.clock.now() / MS).unwrap_or(i64::MAX);
    let zero = wall.saturating_sub(now);
    let by_id: HashMap<String, u16> = context.roster.data().map(|member| (cluster_id(&member.node.name), member.index)).collect();
    let logs = context.roster.data().map(|member| async move { (context.lab.logs(&member.node.name).await, member) });
    for (log, member) in futures_util::future::join_all(logs).await {
        let log = match log {
            Ok(log) => log,
            Err(error) => {
                context.recorder.note(NoteKind::Remark, format!("the log of {} could not be read: {error}", member.node.name));
                continue;
            }
        };
        for (at, told, line) in on_the_clock(&log, zero) {
            let about = told.about.as_ref().and_then(|id| by_id.get(id)).copied();
            let delay = told.delay.map(|millis| millis.saturating_mul(MS));
            let line = Some(line.chars().take(LONGEST).collect());
            let event =
                ClusterEvent { at, node: member.index, news: told.news, about, epoch: told.epoch, delay, rank: told.rank, log: line };
            context.recorder.record(Event::Cluster(event));
        }
    }
}

/// The telling lines of a log with their times, ns since the trial began; `zero` is that beginning by the wall clock, ms.
fn on_the_clock(log: &str, zero: i64) -> Vec<(u64, LoggedNews, &str)> {
    let lines: Vec<(i64, &str)> = log.lines().filter_map(split).filter_map(|(time, message)| Some((millis(time)?, message))).collect();
    let Some((first, _)) = lines.first() else { return Vec::new() };
    // The server was started in the first minutes of the trial.
    let zone = (first - zero).div_euclid(QUARTER) * QUARTER;
    let told = lines.iter().filter_map(|(written, message)| {
        let at = u64::try_from(written - zone - zero).ok()?;
        Some((at.saturating_mul(MS), tell(message)?, *message))
    });
    told.collect()
}

/// `23 Nov 2026 05:56:02.052` as milliseconds since 1970, as if it were UTC.
fn millis(time: &str) -> Option<i64> {
    let parsed = jiff::fmt::strtime::parse("%d %b %Y %H:%M:%S%.f", time).ok()?;
    let time: DateTime = parsed.to_datetime().ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use redquake_reports::history::ClusterNews;

    use super::*;

    /// 23 Nov 2026 05:56:00 UTC.
    const ZERO: i64 = 1_795_413_360_000;

    fn told(hour: &str) -> Vec<(u64, ClusterNews)> {
        let log = format!(
            "8:C 23 Nov 2026 {hour}:56:01.100 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n\
             8:M 23 Nov 2026 {hour}:56:01.200 # Cluster state changed: ok\n\
             8:S 23 Nov 2026 {hour}:56:09.052 # Failover election won: I'm the new master.\n"
        );
        on_the_clock(&log, ZERO).into_iter().map(|(at, told, _)| (at / MS, told.news)).collect()
    }

    #[test]
    fn lines_are_put_on_the_trials_clock_in_whatever_time_zone_they_were_written() {
        let wanted = [(1_200, ClusterNews::StateOk), (9_052, ClusterNews::Won)];
        assert_eq!(told("05"), wanted);
        assert_eq!(told("11"), wanted, "six hours east");
        assert_eq!(told("02"), wanted, "three hours west");
    }
}
