//! What a file asks, checked across its fields. One rule, one function; none of them knows about text.

mod assertions;
mod directives;
mod finding;
mod locks;
mod names;
mod recovery;
mod rules;
mod selectors;
mod timing;
mod topology;

pub(crate) use finding::Finding;
pub(crate) use rules::check;
