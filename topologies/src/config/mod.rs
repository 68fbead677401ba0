//! Configuration files, complete from the first byte. Pure: the same nodes and directives give the same text.

mod cluster;
mod line;
mod redis;
mod sentinel;

pub use cluster::{BUS_OFFSET, ClusterView, NODES_FILE, cluster_conf, cluster_id, nodes_conf};
pub use redis::{REDIS_RESERVED, redis_conf};
pub use sentinel::{MASTER, SENTINEL_RESERVED, SentinelView, sentinel_conf, sentinel_id};
