//! What every fault must be able to do: take effect, be seen to, be reverted, be verified to be gone.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::context::TrialContext;

/// One fault with its targets resolved.
#[async_trait]
pub trait Injection: Send + Sync {
    /// Names of the nodes, zones or clients it acts on.
    fn targets(&self) -> Vec<String>;

    /// Does it. What was done before an error is reverted by [`Self::revert`].
    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone>;

    /// Shows from both ends that it took effect, in words with figures. `others` were injected before and are still there.
    async fn prove(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String>;

    /// Takes it back; returns the instant at which it was gone. Only called for faults that have an end.
    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        let _ = context;
        Ok(Instant::now())
    }

    /// Before when it must not be reverted, where that shows only once it was proved.
    fn not_before(&self) -> Option<Instant> {
        None
    }

    /// Shows from both ends that it is gone. `others` are still there.
    async fn prove_reverted(&self, context: &TrialContext, others: &[Arc<dyn Injection>]) -> Result<String, String> {
        let _ = (context, others);
        Ok(String::new())
    }

    /// Whether packets between the two named are lost, late or few because of it, so that nothing else can be measured there.
    fn disturbs(&self, one: &str, other: &str) -> bool {
        let _ = (one, other);
        false
    }

    /// Whether it is an order that the servers carry out themselves. One that they agreed to and did not carry out is their doing.
    fn is_order(&self) -> bool {
        false
    }

    /// What is worth knowing of it once the trial has recovered, if anything.
    async fn aftermath(&self, context: &TrialContext) -> Option<String> {
        let _ = context;
        None
    }

    /// Whether it keeps packets of one of the two named from the other.
    fn severs(&self, one: &str, other: &str) -> bool {
        let _ = (one, other);
        false
    }
}

/// Something that was done.
pub struct Done {
    /// The instant: of the signal, of the rule, of the command.
    pub at: Instant,
    /// To whom.
    pub targets: Vec<String>,
    /// In words.
    pub detail: String,
}

/// Why a fault was not injected.
#[derive(Debug)]
pub enum NotDone {
    /// No server was as it needs one, or the servers refused it: a result, and the same the next time.
    NoOccasion(String),
    /// It could not be done.
    Failed(String),
}

impl From<String> for NotDone {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

impl From<&str> for NotDone {
    fn from(reason: &str) -> Self {
        Self::Failed(reason.to_owned())
    }
}
