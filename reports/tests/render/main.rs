//! What people and machines read of a run.

mod apart;
mod fixture;
mod harm;
mod html;
mod promtool;
mod real;
mod shown;
mod text;
