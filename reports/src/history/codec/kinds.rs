//! The kinds of events, asked of the type itself: a list kept by hand would miss the next one.

use serde::de::{Deserialize, Deserializer, Error, Visitor, value};
use serde::forward_to_deserialize_any;

use crate::history::Event;

/// Names of all kinds, as they stand in a history.
pub fn kinds() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It answers with no event, and has said by then which kinds it knows.
    let _ = Event::deserialize(Asked(&mut names));
    names
}

/// A source without content that writes down which variants are looked for in it.
struct Asked<'n>(&'n mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Error::custom("there is nothing"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = variants;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::kinds;

    #[test]
    fn every_kind_is_known_by_its_name_in_a_history() {
        for kind in ["header", "started", "op", "vote", "access", "server_stall", "end"] {
            assert!(kinds().contains(&kind), "{kind}");
        }
    }
}
