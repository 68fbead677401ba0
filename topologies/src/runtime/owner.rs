//! Who owns an object on this machine, and whether that process still lives.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

/// Who owns an object: enough to tell whether the process that made it still lives.
///
/// As text: `<boot id>:<pid namespace>:<pid>:<start time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Boot id of the kernel.
    pub boot: String,
    /// Inode of the pid namespace in which `pid` means something.
    pub namespace: u64,
    /// Process id.
    pub pid: u32,
    /// Start time of that process in clock ticks since boot.
    pub started: u64,
}

impl Owner {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self { boot: boot_id(), namespace: pid_namespace(), pid, started: start_time(pid).unwrap_or_default() }
    }

    /// What is known of that process. Only one of this boot and this pid namespace can be looked up.
    pub fn fate(&self) -> Fate {
        if self.boot != boot_id() || self.boot.is_empty() {
            Fate::OtherBoot
        } else if self.namespace != pid_namespace() {
            Fate::Unknown
        } else if start_time(self.pid) == Some(self.started) {
            Fate::Alive
        } else {
            Fate::Dead
        }
    }
}

/// What is known of the process that owns an object. What somebody may still use is not removed unasked: that would be worse than leaving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is gone.
    Dead,
    /// It belongs to another boot: an earlier one of this machine, in which case it is gone, or one of another machine that uses the same engine.
    OtherBoot,
    /// It cannot be looked up from here.
    Unknown,
    /// It lives.
    Alive,
}

impl Owner {
    /// Who that is and whether it lives, as the rest of a sentence: `process 17, which is gone`.
    pub fn describe(&self) -> String {
        let pid = self.pid;
        match self.fate() {
            Fate::Dead => format!("process {pid}, which is gone"),
            Fate::OtherBoot => format!("process {pid} of another boot, an earlier one of this machine or one of another machine"),
            Fate::Unknown => format!("process {pid} of another pid namespace, of which nothing can be told from here"),
            Fate::Alive => format!("process {pid}, which lives"),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.boot, self.namespace, self.pid, self.started)
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(':');
        let mut next = || parts.next().ok_or(());
        let owner = Self {
            boot: next()?.to_owned(),
            namespace: next()?.parse().map_err(|_| ())?,
            pid: next()?.parse().map_err(|_| ())?,
            started: next()?.parse().map_err(|_| ())?,
        };
        if parts.next().is_some() { Err(()) } else { Ok(owner) }
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn pid_namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map(|meta| meta.ino()).unwrap_or_default()
}

/// Start time of a living process in clock ticks since boot (field 22 of `/proc/<pid>/stat`); `None` for one that is gone or a zombie.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may itself contain spaces and parentheses.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_back_from_its_text() {
        let owner = Owner::current();
        assert_eq!(owner.to_string().parse(), Ok(owner));
        assert_eq!("somebody else".parse::<Owner>(), Err(()));
    }

    #[test]
    fn this_process_lives_and_nothing_is_known_of_what_cannot_be_looked_up() {
        assert_eq!(Owner::current().fate(), Fate::Alive);
        assert_eq!(Owner { namespace: 1, pid: u32::MAX, ..Owner::current() }.fate(), Fate::Unknown);
    }

    #[test]
    fn a_process_that_is_gone_and_a_reused_pid_are_dead() {
        assert_eq!(Owner { pid: u32::MAX, ..Owner::current() }.fate(), Fate::Dead);
        assert_eq!(Owner { started: 1, ..Owner::current() }.fate(), Fate::Dead);
    }

    #[test]
    fn of_another_boot_nobody_is_taken_for_dead_whatever_the_process_id() {
        for pid in [std::process::id(), u32::MAX] {
            let other = Owner { boot: "other".to_owned(), pid, ..Owner::current() };
            assert_eq!(other.fate(), Fate::OtherBoot);
            assert!(other.describe().contains("of another boot"), "{}", other.describe());
        }
        assert_eq!(Owner { boot: String::new(), ..Owner::current() }.fate(), Fate::OtherBoot, "no boot at all is not this one");
    }

    #[test]
    fn an_owner_is_told_with_its_process_and_whether_it_lives() {
        let living = Owner::current();
        assert_eq!(living.describe(), format!("process {}, which lives", living.pid));
        assert_eq!(Owner { started: 1, ..living.clone() }.describe(), format!("process {}, which is gone", living.pid));
        assert!(Owner { namespace: 1, ..living }.describe().contains("nothing can be told"));
    }
}
