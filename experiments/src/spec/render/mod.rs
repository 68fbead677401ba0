//! Problems as text: for people, for programs and for GitHub.

mod github;
mod human;
mod json;

pub use github::github;
pub use human::human;
pub use json::json;
