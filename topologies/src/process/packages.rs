//! Servers from Debian's packages, kept in the user's cache: a small tree of the server, its libraries and their loader.
//!
//! `apt-get` does the fetching and the checking of signatures, with folders and sources of its own, so that neither
//! root is needed nor anything on the system changes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use redquake_experiments::spec::ServerKind;
use sha2::{Digest, Sha256};

use super::inside;
use super::servers::{LOADER, program, short};
use crate::foreign::{self, Bounds};
use crate::runtime::{Announce, RuntimeError};

/// A server that a release of Debian carries.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) kind: ServerKind,
    /// `major.minor`.
    pub(super) version: &'static str,
    /// The release's name.
    pub(super) suite: &'static str,
}

/// What packages are known for.
pub(super) const RELEASES: [Release; 3] = [
    Release { kind: ServerKind::Redis, version: "7.0", suite: "bookworm" },
    Release { kind: ServerKind::Redis, version: "8.0", suite: "trixie" },
    Release { kind: ServerKind::Valkey, version: "8.1", suite: "trixie" },
];

/// What a tool of the distribution may take; fetching takes as long as the mirror is slow.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(600), bytes: 64 << 20 };

/// To be raised when trees are made differently, so that older ones are not used any more.
const RECIPE: u32 = 1;
/// In a tree, says where it came from.
const ORIGIN: &str = "ORIGIN";

/// The folder of the server, made if it is not there.
pub(super) fn tree(release: &Release, announce: &Announce) -> Result<PathBuf, RuntimeError> {
    let server = format!("{}:{}", short(release.kind), release.version);
    kept(&folder_name(release), &server, release.suite, "name one with `{binary: path}`", announce, |partial| make(release, partial))
}

/// A folder of the cache, made if it is not there: aside, as `tree` in a folder given, and renamed, by one process at a time; the kernel
/// drops the lock of a process that dies, and the next one clears what it had begun.
pub(super) fn kept(
    name: &str,
    server: &str,
    suite: &str,
    way_out: &str,
    announce: &Announce,
    make: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, RuntimeError> {
    let cache = cache()?;
    let tree = cache.join(name);
    if tree.is_dir() {
        return Ok(tree);
    }
    let problem = |reason: String| {
        let text = format!("{server} could not be taken from the packages of Debian {suite}: {reason}");
        RuntimeError::Server(format!("{text}; install it, {way_out}, or use `--runtime docker`"))
    };
    if inside::inside() {
        return Err(problem("inside the namespaces of a run there is no network, and it is not in the cache".to_owned()));
    }
    let told = |what: &'static str| move |error: std::io::Error| problem(format!("{what}: {error}"));
    fs::create_dir_all(&cache).map_err(told("the cache folder cannot be made (choose another with XDG_CACHE_HOME)"))?;
    let lock = File::create(cache.join(format!(".{name}.lock"))).map_err(told("the cache folder cannot be written to"))?;
    lock.lock().map_err(told("the cache cannot be locked"))?;
    if tree.is_dir() {
        return Ok(tree);
    }
    announce(&format!("Taking {server} from the packages of Debian {suite} into {} (once)", cache.display()));
    let partial = cache.join(format!(".{name}.partial"));
    let _ = fs::remove_dir_all(&partial);
    let made = make(&partial).and_then(|()| fs::rename(partial.join("tree"), &tree).map_err(|error| error.to_string()));
    let _ = fs::remove_dir_all(&partial);
    made.map_err(problem).map(|()| tree)
}

/// Where a tree came from, in words.
pub(super) fn origin(tree: &Path) -> String {
    fs::read_to_string(tree.join(ORIGIN)).unwrap_or_default().trim().to_owned()
}

/// A tree of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cached {
    /// Its folder.
    pub folder: PathBuf,
    /// Bytes of its files.
    pub size: u64,
}

/// What the cache holds, by name.
pub fn cached() -> Vec<Cached> {
    let entries = cache().ok().and_then(|cache| fs::read_dir(cache).ok()).into_iter().flatten().flatten();
    // What is being made has a name of its own, and so has its lock.
    let trees = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()) && !entry.file_name().as_encoded_bytes().starts_with(b"."));
    let mut found: Vec<Cached> = trees.map(|entry| Cached { size: size(&entry.path()), folder: entry.path() }).collect();
    found.sort_by(|one, other| one.folder.cmp(&other.folder));
    found
}

/// Removes a tree of the cache: out of the way first, so that nobody finds half of it.
///
/// # Errors
/// The system's reason.
pub fn remove_cached(tree: &Cached) -> std::io::Result<()> {
    let name = tree.folder.file_name().unwrap_or_default().to_string_lossy();
    let aside = tree.folder.with_file_name(format!(".{name}.removed-{}", uuid::Uuid::new_v4().simple()));
    fs::rename(&tree.folder, &aside)?;
    fs::remove_dir_all(aside)
}

/// Bytes of the files below a folder; links are not followed.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}

/// `$XDG_CACHE_HOME/redquake/servers`.
fn cache() -> Result<PathBuf, RuntimeError> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    let none = || RuntimeError::Server("no folder to keep server packages in; set XDG_CACHE_HOME or HOME".to_owned());
    Ok(base.ok_or_else(none)?.join("redquake/servers"))
}

fn folder_name(release: &Release) -> String {
    let recipe = format!("{RECIPE} {} {} {}", release.suite, program(release.kind), std::env::consts::ARCH);
    let hash: String = Sha256::digest(recipe).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{hash}", release.suite, program(release.kind))
}

fn make(release: &Release, partial: &Path) -> Result<(), String> {
    small_tree(program(release.kind), program(release.kind), short(release.kind), release.suite, partial)
}

/// Makes a tree of one program of a package, its libraries and their loader. `family` is what the names of the packages with programs begin with.
pub(super) fn small_tree(package: &str, program: &str, family: &str, suite: &str, partial: &Path) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let (unpacked, tree) = (partial.join("unpacked"), partial.join("tree"));
    fs::create_dir_all(&unpacked).map_err(io)?;
    fs::create_dir_all(tree.join("lib")).map_err(io)?;
    fetch(package, suite, partial)?;

    let mut version = None;
    for archive in fs::read_dir(partial.join("cache/archives")).map_err(io)?.flatten() {
        let file = archive.file_name().to_string_lossy().replace("%3a", ":");
        let own = file.starts_with(&format!("{family}-"));
        if own || file.starts_with("lib") || file.starts_with("zlib") {
            extract(&archive.path(), &unpacked)?;
        }
        if file.starts_with(package) {
            version = file.split('_').nth(1).map(str::to_owned);
        }
    }
    let version = version.ok_or_else(|| format!("no package {package} was fetched"))?;
    let binary = unpacked.join("usr/bin").join(program);
    let loader = loader(&unpacked).ok_or("no dynamic loader among the packages")?;
    for library in libraries(&loader, &unpacked, &binary)? {
        let name = library.file_name().unwrap_or_default();
        fs::copy(&library, tree.join("lib").join(name)).map_err(io)?;
    }
    fs::copy(&loader, tree.join(LOADER)).map_err(io)?;
    fs::copy(&binary, tree.join(program)).map_err(io)?;
    fs::write(tree.join(ORIGIN), format!("package {package} {version}\n")).map_err(io)
}

/// Unpacks an archive. Who is root in a namespace that knows one user only cannot give files to others, and nobody needs that.
pub(super) fn extract(archive: &Path, into: &Path) -> Result<(), String> {
    run(Command::new("dpkg-deb").arg("--extract").arg(archive).arg(into).env("TAR_OPTIONS", "--no-same-owner")).map(drop)
}

/// Fetches a package of a release and everything it needs, down to the C library, into `cache/archives` of a folder of its own.
pub(super) fn fetch(package: &str, suite: &str, partial: &Path) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(partial.join(folder)).map_err(io)?;
    }
    fs::write(partial.join("status"), "").map_err(io)?;
    fs::write(partial.join("sources.list"), sources(suite)?).map_err(io)?;
    let configuration = partial.join("apt.conf");
    fs::write(&configuration, apt_configuration(&run(Command::new("apt-config").arg("dump"))?, partial)).map_err(io)?;
    let apt = |arguments: &[&str]| run(Command::new("apt-get").env("APT_CONFIG", &configuration).arg("-qq").args(arguments));
    apt(&["update"])?;
    // No package counts as installed.
    apt(&["install", "--yes", "--no-install-recommends", "--download-only", package]).map(drop)
}

/// The sources of this system with the release exchanged; so the mirror is the one the user has chosen.
fn sources(suite: &str) -> Result<String, String> {
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = |key: &str| {
        let line = system.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|text| text.trim_matches('"').to_owned()).unwrap_or_default()
    };
    if value("ID") != "debian" {
        return Err("this system is not Debian, so there is no mirror to take them from".to_owned());
    }
    let format = "$(CREATED_BY) $(COMPONENT) $(RELEASE) $(REPO_URI)";
    let targets = run(Command::new("apt-get").args(["indextargets", "--format", format]))?;
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let signed = if Path::new(keyring).exists() { format!("[signed-by={keyring}] ") } else { String::new() };
    let list = exchanged(&targets, &value("VERSION_CODENAME"), suite, &signed);
    if list.is_empty() { Err("apt knows no source of Debian's packages on this system".to_owned()) } else { Ok(list) }
}

fn exchanged(targets: &str, codename: &str, suite: &str, signed: &str) -> String {
    let mut lines = Vec::new();
    for target in targets.lines() {
        let &["Packages", "main", release, uri] = target.split(' ').collect::<Vec<_>>().as_slice() else { continue };
        let own = [codename, "oldstable", "stable", "testing", "unstable", "sid"].into_iter().find_map(|own| release.strip_prefix(own));
        if let Some(part @ ("" | "-updates" | "-security")) = own {
            let line = format!("deb {signed}{uri} {suite}{part} main\n");
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines.concat()
}

/// The system's settings for fetching (proxies, certificates), and nothing else of its configuration: hooks in it would touch the system.
fn apt_configuration(dump: &str, partial: &Path) -> String {
    let fetching = |line: &&str| line.starts_with("Acquire::") && !line.starts_with("Acquire::IndexTargets");
    let mut text: String = dump.lines().filter(fetching).map(|line| format!("{line}\n")).collect();
    let folder = partial.display();
    text += &format!(
        "Dir::State \"{folder}/state\";\nDir::State::status \"{folder}/status\";\nDir::Cache \"{folder}/cache\";\n\
         Dir::Etc::main \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\nDir::Etc::sourcelist \"{folder}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\nAPT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n"
    );
    text
}

/// `lib/<architecture>/ld-linux-….so.N`, the file itself and not the absolute link that points to it.
fn loader(unpacked: &Path) -> Option<PathBuf> {
    let folders = ["lib", "usr/lib"].into_iter().filter_map(|folder| fs::read_dir(unpacked.join(folder)).ok());
    let files = folders.flatten().flatten().filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten().flatten();
    files
        .filter(|file| file.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|file| file.path())
        .find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux")))
}

/// What the loader would load for a program.
fn libraries(loader: &Path, unpacked: &Path, program: &Path) -> Result<Vec<PathBuf>, String> {
    let architecture = loader.parent().and_then(Path::file_name).unwrap_or_default();
    let folders = ["lib", "usr/lib"].map(|folder| unpacked.join(folder).join(architecture).display().to_string());
    let listed = run(Command::new(loader).arg("--library-path").arg(folders.join(":")).arg("--list").arg(program))?;
    if let Some(missing) = listed.lines().find(|line| line.contains("not found")) {
        return Err(format!("a library is missing: {}", missing.trim()));
    }
    Ok(listed
        .lines()
        .filter_map(|line| Some(PathBuf::from(line.split_once(" => ")?.1.split(" (").next()?)))
        .filter(|path| path.starts_with(unpacked))
        .collect())
}

/// Standard output of a command that succeeds.
pub(super) fn run(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match foreign::run(command.env("LC_ALL", "C"), b"", BOUNDS) {
        Ok(answer) if answer.status.success() => Ok(answer.output),
        Ok(answer) => Err(format!("`{program}` failed: {}", answer.errors)),
        Err(refusal) => Err(format!("`{program}`: {refusal}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_systems_own_with_the_release_exchanged() {
        let targets = "Packages main bookworm http://mirror.example/debian/\n\
                       Packages main bookworm-updates http://mirror.example/debian/\n\
                       Packages main bookworm-security http://mirror.example/debian-security/\n\
                       Packages contrib bookworm http://mirror.example/debian/\n\
                       Packages main bookworm-backports http://mirror.example/debian/\n\
                       Packages main nodistro http://elsewhere.example/\n\
                       Sources main bookworm http://mirror.example/debian/\n";
        insta::assert_snapshot!(exchanged(targets, "bookworm", "trixie", "[signed-by=/k.gpg] "));
    }

    #[test]
    fn hooks_and_sources_of_the_system_are_left_out_of_the_configuration() {
        let dump = "APT::Update::Post-Invoke:: \"rm -f /var/cache/apt/archives/*.deb\";\n\
                    Acquire::http::Proxy \"http://proxy.example:3128\";\n\
                    Acquire::IndexTargets::deb::DEP-11 \"\";\nDir::Etc \"etc/apt\";\n";
        insta::assert_snapshot!(apt_configuration(dump, Path::new("/partial")));
    }
}
