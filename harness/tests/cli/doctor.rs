//! `redquake doctor`.

use crate::support::tell;

#[test]
fn doctor_tells_a_line_a_check_and_what_to_do_about_those_that_fail() {
    let ended = tell(&["doctor"]);
    assert_eq!(ended.stderr, "");
    let failed = ended.stdout.lines().any(|line| line.starts_with("FAIL"));
    assert_eq!(ended.code, if failed { 4 } else { 0 }, "{}", ended.stdout);
    let marks = ["ok    ", "warn  ", "FAIL  ", "      "];
    let mut lines = ended.stdout.lines().peekable();
    while let Some(line) = lines.next() {
        assert!(marks.iter().any(|mark| line.starts_with(mark)), "{line}");
        if line.starts_with("FAIL") {
            assert!(lines.peek().is_some_and(|next| next.contains("-> ")), "nothing is said about {line}");
        }
    }
    assert!(ended.stdout.lines().count() >= 8, "{}", ended.stdout);
}
