//! Lines of a server's log that tell a failover of a Cluster, in the words of Redis 7.0 to 8.0 and Valkey 8.

use redquake_reports::history::ClusterNews;

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedNews {
    /// What.
    pub news: ClusterNews,
    /// Identity of the node it is about.
    pub about: Option<String>,
    /// Epoch of the election.
    pub epoch: Option<u64>,
    /// The wait before the election, ms.
    pub delay: Option<u64>,
    /// How many of its siblings have more data.
    pub rank: Option<u32>,
}

/// Beginnings of messages, and what they tell.
const KNOWN: [(&str, ClusterNews); 14] = [
    ("Marking node ", ClusterNews::Fail),
    ("FAIL message received from ", ClusterNews::Fail),
    ("Clear FAIL state for node ", ClusterNews::Cleared),
    ("Start of election delayed for ", ClusterNews::Delayed),
    ("Starting a failover election for epoch ", ClusterNews::Standing),
    ("Failover auth granted to ", ClusterNews::Voted),
    ("Failover auth denied to ", ClusterNews::Refused),
    ("Failover election won", ClusterNews::Won),
    ("Taking over the ", ClusterNews::TookOver),
    ("Forced failover ", ClusterNews::TookOver),
    ("Failover attempt expired", ClusterNews::Expired),
    ("Currently unable to failover", ClusterNews::Unable),
    ("Cluster state changed: ok", ClusterNews::StateOk),
    ("Cluster state changed: fail", ClusterNews::StateFail),
];

/// A line's time as the server wrote it, and its message: `1234:M 23 Nov 2026 05:56:02.052 # message`.
pub fn split(line: &str) -> Option<(&str, &str)> {
    let (head, rest) = line.split_once(' ')?;
    // `<pid>:<role>`
    head.split_once(':').filter(|(pid, role)| role.len() == 1 && pid.bytes().all(|byte| byte.is_ascii_digit()))?;
    let end = rest.match_indices(' ').nth(3)?.0;
    let message = rest[end + 1..].split_once(' ')?.1;
    Some((&rest[..end], message))
}

/// What a message tells; `None` for one that tells nothing of a failover.
pub fn read(message: &str) -> Option<LoggedNews> {
    let (start, news) = KNOWN.iter().find(|(start, _)| message.starts_with(start))?;
    let number = |after: &str| {
        let rest = message.split_once(after)?.1;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse::<u64>().ok()
    };
    let identities: Vec<&str> = message
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit()))
        .collect();
    Some(LoggedNews {
        news: *news,
        // "FAIL message received from <who> about <whom>": the last one is whom it is about.
        about: identities.last().map(|id| (*id).to_owned()),
        epoch: number("epoch "),
        delay: number(start).filter(|_| *news == ClusterNews::Delayed),
        rank: number("(rank #").and_then(|rank| u32::try_from(rank).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_redis_and_valkey_are_read_alike() {
        let redis = "1771:S 23 Nov 2026 06:10:51.109 # Start of election delayed for 734 milliseconds (rank #1, offset 812).";
        let (time, message) = split(redis).unwrap();
        assert_eq!(time, "23 Nov 2026 06:10:51.109");
        let told = read(message).unwrap();
        assert_eq!((told.news, told.delay, told.rank), (ClusterNews::Delayed, Some(734), Some(1)));
        let valkey = "Start of election delayed for 512 milliseconds (rank #0, primary rank #0, offset 42).";
        assert_eq!(read(valkey).map(|told| (told.delay, told.rank)), Some((Some(512), Some(0))));
    }

    #[test]
    fn a_message_names_whom_it_is_about() {
        let (one, other) = ("a".repeat(40), "b".repeat(40));
        let told = read(&format!("FAIL message received from {one} about {other}")).unwrap();
        assert_eq!((told.news, told.about), (ClusterNews::Fail, Some(other.clone())));
        let told = read(&format!("FAIL message received from {one} () about {other} ()")).unwrap();
        assert_eq!(told.about, Some(other.clone()));
        let told = read(&format!("Failover auth granted to {other} for epoch 7")).unwrap();
        assert_eq!((told.news, told.about, told.epoch), (ClusterNews::Voted, Some(other), Some(7)));
        assert_eq!(read("Failover election won: I'm the new master.").map(|told| told.news), Some(ClusterNews::Won));
        assert_eq!(read("Failover election won: I'm the new primary.").map(|told| told.news), Some(ClusterNews::Won));
    }

    #[test]
    fn other_lines_tell_nothing() {
        assert_eq!(split("                _._"), None);
        assert_eq!(split("total 5"), None);
        assert_eq!(read("Ready to accept connections"), None);
        assert_eq!(read("DB loaded from disk: 0.000 seconds"), None);
    }
}
