//! `cache-aside`: read the cache, on a miss or an error the database, then fill the cache.

mod breaker;
mod client;
mod flight;
mod popularity;

pub use client::{CacheAside, cache_key};
pub use popularity::Popularity;
