//! Landlock and seccomp, where the kernel has them: a second and a third wall behind namespaces and lost rights.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope, path_beneath_rules};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use super::{Sandbox, root};

/// The newest Landlock this is written for; an older kernel gives what it has.
const NEWEST: ABI = ABI::V6;

/// Confines this process for good.
pub(super) fn raise(sandbox: &Sandbox) -> io::Result<()> {
    confine(sandbox).map_err(io::Error::other)?;
    if seccomp().is_ok() {
        filter()?;
    }
    Ok(())
}

/// Whether this kernel has Landlock; else why not.
pub(crate) fn landlock() -> Result<(), String> {
    let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(AccessFs::from_all(ABI::V1));
    rules.and_then(Ruleset::create).map(drop).map_err(|error| error.to_string())
}

/// Whether this kernel has seccomp filters, and for this processor; else why not.
pub(crate) fn seccomp() -> Result<(), String> {
    if TargetArch::try_from(std::env::consts::ARCH).is_err() {
        return Err(format!("there is no filter for {}", std::env::consts::ARCH));
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if status.contains("\nSeccomp_filters:") || status.contains("\nSeccomp:") { Ok(()) } else { Err("the kernel has none".to_owned()) }
}

/// Files by Landlock; with a newer kernel also signals and abstract sockets beyond the sandbox.
fn confine(sandbox: &Sandbox) -> Result<(), landlock::RulesetError> {
    let reads = root::readable().map(PathBuf::from).chain(sandbox.readable.iter().cloned());
    let writes = root::writable().map(PathBuf::from).chain(sandbox.writable.iter().cloned());
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(reads, AccessFs::from_read(NEWEST)))?
        .add_rules(path_beneath_rules(writes, AccessFs::from_all(NEWEST) & !AccessFs::Execute))?
        .restrict_self()
        .map(drop)
}

/// Calls no server makes: those that change the machine or its kernel, look into other processes, or make namespaces.
const REFUSED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[i64] = &[libc::SYS_ioperm, libc::SYS_iopl, libc::SYS_kexec_file_load, libc::SYS_modify_ldt, libc::SYS_uselib];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

/// Every namespace a process can be born into; bits of the first argument of `clone`.
const NAMESPACES: [i32; 8] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    0x80,
];

/// Kinds of sockets a server has.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Bit of the calls of x32, a second set of the same.
#[cfg(target_arch = "x86_64")]
const SECOND_SET: Option<i64> = Some(0x4000_0000);
#[cfg(not(target_arch = "x86_64"))]
const SECOND_SET: Option<i64> = None;

fn filter() -> io::Result<()> {
    apply(rules()?, SeccompAction::Errno(errno(libc::EPERM)))?;
    // Its flags lie in memory, where a filter does not look. Whoever is told that there is no such call uses `clone`.
    apply(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), SeccompAction::Errno(errno(libc::ENOSYS)))
}

fn errno(number: i32) -> u32 {
    number.unsigned_abs()
}

fn rules() -> io::Result<BTreeMap<i64, Vec<SeccompRule>>> {
    use SeccompCmpOp::{Eq, MaskedEq, Ne};
    let condition = |argument, operator, value| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).map_err(|error| io::Error::other(error.to_string()))
    };
    let rule = |conditions| SeccompRule::new(conditions).map_err(|error| io::Error::other(error.to_string()));
    let bits = |number: i32| u64::from(number.unsigned_abs());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().chain(REFUSED_HERE).map(|call| (*call, Vec::new())).collect();
    let namespaces = NAMESPACES.iter().map(|flag| rule(vec![condition(0, MaskedEq(bits(*flag)), bits(*flag))?]));
    rules.insert(libc::SYS_clone, namespaces.collect::<io::Result<_>>()?);
    let foreign = FAMILIES.iter().map(|family| condition(0, Ne, bits(*family))).collect::<io::Result<_>>()?;
    let routes = vec![condition(0, Eq, bits(libc::AF_NETLINK))?, condition(2, Ne, bits(libc::NETLINK_ROUTE))?];
    rules.insert(libc::SYS_socket, vec![rule(foreign)?, rule(routes)?]);
    // Typing into the terminal of whoever started the tool.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX].into_iter().map(|request| rule(vec![condition(1, Eq, request)?]));
    rules.insert(libc::SYS_ioctl, typing.collect::<io::Result<_>>()?);
    if let Some(bit) = SECOND_SET {
        let all: Vec<_> = rules.keys().map(|call| (call | bit, Vec::new())).collect();
        rules.extend(all);
    }
    Ok(rules)
}

fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, refusal: SeccompAction) -> io::Result<()> {
    let words = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| words(&error))?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, architecture).map_err(|error| words(&error))?;
    let program = BpfProgram::try_from(filter).map_err(|error| words(&error))?;
    apply_filter(&program).map_err(|error| words(&error))
}
