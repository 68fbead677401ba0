//! The databases behind the workloads of a trial: made before it, and nothing of them stays.

use std::sync::Arc;

use redquake_topologies::postgres;
use redquake_topologies::runtime::{Announce, DatabaseNode};

use super::perform::TrialRequest;
use super::zones::TrialZones;
use crate::context::TrialContext;
use crate::databases::{self, Database};
use crate::workloads;

/// Name of the file of a workload's embedded database.
fn embedded(index: u16) -> String {
    format!("workload-{index}.sqlite")
}

/// Makes the databases of the workloads, in the order of the workloads, and warms their caches.
pub(super) async fn prepare(
    request: &TrialRequest<'_>,
    context: &TrialContext,
    zones: &TrialZones,
) -> Result<Vec<Option<Arc<dyn Database>>>, String> {
    let experiment = &request.plan.experiment;
    let postgres = match experiment.postgres() {
        Some(wanted) => {
            // It was made sure of before the first trial, so this finds it.
            let quiet: Announce = Arc::new(|_| ());
            let source = request.runtime.provide_postgres(&wanted.version, &quiet).await.map_err(|error| error.to_string())?;
            let node = DatabaseNode { source, max_connections: wanted.max_connections };
            let address = context.lab.attach(node).await.map_err(|error| error.to_string())?;
            Some(databases::Server { ip: address.ip, port: address.port, user: postgres::USER.to_owned() })
        }
        None => None,
    };
    let mut made = Vec::new();
    for (workload, index) in experiment.workloads.iter().zip(0u16..) {
        let zones = zones.places(workload.zone.as_ref())?;
        let zone = zones.first().ok_or("a workload has no place for its clients")?;
        let file = request.folder.join(embedded(index));
        let prepared = workloads::prepare(workload, index, context, zone, &file, postgres.as_ref()).await;
        let prepared = match (prepared, postgres.is_some()) {
            (Err(reason), true) => {
                let log = context.lab.logs(postgres::NAME).await.unwrap_or_default();
                Err(format!("{reason}; end of the log of the database: {}", log.lines().last().unwrap_or("empty")))
            }
            (prepared, _) => prepared,
        };
        made.push(prepared.map_err(|reason| format!("the database of `{}` could not be made: {reason}", workload.name))?);
    }
    Ok(made)
}
