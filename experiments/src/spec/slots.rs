//! Ranges of hash slots, as a file writes them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cluster::SLOTS;

/// Slots of one shard: ranges with both ends, in the order written. In a file: `"0-5460"`, `"7"` or `"0-99,200-299"`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotRanges(Vec<(u16, u16)>);

/// The shard, from 1, that key number `key` of a workload is put on: keys are dealt out evenly, by hash tags.
pub fn shard_of(key: u32, shards: u32) -> u32 {
    key % shards.max(1) + 1
}

/// The hash slot of a key: of its hash tag, where it has one (cluster.c, `keyHashSlot`).
pub fn key_slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag).filter(|tag| !tag.is_empty());
    CRC.checksum(tag.unwrap_or(key).as_bytes()) % SLOTS
}

const CRC: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_XMODEM);

/// Which slots of a shard, as a file writes it: how many (`100`), or which (`"0-99,200"`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotChoice {
    /// So many of them.
    Count(u32),
    /// These.
    These(SlotRanges),
}

/// Why slots could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SlotsError(String);

impl SlotRanges {
    /// Ranges with both ends.
    pub fn new(ranges: Vec<(u16, u16)>) -> Self {
        Self(ranges)
    }

    /// First and last slot of each range.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u16)> {
        self.0.iter().copied()
    }

    /// Whether a slot is among them.
    pub fn contains(&self, slot: u16) -> bool {
        self.iter().any(|(first, last)| (first..=last).contains(&slot))
    }

    /// The same slots in rising order, ranges that touch made one: as servers tell them.
    pub fn merged(&self) -> Self {
        let mut ranges = self.0.clone();
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut().filter(|before| first <= before.1.saturating_add(1)) {
                Some(before) => before.1 = before.1.max(last),
                None => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// How many slots.
    pub fn count(&self) -> u32 {
        self.iter().map(|(first, last)| u32::from(last) - u32::from(first) + 1).sum()
    }
}

impl fmt::Display for SlotRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last { write!(f, "{comma}{first}")? } else { write!(f, "{comma}{first}-{last}")? }
        }
        Ok(())
    }
}

impl FromStr for SlotRanges {
    type Err = SlotsError;

    fn from_str(text: &str) -> Result<Self, SlotsError> {
        let wrong =
            || SlotsError(format!("`{text}` are no slots; write ranges from 0 to {}, for example `0-5460` or `0-99,200`", SLOTS - 1));
        let slot = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|slot| digits && *slot < SLOTS).ok_or_else(wrong)
        };
        let ranges = text.split(',').map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (slot(first.trim())?, slot(last.trim())?);
            if first <= last { Ok((first, last)) } else { Err(SlotsError(format!("the slots `{}` run backwards", range.trim()))) }
        });
        ranges.collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for SlotChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            // A number alone would be a count.
            Self::These(slots) => match slots.0.as_slice() {
                [(first, last)] if first == last => write!(f, "{first}-{last}"),
                _ => write!(f, "{slots}"),
            },
        }
    }
}

impl FromStr for SlotChoice {
    type Err = SlotsError;

    fn from_str(text: &str) -> Result<Self, SlotsError> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let count = text.parse().ok().filter(|count| (1..=u32::from(SLOTS)).contains(count));
            let wrong = || SlotsError(format!("`{text}` is no number of slots; there are {SLOTS}, of which 1 or more can be moved"));
            return count.map(Self::Count).ok_or_else(wrong);
        }
        text.parse().map(Self::These)
    }
}

impl Serialize for SlotChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SlotChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for SlotChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SlotChoice".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How many slots, `100`, or which, `\"0-99,200\"`; one alone is `\"7-7\"`.",
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 16384,
            "pattern": "^[0-9]{1,5}$|^ *[0-9]{1,5} *(- *[0-9]{1,5} *)?(, *[0-9]{1,5} *(- *[0-9]{1,5} *)?)*$",
            "examples": ["100"]
        })
    }
}

impl Serialize for SlotRanges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SlotRanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for SlotRanges {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SlotRanges".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Slots of one shard, `\"0-5460\"` or `\"0-99,200\"`.",
            "type": "string",
            "pattern": "^ *[0-9]{1,5} *(- *[0-9]{1,5} *)?(, *[0-9]{1,5} *(- *[0-9]{1,5} *)?)*$",
            "examples": ["0-5460"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        for text in ["0-5460", "7", "0-99,200-299", "16383"] {
            assert_eq!(text.parse::<SlotRanges>().unwrap().to_string(), text);
        }
        assert_eq!("0-9,20".parse::<SlotRanges>().unwrap().count(), 11);
    }

    #[test]
    fn slots_of_keys_are_those_of_the_servers() {
        // `CLUSTER KEYSLOT` of Redis 7.0; the first from the Cluster specification.
        for (key, slot) in [("123456789", 12739), ("foo", 12182), ("{foo}bar", 12182), ("a{}b", 13694), ("x{foo}{bar}", 12182)] {
            assert_eq!(key_slot(key), slot, "{key}");
        }
    }

    #[test]
    fn only_a_tag_that_is_closed_and_not_empty_is_hashed_and_of_several_the_first() {
        // Examples of the Cluster specification, `Hash tags`; the slots are those of the part in the braces, or of the whole.
        assert_eq!(key_slot("{user1000}.following"), key_slot("{user1000}.followers"));
        assert_eq!(key_slot("foo{{bar}}zap"), key_slot("{bar"));
        assert_eq!(key_slot("foo{bar}{zap}"), key_slot("bar"));
        for whole in ["foo{}{bar}", "foo{bar", "}foo{", ""] {
            assert_eq!(key_slot(whole), CRC.checksum(whole.as_bytes()) % SLOTS, "{whole}");
        }
        assert_eq!((key_slot(""), key_slot("user:17"), key_slot("schlüssel")), (0, 4_440, 7_677));
    }

    #[test]
    fn a_number_is_how_many_slots_and_ranges_are_which() {
        assert_eq!("100".parse(), Ok(SlotChoice::Count(100)));
        assert_eq!("7-7".parse(), Ok(SlotChoice::These("7".parse().unwrap())));
        for text in ["100", "7-7", "0-99,200"] {
            assert_eq!(text.parse::<SlotChoice>().unwrap().to_string(), text);
        }
        for text in ["0", "16385", "99999999999", "9-1", "", "some"] {
            assert!(text.parse::<SlotChoice>().is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_that_touch_become_one() {
        assert_eq!("200-299,0-99,100-150,7,152".parse::<SlotRanges>().unwrap().merged().to_string(), "0-150,152,200-299");
    }

    #[test]
    fn what_is_no_slot_is_refused() {
        for text in ["", "16384", "5-1", "a-b", "1-", "-1", "1,,2", "+1"] {
            assert!(text.parse::<SlotRanges>().is_err(), "{text}");
        }
    }
}
