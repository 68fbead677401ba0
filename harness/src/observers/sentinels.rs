//! `PSUBSCRIBE *` on one Sentinel, for as long as the trial lasts.

use std::time::Duration;

use futures_util::StreamExt;
use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisResult};
use redquake_reports::history::{Event, SentinelEvent};
use redquake_topologies::namespace::Zone;

use crate::context::{Clock, Member, Recorder, Watch};

const CONNECT_WITHIN: Duration = Duration::from_millis(500);
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Starts listening to one Sentinel on the zone's threads; listens again when the connection is lost.
pub fn start(watch: &Watch, zone: &Zone, member: &Member) {
    let (clock, recorder) = (watch.clock, watch.recorder.clone());
    let member = member.clone();
    watch.spawn(zone, async move {
        loop {
            // An error here is a Sentinel that is gone, which the trial sees by other means too.
            let _ = listen(&member, clock, &recorder).await;
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    });
}

async fn listen(member: &Member, clock: Clock, recorder: &Recorder) -> RedisResult<()> {
    let address = member.node.address;
    let client = Client::open(ConnectionAddr::Tcp(address.ip.to_string(), address.port).into_connection_info()?)?;
    let late = |_| redis::RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let mut subscription = tokio::time::timeout(CONNECT_WITHIN, client.get_async_pubsub()).await.map_err(late)??;
    tokio::time::timeout(CONNECT_WITHIN, subscription.psubscribe("*")).await.map_err(late)??;
    let mut messages = subscription.into_on_message();
    while let Some(message) = messages.next().await {
        let at = clock.now();
        let event = message.get_channel_name().to_owned();
        let payload = message.get_payload().unwrap_or_default();
        recorder.record(Event::Sentinel(SentinelEvent { at, node: member.index, event, payload }));
    }
    Ok(())
}
