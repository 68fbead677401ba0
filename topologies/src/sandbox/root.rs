//! The file system of a sandbox: the system's programs, what it was given, and nothing else.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, StatVfsMountFlags, Uid, chownat, statvfs};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change, mount_remount, unmount};
use rustix::process::pivot_root;

use super::Sandbox;
use super::rights::USER;

/// Memory of its own for whatever a program writes aside.
pub(super) const TEMPORARY: &str = "/tmp";
/// The same for what it shares between its processes.
const SHARED: &str = "/dev/shm";
/// Where the new root is put together; what lies there outside is not seen inside.
const PLACE: &str = "/tmp";
/// Programs and libraries of the system.
const SYSTEM: [&str; 10] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/gnu/store"];
/// What programs and libraries read at their start; nothing about users, machines or secrets.
const SETTINGS: [&str; 7] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/certs",
];
/// What servers look at of the machine.
const MACHINE: [&str; 2] = ["/sys/kernel/mm/transparent_hugepage", "/sys/devices/system"];
/// Devices that are no machine's.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// Of `/proc`: what changes the machine.
const FIXED: [&str; 5] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"];
/// Of `/proc`: what tells of others.
const HIDDEN: [&str; 10] = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/kmsg",
    "/proc/kallsyms",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/acpi",
    "/proc/scsi",
    "/proc/modules",
];

/// Whether a file is among the system's programs, which every sandbox sees.
pub(crate) fn of_the_system(path: &Path) -> bool {
    SYSTEM.iter().any(|system| path.starts_with(system))
}

/// All there is to read, beside what the sandbox was given.
pub(super) fn readable() -> impl Iterator<Item = &'static str> {
    SYSTEM.into_iter().chain(SETTINGS).chain(MACHINE).chain(["/proc", "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"])
}

/// All there is to write, beside what the sandbox was given.
pub(super) fn writable() -> impl Iterator<Item = &'static str> {
    DEVICES.into_iter().chain([TEMPORARY, SHARED])
}

/// Makes the file system of a sandbox and moves into it. `distinct` tells whether the program will be another user.
pub(super) fn enter(sandbox: &Sandbox, distinct: bool) -> io::Result<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    // Opened before anything covers them, and after this process has mounts of its own, which alone it may copy.
    let given = Given::open(sandbox)?;
    memory(Path::new(PLACE), "mode=755,size=1m")?;
    let root = Path::new(PLACE);
    // First, as what is shown may lie there.
    for path in [TEMPORARY, SHARED] {
        let place = below(root, Path::new(path));
        fs::create_dir_all(&place)?;
        memory(&place, "mode=1777,size=64m,nr_inodes=4096")?;
    }
    given.show(root)?;
    fill(root)?;
    narrow(root, &given)?;
    std::env::set_current_dir(root)?;
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")?;
    if distinct {
        let folders = sandbox
            .writable
            .iter()
            .chain(sandbox.writable.iter().any(|given| sandbox.folder.starts_with(given)).then_some(&sandbox.folder));
        folders.into_iter().try_for_each(|folder| own(folder))?;
    }
    Ok(())
}

/// A folder or file with the descriptor by which it is found.
struct Shown {
    path: PathBuf,
    source: OwnedFd,
    folder: bool,
}

/// What is shown of the outer file system.
struct Given {
    shown: Vec<Shown>,
    links: Vec<(PathBuf, PathBuf)>,
    writable: Vec<PathBuf>,
}

impl Given {
    fn open(sandbox: &Sandbox) -> io::Result<Self> {
        let mut given = Self { shown: Vec::new(), links: Vec::new(), writable: sandbox.writable.clone() };
        for path in SYSTEM.into_iter().chain(SETTINGS).chain(MACHINE).chain(DEVICES).map(Path::new) {
            match fs::symlink_metadata(path) {
                Ok(metadata) if metadata.is_symlink() && SYSTEM.iter().any(|system| Path::new(system) == path) => {
                    given.links.push((path.to_owned(), fs::read_link(path)?));
                }
                Ok(_) => given.add(path)?,
                // Systems differ in what they have.
                Err(_) => {}
            }
        }
        let own = sandbox.readable.iter().chain(&sandbox.writable);
        for path in own.filter(|path| !of_the_system(path)) {
            let plain = path.is_absolute() && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
            if !plain || ["/proc", "/sys", "/dev"].iter().any(|special| path.starts_with(special)) || path == Path::new("/") {
                return Err(io::Error::other(format!("{} cannot be shown to a server", path.display())));
            }
            given.add(path)?;
        }
        Ok(given)
    }

    fn add(&mut self, path: &Path) -> io::Result<()> {
        let source = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| io::Error::other(format!("{}: {}", path.display(), io::Error::from(error))))?;
        let folder = fs::metadata(descriptor(&source))?.is_dir();
        self.shown.push(Shown { path: path.to_owned(), source, folder });
        Ok(())
    }

    fn show(&self, root: &Path) -> io::Result<()> {
        for (link, target) in &self.links {
            symlink(target, below(root, link))?;
        }
        for Shown { path, source, folder } in &self.shown {
            let place = below(root, path);
            if *folder {
                fs::create_dir_all(&place)?;
            } else {
                fs::create_dir_all(place.parent().unwrap_or(root))?;
                File::create(&place)?;
            }
            mount_bind_recursive(descriptor(source), &place)
                .map_err(|error| io::Error::other(format!("showing {}: {}", path.display(), io::Error::from(error))))?;
        }
        Ok(())
    }
}

fn descriptor(source: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", source.as_raw_fd()))
}

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn memory(place: &Path, options: &str) -> io::Result<()> {
    let options = std::ffi::CString::new(options)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(mount("redquake", place, "tmpfs", flags, Some(options.as_c_str()))?)
}

/// What is the sandbox's own: `/proc`, and who it is.
fn fill(root: &Path) -> io::Result<()> {
    let proc = below(root, Path::new("/proc"));
    fs::create_dir_all(&proc)?;
    mount("proc", &proc, "proc", MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC, None)?;
    let null = below(root, Path::new("/dev/null"));
    for path in HIDDEN {
        let place = below(root, Path::new(path));
        match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_dir() => memory(&place, "size=0,mode=0")?,
            Ok(_) => mount_bind_recursive(&null, &place)?,
            Err(_) => {}
        }
    }
    for path in FIXED {
        let place = below(root, Path::new(path));
        if place.exists() {
            mount_bind_recursive(&place, &place)?;
        }
    }
    let settings = below(root, Path::new("/etc"));
    fs::create_dir_all(&settings)?;
    fs::write(settings.join("passwd"), format!("server:x:{USER}:{USER}::{TEMPORARY}:/bin/false\n"))?;
    fs::write(settings.join("group"), format!("server:x:{USER}:\n"))?;
    fs::write(settings.join("hosts"), "127.0.0.1 localhost\n")?;
    fs::write(settings.join("nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files\n")
}

/// Takes away what nobody needs, of every mount: writing, special files, users' rights; where it may write, executing.
fn narrow(root: &Path, given: &Given) -> io::Result<()> {
    let own = |path: &str| below(root, Path::new(path));
    let mut places = mounts_below(root)?;
    // The root itself last: nothing can be made in it afterwards.
    places.reverse();
    for place in places {
        let mut flags = MountFlags::BIND | MountFlags::NOSUID | kept(&place)?;
        if given.writable.iter().any(|folder| place.starts_with(below(root, folder))) {
            flags |= MountFlags::NODEV | MountFlags::NOEXEC;
        } else if DEVICES.iter().any(|device| place == own(device)) {
            flags |= MountFlags::NOEXEC;
        } else if place == own("/proc") || place == own(TEMPORARY) || place == own(SHARED) {
            continue;
        } else if place.starts_with(own("/proc")) && !FIXED.iter().any(|path| place == own(path)) {
            // What hides a part of `/proc`.
            flags |= MountFlags::RDONLY | MountFlags::NOEXEC;
        } else {
            flags |= MountFlags::RDONLY | MountFlags::NODEV;
        }
        mount_remount(&place, flags, "")
            .map_err(|error| io::Error::other(format!("narrowing {}: {}", place.display(), io::Error::from(error))))?;
    }
    Ok(())
}

/// The flags of a mount that it must keep: whoever copied it may not take them off.
fn kept(place: &Path) -> io::Result<MountFlags> {
    let now = statvfs(place)?.f_flag;
    let pairs = [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    Ok(pairs.into_iter().filter(|(seen, _)| now.contains(*seen)).map(|(_, kept)| kept).fold(MountFlags::empty(), MountFlags::union))
}

/// Every place at or below a folder where something is mounted, in the order of the mounts.
fn mounts_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    let mut places: Vec<PathBuf> = table.lines().filter_map(|line| line.split(' ').nth(4)).map(unescaped).collect();
    // What the new root covers is mounted at the same place and is not to be touched.
    let first = places.iter().rposition(|place| place == folder).unwrap_or(0);
    places.drain(..first);
    places.retain(|place| place.starts_with(folder));
    places.dedup();
    Ok(places)
}

/// `\040` and its like, by which the table writes spaces.
fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let number = (*first == b'\\').then(|| after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok())).flatten();
        match number.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
}

/// Gives a folder and the files that the tool has put into it to the user of the sandbox. Links are not followed.
fn own(folder: &Path) -> io::Result<()> {
    let give = |path: &Path| chownat(CWD, path, Some(Uid::from_raw(USER)), Some(Gid::from_raw(USER)), AtFlags::SYMLINK_NOFOLLOW);
    give(folder)?;
    for entry in fs::read_dir(folder)? {
        give(&entry?.path())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_with_a_space_in_its_name_is_found_in_the_table_of_mounts() {
        assert_eq!(unescaped("/a\\040b/c"), Path::new("/a b/c"));
        assert_eq!(unescaped("/plain\\"), Path::new("/plain\\"));
    }
}
