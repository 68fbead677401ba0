//! Why a history cannot be read.

use std::io;

use crate::history::FORMAT_VERSION;

/// Why a history cannot be read. A history that merely ends early is not an error: see [`Ending`](super::Ending).
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file could not be read.
    #[error("the history cannot be read: {0}")]
    Io(#[source] io::Error),
    /// The first line is not a header.
    #[error("not a history: {0}")]
    NoHeader(String),
    /// The header is of another format.
    #[error("the history has format {found}; this version reads format {FORMAT_VERSION}")]
    Version {
        /// The format found.
        found: u64,
    },
    /// A line is of a kind that this version does not know.
    #[error("line {line}: events of kind `{kind}` are unknown to this version; the history was written by version {tool}")]
    UnknownKind {
        /// Line, from 1.
        line: u64,
        /// The kind as written.
        kind: String,
        /// The version that wrote the history.
        tool: String,
    },
    /// A line, or the compressed data behind it, is damaged.
    #[error("line {line} is damaged: {why}")]
    Damaged {
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
}
