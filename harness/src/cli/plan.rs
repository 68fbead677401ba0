//! `redquake plan`.

use redquake_experiments::plan::{self, Plan};

use super::args::PlanArgs;
use super::files::{ExperimentFile, read_all};
use super::main::runtime;
use super::runtimes::capabilities;
use super::validate::tell;
use super::{Exit, Failure};

/// Prints what an experiment would do.
pub fn perform(args: &PlanArgs) -> Result<Exit, Failure> {
    let files = read_all(std::slice::from_ref(&args.experiment))?;
    for file in &files {
        let capabilities = runtime()?.block_on(capabilities(args.runtime));
        let plan = make(file, args.seed, args.trials, &capabilities)?;
        if args.json {
            println!("{:#}", plan::json(&plan));
        } else {
            print!("{}", plan::render(&plan));
        }
    }
    Ok(Exit::Pass)
}

/// Makes the plan of a file, with the values typed on the command line in place of the file's.
pub fn make(file: &ExperimentFile, seed: Option<u64>, trials: Option<u32>, capabilities: &plan::Capabilities) -> Result<Plan, Failure> {
    tell(file);
    let Some(experiment) = &file.loaded.experiment else { return Err(Failure::told(Exit::Usage)) };
    let seed = seed.or(experiment.seed).unwrap_or_else(drawn_seed);
    plan::plan(experiment, seed, trials, capabilities).map_err(|refusals| {
        let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        Failure::environment(format!("{}: this machine cannot perform it:\n  {}", file.name, reasons.join("\n  ")))
    })
}

/// A seed for a run that names none; recorded in every output, short enough to be typed.
fn drawn_seed() -> u64 {
    rand::random_range(1..1_000_000)
}
