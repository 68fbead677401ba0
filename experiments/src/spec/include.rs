//! Files an experiment names: a topology of its own file, and a `redis.conf` to start from.
//!
//! Both are put into the tree in place of the path, so that everything after works on one tree whose nodes know their file.
//! The topology comes first, so that a matrix can vary what its file says, and the configuration last, so that it can vary that path.
//!
//! A file that turns out not to be what it was named for may be anything on the machine: nothing of it is shown.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::codes::CODES;
use super::conf::{self, Line};
use super::directive_rules::{self, Refusal};
use super::load::{Resolver, has_keys, tree};
use super::problem::{Problem, thousands};
use super::source::{FileId, Sources, Span};
use super::structure::Guesses;
use super::yaml::{self, Data, Entry, Node};

/// Most lines of one included file that are told to be wrong.
const MOST_WRONG: usize = 50;
/// Most directives of an included file; what distributions ship has less than 300.
const MOST_DIRECTIVES: usize = 2_000;

/// The files that are named, each read once however many cells of a matrix name it.
pub(super) struct Files<'r> {
    name: &'r str,
    resolver: Resolver<'r>,
    topologies: HashMap<String, Result<Node, Box<Problem>>>,
    configurations: HashMap<String, Rc<Conf>>,
}

/// A configuration file that was read.
struct Conf {
    file: FileId,
    lines: Vec<Line>,
    problems: Vec<Problem>,
}

impl<'r> Files<'r> {
    /// Files named by the experiment of this name.
    pub(super) fn new(name: &'r str, resolver: Resolver<'r>) -> Self {
        Self { name, resolver, topologies: HashMap::new(), configurations: HashMap::new() }
    }

    /// Replaces the path of a topology in an experiment's tree by what its file says; returns that path.
    pub(super) fn topology(&mut self, root: &mut Node, sources: &mut Sources, problems: &mut Vec<Problem>) -> Option<String> {
        let topology = member(root, "topology")?;
        let Data::Scalar { text, .. } = &topology.value.data else { return None };
        if yaml::is_null(text) {
            return None;
        }
        let path = text.clone();
        let place = topology.value.span.clone();
        match self.read_topology(&path, &place, sources) {
            Ok(node) => topology.value = node,
            // The rest of the file is checked against any topology at all; nothing of it is reported.
            Err(problem) => problems.push(*problem),
        }
        Some(path)
    }

    fn read_topology(&mut self, path: &str, place: &Span, sources: &mut Sources) -> Result<Node, Box<Problem>> {
        if let Some(known) = self.topologies.get(path) {
            return known.clone();
        }
        let bytes = (self.resolver)(path).map_err(|reason| unreadable("the topology file", path, &reason, place))?;
        let read = topology_in(&beside(self.name, path), &bytes, sources);
        self.topologies.insert(path.to_owned(), read.clone());
        read
    }

    /// Replaces the path of a configuration file by its directives; `base` is the topology's file, if it has one.
    pub(super) fn configuration(&mut self, root: &mut Node, base: Option<&str>, sources: &mut Sources, problems: &mut Vec<Problem>) {
        let Some(topology) = member(root, "topology") else { return };
        let kind = member(&mut topology.value, "kind").map(|kind| kind.value.data.clone());
        let cluster = matches!(kind, Some(Data::Scalar { text, .. }) if text == "cluster");
        let redis = member(&mut topology.value, "config").and_then(|config| member(&mut config.value, "redis"));
        let Some(Data::Mapping(entries)) = redis.map(|redis| &mut redis.value.data) else { return };
        let Some(index) = entries.iter().position(|entry| entry.key == "include") else { return };
        let Data::Scalar { text, .. } = &entries[index].value.data else { return };
        let place = entries[index].value.span.clone();
        // What a matrix puts in place stands in the experiment, wherever the topology stands.
        let path = beside(if place.file == FileId(0) { "" } else { base.unwrap_or_default() }, text);
        entries.remove(index);
        match self.read_configuration(&path, &place, sources) {
            Ok(conf) => expand(entries, &conf, cluster, problems),
            Err(problem) => problems.push(*problem),
        }
    }

    fn read_configuration(&mut self, path: &str, place: &Span, sources: &mut Sources) -> Result<Rc<Conf>, Box<Problem>> {
        if let Some(known) = self.configurations.get(path) {
            return Ok(Rc::clone(known));
        }
        let bytes = (self.resolver)(path).map_err(|reason| unreadable("the configuration file", path, &reason, place))?;
        let conf = Rc::new(configuration_in(&beside(self.name, path), &bytes, sources));
        self.configurations.insert(path.to_owned(), Rc::clone(&conf));
        Ok(conf)
    }
}

/// What a topology file says.
fn topology_in(shown: &str, bytes: &[u8], sources: &mut Sources) -> Result<Node, Box<Problem>> {
    let file = sources.next(shown);
    let mut read = tree(shown, bytes, sources);
    // Nobody but an author of topologies writes both.
    if !has_keys(bytes, &["version", "kind"], &[]) {
        sources.hide(file);
        return Err(match read {
            Err(problem) => without_words(&problem),
            Ok(_) => {
                Box::new(Problem::error("RQ0012", Span { file, range: 0..0 }, "the file is no topology: it has no `kind`").help(HIDDEN))
            }
        });
    }
    if let Ok(Node { data: Data::Mapping(entries), .. }) = &mut read {
        entries.retain(|entry| entry.key != "version");
    }
    read
}

/// What a configuration file says.
fn configuration_in(shown: &str, bytes: &[u8], sources: &mut Sources) -> Conf {
    let file = sources.next(shown);
    let text = match yaml::decode(file, bytes) {
        Ok(text) => text,
        Err((text, problem)) => {
            sources.add(shown, text);
            sources.hide(file);
            return Conf { file, lines: Vec::new(), problems: vec![*without_words(&problem)] };
        }
    };
    let (mut lines, bad) = conf::parse(&text);
    sources.add(shown, text);
    let wrong = wrong_lines(&lines, bad);
    if !wrong.is_empty() {
        sources.hide(file);
        return Conf { file, lines: Vec::new(), problems: told(file, &wrong) };
    }
    let mut problems = Vec::new();
    if let Some(line) = lines.get(MOST_DIRECTIVES) {
        let message = format!("the file has more than {MOST_DIRECTIVES} directives");
        problems.push(Problem::error("RQ0007", Span { file, range: line.range.clone() }, message).help("is this the right file?"));
        lines.clear();
    }
    for line in lines.iter().filter(|line| directive_rules::is_secret(line.name.as_str())) {
        sources.mask(&Span { file, range: line.after.clone() });
    }
    Conf { file, lines, problems }
}

/// A line that does not belong into a configuration file.
struct Wrong {
    range: Range<usize>,
    /// Why Redis cannot read it; `None` for a directive in no list.
    why: Option<&'static str>,
    name: String,
}

fn wrong_lines(lines: &[Line], bad: Vec<(Range<usize>, &'static str)>) -> Vec<Wrong> {
    // What is in no list is so whatever the topology.
    let unknown = |line: &&Line| directive_rules::redis(line.name.as_str(), true) == Err(Refusal::Unknown);
    let unknown = lines.iter().filter(unknown).map(|line| Wrong { range: line.range.clone(), why: None, name: line.name.to_string() });
    let bad = bad.into_iter().map(|(range, why)| Wrong { range, why: Some(why), name: String::new() });
    let mut wrong: Vec<Wrong> = unknown.chain(bad).collect();
    wrong.sort_by_key(|wrong| wrong.range.start);
    wrong
}

/// The first of the wrong lines, and how many more there are. Their words are not repeated: they may be anybody's.
fn told(file: FileId, wrong: &[Wrong]) -> Vec<Problem> {
    let mut guesses = Guesses::default();
    let mut one = |Wrong { range, why, name }: &Wrong| {
        let span = Span { file, range: range.clone() };
        match why {
            Some(why) => Problem::error("RQ0011", span, format!("Redis cannot read this line: {why}")).help(HIDDEN),
            None => {
                let meant = guesses.closest(name, directive_rules::allowed(true)).map(|meant| format!("did you mean `{meant}`?"));
                let problem = Problem::error("RQ0282", span, "this line is none of the directives a file may set");
                problem.help(HIDDEN).maybe_help(meant)
            }
        }
    };
    let mut problems: Vec<Problem> = wrong.iter().take(MOST_WRONG).map(&mut one).collect();
    if let Some(next) = wrong.get(MOST_WRONG) {
        let more = thousands(wrong.len() - MOST_WRONG);
        let span = Span { file, range: next.range.clone() };
        problems.push(Problem::error("RQ0011", span, format!("and {more} more lines that are no directives")).help(HIDDEN));
    }
    problems
}

/// Why no line of the file is shown.
const HIDDEN: &str = "a file that is not what it was named for is not shown; is this the right one?";

/// The same problem without a word of the file: its code's own words in place of the message.
pub(super) fn without_words(problem: &Problem) -> Box<Problem> {
    let meaning = CODES.iter().find(|code| code.code == problem.code).map_or("the file cannot be read", |code| code.meaning);
    let plain = Problem::error(problem.code, problem.span.clone(), meaning).help(HIDDEN);
    Box::new(Problem { level: problem.level, ..plain })
}

/// Puts the directives of a file before those that are written; where both set one, what is written holds.
fn expand(entries: &mut Vec<Entry>, conf: &Conf, cluster: bool, problems: &mut Vec<Problem>) {
    problems.extend(conf.problems.iter().cloned());
    let written: Vec<String> = entries.iter().map(|entry| entry.key.to_ascii_lowercase()).collect();
    let mut included: Vec<Entry> = Vec::new();
    for line in &conf.lines {
        let span = Span { file: conf.file, range: line.range.clone() };
        let name = line.name.as_str();
        if let Err(refusal) = directive_rules::redis(name, cluster) {
            problems.push(dropped(name, refusal, span));
        } else if !written.iter().any(|written| written == name) {
            // One empty argument is written as an empty value in YAML.
            let arguments = if matches!(line.arguments.as_str(), "\"\"" | "''") { "" } else { &line.arguments };
            add(&mut included, name.to_owned(), arguments.to_owned(), span);
        }
    }
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
    let reason = match refusal {
        Refusal::Owned(reason) | Refusal::Unsupported(reason) | Refusal::Harmful(reason) => reason,
        Refusal::Unknown => "it is none of the directives a file may set",
    };
    Problem::warning("RQ0312", span, format!("`{name}` of this file is left out: {reason}"))
}

fn unreadable(what: &str, path: &str, reason: &str, place: &Span) -> Box<Problem> {
    let problem = Problem::error("RQ0010", place.clone(), format!("{what} `{path}` cannot be read: {reason}"));
    Box::new(problem.help("paths are relative to the file they stand in, and lead to files in its folder or in one of --allow-path"))
}

fn member<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Entry> {
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
