//! Which capabilities this process has, as far as namespaces and packet rules need them.

use std::fs;

/// `CAP_NET_ADMIN`
const NET_ADMIN: u64 = 1 << 12;
/// `CAP_SYS_ADMIN`
const SYS_ADMIN: u64 = 1 << 21;

/// The capabilities in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privilege(u64);

impl Privilege {
    /// Those of this process.
    pub fn current() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self::from_status(&status)
    }

    fn from_status(status: &str) -> Self {
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        Self(effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or_default())
    }

    /// Whether threads may enter another network namespace.
    pub fn enter_namespaces(self) -> bool {
        self.0 & SYS_ADMIN != 0
    }

    /// Whether packet rules may be changed in a namespace that was entered.
    pub fn change_rules(self) -> bool {
        self.0 & (SYS_ADMIN | NET_ADMIN) == SYS_ADMIN | NET_ADMIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_may_do_both_and_an_ordinary_user_neither() {
        let root = Privilege::from_status("Name:\tx\nCapEff:\t000001ffffffffff\n");
        assert!(root.enter_namespaces() && root.change_rules());
        let user = Privilege::from_status("Name:\tx\nCapEff:\t0000000000000000\n");
        assert!(!user.enter_namespaces() && !user.change_rules());
    }

    #[test]
    fn entering_alone_is_not_enough_to_change_rules() {
        let half = Privilege::from_status("CapEff:\t0000000000200000\n");
        assert!(half.enter_namespaces() && !half.change_rules());
    }
}
