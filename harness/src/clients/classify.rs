//! Replies to outcomes: the table on which every verdict rests.
//!
//! `fail` is only for replies after which the command was certainly not executed; everything in doubt is `info`.
//! The order of the server's own checks is in `processCommand` of Redis' `server.c`.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use redquake_reports::history::{Outcome, Why};

use super::detour::{cause, partly_executed};

/// What an error means for the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Executed, not executed or unknown.
    pub outcome: Outcome,
    /// The class of the error.
    pub why: Why,
    /// Whether the connection should be given up and the primary looked for again.
    pub lost: bool,
}

/// Reads an error that came back after the request was handed to a connection.
pub fn classify(error: &RedisError) -> Reading {
    let aborted = error.kind() == ErrorKind::Server(ServerErrorKind::ExecAbort);
    // What a pipeline tells of its errors together leaves out most of their codes.
    let first = cause(error).filter(|_| !aborted);
    let reading = by_kind(first.as_ref().unwrap_or(error));
    // A `WAIT` that was refused says nothing of the write before it, which was executed.
    if partly_executed(error) { Reading { outcome: Outcome::Info, ..reading } } else { reading }
}

fn by_kind(error: &RedisError) -> Reading {
    let fail = |why, lost| Reading { outcome: Outcome::Fail, why, lost };
    let info = |why, lost| Reading { outcome: Outcome::Info, why, lost };
    if error.is_timeout() {
        return info(Why::Timeout, true);
    }
    match error.kind() {
        ErrorKind::Io => info(Why::Reset, true),
        ErrorKind::Server(kind) => match kind {
            ServerErrorKind::ReadOnly => fail(Why::Readonly, true),
            ServerErrorKind::BusyLoading => fail(Why::Loading, true),
            ServerErrorKind::MasterDown => fail(Why::Masterdown, true),
            ServerErrorKind::NoPerm => fail(Why::Denied, false),
            ServerErrorKind::Moved => fail(Why::Moved, true),
            ServerErrorKind::Ask => fail(Why::Ask, false),
            ServerErrorKind::TryAgain => fail(Why::Tryagain, false),
            // The node is there and may serve again at any moment; but it may also have lost its slots meanwhile.
            ServerErrorKind::ClusterDown => fail(Why::Clusterdown, true),
            ServerErrorKind::ExecAbort => aborted(error),
            ServerErrorKind::CrossSlot => fail(Why::Redirected, false),
            _ => info(Why::Other, false),
        },
        ErrorKind::AuthenticationFailed => fail(Why::Denied, false),
        ErrorKind::Extension => match error.code() {
            // A primary whose replicas have left it may have been replaced.
            Some("NOREPLICAS") => fail(Why::Noreplicas, true),
            Some("MISCONF") => fail(Why::Misconf, false),
            Some("OOM") => fail(Why::Oom, false),
            Some("BUSY") => fail(Why::Busy, false),
            Some("NOAUTH" | "WRONGPASS") => fail(Why::Denied, false),
            // A blocked command thrown out by a demotion: what came before it may have been written.
            Some("UNBLOCKED") => info(Why::Other, true),
            _ => info(Why::Other, false),
        },
        _ => info(Why::Other, true),
    }
}

/// `EXECABORT`: nothing of the transaction was executed, for what one of its commands was refused for.
fn aborted(error: &RedisError) -> Reading {
    match cause(error).filter(|cause| cause.kind() != ErrorKind::Server(ServerErrorKind::ExecAbort)) {
        Some(cause) => Reading { outcome: Outcome::Fail, ..by_kind(&cause) },
        // The server took it back at `EXEC` itself: it is no longer what the client takes it for.
        None => Reading { outcome: Outcome::Fail, why: Why::Other, lost: true },
    }
}

#[cfg(test)]
mod tests {
    use redis::aio::ConnectionLike;
    use redis::{Cmd, Pipeline, RedisFuture, Value};

    use super::*;

    fn server_says(line: &str) -> Reading {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).expect("a reply");
        let error = value.extract_error().expect_err("an error reply");
        classify(&error)
    }

    #[test]
    fn refusals_before_execution_are_certain_failures() {
        let table = [
            ("READONLY You can't write against a read only replica.", Why::Readonly),
            ("LOADING Redis is loading the dataset in memory", Why::Loading),
            ("MASTERDOWN Link with MASTER is down", Why::Masterdown),
            ("NOREPLICAS Not enough good replicas to write.", Why::Noreplicas),
            ("MISCONF Redis is configured to save RDB snapshots", Why::Misconf),
            ("OOM command not allowed when used memory > 'maxmemory'.", Why::Oom),
            ("BUSY Redis is busy running a script.", Why::Busy),
            ("NOAUTH Authentication required.", Why::Denied),
            ("NOPERM this user has no permissions", Why::Denied),
            ("MOVED 3999 127.0.0.1:6381", Why::Moved),
            ("CLUSTERDOWN The cluster is down", Why::Clusterdown),
            ("ASK 3999 127.0.0.1:6381", Why::Ask),
            ("TRYAGAIN Multiple keys request during rehashing of slot", Why::Tryagain),
            ("CROSSSLOT Keys in request don't hash to the same slot", Why::Redirected),
        ];
        for (line, why) in table {
            let reading = server_says(line);
            assert_eq!((reading.outcome, reading.why), (Outcome::Fail, why), "{line}");
        }
    }

    #[test]
    fn a_transaction_that_was_discarded_was_certainly_not_executed() {
        let reading = server_says("EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.");
        assert_eq!((reading.outcome, reading.lost), (Outcome::Fail, true));
    }

    /// A server whose answers are known.
    struct Answering(Vec<Value>);

    impl ConnectionLike for Answering {
        fn req_packed_command<'a>(&'a mut self, _: &'a Cmd) -> RedisFuture<'a, Value> {
            Box::pin(async { Ok(self.0[0].clone()) })
        }

        fn req_packed_commands<'a>(&'a mut self, _: &'a Pipeline, _: usize, _: usize) -> RedisFuture<'a, Vec<Value>> {
            Box::pin(async { Ok(self.0.clone()) })
        }

        fn get_db(&self) -> i64 {
            0
        }
    }

    /// What a client makes of the answers to `SET` and `WAIT`, sent together.
    async fn written_and_waited(set: &str, wait: &str) -> Outcome {
        let answers = [set, wait].map(|line| redis::parse_redis_value(format!("{line}\r\n").as_bytes()).expect("a reply"));
        let both = redis::pipe().cmd("SET").arg("key").arg("value").cmd("WAIT").arg(1).arg(100).clone();
        let told = both.query_async::<Vec<Value>>(&mut Answering(answers.into())).await;
        classify(&told.expect_err("one of them erred")).outcome
    }

    #[tokio::test]
    async fn a_write_whose_wait_alone_was_refused_may_have_been_executed() {
        for refusal in ["-BUSY Redis is busy running a script.", "-NOPERM this user has no permissions", "-READONLY You can't write"] {
            assert_eq!(written_and_waited("+OK", refusal).await, Outcome::Info, "{refusal}");
            assert_eq!(written_and_waited(refusal, ":0").await, Outcome::Fail, "{refusal}");
            assert_eq!(written_and_waited(refusal, refusal).await, Outcome::Fail, "{refusal}");
        }
    }

    #[test]
    fn whatever_is_in_doubt_is_unknown_never_failed() {
        let timeout = RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        assert_eq!((classify(&timeout).outcome, classify(&timeout).why), (Outcome::Info, Why::Timeout));
        let reset = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert_eq!((classify(&reset).outcome, classify(&reset).why), (Outcome::Info, Why::Reset));
        assert_eq!(server_says("ERR something nobody expected").outcome, Outcome::Info);
        assert_eq!(server_says("UNBLOCKED force unblock from blocking operation").outcome, Outcome::Info);
    }

    #[test]
    fn a_replica_in_the_primarys_place_makes_the_client_look_again() {
        assert!(server_says("READONLY You can't write against a read only replica.").lost);
        assert!(server_says("NOREPLICAS Not enough good replicas to write.").lost, "its replicas follow another one by now");
        assert!(!server_says("OOM command not allowed when used memory > 'maxmemory'.").lost, "another one would be as full");
    }
}
