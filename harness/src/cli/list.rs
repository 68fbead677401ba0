//! `redquake list`.

use redquake_experiments::catalogue;

use super::{Exit, Failure};

/// Prints the experiments that come with the tool.
pub fn perform() -> Result<Exit, Failure> {
    for entry in catalogue::entries() {
        println!("{:<28} {}", entry.name, entry.description);
    }
    Ok(Exit::Pass)
}
