//! One finding.

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, in a few words.
    pub name: String,
    /// How it stands.
    pub status: Status,
    /// What was found, in words.
    pub found: String,
    /// What to do about it; empty when nothing needs doing.
    pub todo: String,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Works.
    Ok,
    /// Something does not work, and experiments that do not need it still do.
    Warn,
    /// No experiment can run.
    Fail,
}

impl Check {
    pub(super) fn ok(name: &str, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), status: Status::Ok, found: found.into(), todo: String::new() }
    }

    pub(super) fn warn(name: &str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name: name.to_owned(), status: Status::Warn, found: found.into(), todo: todo.into() }
    }

    pub(super) fn fail(name: &str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name: name.to_owned(), status: Status::Fail, found: found.into(), todo: todo.into() }
    }
}
