//! Results whose every text is an attack.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Pieces of attacks on every format.
pub const PIECES: [&str; 44] = [
    "::error::x",
    "::set-output name=a::b",
    "##[error]x",
    "##vso[task.setvariable]x",
    "section_start:1:a\r\u{1b}[0K",
    "\n",
    "\r\n",
    "\r",
    "\u{1b}[31m",
    "\u{1b}]0;t\u{7}",
    "\u{9b}2J",
    "\u{202e}",
    "\u{2066}",
    "\u{200f}",
    "\u{feff}",
    "\u{2028}",
    "\u{0}",
    "\u{fffe}",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onload='x",
    "javascript:alert(1)",
    "</code></td>",
    "</details>",
    "]]>",
    "-->",
    "<!--",
    "&lt;",
    "&#58;",
    "`",
    "```",
    "|",
    "\\|",
    "# ",
    "- ",
    "1. ",
    "---",
    "===",
    "[a](javascript:x)",
    "![a](http://e)",
    "<http://e>",
    "\"} 1\nevil{a=\"",
    "# EOF",
];

pub fn attack() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![4 => piece, 1 => "[a-z :]{0,6}", 1 => any::<String>()], 0..5).prop_map(|pieces| pieces.concat())
}

/// Runs over all strings of a value, with their place: the names of the fields that lead to it.
pub fn strings(value: &mut Value, place: &str, visit: &mut impl FnMut(&str, &mut String)) {
    match value {
        Value::String(text) => visit(place, text),
        Value::Array(items) => items.iter_mut().for_each(|item| strings(item, place, visit)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| strings(field, &format!("{place}/{name}"), visit)),
        _ => {}
    }
}

/// A document and the places of its texts: those that may be any text, which is not so of a verdict.
pub struct Victim {
    pub value: Value,
    pub free: BTreeSet<String>,
}

impl Victim {
    pub fn new<D: Serialize + DeserializeOwned>(document: &D) -> Self {
        let mut value = serde_json::to_value(document).unwrap();
        let mut places = BTreeSet::new();
        strings(&mut value, "", &mut |place, _| {
            places.insert(place.to_owned());
        });
        let free = |place: &String| {
            let mut probe = value.clone();
            strings(&mut probe, "", &mut |at, text| {
                if at == place {
                    *text = "any text".to_owned();
                }
            });
            serde_json::from_value::<D>(probe).is_ok()
        };
        let free: BTreeSet<String> = places.into_iter().filter(free).collect();
        Self { value, free }
    }

    /// The document with an attack at every such place, and in every name of a map whose keys may be any text.
    pub fn attacked<D: DeserializeOwned>(&self, attacks: &[String]) -> D {
        let mut value = self.value.clone();
        let mut next = attacks.iter().cycle();
        strings(&mut value, "", &mut |place, text| {
            if self.free.contains(place) {
                text.clone_from(next.next().unwrap());
            }
        });
        rename(&mut value, &mut next);
        serde_json::from_value(value).unwrap()
    }
}

/// Gives every second entry of the maps with free keys another name.
pub fn rename<'a>(value: &mut Value, attacks: &mut impl Iterator<Item = &'a String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, attacks)),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                rename(field, attacks);
                if let ("metrics" | "predictions", Value::Object(entries)) = (name.as_str(), field) {
                    let renamed = std::mem::take(entries).into_iter().enumerate().map(|(index, (key, entry))| {
                        if index % 2 == 0 { (key, entry) } else { (format!("{}{index}", attacks.next().unwrap()), entry) }
                    });
                    *entries = renamed.collect();
                }
            }
        }
        _ => {}
    }
}
