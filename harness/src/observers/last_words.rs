//! The lines of a server's log that tell why it ended.

/// What both Redis and Valkey print first at every start.
const BANNER: &str = "oO0OoO0OoO0Oo";
/// Lines that tell what happened: with which a crash report begins, what PostgreSQL says of a process of its own that did not end by itself, and
/// what Redis and PostgreSQL say when they are told to end, which may take them long.
const TELLING: [&str; 4] = ["BUG REPORT START", "was terminated by signal", "scheduling shutdown", "shutdown request"];
/// Lines of a crash report that are kept: who sent what comes first, the registers and the stack after it.
const OF_A_REPORT: usize = 24;
/// Lines that are kept where there is none.
const OF_AN_END: usize = 8;
/// Longest line that is kept.
const LONGEST: usize = 300;

/// The last words of a server that has ended: its crash report, else the end of its log.
pub fn last_words(log: &str) -> Vec<String> {
    let told = report(log);
    if !told.is_empty() {
        return told;
    }
    let lines: Vec<&str> = latest_start(log).lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(OF_AN_END)).map(|line| kept(line)).collect()
}

/// What the latest start of a server wrote from the first telling line on; nothing where there is none.
pub fn report(log: &str) -> Vec<String> {
    let mut lines = latest_start(log).lines().filter(|line| !line.trim().is_empty());
    let begun = lines.by_ref().find(|line| TELLING.iter().any(|words| line.contains(words)));
    begun.into_iter().chain(lines.take(OF_A_REPORT)).map(kept).collect()
}

/// What the latest start wrote; the banner itself stays out, and stands twice in its line.
fn latest_start(log: &str) -> &str {
    log.rsplit(BANNER).next().unwrap_or(log)
}

fn kept(line: &str) -> String {
    line.trim_end().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_report_is_kept_from_its_beginning() {
        let log = "1:C # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n1:M * Ready to accept connections\n\n\n\
                   === REDIS BUG REPORT START: Cut & paste starting from here ===\n1:M # Redis 7.0.15 crashed by signal: 11, si_code: 0\n\
                   1:M # Killed by PID: 0, UID: 0\n";
        let words = last_words(log);
        assert_eq!(words.len(), 3, "{words:?}");
        assert!(words[0].contains("BUG REPORT") && words[2].contains("Killed by PID"));
    }

    #[test]
    fn without_a_report_it_is_the_end_of_the_latest_start() {
        let lines: String = (0..20).map(|number| format!("1:M * line {number}\n")).collect();
        let log = format!("x oO0OoO0OoO0Oo a oO0OoO0OoO0Oo\nold\nx oO0OoO0OoO0Oo a oO0OoO0OoO0Oo\n{lines}");
        let words = last_words(&log);
        assert_eq!((words.len(), words[7].as_str()), (8, "1:M * line 19"));
        assert!(report(&log).is_empty());
        assert!(last_words("").is_empty());
    }

    #[test]
    fn a_report_of_an_earlier_start_is_none_of_this_one() {
        let log = "=== REDIS BUG REPORT START\nx oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n1:M * Ready\n";
        assert!(report(log).is_empty());
    }

    #[test]
    fn a_server_that_was_told_to_end_and_has_not_yet_says_so() {
        let log = "2026-11-29 01:00:00 UTC [7] LOG:  database system is ready to accept connections\n\
                   2026-11-29 01:00:01 UTC [7] LOG:  received smart shutdown request\n";
        assert_eq!(report(log), ["2026-11-29 01:00:01 UTC [7] LOG:  received smart shutdown request"]);
    }
}
