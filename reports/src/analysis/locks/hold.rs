//! One hold of a lock, small enough to keep millions of.

/// No node was named.
pub const NO_NODE: u16 = u16::MAX;

/// A hold with the interval that is compared: its core, or a longer one when lateness is asked for. 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Acquire completed.
    pub start: u64,
    /// End of the interval.
    pub end: u64,
    /// Identity of the hold.
    pub id: u64,
    /// Key number.
    pub key: u32,
    /// Client.
    pub client: u16,
    /// Node that granted it, or `NO_NODE`.
    pub node: u16,
}

impl Hold {
    /// Order of the sweep. An interval without length comes before a longer one that starts with it: they only touch.
    pub fn order(&self) -> (u32, u64, u64, u64) {
        (self.key, self.start, self.end, self.id)
    }
}

/// The holds of one key in a slice sorted by [`Hold::order`].
pub fn of_key(sorted: &[Hold], key: u32) -> &[Hold] {
    let from = sorted.partition_point(|hold| hold.key < key);
    let to = from + sorted[from..].partition_point(|hold| hold.key == key);
    &sorted[from..to]
}
