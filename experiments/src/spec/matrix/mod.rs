//! `matrix`: one file, many experiments that differ in some of its fields.
//!
//! The cross product is expanded on the tree of nodes, before shape and rules are checked: every cell is then checked like
//! a file of its own, and its problems point at the values here that caused them.

mod axis;
mod blame;
mod cell;
mod put;

pub(crate) use axis::{Axis, take};
pub(crate) use blame::blame;
pub use cell::Cell;
pub(crate) use cell::{Combination, combinations};
pub(crate) use put::put;
