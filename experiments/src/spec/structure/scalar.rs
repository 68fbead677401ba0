//! What a YAML scalar is: the YAML 1.2 core schema, in which `yes`, `no`, `on` and `off` are plain words.

use serde_json::{Number, Value};

use crate::spec::yaml::{Data, Node, is_null};

/// Kinds of values, by their names in JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// The kind of a node.
    pub(super) fn of(node: &Node) -> Self {
        match &node.data {
            Data::Sequence(_) => Self::Array,
            Data::Mapping(_) => Self::Object,
            Data::Scalar { plain: false, .. } => Self::String,
            Data::Scalar { text, plain: true } => Self::of_plain(text),
        }
    }

    fn of_plain(text: &str) -> Self {
        if is_null(text) {
            Self::Null
        } else if matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") {
            Self::Boolean
        } else if integer(text).is_some() {
            Self::Integer
        } else if is_float(text) {
            Self::Number
        } else {
            Self::String
        }
    }

    /// The kind a schema names.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    /// Whether a value of this kind is one of `wanted`.
    pub(super) fn fits(self, wanted: Self) -> bool {
        self == wanted || (self == Self::Integer && wanted == Self::Number)
    }

    /// In words, with an article.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Number => "a decimal number",
            Self::String => "a string",
            Self::Array => "a list",
            Self::Object => "a mapping",
        }
    }
}

/// A whole number in one of YAML's notations.
pub(super) fn integer(text: &str) -> Option<Number> {
    let radix = |digits: &str, radix: u32| {
        let plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        if plain { u64::from_str_radix(digits, radix).ok().map(Number::from) } else { None }
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match text.strip_prefix('-') {
        Some(_) => text.parse::<i64>().ok().map(Number::from),
        None => digits.parse::<u64>().ok().map(Number::from),
    }
}

fn is_float(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let begins = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'));
    begins && plain && digits.bytes().any(|b| b.is_ascii_digit()) && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// The JSON value of a scalar.
pub(super) fn value(text: &str, kind: Kind) -> Value {
    match kind {
        Kind::Null => Value::Null,
        Kind::Boolean => Value::Bool(text.eq_ignore_ascii_case("true")),
        Kind::Integer => integer(text).map_or(Value::Null, Value::Number),
        Kind::Number => text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number),
        _ => Value::String(text.to_owned()),
    }
}
