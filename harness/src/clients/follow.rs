//! A connection to one node of a Cluster that goes where it is sent: for reads after the load, of which no attempt is recorded.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddrV4;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value};
use redquake_topologies::runtime::NodeAddress;

use super::connect::{Timeouts, open};
use super::detour::{Detour, cause, detour};

/// How often one command is sent on: to where its slot is, and from there once to where its key is.
const MOST_DETOURS: usize = 3;

/// The connection, and those to the nodes it was sent to.
pub struct Following {
    own: MultiplexedConnection,
    others: HashMap<String, MultiplexedConnection>,
    timeouts: Timeouts,
}

impl Following {
    /// Beginning at one node.
    pub fn new(own: MultiplexedConnection, timeouts: Timeouts) -> Self {
        Self { own, others: HashMap::new(), timeouts }
    }

    async fn at(&mut self, address: String) -> RedisResult<&mut MultiplexedConnection> {
        let stranger = |_| std::io::Error::other(format!("`{address}` is no address of a node"));
        let node: SocketAddrV4 = address.parse().map_err(stranger)?;
        match self.others.entry(address) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(open(NodeAddress { ip: *node.ip(), port: node.port() }, self.timeouts).await?)),
        }
    }

    /// A command again, where the error of its first attempt says.
    async fn elsewhere(&mut self, command: &Cmd, mut error: RedisError) -> RedisResult<Value> {
        for _ in 0..MOST_DETOURS {
            let answer = match detour(&error) {
                Some(Detour::Moved(_, address)) => self.at(address).await?.req_packed_command(command).await,
                Some(Detour::Ask(address)) => {
                    let mut both = redis::pipe();
                    both.cmd("ASKING").add_command(command.clone());
                    let answers = both.query_async::<Vec<Value>>(self.at(address).await?).await;
                    answers.map(|mut answers| answers.pop().unwrap_or(Value::Nil))
                }
                _ => return Err(error),
            };
            match answer.and_then(Value::extract_error) {
                Ok(value) => return Ok(value),
                Err(next) => error = cause(&next).unwrap_or(next),
            }
        }
        Err(error)
    }
}

impl ConnectionLike for Following {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            match self.own.req_packed_command(command).await.and_then(Value::extract_error) {
                Err(error) if detour(&error).is_some() => self.elsewhere(command, error).await,
                answer => answer,
            }
        })
    }

    fn req_packed_commands<'a>(&'a mut self, commands: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let mut answers = self.own.req_packed_commands(commands, offset, count).await?;
            if !commands.is_transaction() {
                for (answer, command) in answers.iter_mut().zip(commands.cmd_iter()) {
                    let Value::ServerError(error) = answer else { continue };
                    *answer = self.elsewhere(command, error.clone().into()).await?;
                }
            }
            Ok(answers)
        })
    }

    fn get_db(&self) -> i64 {
        self.own.get_db()
    }
}
