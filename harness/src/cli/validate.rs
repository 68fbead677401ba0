//! `redquake validate`.

use std::io::IsTerminal;

use super::args::{ProblemFormat, ValidateArgs};
use super::files::{ExperimentFile, read_all};
use crate::ui::{Exit, Failure, out};

/// Checks files and prints every problem of every file.
pub fn perform(args: &ValidateArgs) -> Result<Exit, Failure> {
    let files = read_all(&args.experiments, &args.reading)?;
    match args.format {
        ProblemFormat::Human => {
            for file in &files {
                tell(file);
            }
        }
        ProblemFormat::Json => {
            let problems: Vec<_> = files.iter().flat_map(|file| file.loaded.problems_as_json()).collect();
            out::json(&format!("{:#}", serde_json::Value::Array(problems)));
        }
        ProblemFormat::Github => {
            for file in &files {
                out::commands(&file.loaded.render_github());
            }
        }
    }
    let broken = files.iter().filter(|file| file.loaded.experiment.is_none()).count();
    if args.format == ProblemFormat::Human {
        for file in files.iter().filter(|file| !file.loaded.cells.is_empty()) {
            println!("{}: a matrix of {} cells", file.name, file.loaded.cells.len());
        }
        let (valid, all) = (files.len() - broken, files.len());
        println!("{valid} of {all} {}", if all == 1 { "file is valid" } else { "files are valid" });
    }
    Ok(if broken > 0 { Exit::Usage } else { Exit::Pass })
}

/// Prints the problems of one file, for people.
pub fn tell(file: &ExperimentFile) {
    let text = file.loaded.render_human(std::io::stderr().is_terminal());
    if !text.is_empty() {
        eprintln!("{text}");
    }
}
