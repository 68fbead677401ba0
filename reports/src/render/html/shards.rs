//! The table of what each shard of a Cluster felt.

use crate::render::by_shard;
use crate::result::Document;

/// The metrics of shards: what the columns are, and the rows.
pub struct Shards {
    pub numbers: Vec<u32>,
    pub rows: Vec<ShardRow>,
}

/// One metric of every shard.
pub struct ShardRow {
    pub name: String,
    pub whole: String,
    pub each: Vec<String>,
}

/// What each shard felt, as far as anything happened on any.
pub fn shards(document: &Document) -> Option<Shards> {
    let by_shard::ByShard { shards, rows } = by_shard::by_shard(document)?;
    let row = |row: &by_shard::Row| ShardRow {
        name: row.name.to_owned(),
        whole: by_shard::figure(row.whole),
        each: row.each.iter().map(|metric| by_shard::figure(*metric)).collect(),
    };
    Some(Shards { numbers: shards, rows: rows.iter().filter(|row| row.happened()).map(row).collect() })
}
