//! PostgreSQL's programs without Docker: installed, or taken from Debian's packages.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::task::spawn_blocking;

use crate::process::postgres_tree;
use crate::runtime::{Announce, RuntimeError, ServerSource};

/// Where Debian and its derivatives install the programs of a version.
const DEBIAN: &str = "/usr/lib/postgresql";

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
            && let Some(found) = version_of(&mut Command::new(&program))
            && satisfies(&found, version)
        {
            let description = format!("PostgreSQL {found} at {}", program.display());
            return Ok(ServerSource { reference: "/".to_owned(), binary: program.display().to_string(), description });
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
    let binary = format!("usr/lib/postgresql/{version}/bin/postgres");
    let mut asked = Command::new(tree.join(&binary));
    let found = version_of(asked.env("LD_LIBRARY_PATH", tree.join("libraries"))).ok_or_else(|| {
        RuntimeError::Server(format!("PostgreSQL in {} does not start; remove that folder to have it made again", tree.display()))
    })?;
    let description = format!("PostgreSQL {found} from Debian packages");
    Ok(ServerSource { reference: tree.display().to_string(), binary, description })
}

/// `postgres (PostgreSQL) 15.18 (Debian …)`.
fn version_of(command: &mut Command) -> Option<String> {
    let output = command.arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.strip_prefix("postgres (PostgreSQL) ")?.split_whitespace().next().map(str::to_owned)
}

fn satisfies(version: &str, wanted: &str) -> bool {
    version == wanted || version.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}
