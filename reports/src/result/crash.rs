//! Servers that ended by themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A server that ended by itself: no fault of the experiment ended it, and nothing outside the lab did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Crash {
    /// The node, or the database.
    pub node: String,
    /// When it was seen.
    pub at: u64,
    /// The signal that ended it, for example `SIGSEGV`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Its exit code, where no signal did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Whether it had no more memory: the kernel ended it, or refused it more and it gave up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_memory: bool,
    /// The last lines of its log, or its crash report.
    pub log: Vec<String>,
}

impl Crash {
    /// By what it ended: `SIGSEGV`, `exit code 1`, `out of memory`.
    pub fn by(&self) -> String {
        match (&self.signal, self.exit_code) {
            _ if self.out_of_memory => "out of memory".to_owned(),
            (Some(signal), _) => signal.clone(),
            (None, Some(code)) => format!("exit code {code}"),
            (None, None) => "it went on".to_owned(),
        }
    }

    /// The line of its log that says why, as far as one does.
    pub fn why(&self) -> Option<&str> {
        let telling = |line: &&String| line.contains("crashed by signal") || line.contains("ASSERTION FAILED");
        self.log.iter().find(telling).or(self.log.last()).map(|line| line.trim())
    }
}
