//! `redquake run`.

use std::io::IsTerminal;
use std::sync::Arc;

use redquake_experiments::plan::Capabilities;
use redquake_experiments::spec::Topology;
use redquake_reports::render::terminal;
use redquake_reports::result::{Document, Location, Source};
use redquake_topologies::process;
use redquake_topologies::runtime::Runtime;
use sha2::{Digest, Sha256};

use super::args::RunArgs;
use super::files::{ExperimentFile, read_all};
use super::main::runtime;
use super::runtimes::{Chosen, choose};
use super::{Exit, Failure, Progress, plan};
use crate::run::{Folder, Interrupt, Order, execute};

/// Performs experiments, one after the other.
pub fn perform(args: RunArgs) -> Result<Exit, Failure> {
    let files = read_all(&args.experiments)?;
    // All files are checked before the first one runs: a mistake in the last must not cost the time of the others.
    plan::check(&files, args.trials)?;
    let progress = Progress::new();
    let outside = runtime()?;
    match outside.block_on(choose(args.runtime, &progress))? {
        Chosen::Here(engine, capabilities) => outside.block_on(all(&files, &args, &capabilities, &engine, &progress)),
        Chosen::Inside => {
            // There is no way to the network from inside.
            outside.block_on(provide(&files, &progress))?;
            drop(outside);
            progress.finish();
            let code = process::enter(std::env::args_os().skip(1).collect()).map_err(|error| Failure::environment(error.to_string()))?;
            Ok(Exit::of(code))
        }
    }
}

/// Fetches the server software of every experiment.
async fn provide(files: &[ExperimentFile], progress: &Progress) -> Result<(), Failure> {
    let announce = progress.announce();
    for file in files {
        if let Some(experiment) = &file.loaded.experiment {
            let Topology::Sentinel(topology) = &experiment.topology;
            process::provide(&topology.server, &announce).await.map_err(|error| Failure::environment(error.to_string()))?;
        }
    }
    Ok(())
}

async fn all(
    files: &[ExperimentFile],
    args: &RunArgs,
    capabilities: &Capabilities,
    engine: &Arc<dyn Runtime>,
    progress: &Progress,
) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen(progress.clone()).map_err(|error| Failure::environment(error.to_string()))?;
    sweep_the_dead(&**engine, progress).await;
    // So is what the machine cannot do.
    let orders: Vec<Order> = files.iter().map(|file| order(file, args, capabilities)).collect::<Result<_, _>>()?;
    let mut exit = Exit::Pass;
    for order in orders {
        exit = match one(order, engine, progress, &interrupt).await {
            Ok(ended) => exit.worse(ended),
            // What one experiment lacks, an image for example, another may not need.
            Err(failure) => {
                if !failure.reason.is_empty() {
                    eprintln!("redquake: {failure}");
                }
                exit.worse(failure.exit)
            }
        };
        if interrupt.exit().is_some() {
            break;
        }
    }
    Ok(exit)
}

async fn one(order: Order, engine: &Arc<dyn Runtime>, progress: &Progress, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let run = order.run.clone();
    // A task of its own, so that a bug in it is caught here, where what it started can still be removed.
    let mut work = tokio::spawn(execute(order, Arc::clone(engine), progress.clone(), interrupt.clone()));
    let ended = tokio::select! {
        ended = &mut work => ended,
        () = interrupt.force.cancelled() => {
            work.abort();
            work.await
        }
    };
    progress.finish();
    // Nothing is left after a run that ended in order; after a bug or a second signal this is what removes its servers.
    let left = engine.sweep_run(&run).await;
    tell_left(&left);
    match ended {
        Ok(Ok((document, folder))) => {
            let mut exit = conclude(&document, &folder);
            if !left.is_empty() {
                exit = exit.worse(Exit::Residue);
            }
            Ok(match interrupt.exit() {
                Some(signal) => exit.worse(signal),
                None => exit,
            })
        }
        Ok(Err(failure)) => Err(failure),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Failure::told(interrupt.exit().unwrap_or(Exit::Interrupted))),
    }
}

fn order(file: &ExperimentFile, args: &RunArgs, capabilities: &Capabilities) -> Result<Order, Failure> {
    let plan = plan::make(file, args.seed, args.trials, capabilities)?;
    let locations = (0..plan.experiment.assertions.len()).map(|index| {
        let place = file.loaded.location(&format!("assert[{index}]"))?;
        Some(Location { file: place.file, line: place.line, column: place.column })
    });
    let trials = args.trials.map(|trials| format!(" --trials {trials}")).unwrap_or_default();
    Ok(Order {
        run: uuid::Uuid::new_v4().simple().to_string(),
        locations: locations.collect(),
        source: Source { path: file.name.clone(), sha256: format!("{:x}", Sha256::digest(&file.bytes)) },
        text: file.bytes.clone(),
        repro: format!("redquake run {} --runtime {} --seed {}{trials}", file.name, plan.runtime.as_str(), plan.seed),
        out: args.out.clone(),
        jobs: args.jobs,
        plan,
    })
}

/// Removes what earlier runs left whose process is gone; a problem with it is told and stops nothing.
async fn sweep_the_dead(engine: &dyn Runtime, progress: &Progress) {
    match engine.sweep(true).await {
        Ok(removed) => removed.iter().for_each(|object| progress.line(&format!("left by an earlier run, removed: {object}"))),
        Err(error) => progress.line(&format!("left by an earlier run and not removed: {error}")),
    }
}

/// Prints what a last search for the run's objects could not remove.
fn tell_left(left: &[String]) {
    for object in left {
        eprintln!("could not be removed: {object}; `redquake clean` tries again");
    }
}

/// Prints the result and says which exit code it leads to.
pub fn conclude(document: &Document, folder: &Folder) -> Exit {
    let path = folder.path().display().to_string();
    print!("{}", terminal::render(document, &terminal::Options { color: std::io::stdout().is_terminal(), folder: Some(&path) }));
    Exit::of(document.exit_code)
}
