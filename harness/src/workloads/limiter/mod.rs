//! `fixed-window-limiter` and `sliding-window-limiter`: ask Redis before each request, and decide without it where it gives no answer.

mod decide;
mod fixed;
mod leftovers;
mod sliding;

pub use fixed::FixedWindow;
pub use leftovers::final_read;
pub use sliding::SlidingWindow;
