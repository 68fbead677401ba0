//! A tree of nodes against the JSON Schema: every problem of shape at once, each at its place.

mod forms;
mod leaf;
mod placeholder;
mod scalar;
mod suggest;
mod walk;

pub(crate) use suggest::{Guesses, closest, help, help_among, list};
pub(crate) use walk::{Shape, check, point};
