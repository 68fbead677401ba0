//! What a schema says: the questions the walk asks it.

use serde_json::Value;

use super::scalar::Kind;
use crate::spec::schema;

/// Follows `$ref`: the name of the definition, if there is one, and the schema itself.
pub(super) fn resolve(schema: &Value) -> (Option<&str>, &Value) {
    let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix("#/$defs/")) else {
        return (None, schema);
    };
    match schema::experiment().get("$defs").and_then(|defs| defs.get(name)) {
        Some(target) => (Some(name), target),
        None => (None, schema),
    }
}

pub(super) fn branches(schema: &Value) -> Option<Vec<&Value>> {
    let all = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?;
    if all.iter().all(|branch| branch.get("const").is_some()) {
        return None;
    }
    Some(all.iter().collect())
}

/// The words of an enumeration.
pub(super) fn words(schema: &Value) -> Option<Vec<&Value>> {
    if let Some(one) = schema.get("const") {
        return Some(vec![one]);
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(words.iter().collect());
    }
    let branches = schema.get("oneOf").and_then(Value::as_array)?;
    branches.iter().map(|branch| branch.get("const")).collect()
}

/// The key that tells the forms apart: the one that is a constant in each of them.
pub(super) fn tag<'s>(branches: &[&'s Value]) -> Option<&'s str> {
    let first = resolve(branches.first()?).1.get("properties")?.as_object()?;
    let constant = |branch: &Value, key: &str| resolve(branch).1.get("properties").and_then(|p| p.get(key)?.get("const")).is_some();
    first.keys().find(|key| branches.iter().all(|branch| constant(branch, key))).map(String::as_str)
}

pub(super) fn wanted(schema: &Value) -> Vec<Kind> {
    let schema = resolve(schema).1;
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ => Vec::new(),
    };
    let mut kinds: Vec<Kind> = names.into_iter().filter_map(Kind::named).collect();
    let branches = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
    for branch in branches.into_iter().flatten() {
        kinds.extend(wanted(branch).into_iter().filter(|kind| *kind != Kind::Null));
    }
    kinds.dedup();
    kinds
}

pub(super) fn accepts(schema: &Value, kind: Kind) -> bool {
    let schema = resolve(schema).1;
    if let Some(branches) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        return branches.iter().any(|branch| accepts(branch, kind));
    }
    match schema.get("type") {
        Some(Value::String(name)) => Kind::named(name).is_some_and(|wanted| kind.fits(wanted)),
        Some(Value::Array(names)) => names.iter().filter_map(|name| Kind::named(name.as_str()?)).any(|wanted| kind.fits(wanted)),
        _ => true,
    }
}

/// `a string, a number or a list`.
pub(super) fn either(kinds: &[Kind]) -> String {
    let plain = |kind: &Kind| if *kind == Kind::Number { "a number" } else { kind.words() };
    let words: Vec<&str> = kinds.iter().map(plain).collect();
    match words.as_slice() {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}

pub(super) fn bounds(schema: &Value) -> (f64, f64) {
    let low = schema.get("minimum").and_then(Value::as_f64).unwrap_or(f64::MIN);
    let format = match schema.get("format").and_then(Value::as_str) {
        Some("uint32") => f64::from(u32::MAX),
        _ => f64::MAX,
    };
    (low, schema.get("maximum").and_then(Value::as_f64).unwrap_or(format))
}
