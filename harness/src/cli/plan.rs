//! `redquake plan`.

use redquake_experiments::plan::{self, Cause, CellPlan, Plan, Refusal};
use redquake_experiments::spec::Cell;

use super::args::PlanArgs;
use super::files::{ExperimentFile, read_all};
use super::main::runtime;
use super::plausible;
use super::runtimes::capabilities;
use super::validate::tell;
use crate::ui::{Exit, Failure, out};

/// Prints what an experiment would do.
pub fn perform(args: &PlanArgs) -> Result<Exit, Failure> {
    let files = read_all(std::slice::from_ref(&args.experiment), &args.reading)?;
    let [file] = files.as_slice() else {
        return Err(Failure::usage(format!("{}: {} files; a plan is of one experiment", args.experiment, files.len())));
    };
    if file.loaded.experiment.is_none() {
        tell(file);
        return Err(Failure::told(Exit::Usage));
    }
    plausible::check(&files)?;
    let capabilities = runtime()?.block_on(capabilities(args.runtime));
    match make(file, args.seed, args.trials, &capabilities)? {
        Made::One(plan) if args.json => out::json(&format!("{:#}", plan::json(&plan))),
        Made::One(plan) => print!("{}", plan::render(&plan)),
        Made::Cells(cells) if args.json => out::json(&format!("{:#}", plan::json_cells(&cells))),
        Made::Cells(cells) => print!("{}", plan::render_cells(&cells)),
    }
    Ok(Exit::Pass)
}

/// What a file's plan is.
pub enum Made {
    /// That of its only experiment.
    One(Box<Plan>),
    /// Those of the cells of its matrix, all with the same seed.
    Cells(Vec<CellPlan>),
}

/// Looks at everything a run is asked for before the first server is started: a mistake in the last file must not cost
/// the time of the others.
pub fn check(files: &[ExperimentFile], trials: Option<u32>) -> Result<(), Failure> {
    if files.iter().any(|file| file.loaded.experiment.is_none()) {
        files.iter().for_each(tell);
        return Err(Failure::told(Exit::Usage));
    }
    let mut reasons: Vec<String> = Vec::new();
    for file in files {
        let refusals = file.loaded.experiments().map(|experiment| plan::refuse_trials(experiment, trials));
        // All cells are refused for the same reason, unless the matrix varies what is asserted.
        reasons.extend(refusals.filter(|refusals| !refusals.is_empty()).map(|refusals| refused(file, None, &refusals).reason));
        reasons.dedup();
    }
    if reasons.is_empty() { Ok(()) } else { Err(Failure::usage(reasons.join("\n"))) }
}

/// Makes the plan of a file, with the values typed on the command line in place of the file's.
pub fn make(file: &ExperimentFile, seed: Option<u64>, trials: Option<u32>, capabilities: &plan::Capabilities) -> Result<Made, Failure> {
    tell(file);
    let Some(experiment) = &file.loaded.experiment else { return Err(Failure::told(Exit::Usage)) };
    let seed = seed.or(experiment.seed).unwrap_or_else(drawn_seed);
    if file.loaded.cells.is_empty() {
        let plan = plan::plan(experiment, seed, trials, capabilities).map_err(|refusals| refused(file, None, &refusals))?;
        return Ok(Made::One(Box::new(plan)));
    }
    let planned = |cell: &Cell| {
        let plan = plan::plan(&cell.experiment, seed, trials, capabilities).map_err(|refusals| refused(file, Some(cell), &refusals))?;
        Ok(CellPlan { name: cell.name.clone(), label: cell.label.clone(), values: cell.values.clone(), plan })
    };
    Ok(Made::Cells(file.loaded.cells.iter().map(planned).collect::<Result<_, Failure>>()?))
}

/// A mistake on the command line is told before what the machine lacks, and alone: another command may ask for less.
fn refused(file: &ExperimentFile, cell: Option<&Cell>, refusals: &[Refusal]) -> Failure {
    let words = |cause: Cause| -> Vec<String> {
        let of_it = refusals.iter().filter(|refusal| refusal.cause == cause);
        of_it.map(|refusal| format!("\n  {}{refusal}", place(file, cell, refusal))).collect()
    };
    let misuse = words(Cause::Override);
    if misuse.is_empty() {
        Failure::environment(format!(
            "{}: this machine cannot perform {}:{}",
            file.name,
            cell.map_or("it", |cell| &cell.label),
            words(Cause::Machine).concat()
        ))
    } else {
        Failure::usage(format!("{}: --trials is too small:{}", file.name, misuse.concat()))
    }
}

/// Where the file asks for it.
fn place(file: &ExperimentFile, cell: Option<&Cell>, refusal: &Refusal) -> String {
    let location = match cell {
        Some(cell) => file.loaded.location_in(cell, &refusal.path),
        None => file.loaded.location(&refusal.path),
    };
    location.map(|place| format!("{}:{}:{}: ", place.file, place.line, place.column)).unwrap_or_default()
}

/// A seed for a run that names none; recorded in every output, short enough to be typed.
fn drawn_seed() -> u64 {
    rand::random_range(1..1_000_000)
}
