//! Databases behind workloads.

use super::Finding;
use crate::spec::{Database, Experiment, WorkloadKind};

pub(super) fn agree_on_one_server(experiment: &Experiment, found: &mut Vec<Finding>) {
    let servers = experiment.workloads.iter().enumerate().filter_map(|(index, workload)| match workload.kind.database() {
        Some(Database::Postgres(postgres)) => Some((format!("workloads[{index}].database"), postgres)),
        _ => None,
    });
    let servers: Vec<_> = servers.collect();
    let Some(((first_path, first), others)) = servers.split_first() else { return };
    for (path, other) in others {
        if (&other.version, other.max_connections) != (&first.version, first.max_connections) {
            found.push(
                Finding::error("RQ0232", path.clone(), "one experiment has one PostgreSQL server, and this describes another")
                    .label(format!("version {}, {} connections", other.version, other.max_connections))
                    .related(first_path.clone(), format!("version {}, {} connections", first.version, first.max_connections))
                    .help("write the same `version` and `max_connections` in both; the pools may differ"),
            );
        }
    }
}

pub(super) fn times_make_sense(experiment: &Experiment, found: &mut Vec<Finding>) {
    for (index, workload) in experiment.workloads.iter().enumerate() {
        let at = |field: &str| format!("workloads[{index}].{field}");
        let mut lengths = Vec::new();
        if let Some(database) = workload.kind.database() {
            let pool = database.pool();
            lengths.push((at("database.timeout"), pool.timeout));
            if pool.service_time >= pool.timeout && !pool.timeout.is_zero() {
                found.push(
                    Finding::error("RQ0233", at("database.service_time"), "every query of the database runs out of time")
                        .label(format!("takes {}", pool.service_time))
                        .uses(at("database.timeout"))
                        .help(format!("`timeout` is {}; make it longer than `service_time`", pool.timeout)),
                );
            }
        }
        if let WorkloadKind::CacheAside(cache) = &workload.kind {
            lengths.push((at("ttl"), cache.ttl));
            lengths.extend(cache.breaker.map(|breaker| (at("breaker.for"), breaker.lasts)));
            if cache.jitter >= cache.ttl && !cache.ttl.is_zero() {
                found.push(
                    Finding::error("RQ0234", at("jitter"), "some items would never be cached")
                        .label(format!("lifetimes differ by {}", cache.jitter))
                        .related(at("ttl"), format!("and are {}", cache.ttl))
                        .help("make `jitter` shorter than `ttl`"),
                );
            }
        }
        for (path, length) in lengths {
            if length.is_zero() {
                let name = path.rsplit('.').next().unwrap_or(&path).to_owned();
                found.push(Finding::error("RQ0208", path, format!("`{name}` must be longer than zero")));
            }
        }
    }
}
