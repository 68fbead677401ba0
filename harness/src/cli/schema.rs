//! `redquake schema`.

use super::args::{SchemaArgs, SchemaOf};
use crate::ui::{Exit, Failure, out};

/// Prints a JSON Schema.
pub fn perform(args: &SchemaArgs) -> Result<Exit, Failure> {
    let schema = match args.of {
        SchemaOf::Experiment => redquake_experiments::spec::schema(),
        SchemaOf::Topology => redquake_experiments::spec::topology_schema(),
        SchemaOf::Result => redquake_reports::result::schema(),
        SchemaOf::Matrix => redquake_reports::result::matrix_schema(),
    };
    out::json(&format!("{schema:#}"));
    Ok(Exit::Pass)
}
