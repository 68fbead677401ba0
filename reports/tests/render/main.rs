//! What people and machines read of a run.

mod fixture;
mod html;
mod real;
mod text;
