//! `redquake clean`.

use std::time::Duration;

use redquake_reports::render::number::bytes;
use redquake_topologies::docker::{self, DockerRuntime};
use redquake_topologies::process;
use redquake_topologies::runtime::{Fate, Runtime, RuntimeError, Sweep, Swept};

use super::args::CleanArgs;
use super::main::runtime;
use crate::ui::{Exit, Failure};

/// How long after its end an engine may still be making what a killed run had asked for.
const LATE: Duration = Duration::from_millis(500);

/// Removes, or lists, what runs left behind and what the tool made for them.
pub fn perform(args: &CleanArgs) -> Result<Exit, Failure> {
    let of_engine = runtime()?.block_on(async {
        let engine = match docker::connect().await {
            Ok(engine) => engine,
            Err(error) => {
                println!("nothing to look through: {error}; runs without Docker leave nothing");
                return Ok(Exit::Pass);
            }
        };
        let looked = async {
            let swept = if args.dry_run { list(&engine, args).await? } else { remove(&engine, args).await? };
            Ok(swept.worse(images(&engine, args).await?))
        };
        looked.await.map_err(|error: RuntimeError| Failure {
            exit: Exit::Residue,
            reason: format!("{error}; when the engine answers again, run `redquake clean` once more"),
        })
    });
    let of_cache = cache(args);
    of_engine.map(|exit| exit.worse(of_cache))
}

fn which(args: &CleanArgs) -> Sweep {
    match (args.all, args.other_boots) {
        (true, _) => Sweep::All,
        (false, true) => Sweep::OtherBootsToo,
        (false, false) => Sweep::Dead,
    }
}

/// The option that removes what was kept.
fn option(fate: Fate) -> &'static str {
    if fate == Fate::OtherBoot { "--other-boots" } else { "--all" }
}

async fn list(engine: &DockerRuntime, args: &CleanArgs) -> Result<Exit, RuntimeError> {
    let wanted = which(args);
    let (gone, kept): (Vec<_>, Vec<_>) = engine.leftovers().await?.into_iter().partition(|object| wanted.takes(object.fate));
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

async fn remove(engine: &DockerRuntime, args: &CleanArgs) -> Result<Exit, RuntimeError> {
    let wanted = which(args);
    let mut swept = engine.sweep(wanted).await?;
    if swept == Swept::default() {
        // Whoever was killed a moment ago may have asked for something that only now comes into being.
        tokio::time::sleep(LATE).await;
        swept = engine.sweep(wanted).await?;
    }
    let Swept { removed, left } = swept;
    for object in &removed {
        println!("removed: {object}");
    }
    if removed.is_empty() && left.is_empty() {
        println!("nothing was left behind");
    }
    for object in engine.leftovers().await?.iter().filter(|object| !wanted.takes(object.fate)) {
        println!("kept: {}; `redquake clean {}` removes it too", object.what, option(object.fate));
    }
    for object in &left {
        eprintln!("could not be removed: {object}");
    }
    Ok(if left.is_empty() { Exit::Pass } else { Exit::Residue })
}

async fn images(engine: &DockerRuntime, args: &CleanArgs) -> Result<Exit, RuntimeError> {
    let mut exit = Exit::Pass;
    for image in engine.images().await? {
        let what = format!("image {} ({})", image.name, bytes(image.size));
        if !treat(&what, args.images, args.dry_run, "--images") {
            continue;
        }
        match engine.remove_image(&image).await {
            Ok(()) => println!("removed: {what}"),
            Err(error) => {
                eprintln!("could not be removed: {error}");
                exit = Exit::Residue;
            }
        }
    }
    Ok(exit)
}

fn cache(args: &CleanArgs) -> Exit {
    let mut exit = Exit::Pass;
    for tree in process::cached() {
        let what = format!("cache {} ({})", tree.folder.display(), bytes(tree.size));
        if !treat(&what, args.cache, args.dry_run, "--cache") {
            continue;
        }
        match process::remove_cached(&tree) {
            Ok(()) => println!("removed: {what}"),
            Err(error) => {
                eprintln!("could not be removed: {what}: {error}");
                exit = Exit::Residue;
            }
        }
    }
    exit
}

/// Whether something that is kept unless asked for is to be removed now; a dry run tells what would become of it.
fn treat(what: &str, asked: bool, dry: bool, option: &str) -> bool {
    match (asked, dry) {
        (true, true) => println!("would be removed: {what}"),
        (false, true) => println!("would be kept: {what}; {option} removes it"),
        (_, false) => {}
    }
    asked && !dry
}
