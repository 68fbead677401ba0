//! A bare `PING`: whether a server takes the connection and whether it answers are two things.

use std::time::{Duration, Instant};

use redquake_topologies::runtime::{LabNode, ServerState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ask::ANSWERS_WITHIN;
use crate::context::TrialContext;

/// How often a server is asked again whether it answers.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The first line of a reply, such as `+PONG` or `-BUSY ...`.
    Line(String),
    /// The connection was taken, by the kernel for it, and nothing came.
    Silence,
    /// There was no connection.
    NoConnection(String),
}

impl Heard {
    /// In words.
    pub fn words(&self, name: &str) -> String {
        match self {
            Self::Line(line) => format!("{name} answered PING with `{line}`"),
            Self::Silence => format!("{name} took a connection and did not answer PING within {ANSWERS_WITHIN:?}"),
            Self::NoConnection(error) => format!("{name} took no connection ({error})"),
        }
    }
}

/// Sends one line on a connection of its own, without the handshake of a client library.
pub async fn say(context: &TrialContext, node: &LabNode, line: &'static str, within: Duration) -> Heard {
    let address = node.address;
    let said = context.control.spawn(async move {
        let connected = tokio::time::timeout(ANSWERS_WITHIN, TcpStream::connect((address.ip, address.port))).await;
        let mut stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Heard::NoConnection(error.to_string()),
            Err(_) => return Heard::NoConnection(format!("no answer within {ANSWERS_WITHIN:?}")),
        };
        let exchange = async {
            stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            let mut reply = [0; 256];
            stream.read(&mut reply).await.map(|read| String::from_utf8_lossy(&reply[..read]).lines().next().unwrap_or_default().to_owned())
        };
        match tokio::time::timeout(within, exchange).await {
            Err(_) => Heard::Silence,
            Ok(Ok(line)) if !line.is_empty() => Heard::Line(line),
            Ok(Ok(_)) => Heard::NoConnection("closed".to_owned()),
            Ok(Err(error)) => Heard::NoConnection(error.to_string()),
        }
    });
    said.await.unwrap_or_else(|error| Heard::NoConnection(error.to_string()))
}

/// Whether the process of a node is stopped, so that it can answer nothing.
pub async fn stopped(context: &TrialContext, node: &LabNode) -> bool {
    context.lab.state(&node.name).await.is_ok_and(|state| state == ServerState::Stopped)
}

/// What a server answers to `PING`.
pub async fn ping(context: &TrialContext, node: &LabNode) -> Heard {
    say(context, node, "PING", ANSWERS_WITHIN).await
}

/// How long silence is waited for from a server that is to be silent for so long: no longer than that, or the wait would prolong it.
pub fn patience(lasts: Duration) -> Duration {
    ANSWERS_WITHIN.min(lasts / 2)
}

/// Waits until a server whose process is there executes commands again, and says how long that took; one whose process is gone has
/// nothing left to answer.
pub async fn answers_again(context: &TrialContext, node: &LabNode, within: Duration) -> Result<String, String> {
    let began = Instant::now();
    let mut since = began;
    loop {
        let heard = ping(context, node).await;
        let executed = match &heard {
            // Refused for another reason than being held up.
            Heard::Line(line) => !line.starts_with("-BUSY"),
            _ => false,
        };
        if executed {
            return Ok(format!("{} after {:.1} ms", heard.words(&node.name), began.elapsed().as_secs_f64() * 1e3));
        }
        if !context.lab.alive(&node.name).await.unwrap_or(true) {
            return Ok(format!("the process of {} is gone", node.name));
        }
        // What is stopped by another fault answers when that is over.
        if stopped(context, node).await {
            since = Instant::now();
        } else if since.elapsed() > within {
            return Err(format!("{}, {within:?} after it was over", heard.words(&node.name)));
        }
        tokio::time::sleep(ASK_AGAIN_AFTER).await;
    }
}
