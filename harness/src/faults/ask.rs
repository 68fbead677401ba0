//! Questions to a server, each on a connection of its own from the tool's threads on the lab network.

use std::time::Duration;

use redis::{Cmd, FromRedisValue};
use redquake_topologies::runtime::LabNode;

use crate::clients::{Timeouts, open};
use crate::context::TrialContext;

/// An idle server on a lab network answers in a fraction of a millisecond; one that takes longer than this does not answer.
pub const ANSWERS_WITHIN: Duration = Duration::from_millis(300);

/// What a node answers to a command, or why it does not, in words.
pub async fn ask<T: FromRedisValue + Send + 'static>(context: &TrialContext, node: &LabNode, command: Cmd) -> Result<T, String> {
    ask_within(context, node, command, ANSWERS_WITHIN).await
}

/// The same with a bound of its own for the reply.
pub async fn ask_within<T: FromRedisValue + Send + 'static>(
    context: &TrialContext,
    node: &LabNode,
    command: Cmd,
    within: Duration,
) -> Result<T, String> {
    let address = node.address;
    let answer = context.control.spawn(async move {
        let timeouts = Timeouts { connect: ANSWERS_WITHIN, response: within };
        let asked = async { command.query_async::<T>(&mut open(address, timeouts).await?).await };
        asked.await.map_err(|error| error.to_string())
    });
    answer.await.map_err(|error| error.to_string())?.map_err(|error| format!("{}: {error}", node.name))
}
