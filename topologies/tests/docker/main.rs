//! The Docker runtime on a real engine. Where no engine answers, each test prints so and ends.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod cleanup;
mod clock;
mod cluster;
mod comeback;
mod confined;
mod database;
mod disk;
mod images;
mod partition;
#[path = "../shaping/mod.rs"]
mod scenes;
mod set;
mod shaping;
mod support;
mod zones;
