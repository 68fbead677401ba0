//! `redquake clean`.

use std::time::Duration;

use redquake_topologies::docker::{self, DockerRuntime};
use redquake_topologies::runtime::{Runtime, RuntimeError, Swept};

use super::args::CleanArgs;
use super::main::runtime;
use super::{Exit, Failure};

/// How long after its end an engine may still be making what a killed run had asked for.
const LATE: Duration = Duration::from_millis(500);

/// Removes, or lists, what runs left behind.
pub fn perform(args: &CleanArgs) -> Result<Exit, Failure> {
    runtime()?.block_on(async {
        let engine = match docker::connect().await {
            Ok(engine) => engine,
            Err(error) => {
                println!("nothing to look through: {error}; runs without Docker leave nothing");
                return Ok(Exit::Pass);
            }
        };
        if args.dry_run { list(&engine, args.all).await } else { remove(&engine, args.all).await }.map_err(|error| Failure {
            exit: Exit::Residue,
            reason: format!("{error}; when the engine answers again, run `redquake clean` once more"),
        })
    })
}

async fn list(engine: &DockerRuntime, all: bool) -> Result<Exit, RuntimeError> {
    let (gone, kept): (Vec<_>, Vec<_>) = engine.leftovers().await?.into_iter().partition(|object| all || object.dead);
    for object in &gone {
        println!("would be removed: {}", object.what);
    }
    if gone.is_empty() {
        println!("nothing was left behind");
    }
    for object in &kept {
        println!("would be kept: {}", object.what);
    }
    Ok(Exit::Pass)
}

async fn remove(engine: &DockerRuntime, all: bool) -> Result<Exit, RuntimeError> {
    let mut swept = engine.sweep(!all).await?;
    if swept == Swept::default() {
        // Whoever was killed a moment ago may have asked for something that only now comes into being.
        tokio::time::sleep(LATE).await;
        swept = engine.sweep(!all).await?;
    }
    let Swept { removed, left } = swept;
    for object in &removed {
        println!("removed: {object}");
    }
    if removed.is_empty() && left.is_empty() {
        println!("nothing was left behind");
    }
    if !all {
        for object in engine.leftovers().await?.iter().filter(|object| !object.dead) {
            println!("kept: {}; `redquake clean --all` removes it too", object.what);
        }
    }
    for object in &left {
        eprintln!("could not be removed: {object}");
    }
    Ok(if left.is_empty() { Exit::Pass } else { Exit::Residue })
}
