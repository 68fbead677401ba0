//! The cells: every combination of the values, each an experiment.

use std::collections::BTreeSet;

use super::Axis;
use crate::spec::Experiment;
use crate::spec::source::SourceMap;
use crate::spec::yaml::{Data, Entry, Node};

/// Longest value shown in a label, in characters.
const VALUE_CHARS: usize = 40;
/// Longest name of a folder.
const NAME_CHARS: usize = 80;

/// One experiment of a matrix.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Name of its folder, for example `02-down-after-milliseconds-1000-client-library`.
    pub name: String,
    /// What distinguishes it, for people: `down-after-milliseconds=1000, client=library`.
    pub label: String,
    /// Path and value of each field that is varied, as written, in the order of the file.
    pub values: Vec<(String, String)>,
    /// The experiment with these values in place.
    pub experiment: Experiment,
    /// Where the values stand; those of the matrix stand there.
    pub map: SourceMap,
}

/// One choice of values: for each axis the index of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Combination {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) values: Vec<(String, String)>,
    pub(crate) choice: Vec<usize>,
}

/// Every combination; the last axis varies fastest.
pub(crate) fn combinations(axes: &[Axis]) -> Vec<Combination> {
    let mut choices: Vec<Vec<usize>> = vec![Vec::new()];
    for axis in axes {
        let longer = |choice: &Vec<usize>| (0..axis.values.len()).map(|at| [choice.as_slice(), &[at]].concat()).collect::<Vec<_>>();
        choices = choices.iter().flat_map(longer).collect();
    }
    let shown: Vec<(String, Vec<String>)> = short_names(axes).into_iter().zip(axes).map(|(name, axis)| shown(name, axis)).collect();
    let combination = |(index, choice): (usize, Vec<usize>)| {
        let values: Vec<String> = axes.iter().zip(&choice).map(|(axis, at)| text(&axis.values[*at])).collect();
        let parts = shown.iter().zip(&choice).map(|((name, values), at)| format!("{name}={}", clip(&values[*at])));
        let parts: Vec<String> = parts.collect();
        Combination {
            name: folder(index + 1, &parts),
            label: parts.join(", "),
            values: axes.iter().map(|axis| axis.path.clone()).zip(values).collect(),
            choice,
        }
    };
    choices.into_iter().enumerate().map(combination).collect()
}

/// The name of an axis in a label and its values: of mappings, for example whole topologies, the first member that tells them all apart.
fn shown(name: String, axis: &Axis) -> (String, Vec<String>) {
    let first = axis.values.first().map(members).unwrap_or_default();
    let told = first.iter().find_map(|entry| {
        let own: Vec<String> = axis.values.iter().map(|value| scalar(value, &entry.key)).collect::<Option<_>>()?;
        let apart = own.iter().collect::<BTreeSet<_>>().len() == own.len() && own.len() > 1;
        apart.then(|| (format!("{name}.{}", entry.key), own))
    });
    told.unwrap_or_else(|| (name, axis.values.iter().map(text).collect()))
}

fn members(node: &Node) -> &[Entry] {
    match &node.data {
        Data::Mapping(entries) => entries,
        _ => &[],
    }
}

/// A member of a mapping, if it is a single value.
fn scalar(node: &Node, key: &str) -> Option<String> {
    let value = &members(node).iter().find(|entry| entry.key == key)?.value;
    matches!(value.data, Data::Scalar { .. }).then(|| text(value))
}

/// The shortest ends of the paths that tell them apart.
fn short_names(axes: &[Axis]) -> Vec<String> {
    let tail = |path: &str, steps: usize| {
        let parts: Vec<&str> = path.split('.').collect();
        parts[parts.len().saturating_sub(steps)..].join(".")
    };
    let unique = |path: &str, name: &str, steps: usize| axes.iter().all(|axis| axis.path == path || tail(&axis.path, steps) != name);
    let short = |axis: &Axis| {
        let most = axis.path.split('.').count();
        (1..=most).map(|steps| (tail(&axis.path, steps), steps)).find(|(name, steps)| unique(&axis.path, name, *steps))
    };
    axes.iter().map(|axis| short(axis).map_or_else(|| axis.path.clone(), |(name, _)| name)).collect()
}

/// Letters, digits, dots and single dashes: a name that is one on every file system and in every address.
fn folder(number: usize, parts: &[String]) -> String {
    let mut name = format!("{number:02}");
    for c in format!("-{}", parts.join("-")).chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '.' => name.push(c),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    name.truncate(NAME_CHARS);
    name.trim_end_matches(['-', '.']).to_owned()
}

/// A value on one line, much as it was written.
fn text(node: &Node) -> String {
    match &node.data {
        Data::Scalar { text, .. } if text.is_empty() => "\"\"".to_owned(),
        Data::Scalar { text, .. } => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Data::Sequence(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        Data::Mapping(entries) => {
            let members: Vec<String> = entries.iter().map(|entry| format!("{}: {}", entry.key, text(&entry.value))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

fn clip(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARS) {
        Some((at, _)) => format!("{}...", &value[..at]),
        None => value.to_owned(),
    }
}
