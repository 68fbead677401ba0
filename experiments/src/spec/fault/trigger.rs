//! What a fault waits for: another fault, or something that is seen.

use std::fmt;
use std::str::FromStr;

use crate::spec::Duration;

/// So long after the injection of another fault: `crash + 500ms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// Name of the other fault.
    pub fault: String,
    /// Time since its injection.
    pub delay: Duration,
}

/// Something that is seen in the running topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The replica that is furthest behind lacks more than so many bytes of the primary's stream.
    ReplicaLag(u64),
    /// A Sentinel published this event about the primary, `+odown` for example, after the baseline window began.
    Event(String),
    /// A replica takes a full copy from its primary.
    FullSync,
    /// A data node that was a replica says that it is a primary, after the baseline window began.
    Promotion,
}

/// Why a trigger could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TriggerError(pub String);

impl FromStr for After {
    type Err = TriggerError;

    fn from_str(text: &str) -> Result<Self, TriggerError> {
        let wrong = || TriggerError(format!("`{text}` is not a fault and a time; write it like `crash + 500ms`"));
        let (fault, delay) = match text.rsplit_once('+') {
            Some((fault, delay)) => (fault.trim(), delay.trim().parse().map_err(|_| wrong())?),
            None => (text.trim(), Duration::default()),
        };
        if fault.is_empty() || fault.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self { fault: fault.to_owned(), delay })
    }
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {}", self.fault, self.delay)
    }
}

/// Units of a number of bytes, largest first.
const BYTES: [(u64, &str); 4] = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"), (1, "B")];

impl FromStr for Trigger {
    type Err = TriggerError;

    fn from_str(text: &str) -> Result<Self, TriggerError> {
        let wrong = || {
            TriggerError(format!(
                "`{text}` is not something to wait for; write `replica_lag > 1MB`, `event +odown`, `full-sync` or `promotion`"
            ))
        };
        let text = text.trim();
        match text {
            "full-sync" => return Ok(Self::FullSync),
            "promotion" => return Ok(Self::Promotion),
            _ => {}
        }
        if let Some(event) = text.strip_prefix("event ").map(str::trim) {
            let known = event.starts_with(['+', '-']) && event.len() > 1 && !event.contains(char::is_whitespace);
            return if known { Ok(Self::Event(event.to_owned())) } else { Err(wrong()) };
        }
        let limit = text.strip_prefix("replica_lag").and_then(|rest| rest.trim_start().strip_prefix('>')).ok_or_else(wrong)?.trim();
        let (scale, unit) = BYTES.into_iter().find(|(_, unit)| limit.ends_with(unit)).ok_or_else(wrong)?;
        let number: u64 = limit.trim_end_matches(unit).trim().parse().map_err(|_| wrong())?;
        number.checked_mul(scale).map(Self::ReplicaLag).ok_or_else(wrong)
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReplicaLag(bytes) => {
                let whole = BYTES.into_iter().find(|(scale, _)| *bytes >= *scale && bytes.is_multiple_of(*scale));
                let (scale, unit) = whole.unwrap_or((1, "B"));
                write!(f, "replica_lag > {}{unit}", bytes / scale)
            }
            Self::Event(name) => write!(f, "event {name}"),
            Self::FullSync => write!(f, "full-sync"),
            Self::Promotion => write!(f, "promotion"),
        }
    }
}

crate::spec::text::as_string!(
    After,
    "After",
    "A fault and a time since its injection, like `crash + 500ms`.",
    r"^[A-Za-z0-9._-]+(\s*\+\s*[0-9]+(\.[0-9]+)?\s*(us|ms|s|m|h))?$",
    "crash + 500ms"
);
crate::spec::text::as_string!(
    Trigger,
    "Trigger",
    "`replica_lag > 1MB`, `event +odown`, `full-sync` or `promotion`.",
    r"^(replica_lag\s*>\s*[0-9]+\s*(B|KB|MB|GB)|event\s+[+-]\S+|full-sync|promotion)$",
    "event +odown"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for text in ["replica_lag > 1MB", "replica_lag > 1536B", "event +odown", "event -sdown", "full-sync", "promotion"] {
            assert_eq!(text.parse::<Trigger>().map(|trigger| trigger.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("crash+500ms".parse::<After>().map(|after| after.to_string()).as_deref(), Ok("crash + 500ms"));
        assert_eq!("crash".parse::<After>().map(|after| after.delay), Ok(Duration::default()));
    }

    #[test]
    fn what_is_no_trigger_is_refused_with_the_forms_there_are() {
        for text in ["", "lag > 1MB", "replica_lag < 1MB", "replica_lag > 1", "event odown", "event ", "fullsync"] {
            let error = text.parse::<Trigger>().expect_err(text);
            assert!(error.0.contains("event +odown"), "{error}");
        }
        assert!("+ 5s".parse::<After>().is_err());
        assert!("crash + soon".parse::<After>().is_err());
    }
}
