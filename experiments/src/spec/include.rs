//! Files an experiment names: a topology of its own file, and a `redis.conf` to start from.
//!
//! Both are put into the tree in place of the path, so that everything after works on one tree whose nodes know their file.
//! The topology comes first, so that a matrix can vary what its file says, and the configuration last, so that it can vary that path.

use super::conf;
use super::directive_rules::{self, Refusal};
use super::load::{Resolver, tree};
use super::problem::Problem;
use super::source::{FileId, Sources, Span};
use super::yaml::{self, Data, Entry, Node};

/// Replaces the path of a topology in an experiment's tree by what its file says; returns that path.
pub(super) fn topology(
    root: &mut Node,
    name: &str,
    resolver: Resolver<'_>,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let topology = member(root, "topology")?;
    let Data::Scalar { text, .. } = &topology.value.data else { return None };
    if yaml::is_null(text) {
        return None;
    }
    let path = text.clone();
    let place = topology.value.span.clone();
    match read_topology(&path, name, &place, resolver, sources) {
        Ok(node) => topology.value = node,
        // The rest of the file is checked against any topology at all; nothing of it is reported.
        Err(problem) => problems.push(*problem),
    }
    Some(path)
}

/// Replaces the path of a configuration file by its directives; `base` is the topology's file, if it has one.
pub(super) fn configuration(
    root: &mut Node,
    base: Option<&str>,
    name: &str,
    resolver: Resolver<'_>,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) {
    let Some(topology) = member(root, "topology") else { return };
    let kind = member_of(&mut topology.value, "kind").map(|kind| kind.value.data.clone());
    let cluster = matches!(kind, Some(Data::Scalar { text, .. }) if text == "cluster");
    let config = member_of(&mut topology.value, "config").and_then(|config| member_of(&mut config.value, "redis"));
    let Some(redis) = config else { return };
    expand_conf(&mut redis.value, cluster, base.unwrap_or_default(), name, resolver, sources, problems);
}

fn read_topology(path: &str, name: &str, place: &Span, resolver: Resolver<'_>, sources: &mut Sources) -> Result<Node, Box<Problem>> {
    let bytes = resolver(path).map_err(|reason| unreadable("the topology file", path, &reason, place))?;
    let mut node = tree(&beside(name, path), &bytes, sources)?;
    if let Data::Mapping(entries) = &mut node.data {
        entries.retain(|entry| entry.key != "version");
    }
    Ok(node)
}

fn expand_conf(
    redis: &mut Node,
    cluster: bool,
    base: &str,
    name: &str,
    resolver: Resolver<'_>,
    sources: &mut Sources,
    problems: &mut Vec<Problem>,
) {
    let Data::Mapping(entries) = &mut redis.data else { return };
    let Some(index) = entries.iter().position(|entry| entry.key == "include") else { return };
    let Data::Scalar { text, .. } = &entries[index].value.data else { return };
    let place = entries[index].value.span.clone();
    // What a matrix puts in place stands in the experiment, wherever the topology stands.
    let path = beside(if place.file == FileId(0) { "" } else { base }, text);
    let bytes = match resolver(&path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            problems.push(*unreadable("the configuration file", &path, &reason, &place));
            entries.remove(index);
            return;
        }
    };
    let shown = beside(name, &path);
    let file = sources.next(&shown);
    let text = match yaml::decode(file, &bytes) {
        Ok(text) => text,
        Err((shown_text, problem)) => {
            sources.add(&shown, shown_text);
            problems.push(*problem);
            entries.remove(index);
            return;
        }
    };
    let written: Vec<String> = entries.iter().map(|entry| entry.key.to_ascii_lowercase()).collect();
    let mut included: Vec<Entry> = Vec::new();
    let (lines, bad) = conf::parse(&text);
    sources.add(&shown, text);
    for (range, why) in bad {
        let span = Span { file, range };
        problems.push(Problem::error("RQ0011", span, format!("Redis cannot read this line: {why}")));
    }
    for line in lines {
        let span = Span { file, range: line.range };
        if directive_rules::is_secret(&line.name) {
            let start = span.range.start + line.name.len();
            sources.mask(&Span { file, range: start + 1..span.range.end.max(start + 1) });
        }
        if let Some(refusal) = directive_rules::redis(&line.name, cluster) {
            problems.push(dropped(&line.name, refusal, span));
        } else if !written.contains(&line.name) {
            // One empty argument is written as an empty value in YAML.
            let arguments = if matches!(line.arguments.as_str(), "\"\"" | "''") { String::new() } else { line.arguments };
            add(&mut included, line.name, arguments, span);
        }
    }
    entries.remove(index);
    included.append(entries);
    *entries = included;
}

/// A directive that stands several times becomes a list, as it would be written in YAML.
fn add(entries: &mut Vec<Entry>, name: String, arguments: String, span: Span) {
    let value = Node { span: span.clone(), inline: true, data: Data::Scalar { text: arguments, plain: false } };
    match entries.iter_mut().find(|entry| entry.key == name) {
        None => entries.push(Entry { key: name, key_span: span, value }),
        Some(entry) => match &mut entry.value.data {
            Data::Sequence(values) => values.push(value),
            _ => {
                let first = entry.value.clone();
                entry.value.data = Data::Sequence(vec![first, value]);
            }
        },
    }
}

fn dropped(name: &str, refusal: Refusal, span: Span) -> Problem {
    let (Refusal::Owned(reason) | Refusal::Unsupported(reason)) = refusal;
    Problem::warning("RQ0312", span, format!("`{name}` of this file is left out: {reason}"))
}

fn unreadable(what: &str, path: &str, reason: &str, place: &Span) -> Box<Problem> {
    let problem = Problem::error("RQ0010", place.clone(), format!("{what} `{path}` cannot be read: {reason}"));
    Box::new(problem.help("paths are relative to the file they stand in"))
}

fn member<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Entry> {
    member_of(node, key)
}

fn member_of<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Entry> {
    match &mut node.data {
        Data::Mapping(entries) => entries.iter_mut().find(|entry| entry.key == key),
        _ => None,
    }
}

/// A path seen from the folder in which `file` lies, with `.` and `..` resolved by text alone.
fn beside(file: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let folder = file.rfind('/').map_or("", |at| &file[..=at]);
    let whole = format!("{folder}{path}");
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => drop(parts.pop()),
            "" if !parts.is_empty() => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
