//! What people and machines read of a run.

mod apart;
mod attacks;
mod fixture;
mod harm;
mod html;
mod promtool;
mod real;
mod shown;
mod sound;
mod text;
