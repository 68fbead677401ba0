//! `redquake plan`.

use redquake_experiments::plan::{self, Cause, Plan, Refusal};

use super::args::PlanArgs;
use super::files::{ExperimentFile, read_all};
use super::main::runtime;
use super::runtimes::capabilities;
use super::validate::tell;
use super::{Exit, Failure};

/// Prints what an experiment would do.
pub fn perform(args: &PlanArgs) -> Result<Exit, Failure> {
    let files = read_all(std::slice::from_ref(&args.experiment))?;
    let [file] = files.as_slice() else {
        return Err(Failure::usage(format!("{}: {} files; a plan is of one experiment", args.experiment, files.len())));
    };
    let capabilities = runtime()?.block_on(capabilities(args.runtime));
    let plan = make(file, args.seed, args.trials, &capabilities)?;
    if args.json {
        println!("{:#}", plan::json(&plan));
    } else {
        print!("{}", plan::render(&plan));
    }
    Ok(Exit::Pass)
}

/// Looks at everything a run is asked for before the first server is started: a mistake in the last file must not cost
/// the time of the others.
pub fn check(files: &[ExperimentFile], trials: Option<u32>) -> Result<(), Failure> {
    if files.iter().any(|file| file.loaded.experiment.is_none()) {
        files.iter().for_each(tell);
        return Err(Failure::told(Exit::Usage));
    }
    let refused = files.iter().filter_map(|file| {
        let experiment = file.loaded.experiment.as_ref()?;
        let refusals = plan::refuse_trials(experiment, trials);
        (!refusals.is_empty()).then(|| refused(file, &refusals).reason)
    });
    let reasons: Vec<String> = refused.collect();
    if reasons.is_empty() { Ok(()) } else { Err(Failure::usage(reasons.join("\n"))) }
}

/// Makes the plan of a file, with the values typed on the command line in place of the file's.
pub fn make(file: &ExperimentFile, seed: Option<u64>, trials: Option<u32>, capabilities: &plan::Capabilities) -> Result<Plan, Failure> {
    tell(file);
    let Some(experiment) = &file.loaded.experiment else { return Err(Failure::told(Exit::Usage)) };
    let seed = seed.or(experiment.seed).unwrap_or_else(drawn_seed);
    plan::plan(experiment, seed, trials, capabilities).map_err(|refusals| refused(file, &refusals))
}

/// A mistake on the command line is told before what the machine lacks, and alone: another command may ask for less.
fn refused(file: &ExperimentFile, refusals: &[Refusal]) -> Failure {
    let words = |cause: Cause| -> Vec<String> {
        let of_it = refusals.iter().filter(|refusal| refusal.cause == cause);
        of_it.map(|refusal| format!("\n  {}{refusal}", place(file, refusal))).collect()
    };
    let misuse = words(Cause::Override);
    if misuse.is_empty() {
        Failure::environment(format!("{}: this machine cannot perform it:{}", file.name, words(Cause::Machine).concat()))
    } else {
        Failure::usage(format!("{}: fewer --trials than it can do with:{}", file.name, misuse.concat()))
    }
}

/// Where the file asks for it.
fn place(file: &ExperimentFile, refusal: &Refusal) -> String {
    let location = file.loaded.location(&refusal.path);
    location.map(|place| format!("{}:{}:{}: ", place.file, place.line, place.column)).unwrap_or_default()
}

/// A seed for a run that names none; recorded in every output, short enough to be typed.
fn drawn_seed() -> u64 {
    rand::random_range(1..1_000_000)
}
