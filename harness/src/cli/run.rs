//! `redquake run`.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::Arc;

use redquake_experiments::plan::{Capabilities, Plan};
use redquake_experiments::shown;
use redquake_experiments::spec::{Action, Cell, Trust, Until, metrics};
use redquake_reports::render::terminal;
use redquake_reports::result::{Location, MatrixAxis, Source};
use redquake_topologies::process;
use redquake_topologies::runtime::{Fate, Runtime, Sweep, Swept};
use sha2::{Digest, Sha256};

use super::args::RunArgs;
use super::files::{ExperimentFile, read_all};
use super::main::runtime;
use super::plan::Made;
use super::runtimes::{Chosen, choose};
use super::{plan, plausible, trust};
use crate::context::Budget;
use crate::run::{CellOrder, CellRecord, Directive, Folder, Goal, Interrupt, Order, Outcome, execute};
use crate::ui::{Exit, Failure, Progress};

/// Performs experiments, one after the other.
pub fn perform(args: RunArgs) -> Result<Exit, Failure> {
    let files = read_all(&args.experiments, &args.reading)?;
    // All files are checked before the first one runs: a mistake in the last must not cost the time of the others.
    plan::check(&files, args.trials)?;
    known(&files, args.until.as_ref())?;
    // The tool inside has the same machine, and was told outside.
    if !process::inside() {
        plausible::check(&files)?;
    }
    let progress = Progress::new();
    let interrupt = Interrupt::listen(progress.clone()).map_err(|error| Failure::environment(error.to_string()))?;
    let outside = runtime()?;
    match outside.block_on(interrupt.unless(choose(args.runtime, &progress)))? {
        Chosen::Here(engine, capabilities) => outside.block_on(all(&files, &args, &capabilities, &engine, &progress, &interrupt)),
        Chosen::Inside => {
            // A server is asked for its version in namespaces, too.
            process::check().map_err(Failure::environment)?;
            // There is no way to the network from inside.
            let provided = outside.block_on(interrupt.unless(provide(&files, &progress)));
            // What was being fetched is not waited for: the next run begins it anew.
            outside.shutdown_background();
            provided?;
            progress.finish();
            let entered = process::enter_after(arguments(&args), || interrupt.hand_over());
            let code = entered.map_err(|error| Failure::environment(error.to_string()))?;
            Ok(Exit::of(code))
        }
    }
}

/// What was typed, for the tool inside: with the decision about trust, which rests on variables that are not there.
fn arguments(args: &RunArgs) -> Vec<OsString> {
    let mut typed: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.reading.trust.is_none() {
        let word = match trust::decide(None).trust {
            Trust::Trusted => "--trust=trusted",
            Trust::Untrusted => "--trust=untrusted",
        };
        // Behind the name of the command.
        typed.insert(1.min(typed.len()), word.into());
    }
    typed
}

/// Whether every experiment has the metric that is to become precise.
fn known(files: &[ExperimentFile], until: Option<&Until>) -> Result<(), Failure> {
    let Some(until) = until else { return Ok(()) };
    for experiment in files.iter().flat_map(|file| file.loaded.experiments()) {
        if metrics::find(&until.metric, experiment).is_none() {
            let meant = metrics::closest(&until.metric, experiment);
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            return Err(Failure::usage(format!("--until: `{}` has no metric `{}`{meant}", experiment.name, until.metric)));
        }
    }
    Ok(())
}

/// Fetches the server software of every experiment.
async fn provide(files: &[ExperimentFile], progress: &Progress) -> Result<(), Failure> {
    let announce = progress.announce();
    for file in files {
        for experiment in file.loaded.experiments() {
            process::provide(experiment.topology.server(), &announce).await.map_err(|error| Failure::environment(error.to_string()))?;
            if let Some(postgres) = experiment.postgres() {
                process::provide_postgres(&postgres.version, &announce).await.map_err(|error| Failure::environment(error.to_string()))?;
            }
            if experiment.faults.iter().any(|fault| matches!(fault.action, Action::ClockJump(_))) {
                process::provide_clock(&announce).map_err(|error| Failure::environment(error.to_string()))?;
            }
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
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    // What is not removed in time is found by the next run.
    let _ = interrupt.cancel.run_until_cancelled(sweep_the_dead(&**engine, progress)).await;
    // So is what the machine cannot do.
    let orders: Vec<Order> = files.iter().map(|file| order(file, args, capabilities)).collect::<Result<_, _>>()?;
    let mut exit = Exit::Pass;
    for order in orders {
        exit = match one(order, engine, progress, interrupt).await {
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
    let runs: Vec<String> = order.cells.iter().map(|cell| cell.run.clone()).collect();
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
    let mut left = Vec::new();
    for run in &runs {
        left.extend(engine.sweep_run(run).await);
    }
    tell_left(&left);
    match ended {
        Ok(Ok((outcome, folder))) => {
            let mut exit = conclude(&outcome, &folder);
            if !left.is_empty() {
                exit = exit.worse(Exit::Residue);
            }
            Ok(match interrupt.exit() {
                Some(signal) => exit.worse(signal),
                None => exit,
            })
        }
        Ok(Err(failure)) if left.is_empty() => Err(failure),
        Ok(Err(failure)) => Err(Failure { exit: failure.exit.worse(Exit::Residue), ..failure }),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Failure::told(interrupt.exit().unwrap_or(Exit::Interrupted))),
    }
}

fn order(file: &ExperimentFile, args: &RunArgs, capabilities: &Capabilities) -> Result<Order, Failure> {
    let goal = args.until.clone().map(|until| Goal { until, budget: args.budget, most: args.max_trials });
    let mut trials = args.trials.map(|trials| format!(" --trials {trials}")).unwrap_or_default();
    trials.extend(goal.iter().map(Goal::arguments));
    let repeats = args.repeats.unwrap_or_default();
    trials.push_str(&repeats.argument());
    trials.push_str(if args.reuse { " --reuse" } else { "" });
    trials.extend(args.disk_gb.map(|gigabytes| format!(" --disk-gb {gigabytes}")));
    trials.extend(args.reading.allow_path.iter().map(|folder| format!(" --allow-path {}", shown::shell_quote(&folder.to_string_lossy()))));
    // Elsewhere nothing says that the file is a stranger's.
    let untrusted = trust::decide(args.reading.trust).trust == Trust::Untrusted;
    trials.push_str(if untrusted { " --trust untrusted" } else { "" });
    let cells = match plan::make(file, args.seed, args.trials, capabilities)? {
        Made::One(plan) => vec![cell_order(file, None, *plan)],
        Made::Cells(plans) => {
            plans.into_iter().zip(&file.loaded.cells).map(|(made, cell)| cell_order(file, Some(cell), made.plan)).collect()
        }
    };
    let (seed, runtime) = cells.first().map_or((0, ""), |cell| (cell.plan.seed, cell.plan.runtime.as_str()));
    Ok(Order {
        axes: axes(&file.loaded.cells),
        source: Source { path: file.name.clone(), sha256: format!("{:x}", Sha256::digest(&file.bytes)) },
        text: file.bytes.clone(),
        repro: format!("redquake run {} --runtime {runtime} --seed {seed}{trials}", word(&file.name)),
        out: args.out.clone(),
        jobs: args.jobs,
        goal,
        reuse: args.reuse,
        repeats,
        budget: args.disk_gb.map(|gigabytes| Budget::new(u64::from(gigabytes) * 1_000_000_000)),
        cells,
    })
}

/// A file's name on a command line, where it must not look like an option.
fn word(name: &str) -> String {
    let dashed = if name.starts_with('-') { format!("./{name}") } else { name.to_owned() };
    shown::shell_quote(&dashed).into_owned()
}

fn cell_order(file: &ExperimentFile, cell: Option<&Cell>, plan: Plan) -> CellOrder {
    let place = |path: &str| {
        let place = match cell {
            Some(cell) => file.loaded.location_in(cell, path),
            None => file.loaded.location(path),
        }?;
        Some(Location { file: place.file, line: place.line, column: place.column })
    };
    let locations = (0..plan.experiment.assertions.len()).map(|index| place(&format!("assert[{index}]")));
    let topology = &plan.experiment.topology;
    let sentinel = topology.sentinel().map(|topology| &topology.config.sentinel);
    let written = [("redis", false, Some(topology.redis())), ("sentinel", true, sentinel)];
    let written = written.into_iter().flat_map(|(kind, sentinel, directives)| {
        directives.into_iter().flat_map(|directives| directives.names()).map(move |name| (kind, sentinel, name))
    });
    let directives = written.filter_map(|(kind, sentinel, name)| {
        let place = place(&format!("topology.config.{kind}.{name}"))?;
        Some(Directive { sentinel, name: name.to_owned(), place })
    });
    CellOrder {
        run: uuid::Uuid::new_v4().simple().to_string(),
        locations: locations.collect(),
        directives: directives.collect(),
        cell: cell.map(|cell| CellRecord {
            folder: cell.name.clone(),
            label: cell.label.clone(),
            values: cell.values.iter().map(|(_, value)| value.clone()).collect(),
        }),
        plan,
    }
}

/// What the cells of a matrix differ in, each value once.
fn axes(cells: &[Cell]) -> Vec<MatrixAxis> {
    let mut axes: Vec<MatrixAxis> = Vec::new();
    for (path, value) in cells.iter().flat_map(|cell| &cell.values) {
        match axes.iter_mut().find(|axis| axis.path == *path) {
            None => axes.push(MatrixAxis { path: path.clone(), values: vec![value.clone()] }),
            Some(axis) if axis.values.contains(value) => {}
            Some(axis) => axis.values.push(value.clone()),
        }
    }
    axes
}

/// Removes what earlier runs left whose process is gone; a problem with it is told and stops nothing. What may be somebody else's is only told:
/// everything on an engine that is not this machine's, and what other boots left.
async fn sweep_the_dead(engine: &dyn Runtime, progress: &Progress) {
    if let Ok(left) = engine.leftovers().await {
        let of = |fate: Fate| left.iter().filter(|object| object.fate == fate).count();
        let mut told = vec![(of(Fate::OtherBoot), "of another boot", "redquake clean --other-boots")];
        if !engine.is_local() {
            told.push((of(Fate::Dead), "on an engine that is not this machine's", "redquake clean"));
        }
        for (count, whose, command) in told.into_iter().filter(|(count, ..)| *count > 0) {
            let objects = if count == 1 { "object" } else { "objects" };
            progress.line(&format!("left by earlier runs and kept: {count} {objects} {whose}; `{command}` removes what is dead"));
        }
    }
    if !engine.is_local() {
        return;
    }
    match engine.sweep(Sweep::Dead).await {
        Ok(Swept { removed, left }) => {
            for object in removed {
                progress.line(&format!("left by an earlier run, removed: {object}"));
            }
            for object in left {
                progress.line(&format!("left by an earlier run and not removed: {object}; `redquake clean` tries again"));
            }
        }
        Err(error) => progress.line(&format!("what earlier runs left could not be looked for: {error}")),
    }
}

/// Prints what a last search for the run's objects could not remove.
fn tell_left(left: &[String]) {
    for object in left {
        eprintln!("could not be removed: {object}; `redquake clean` tries again");
    }
}

/// Prints the result and says which exit code it leads to.
pub fn conclude(outcome: &Outcome, folder: &Folder) -> Exit {
    let path = folder.path().display().to_string();
    print!("{}", outcome.terminal(&terminal::Options { color: std::io::stdout().is_terminal(), folder: Some(&path) }));
    Exit::of(outcome.exit_code())
}
