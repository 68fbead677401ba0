//! Every diagnostic there is.

use super::Level;

/// A diagnostic's stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// For example `RQ0104`.
    pub code: &'static str,
    /// Whether the file is refused for it.
    pub level: Level,
    /// What it says, in a few words.
    pub meaning: &'static str,
}

const fn error(code: &'static str, meaning: &'static str) -> Code {
    Code { code, level: Level::Error, meaning }
}

const fn warning(code: &'static str, meaning: &'static str) -> Code {
    Code { code, level: Level::Warning, meaning }
}

/// All codes: `RQ00` reading, `RQ01` shape, `RQ02` contradictions between fields, `RQ03` warnings.
pub const CODES: &[Code] = &[
    error("RQ0001", "the file is too large"),
    error("RQ0002", "the file is not UTF-8"),
    error("RQ0003", "the file has a NUL byte"),
    error("RQ0004", "the file is not YAML"),
    error("RQ0005", "the file is empty"),
    error("RQ0006", "the file has more than one document"),
    error("RQ0007", "too many values, too many aliases or too deep a nesting"),
    error("RQ0008", "a YAML tag"),
    error("RQ0010", "a file that is named cannot be read"),
    error("RQ0011", "a line of an included redis.conf that Redis cannot read"),
    error("RQ0101", "no `version`"),
    error("RQ0102", "a version this tool does not read"),
    error("RQ0103", "a key that is not known"),
    error("RQ0104", "a word that is not known: an action, a kind, a role, ..."),
    error("RQ0105", "a key is missing"),
    error("RQ0106", "a value of the wrong type"),
    error("RQ0107", "a key is written twice"),
    error("RQ0108", "a number out of range"),
    error("RQ0109", "a duration, rate, expectation, server or name that cannot be read"),
    error("RQ0199", "a file of the right shape that could not be read; a bug of this tool"),
    error("RQ0201", "a name that is taken by the tool"),
    error("RQ0202", "two workloads or two faults of one name"),
    error("RQ0203", "a selector with neither or both of `role` and `node`"),
    error("RQ0204", "a node the topology does not have"),
    error("RQ0205", "a role no node of the topology ever has"),
    error("RQ0206", "`pick` of more nodes than there are"),
    error("RQ0207", "a partition with the same nodes on both sides"),
    error("RQ0208", "a length of time that is zero or not whole milliseconds"),
    error("RQ0209", "a fault after the end of the run"),
    error("RQ0210", "a fault that ends after the run"),
    error("RQ0211", "a quorum larger than the number of Sentinels"),
    error("RQ0213", "a directive the tool sets itself"),
    error("RQ0214", "a directive that is not supported yet"),
    error("RQ0215", "a Sentinel directive that is not known"),
    error("RQ0216", "a Sentinel directive that is not a whole number"),
    error("RQ0218", "a drift margin as long as the lifetime"),
    error("RQ0220", "a metric that does not exist"),
    error("RQ0221", "a limit that does not fit the metric's unit"),
    error("RQ0222", "`count` of something that is not a count"),
    error("RQ0223", "a percentile of too few trials"),
    warning("RQ0301", "no fault"),
    warning("RQ0302", "no assertion"),
    warning("RQ0303", "a metric seen by clients, without clients"),
    warning("RQ0304", "fewer than three or an even number of Sentinels"),
    warning("RQ0305", "a quorum that is not the majority"),
    warning("RQ0306", "a failover timeout shorter than the detection"),
    warning("RQ0307", "writes that need every replica, or more than there are"),
    warning("RQ0308", "locks that expire before a failover can happen"),
    warning("RQ0309", "a run that ends before the failover is over"),
    warning("RQ0310", "a limit on an outage that cannot end"),
    warning("RQ0311", "a Redis directive that is not known"),
    warning("RQ0312", "a directive of an included file that is left out"),
    warning("RQ0313", "nothing that can be promoted"),
    warning("RQ0314", "an assertion written twice"),
    warning("RQ0315", "locks that expire before they are given back"),
];
