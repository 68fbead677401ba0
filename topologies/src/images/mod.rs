//! Server software for containers: an image that is here, one that can be pulled, or one made from distribution packages.

mod build;
mod built;
mod postgres;
mod probe;
mod provide;
mod pull;
mod recipe;
mod turn;

pub use built::Built;
pub(crate) use built::{built, remove};
pub(crate) use postgres::provide_postgres;
pub(crate) use provide::{find, provide};
pub use recipe::{Recipe, recipes};
