//! Exit codes, and the errors that lead to them.

use std::fmt;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asserted holds.
    Pass,
    /// An assertion failed.
    AssertionFailed,
    /// Bad usage or a bad experiment file.
    Usage,
    /// The trials prove nothing either way.
    Inconclusive,
    /// No engine, no privilege, no image.
    Environment,
    /// Something could not be removed.
    Residue,
    /// A bug in the tool.
    Bug,
    /// Ended by SIGINT, after everything was reverted.
    Interrupted,
    /// Ended by SIGTERM, after everything was reverted.
    Terminated,
    /// Ended by SIGHUP, after everything was reverted.
    HungUp,
}

impl Exit {
    /// The number the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::AssertionFailed => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Environment => 4,
            Self::Residue => 6,
            Self::Bug => 70,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::HungUp => 129,
        }
    }

    /// The exit a code stands for; a code that is none of ours is a bug.
    pub fn of(code: u8) -> Self {
        let all = [
            Self::Pass,
            Self::AssertionFailed,
            Self::Usage,
            Self::Inconclusive,
            Self::Environment,
            Self::Residue,
            Self::Interrupted,
            Self::Terminated,
            Self::HungUp,
        ];
        all.into_iter().find(|exit| exit.code() == code).unwrap_or(Self::Bug)
    }

    /// Of two runs in one command, the one that decides: a bug, then residue, then a signal, and so on down to a pass.
    pub fn worse(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Bug => 8,
            Self::Residue => 7,
            Self::Interrupted | Self::Terminated | Self::HungUp => 6,
            Self::Usage => 5,
            Self::Environment => 4,
            Self::AssertionFailed => 3,
            Self::Inconclusive => 2,
            Self::Pass => 0,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// A command that could not do its work: the exit code, the reason and the next step.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The reason, ending with what to do; empty when it was already printed.
    pub reason: String,
}

impl Failure {
    /// A mistake of the user's.
    pub fn usage(reason: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, reason: reason.into() }
    }

    /// Something this machine lacks.
    pub fn environment(reason: impl Into<String>) -> Self {
        Self { exit: Exit::Environment, reason: reason.into() }
    }

    /// Problems that were already printed.
    pub fn told(exit: Exit) -> Self {
        Self { exit, reason: String::new() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_runs_decides_the_exit_code() {
        assert_eq!(Exit::Pass.worse(Exit::Inconclusive), Exit::Inconclusive);
        assert_eq!(Exit::AssertionFailed.worse(Exit::Inconclusive), Exit::AssertionFailed);
        assert_eq!(Exit::Residue.worse(Exit::AssertionFailed), Exit::Residue);
        assert_eq!(Exit::Interrupted.worse(Exit::Bug), Exit::Bug);
        assert_eq!(Exit::Residue.worse(Exit::Interrupted), Exit::Residue);
        assert_eq!(Exit::AssertionFailed.worse(Exit::Interrupted), Exit::Interrupted);
    }
}
