//! Server software without Docker: on `PATH`, named by the user, or taken from Debian's packages.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use redquake_experiments::spec::{Server, ServerKind};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::packages::{self, RELEASES};
use crate::foreign::Bounds;
use crate::runtime::{Announce, RuntimeError, ServerSource};
use crate::sandbox::{Limits, Sandbox, ask, of_the_system};

/// In a tree taken from packages, the dynamic loader beside the libraries; servers of another release of the
/// distribution do not run on the libraries of this one.
pub(super) const LOADER: &str = "lib/ld.so";

/// What a server may take to tell its version.
const QUESTION: Bounds = Bounds { time: Duration::from_secs(10), bytes: 64 << 10 };
/// Largest program that is taken for a server.
const LARGEST: u64 = 1 << 30;

/// Finds the server, or takes it from packages into the user's cache, which needs the network: to be called before
/// the tool enters its namespaces, and once more inside, where the cache answers.
///
/// # Errors
/// [`RuntimeError::Server`] with the way out.
pub async fn provide(server: &Server, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    let (server, announce) = (server.clone(), announce.clone());
    spawn_blocking(move || find(&server, &announce)).await.map_err(|error| RuntimeError::failed("looking for the server", error))?
}

fn find(server: &Server, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    match server {
        Server::Image(name) => Err(RuntimeError::Server(format!(
            "the runtime `process` runs no images, so `{{image: {name}}}` needs Docker (`--runtime docker`); \
             without it, use `redis:X.Y`, `valkey:X.Y` or `{{binary: path}}`"
        ))),
        Server::Binary(path) => {
            let refused = |reason: String| {
                RuntimeError::Server(format!(
                    "`{path}` is not a Redis or Valkey server ({reason}); give the path of one in `{{binary: path}}`"
                ))
            };
            let file = program_at(path).map_err(refused)?;
            let source = described("/", &file, "")?;
            let (kind, version) = version_of(&source).map_err(refused)?;
            described("/", &file, &format!("{} {version} at {path}", name(kind)))
        }
        Server::Release { kind, version } => release(*kind, version, announce),
    }
}

fn release(kind: ServerKind, wanted: &str, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    let program = program(kind);
    if let Some(path) = on_path(program)
        && let Ok(file) = program_at(&path)
        && let Ok((found, version)) = described("/", &file, "").map_err(|error| error.to_string()).and_then(|source| version_of(&source))
        && found == kind
        && satisfies(&version, wanted)
    {
        return described("/", &file, &format!("{} {version} at {path}", name(kind)));
    }
    let Some(release) = RELEASES.iter().find(|release| release.kind == kind && (satisfies(wanted, release.version))) else {
        let known: Vec<String> = RELEASES.iter().map(|release| format!("{}:{}", short(release.kind), release.version)).collect();
        return Err(RuntimeError::Server(format!(
            "no {} {wanted} here: `{program}` on PATH is not that version, and packages are known for {} only; \
             install it, name it with `{{binary: path}}`, or use `--runtime docker`",
            name(kind),
            known.join(", ")
        )));
    };
    let tree = packages::tree(release, announce)?;
    let reference = tree.display().to_string();
    let source = described(&reference, program, "")?;
    let (_, version) = version_of(&source).map_err(|reason| {
        RuntimeError::Server(format!("the server in {reference} does not start ({reason}); remove that folder to have it made again"))
    })?;
    if !satisfies(&version, wanted) {
        return Err(RuntimeError::Server(format!(
            "Debian {} carries {} {version}, not {wanted}; ask for `{}:{}`, or name a binary with `{{binary: path}}`",
            release.suite,
            name(kind),
            short(kind),
            release.version
        )));
    }
    described(&reference, program, &format!("{} {version} from Debian {} ({})", name(kind), release.suite, packages::origin(&tree)))
}

/// The program a source names: `reference` is the root its binary is relative to.
pub(super) fn program_of(source: &ServerSource) -> PathBuf {
    Path::new(&source.reference).join(&source.binary)
}

/// What starts the program a source names, and with which arguments: in a tree with a loader of its own, through that.
fn start_of(source: &ServerSource) -> (PathBuf, Vec<String>) {
    let (root, program) = (Path::new(&source.reference), program_of(source));
    let loader = root.join(LOADER);
    if source.reference == "/" || !loader.exists() {
        return (program, Vec::new());
    }
    let (library, program) = (root.join("lib").display().to_string(), program.display().to_string());
    (loader, vec!["--argv0".to_owned(), source.binary.clone(), "--library-path".to_owned(), library, program])
}

/// Starts the program a source names where this process is. For programs of ours only: a server gets a [`sandbox`].
pub(super) fn command(source: &ServerSource) -> Command {
    let (program, arguments) = start_of(source);
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// The sandbox of the server a source names: it may read the tree it was taken from, or its own file and the libraries beside it.
pub(super) fn sandbox(source: &ServerSource, limits: Limits) -> io::Result<Sandbox> {
    let (program, arguments) = start_of(source);
    let mut sandbox = Sandbox::new(program, limits);
    sandbox.arguments = arguments;
    if source.reference != "/" {
        sandbox.reads(&source.reference);
        return Ok(sandbox);
    }
    let file = program_of(source);
    if of_the_system(&file) {
        return Ok(sandbox);
    }
    sandbox.reads(&file);
    for beside in file.parent().map(fs::read_dir).transpose()?.into_iter().flatten() {
        let path = beside?.path();
        let library = path.file_name().is_some_and(|name| name.to_string_lossy().contains(".so")) && path.is_file();
        if library && path.extension().is_some_and(|end| end == "so" || end.to_string_lossy().parse::<u32>().is_ok()) {
            sandbox.reads(path);
        }
    }
    Ok(sandbox)
}

/// The absolute path of a program. Its name stays as it is, also where it is a link: servers ask themselves by what name they were called.
fn program_at(path: &str) -> Result<String, String> {
    let told = |error: io::Error| error.to_string();
    let file = std::path::absolute(path).map_err(told)?;
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return Err("it is not a file".to_owned()) };
    fs::metadata(&file).map_err(told)?;
    let plain = fs::canonicalize(folder).map_err(told)?.join(name);
    plain.into_os_string().into_string().map_err(|_| "its name is not text".to_owned())
}

fn described(root: &str, binary: &str, text: &str) -> Result<ServerSource, RuntimeError> {
    let path = Path::new(root).join(binary);
    let digest = digest(&path).map_err(|error| RuntimeError::Server(format!("{} cannot be used as a server: {error}", path.display())))?;
    Ok(ServerSource { reference: root.to_owned(), binary: binary.to_owned(), description: format!("{text}, sha256 {digest}") })
}

/// The first digits of a program's digest. What is no file, or larger than any program, is not read.
fn digest(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::other(format!("it has more than {} MiB", LARGEST >> 20)));
    }
    let mut digest = Sha256::new();
    io::copy(&mut File::open(path)?.take(LARGEST), &mut digest)?;
    Ok(digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

fn on_path(program: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let file = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())?;
    file.to_str().map(str::to_owned)
}

/// Asks a server for its version, in a sandbox without a network.
fn version_of(source: &ServerSource) -> Result<(ServerKind, String), String> {
    let mut sandbox = sandbox(source, Limits::of_question()).map_err(|error| error.to_string())?;
    sandbox.argument("--version");
    let answer = ask(&sandbox, QUESTION).map_err(|refusal| refusal.to_string())?;
    parse_version(&answer.output).ok_or_else(|| {
        let said = if answer.output.is_empty() { answer.errors } else { answer.output };
        format!("`--version` says `{}`", said.lines().next().unwrap_or_default().trim())
    })
}

/// `Redis server v=7.0.15 sha=…`, `Valkey server v=8.1.1 sha=…`.
fn parse_version(text: &str) -> Option<(ServerKind, String)> {
    let mut words = text.split_whitespace();
    let kind = match words.next()? {
        "Redis" => ServerKind::Redis,
        "Valkey" => ServerKind::Valkey,
        _ => return None,
    };
    let version = words.find_map(|word| word.strip_prefix("v="))?;
    Some((kind, version.to_owned()))
}

/// Whether a version is the one asked for or a more precise name of it.
fn satisfies(version: &str, wanted: &str) -> bool {
    version == wanted || version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

fn name(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::Redis => "Redis",
        ServerKind::Valkey => "Valkey",
    }
}

/// As written in `server:`; also the prefix of package names.
pub(super) fn short(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::Redis => "redis",
        ServerKind::Valkey => "valkey",
    }
}

/// Name of the server program.
pub(super) fn program(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::Redis => "redis-server",
        ServerKind::Valkey => "valkey-server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_satisfies_itself_and_what_names_it_less_precisely() {
        assert!(satisfies("7.0.15", "7.0"));
        assert!(satisfies("7.0.15", "7.0.15"));
        assert!(!satisfies("7.0.15", "7.0.1"));
        assert!(!satisfies("7.2.4", "7.0"));
        assert!(!satisfies("7.0", "7.0.15"));
    }

    #[test]
    fn the_version_line_of_either_server_is_understood() {
        let redis = parse_version("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1\n");
        let valkey = parse_version("Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1\n");
        assert_eq!(redis, Some((ServerKind::Redis, "7.0.15".to_owned())));
        assert_eq!(valkey, Some((ServerKind::Valkey, "8.1.1".to_owned())));
        assert_eq!(parse_version("GNU coreutils 9.1"), None);
    }

    #[test]
    fn what_cannot_be_had_is_refused_with_the_way_out() {
        let announce: Announce = std::sync::Arc::new(|_| ());
        let servers = [
            Server::Image("my/redis:1".to_owned()),
            Server::Binary("/no/such/file".to_owned()),
            Server::Release { kind: ServerKind::Valkey, version: "7.2".to_owned() },
            Server::Release { kind: ServerKind::Redis, version: "latest".to_owned() },
        ];
        let texts: Vec<String> = servers.iter().map(|server| find(server, &announce).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
