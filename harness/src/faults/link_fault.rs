//! What is put in the way of packets inside namespaces: taken out of all of them again, and verified to be gone.

use std::time::Instant;

use redquake_topologies::namespace::Namespace;
use redquake_topologies::rules;
use redquake_topologies::runtime::RuntimeError;
use redquake_topologies::shaping::{bandwidth, delay, loss};

use super::endpoint::Endpoint;
use crate::context::TrialContext;

/// What is in the way of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// They are dropped.
    Cut,
    /// A share of them is dropped.
    Loss,
    /// They wait.
    Delay,
    /// They pass no faster than a rate.
    Bandwidth,
}

impl LinkFault {
    /// Takes what a fault has put there out of the namespaces of all parties, whatever fails on the way.
    pub async fn remove<'p>(
        self,
        id: &str,
        parties: impl IntoIterator<Item = &'p Endpoint>,
        context: &TrialContext,
    ) -> Result<Instant, String> {
        let mut failures = Vec::new();
        for endpoint in parties {
            let removed = match endpoint.namespace(context).await {
                Ok(namespace) => self.remove_in(&namespace, id).await.map_err(|error| error.to_string()),
                Err(reason) => Err(reason),
            };
            // A node that died took its namespace and what was in it along.
            if let Err(reason) = removed
                && endpoint.alive(context).await
            {
                failures.push(reason);
            }
        }
        if failures.is_empty() { Ok(Instant::now()) } else { Err(failures.join("; ")) }
    }

    /// Makes sure that nothing of a fault is left in the namespaces of those parties that live.
    pub async fn prove_removed<'p>(
        self,
        id: &str,
        parties: impl IntoIterator<Item = &'p Endpoint>,
        context: &TrialContext,
    ) -> Result<(), String> {
        for endpoint in parties {
            if !endpoint.alive(context).await {
                continue;
            }
            if self.is_in(&endpoint.namespace(context).await?, id).await.map_err(|error| error.to_string())? {
                let name = endpoint.name();
                return Err(match self {
                    Self::Cut | Self::Loss => format!("the rules in the namespace of {name} are still there"),
                    Self::Delay => format!("packets still wait in the namespace of {name}"),
                    Self::Bandwidth => format!("the link of {name} is still limited"),
                });
            }
        }
        Ok(())
    }

    async fn remove_in(self, namespace: &Namespace, id: &str) -> Result<(), RuntimeError> {
        match self {
            Self::Cut => rules::remove(namespace, id).await,
            Self::Loss => loss::remove(namespace, id).await,
            Self::Delay => delay::remove(namespace, id).await,
            Self::Bandwidth => bandwidth::remove(namespace, id).await,
        }
    }

    async fn is_in(self, namespace: &Namespace, id: &str) -> Result<bool, RuntimeError> {
        Ok(match self {
            Self::Cut => rules::present(namespace, id).await?.is_some(),
            Self::Loss => loss::present(namespace, id).await?.is_some(),
            Self::Delay => delay::present(namespace, id).await?.is_some(),
            Self::Bandwidth => bandwidth::present(namespace, id).await?.is_some(),
        })
    }
}
