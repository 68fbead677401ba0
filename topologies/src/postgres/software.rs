//! PostgreSQL's programs without Docker: installed, or taken from Debian's packages.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::launch::libraries;
use crate::foreign::Bounds;
use crate::process::postgres_tree;
use crate::runtime::{Announce, RuntimeError, ServerSource};
use crate::sandbox::{Limits, Sandbox, ask};

/// Where Debian and its derivatives install the programs of a version.
pub(super) const DEBIAN: &str = "/usr/lib/postgresql";
/// What it may take to tell its version.
const QUESTION: Bounds = Bounds { time: Duration::from_secs(10), bytes: 64 << 10 };

/// Finds the programs of a version on this machine.
///
/// # Errors
/// [`RuntimeError::Server`] with the way out.
pub fn installed(version: &str) -> Result<ServerSource, RuntimeError> {
    let debian = Path::new(DEBIAN).join(version).join("bin/postgres");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("postgres"));
    for program in std::iter::once(debian).chain(on_path).filter(|program| program.is_file()) {
        // What lies on the PATH may be a link; `initdb` is looked for beside what it leads to.
        let program = program.canonicalize().unwrap_or(program);
        if program.with_file_name("initdb").is_file()
            && let source = described("/", program.display().to_string())
            && let Some(found) = version_of(&source)
            && satisfies(&found, version)
        {
            let description = format!("PostgreSQL {found} at {}", program.display());
            return Ok(ServerSource { description, ..source });
        }
    }
    Err(RuntimeError::Server(format!("PostgreSQL {version} is not installed; install the package `postgresql-{version}`")))
}

/// Finds the programs, or takes them from packages into the user's cache, which needs the network: to be called before the tool enters its
/// namespaces, and once more inside, where the cache answers.
///
/// # Errors
/// [`RuntimeError::Server`] with the way out.
pub async fn provide(version: &str, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    let (version, announce) = (version.to_owned(), announce.clone());
    let find = move || installed(&version).or_else(|_| from_packages(&version, &announce));
    spawn_blocking(find).await.map_err(|error| RuntimeError::failed("looking for PostgreSQL", error))?
}

fn from_packages(version: &str, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    let tree: PathBuf = postgres_tree(version, announce)?;
    let source = described(&tree.display().to_string(), format!("usr/lib/postgresql/{version}/bin/postgres"));
    let found = version_of(&source).ok_or_else(|| {
        RuntimeError::Server(format!("PostgreSQL in {} does not start; remove that folder to have it made again", tree.display()))
    })?;
    Ok(ServerSource { description: format!("PostgreSQL {found} from Debian packages"), ..source })
}

fn described(reference: &str, binary: String) -> ServerSource {
    ServerSource { reference: reference.to_owned(), binary, description: String::new() }
}

/// Lets a sandbox read the programs of a source, and has them find their libraries.
pub(super) fn shown(source: &ServerSource, sandbox: &mut Sandbox) {
    if source.reference == "/" {
        // The programs find what they share from where they are: the folder of a version.
        let folder = Path::new(&source.binary).parent().and_then(Path::parent);
        sandbox.reads(folder.unwrap_or(Path::new(DEBIAN)));
    } else {
        sandbox.reads(&source.reference);
    }
    if let Some(libraries) = libraries(source) {
        sandbox.variable("LD_LIBRARY_PATH", libraries.display().to_string());
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian …)`.
fn version_of(source: &ServerSource) -> Option<String> {
    let mut sandbox = Sandbox::new(Path::new(&source.reference).join(&source.binary), Limits::of_question());
    sandbox.argument("--version");
    shown(source, &mut sandbox);
    let answer = ask(&sandbox, QUESTION).ok()?;
    answer.output.strip_prefix("postgres (PostgreSQL) ")?.split_whitespace().next().map(str::to_owned)
}

fn satisfies(version: &str, wanted: &str) -> bool {
    version == wanted || version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}
