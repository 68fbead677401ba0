//! `redquake init`.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use redquake_experiments::{catalogue, shown};

use super::args::InitArgs;
use crate::ui::{Exit, Failure};

/// Writes an experiment of the catalogue into a new file.
pub fn perform(args: &InitArgs) -> Result<Exit, Failure> {
    let text = catalogue::find(&args.name).map_err(|error| Failure::usage(format!("{}: {error}", args.name)))?;
    let short = args.name.rsplit('/').next().unwrap_or(&args.name).trim_end_matches(".yaml");
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{short}.yaml")));
    let failed = |error: std::io::Error| {
        let why = if error.kind() == ErrorKind::AlreadyExists { "it exists already".to_owned() } else { error.to_string() };
        Failure::usage(format!("{}: {why}; choose another file with --out", path.display()))
    };
    let mut file = File::create_new(&path).map_err(failed)?;
    file.write_all(catalogue::without_modelines(text).as_bytes()).map_err(failed)?;
    let name = path.display().to_string();
    println!("wrote {name}; next: redquake validate {0} && redquake plan {0} && redquake run {0}", shown::shell_quote(&name));
    Ok(Exit::Pass)
}
