//! Configuration files, complete from the first byte. Pure: the same nodes and directives give the same text.

mod line;
mod redis;
mod sentinel;

pub use redis::{REDIS_RESERVED, redis_conf};
pub use sentinel::{MASTER, SENTINEL_RESERVED, SentinelView, sentinel_conf, sentinel_id};
