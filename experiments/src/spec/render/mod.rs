//! Problems as text: for people, for programs and for GitHub.

mod github;
mod human;
mod json;

pub(crate) use github::github;
pub(crate) use human::human;
pub(crate) use json::json;

/// Most problems shown; a file that has more is not the file it was meant to be.
const SHOWN: usize = 100;
