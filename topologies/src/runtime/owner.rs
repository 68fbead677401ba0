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

    /// Whether that process is known to be gone. One in another pid namespace of the same boot cannot be looked up from
    /// here and counts as living: removing what somebody still uses is worse than leaving it.
    pub fn is_dead(&self) -> bool {
        if self.boot != boot_id() {
            return true;
        }
        self.namespace == pid_namespace() && start_time(self.pid) != Some(self.started)
    }
}

impl Owner {
    /// Who that is and whether it lives, as the rest of a sentence: `process 17, which is gone`.
    pub fn describe(&self) -> String {
        if self.boot != boot_id() {
            format!("process {} of an earlier boot, which is gone", self.pid)
        } else if self.namespace != pid_namespace() {
            format!("process {} of another pid namespace, of which nothing can be told from here", self.pid)
        } else if self.is_dead() {
            format!("process {}, which is gone", self.pid)
        } else {
            format!("process {}, which lives", self.pid)
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
    fn this_process_lives_and_so_does_what_cannot_be_looked_up() {
        assert!(!Owner::current().is_dead());
        assert!(!Owner { namespace: 1, pid: u32::MAX, ..Owner::current() }.is_dead());
    }

    #[test]
    fn another_boot_another_process_and_a_reused_pid_are_dead() {
        assert!(Owner { boot: "earlier".to_owned(), ..Owner::current() }.is_dead());
        assert!(Owner { pid: u32::MAX, ..Owner::current() }.is_dead());
        assert!(Owner { started: 1, ..Owner::current() }.is_dead());
    }

    #[test]
    fn the_same_process_id_and_start_time_of_an_earlier_boot_are_those_of_a_dead_process() {
        let earlier = Owner { boot: "earlier".to_owned(), ..Owner::current() };
        assert!(earlier.is_dead());
        assert!(earlier.describe().ends_with("of an earlier boot, which is gone"), "{}", earlier.describe());
    }

    #[test]
    fn an_owner_is_told_with_its_process_and_whether_it_lives() {
        let living = Owner::current();
        assert_eq!(living.describe(), format!("process {}, which lives", living.pid));
        assert_eq!(Owner { started: 1, ..living.clone() }.describe(), format!("process {}, which is gone", living.pid));
        assert!(Owner { namespace: 1, ..living }.describe().contains("nothing can be told"));
    }
}
