//! What real clients do while the servers are being broken.

mod cache;
mod counter;
mod declared;
mod lifetime;
mod limiter;
mod lock;
mod payment;
mod register;
mod set;
mod zones;

pub use cache::{Access, Breaker, CacheAsideWorkload, Scale};
pub use counter::CounterWorkload;
pub use declared::{ClientPolicy, Common, Workload, WorkloadKind};
pub use lifetime::Lifetime;
pub use limiter::{Burst, FixedWindowWorkload, LimiterClock, OnError, SlidingBy, SlidingWindowWorkload};
pub use lock::{Fencing, LockWorkload};
pub use payment::PaymentJobWorkload;
pub use register::{Mix, RegisterWorkload};
pub use set::SetWorkload;
pub use zones::Zones;
