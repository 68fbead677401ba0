//! Giving up every right: user, groups, capabilities and the ways to new ones.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use nix::sched::{CloneFlags, unshare};
use rustix::fs::{Mode, OFlags, openat};
use rustix::process::{DumpableBehavior, Gid, Uid, getegid, geteuid, set_dumpable_behavior};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

/// `nobody`, whom every distribution knows.
pub(super) const USER: u32 = 65534;

/// Whether this process may become another user: it is root, and its user namespace has such a user.
pub(super) fn distinct_user() -> bool {
    let mapped = |line: &str| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        matches!(numbers.as_slice(), [first, _, count] if (*first..first + count).contains(&u64::from(USER)))
    };
    let maps = ["/proc/self/uid_map", "/proc/self/gid_map"];
    geteuid().is_root() && maps.iter().all(|map| fs::read_to_string(map).is_ok_and(|map| map.lines().any(mapped)))
}

/// Files of `/proc` that are needed once they cannot be named any more.
#[derive(Debug)]
pub(super) struct Doors {
    own: OwnedFd,
    namespaces: Option<OwnedFd>,
}

impl Doors {
    pub(super) fn open() -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let own = rustix::fs::open("/proc/self", flags, Mode::empty())?;
        Ok(Self { own, namespaces: rustix::fs::open("/proc/sys/user", flags, Mode::empty()).ok() })
    }

    fn write(folder: &OwnedFd, name: &str, content: &str) -> io::Result<()> {
        let file = openat(folder, name, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        File::from(file).write_all(content.as_bytes())
    }
}

/// Becomes an unprivileged user, in a user namespace of its own where that can be had; whether it could.
///
/// Where there is another user to become, the user namespace is one wall more. Where there is none, because an ordinary user has
/// started the tool, it is what makes the process a stranger to the namespaces it lives in.
pub(super) fn leave(doors: &Doors, distinct: bool) -> io::Result<bool> {
    drop_bounding()?;
    if distinct {
        let (user, group) = (Uid::from_raw(USER), Gid::from_raw(USER));
        set_thread_groups(&[])?;
        set_thread_res_gid(group, group, group)?;
        set_thread_res_uid(user, user, user)?;
        // Otherwise the files by which a user namespace is set up belong to root.
        set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    match unshare(CloneFlags::CLONE_NEWUSER) {
        Ok(()) => {}
        Err(_) if distinct => return Ok(false),
        Err(error) => return Err(io::Error::other(format!("a user namespace: {error}"))),
    }
    let mapped = Doors::write(&doors.own, "setgroups", "deny")
        .and_then(|()| Doors::write(&doors.own, "uid_map", &format!("{USER} {user} 1")))
        .and_then(|()| Doors::write(&doors.own, "gid_map", &format!("{USER} {group} 1")));
    // Some systems let a user namespace be made and nothing be done in it; a user who is another one anyway does not need it.
    if let Err(error) = mapped
        && !distinct
    {
        return Err(io::Error::other(format!("the users of its user namespace: {error}")));
    }
    if let Some(namespaces) = &doors.namespaces {
        // So that it makes none of its own, in which it would have every capability. Seccomp forbids the same.
        let _ = Doors::write(namespaces, "max_user_namespaces", "0");
    }
    Ok(true)
}

fn drop_bounding() -> io::Result<()> {
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(capability) {
            Ok(true) => remove_capability_from_bounding_set(capability)?,
            Ok(false) => {}
            // The kernel does not know it, nor any of a higher number.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Drops every capability from every set, and closes every way to have one again.
pub(super) fn drop_all() -> io::Result<()> {
    let locked = CapabilitiesSecureBits::NO_ROOT
        | CapabilitiesSecureBits::NO_ROOT_LOCKED
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
    // Without capabilities, as where no user namespace could be had, there is nothing to lock.
    let _ = set_capabilities_secure_bits(locked);
    let _ = clear_ambient_capability_set();
    drop_bounding()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(set_no_new_privs(true)?)
}
