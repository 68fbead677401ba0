//! One entry of `workloads`: what all kinds share, and the kind.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    CacheAsideWorkload, CounterWorkload, FixedWindowWorkload, LockWorkload, PaymentJobWorkload, RegisterWorkload, SetWorkload,
    SlidingWindowWorkload, Zones,
};
use crate::spec::{Database, Duration, Rate};

/// A load of real clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// What all kinds share.
    #[serde(flatten)]
    pub common: Common,
    /// What the clients do.
    #[serde(flatten)]
    pub kind: WorkloadKind,
}

impl std::ops::Deref for Workload {
    type Target = Common;
    fn deref(&self) -> &Common {
        &self.common
    }
}

/// What all kinds of workloads share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Common {
    /// Name of the workload; its metrics are `<name>.error_rate` and so on.
    #[schemars(schema_with = "crate::spec::schema::name_schema")]
    pub name: String,
    /// The place in the network where its clients live, by any name, or a list of places they are dealt out to in turn. Clients of one
    /// zone live together, and partitions can cut a zone off. Without one they live where no fault reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Zones")]
    pub zone: Option<Zones>,
    /// Number of clients, each with connections of its own.
    #[schemars(range(min = 1, max = 1000))]
    pub clients: u32,
    /// Operations begun per second, all clients together. Arrivals are open loop: a stalled server does not slow them.
    pub rate: Rate,
    /// What a client does to find the primary again.
    #[serde(default)]
    pub client: ClientPolicy,
    /// Longest wait for a reply before its outcome counts as unknown; default 250ms.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// Longest wait for a connection; default 250ms.
    #[serde(default = "default_timeout")]
    pub connect_timeout: Duration,
}

/// A kind of client load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WorkloadKind {
    /// Clients take a lock, hold it for a while and give it back.
    Lock(LockWorkload),
    /// Clients add elements that must not vanish.
    Set(SetWorkload),
    /// Clients count, and no increment may vanish.
    Counter(CounterWorkload),
    /// Clients read, write and replace values, and must be told what one register would tell.
    Register(RegisterWorkload),
    /// Clients ask a limiter with one counter a window.
    FixedWindowLimiter(FixedWindowWorkload),
    /// Clients ask a limiter with one entry a request.
    SlidingWindowLimiter(SlidingWindowWorkload),
    /// Clients read through a cache.
    CacheAside(CacheAsideWorkload),
    /// Servers pick up jobs and pay them.
    PaymentJob(PaymentJobWorkload),
}

impl WorkloadKind {
    /// The database it works against, and the field that says so.
    pub fn database(&self) -> Option<&Database> {
        match self {
            Self::CacheAside(cache) => Some(&cache.database),
            Self::PaymentJob(payment) => Some(&payment.database),
            _ => None,
        }
    }

    /// Whether operations come all the time: only then is a time without answers one without service.
    pub fn is_steady(&self) -> bool {
        match self {
            Self::FixedWindowLimiter(limiter) => limiter.burst.is_none(),
            Self::SlidingWindowLimiter(limiter) => limiter.burst.is_none(),
            _ => true,
        }
    }

    /// Whether its clients talk to the independent primaries, and so know nothing of the set or Cluster.
    pub fn asks_independent(&self) -> bool {
        matches!(self, Self::Lock(lock) if lock.asks_independent())
    }

    /// Replicas that must have a write (`WAIT`) before it counts as acknowledged; 0 where none must, or the kind cannot ask for it.
    pub fn wait(&self) -> u32 {
        match self {
            Self::Lock(lock) => lock.wait,
            Self::PaymentJob(payment) => payment.wait,
            Self::Set(set) => set.wait,
            Self::Counter(counter) => counter.wait,
            Self::Register(register) => register.wait,
            _ => 0,
        }
    }

    /// The kind as written in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Lock(_) => "lock",
            Self::Set(_) => "set",
            Self::Counter(_) => "counter",
            Self::Register(_) => "register",
            Self::FixedWindowLimiter(_) => "fixed-window-limiter",
            Self::SlidingWindowLimiter(_) => "sliding-window-limiter",
            Self::CacheAside(_) => "cache-aside",
            Self::PaymentJob(_) => "payment-job",
        }
    }
}

/// The schema of every kind, with the fields all workloads share written into each of its forms.
impl JsonSchema for Workload {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Workload".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = WorkloadKind::json_schema(generator);
        let common = Common::json_schema(generator).to_value();
        let member = |key: &str| common.get(key).cloned().unwrap_or_default();
        let branches = schema.get_mut("oneOf").and_then(Value::as_array_mut);
        for form in branches.into_iter().flatten().filter_map(Value::as_object_mut) {
            crate::spec::schema::inline(form, generator);
            let mut properties: Map<String, Value> = member("properties").as_object().cloned().unwrap_or_default();
            properties.extend(form.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
            let mut required: Vec<Value> = member("required").as_array().cloned().unwrap_or_default();
            required.extend(form.get("required").and_then(Value::as_array).cloned().unwrap_or_default());
            form.insert("properties".to_owned(), properties.into());
            form.insert("required".to_owned(), required.into());
            form.insert("additionalProperties".to_owned(), false.into());
        }
        schema.insert("description".to_owned(), "A load of real clients.".into());
        schema
    }
}

/// What a client does after an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientPolicy {
    /// Ask the Sentinels, or the nodes of the Cluster, again and build a new connection after an error.
    #[default]
    Rebuild,
    /// Leave everything to the redis crate as shipped.
    Library,
    /// Leave everything to the redis crate's Cluster client, with its timeouts set and its own retries off.
    LibraryTuned,
}

fn default_timeout() -> Duration {
    Duration::from_millis(250)
}
