//! `redquake list`.

use redquake_experiments::catalogue;

use crate::ui::{Exit, Failure};

/// Prints the experiments that come with the tool.
pub fn perform() -> Result<Exit, Failure> {
    let width = catalogue::entries().map(|entry| entry.name.len()).max().unwrap_or_default();
    for entry in catalogue::entries() {
        println!("{:<width$}  {}", entry.name, entry.description);
    }
    Ok(Exit::Pass)
}
