//! The Docker runtime on a real engine. Where no engine answers, each test prints so and ends.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod cleanup;
mod images;
mod partition;
mod set;
mod support;
