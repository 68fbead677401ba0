//! Server software without Docker: on `PATH`, named by the user, or taken from Debian's packages.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use redquake_experiments::spec::{Server, ServerKind};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::packages::{self, RELEASES};
use crate::runtime::{Announce, RuntimeError, ServerSource};

/// In a tree taken from packages, the dynamic loader beside the libraries; servers of another release of the
/// distribution do not run on the libraries of this one.
pub(super) const LOADER: &str = "lib/ld.so";

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
            let (kind, version) = version_of(&mut Command::new(path)).map_err(|reason| {
                RuntimeError::Server(format!(
                    "`{path}` is not a Redis or Valkey server ({reason}); give the path of one in `{{binary: path}}`"
                ))
            })?;
            described("/", path, &format!("{} {version} at {path}", name(kind)))
        }
        Server::Release { kind, version } => release(*kind, version, announce),
    }
}

fn release(kind: ServerKind, wanted: &str, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    let program = program(kind);
    if let Some(path) = on_path(program)
        && let Ok((found, version)) = version_of(&mut Command::new(&path))
        && found == kind
        && satisfies(&version, wanted)
    {
        return described("/", &path, &format!("{} {version} at {path}", name(kind)));
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
    let (_, version) = version_of(&mut command(&source)).map_err(|reason| {
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

/// Starts the server a source names: `reference` is the root its binary is relative to.
pub(super) fn command(source: &ServerSource) -> Command {
    let root = Path::new(&source.reference);
    let loader = root.join(LOADER);
    if source.reference == "/" || !loader.exists() {
        return Command::new(root.join(&source.binary));
    }
    let mut command = Command::new(loader);
    command.arg("--argv0").arg(&source.binary).arg("--library-path").arg(root.join("lib")).arg(root.join(&source.binary));
    command
}

fn described(root: &str, binary: &str, text: &str) -> Result<ServerSource, RuntimeError> {
    let path = Path::new(root).join(binary);
    let bytes = fs::read(&path).map_err(|error| RuntimeError::failed(format!("reading {}", path.display()), error))?;
    let digest: String = Sha256::digest(&bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Ok(ServerSource { reference: root.to_owned(), binary: binary.to_owned(), description: format!("{text}, sha256 {digest}") })
}

fn on_path(program: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let file = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())?;
    file.to_str().map(str::to_owned)
}

fn version_of(command: &mut Command) -> Result<(ServerKind, String), String> {
    let output = command.arg("--version").stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).ok_or_else(|| {
        let said = if text.trim().is_empty() { String::from_utf8_lossy(&output.stderr) } else { text };
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
            Server::Binary("/bin/true".to_owned()),
            Server::Binary("/no/such/file".to_owned()),
            Server::Release { kind: ServerKind::Valkey, version: "7.2".to_owned() },
            Server::Release { kind: ServerKind::Redis, version: "latest".to_owned() },
        ];
        let texts: Vec<String> = servers.iter().map(|server| find(server, &announce).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
