//! `redis-benchmark` from Debian's packages, kept in the user's cache: what the speed of the tool's own clients is measured against.

use std::process::Command;

use super::packages::{kept, origin, small_tree};
use super::servers::command;
use crate::runtime::{Announce, RuntimeError, ServerSource};

const SUITE: &str = "bookworm";
const PACKAGE: &str = "redis-tools";
const PROGRAM: &str = "redis-benchmark";
/// Name in the cache, with the number of the way it was made.
const FOLDER: &str = "bookworm-redis-benchmark-1";

/// Finds `redis-benchmark`, or takes it from packages into the user's cache, which needs the network: to be called before the tool
/// enters the namespaces of a run, and once more inside. Returns what starts it, without arguments, and where it came from.
///
/// # Errors
/// [`RuntimeError::Server`] with the way out.
pub fn provide_load_generator(announce: &Announce) -> Result<(Command, String), RuntimeError> {
    let tree = kept(FOLDER, PROGRAM, SUITE, "or leave out what compares with it", announce, |partial| {
        small_tree(PACKAGE, PROGRAM, "redis", SUITE, partial)
    })?;
    let from = origin(&tree);
    let source = ServerSource { reference: tree.display().to_string(), binary: PROGRAM.to_owned(), description: from.clone() };
    Ok((command(&source), from))
}
