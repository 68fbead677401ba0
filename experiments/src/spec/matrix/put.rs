//! A value put in place at a path.

use super::Axis;
use crate::spec::problem::Problem;
use crate::spec::source::Span;
use crate::spec::structure;
use crate::spec::yaml::{Data, Entry, Node, is_null};

/// Puts one value of an axis into a tree. A path like `workloads.locks.client` names the members of mappings and, in lists, the
/// element of that `name`; `assert[0].expect` names an element by its place. Members that are missing are made.
pub(crate) fn put(root: &mut Node, axis: &Axis, value: &Node) -> Result<(), Box<Problem>> {
    into(root, &axis.path, "", axis, value)
}

fn into(node: &mut Node, rest: &str, before: &str, axis: &Axis, value: &Node) -> Result<(), Box<Problem>> {
    if let Data::Scalar { text, plain: true } = &node.data
        && is_null(text)
    {
        node.data = Data::Mapping(Vec::new());
    }
    match &mut node.data {
        Data::Mapping(entries) => {
            let (head, rest) = rest.split_once('.').map_or((rest, None), |(head, rest)| (head, Some(rest)));
            let (key, index) = indexed(head);
            if key.is_empty() {
                return Err(nowhere(axis, "a step of it is empty", None));
            }
            let at = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
                entries.push(Entry { key: key.to_owned(), key_span: axis.key_span.clone(), value: empty(&axis.key_span) });
                entries.len() - 1
            });
            let entry = &mut entries[at];
            let here = if before.is_empty() { key.to_owned() } else { format!("{before}.{key}") };
            match (index, rest) {
                (None, None) => {
                    entry.key_span = axis.key_span.clone();
                    entry.value = value.clone();
                    Ok(())
                }
                (None, Some(rest)) => into(&mut entry.value, rest, &here, axis, value),
                (Some(index), rest) => element(&mut entry.value, index, rest, &here, axis, value),
            }
        }
        Data::Sequence(items) => named(items, rest, before, axis, value),
        Data::Scalar { .. } => Err(nowhere(axis, &format!("`{before}` has no parts"), None)),
    }
}

/// The element with the longest name that the rest of the path begins with: names may have dots in them.
fn named(items: &mut [Node], rest: &str, before: &str, axis: &Axis, value: &Node) -> Result<(), Box<Problem>> {
    let names: Vec<Option<String>> = items.iter().map(name).collect();
    let fits = |name: &str| rest == name || rest.strip_prefix(name).is_some_and(|after| after.starts_with('.'));
    let found = names.iter().enumerate().filter_map(|(at, name)| name.as_deref().filter(|name| fits(name)).map(|name| (name.len(), at)));
    let Some((length, at)) = found.max() else {
        let known: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
        let word = rest.split('.').next().unwrap_or(rest);
        let help = if known.is_empty() {
            format!("elements of this list have no names; write `{before}[0]` for the first")
        } else {
            structure::help(word, &known)
        };
        return Err(nowhere(axis, &format!("nothing in `{before}` is named `{word}`"), Some(help)));
    };
    match rest.get(length + 1..) {
        None => items[at] = value.clone(),
        Some(rest) => return into(&mut items[at], rest, &format!("{before}.{}", &axis.path[before.len() + 1..][..length]), axis, value),
    }
    Ok(())
}

fn element(list: &mut Node, index: usize, rest: Option<&str>, before: &str, axis: &Axis, value: &Node) -> Result<(), Box<Problem>> {
    let items = match &mut list.data {
        Data::Sequence(items) => items,
        _ => return Err(nowhere(axis, &format!("`{before}` is no list"), None)),
    };
    let count = items.len();
    let Some(item) = items.get_mut(index) else {
        return Err(nowhere(axis, &format!("`{before}` has {count} elements, counted from 0"), None));
    };
    match rest {
        None => *item = value.clone(),
        Some(rest) => return into(item, rest, &format!("{before}[{index}]"), axis, value),
    }
    Ok(())
}

/// `assert[0]`: the key and the place.
fn indexed(head: &str) -> (&str, Option<usize>) {
    let parts = head.strip_suffix(']').and_then(|head| head.split_once('['));
    parts.and_then(|(key, index)| Some((key, Some(index.parse().ok()?)))).unwrap_or((head, None))
}

fn name(node: &Node) -> Option<String> {
    let Data::Mapping(entries) = &node.data else { return None };
    entries.iter().find(|entry| entry.key == "name").and_then(|entry| match &entry.value.data {
        Data::Scalar { text, .. } => Some(text.clone()),
        _ => None,
    })
}

fn empty(span: &Span) -> Node {
    Node { span: span.clone(), inline: true, data: Data::Mapping(Vec::new()) }
}

fn nowhere(axis: &Axis, why: &str, help: Option<String>) -> Box<Problem> {
    let problem = Problem::error("RQ0240", axis.key_span.clone(), format!("the path `{}` leads nowhere: {why}", axis.path));
    Box::new(problem.maybe_help(help))
}
