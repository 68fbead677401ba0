//! Why a runtime could not do what was asked.

/// Why a runtime could not do what was asked. The text of `Unavailable` and `Server` ends with the way out.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No engine answers, or it may not be used.
    #[error("{0}")]
    Unavailable(String),
    /// The server software could not be had.
    #[error("{0}")]
    Server(String),
    /// A privilege is missing.
    #[error("{0}")]
    Privilege(String),
    /// A server refused its configuration.
    #[error("{0}")]
    Refused(Refused),
    /// The engine or the system refused a call.
    #[error("{action}: {reason}")]
    Failed {
        /// What was being done.
        action: String,
        /// What came back.
        reason: String,
    },
    /// No node of that name.
    #[error("no node named `{0}` in this lab")]
    NoSuchNode(String),
    /// No zone of that name.
    #[error("no zone named `{0}` in this lab")]
    NoSuchZone(String),
}

/// A directive that a server did not take at its start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{node} refuses `{line}`: {words}")]
pub struct Refused {
    /// Whose server it is.
    pub node: String,
    /// Whether it is a directive of a Sentinel's.
    pub sentinel: bool,
    /// Its name.
    pub name: String,
    /// The line of the configuration file.
    pub line: String,
    /// What the server said.
    pub words: String,
}

impl RuntimeError {
    /// A refused call, from what was being done and what came back.
    pub fn failed(action: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Failed { action: action.into(), reason: reason.to_string() }
    }
}
