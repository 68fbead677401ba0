//! Kernels that lack a wall of the sandbox, played by filters: a call that is not there, or one that says yes and does nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
    apply_filter,
};

/// First argument of this program where it is to lack walls; the next is their names.
pub const WITHOUT: &str = "without";

/// A wall that a kernel may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wall {
    Landlock,
    Seccomp,
    /// Only root can do without.
    UserNamespaces,
}

impl Wall {
    pub const ALL: [Self; 3] = [Self::Landlock, Self::Seccomp, Self::UserNamespaces];

    fn name(self) -> &'static str {
        match self {
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::UserNamespaces => "user-namespaces",
        }
    }

    /// The calls without which it cannot be raised, the bits of their first argument where these decide, and the answer instead.
    fn refused(self) -> (&'static [i64], Option<i32>, i32) {
        match self {
            Self::Landlock => (&[libc::SYS_landlock_create_ruleset], None, libc::ENOSYS),
            // Zero is yes: the tool believes that its filter holds.
            Self::Seccomp => (&[libc::SYS_seccomp], None, 0),
            Self::UserNamespaces => (&[libc::SYS_unshare, libc::SYS_clone], Some(libc::CLONE_NEWUSER), libc::EPERM),
        }
    }

    fn take_away(self) -> Result<(), Box<dyn std::error::Error>> {
        let (calls, bits, answer) = self.refused();
        let rule = |bits: i32| {
            let bits = u64::from(bits.unsigned_abs());
            SeccompCondition::new(0, Dword, SeccompCmpOp::MaskedEq(bits), bits).and_then(|condition| SeccompRule::new(vec![condition]))
        };
        let rules = bits.map(rule).transpose()?;
        let rules: BTreeMap<i64, Vec<_>> = calls.iter().map(|call| (*call, rules.iter().cloned().collect())).collect();
        let refusal = SeccompAction::Errno(answer.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, TargetArch::try_from(std::env::consts::ARCH)?)?;
        Ok(apply_filter(&BpfProgram::try_from(filter)?)?)
    }
}

/// Arguments that have this program begin anew without some walls.
pub fn without(walls: &[Wall]) -> Vec<String> {
    let names: Vec<&str> = walls.iter().map(|wall| wall.name()).collect();
    if names.is_empty() { Vec::new() } else { vec![WITHOUT.to_owned(), names.join(",")] }
}

/// Begins anew with what follows the names of walls, and without these; returns only what went wrong.
pub fn begin_anew(arguments: &[OsString]) -> io::Error {
    let [_, names, rest @ ..] = arguments else { return io::Error::other("no walls are named") };
    let names = names.to_string_lossy();
    // The filter that takes away filters comes last.
    let mut walls: Vec<Wall> = Wall::ALL.into_iter().filter(|wall| names.split(',').any(|name| name == wall.name())).collect();
    walls.sort_by_key(|wall| *wall == Wall::Seccomp);
    for wall in walls {
        if let Err(error) = wall.take_away() {
            return io::Error::other(format!("{}: {error}", wall.name()));
        }
    }
    Command::new("/proc/self/exe").args(rest).exec()
}
