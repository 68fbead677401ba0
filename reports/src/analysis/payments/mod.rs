//! Which jobs were charged more than once, and what happened to the lock each time. Definitions: docs/definitions.md.

mod causes;
mod check;

pub use causes::{Attempt, Cause, ChargedTwice, PaymentRules, charged_twice};
pub use check::Payments;
