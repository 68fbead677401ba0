//! `redquake clean`.

use redquake_topologies::docker;
use redquake_topologies::runtime::Runtime;

use super::args::CleanArgs;
use super::main::runtime;
use super::{Exit, Failure};

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
        let only_dead = !args.all;
        let failed = |error: redquake_topologies::runtime::RuntimeError| Failure { exit: Exit::Residue, reason: error.to_string() };
        let (objects, done) = if args.dry_run {
            (engine.leftovers(only_dead).await.map_err(failed)?, "would be removed")
        } else {
            (engine.sweep(only_dead).await.map_err(failed)?, "removed")
        };
        for object in &objects {
            println!("{object}: {done}");
        }
        if objects.is_empty() {
            println!("nothing was left behind");
        }
        Ok(Exit::Pass)
    })
}
