//! From bytes to a checked experiment.

use serde_json::Value;

use super::check::{self, Finding};
use super::directive_rules;
use super::include::{Files, without_words};
use super::matrix::{self, Axis, Cell, Combination};
use super::policy::Policy;
use super::problem::{Level, Problem};
use super::render;
use super::schema::VERSION;
use super::source::{FileId, Location, SourceMap, Sources, Span};
use super::structure;
use super::yaml::{self, Data, Node};
use super::{Experiment, structure::Shape};

/// Reads a file an experiment names (`topology: path`, `config.redis.include: path`): its bytes, or why not, in words.
/// The path is as written, relative to the experiment file.
pub type Resolver<'r> = &'r dyn Fn(&str) -> Result<Vec<u8>, String>;

/// What became of a file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The experiment, that of the first cell where the file has a `matrix`; absent when a problem is an error.
    pub experiment: Option<Experiment>,
    /// The cells of the file's `matrix`, the last path varying fastest; none where it has none, or where a problem is an error.
    pub cells: Vec<Cell>,
    /// Everything found, in the order of the file.
    pub problems: Vec<Problem>,
    /// The texts the problems point into.
    pub sources: Sources,
    /// Where the values stand.
    pub map: SourceMap,
}

impl Loaded {
    /// A file whose bytes could not be had.
    pub fn unreadable(name: &str, why: &str) -> Self {
        let mut sources = Sources::default();
        let file = sources.add(name, String::new());
        let problem = Problem::error("RQ0010", Span { file, range: 0..0 }, format!("the file cannot be read: {why}"));
        Self::failed(problem, sources)
    }

    /// A file that was not read to its end.
    pub fn too_large(name: &str) -> Self {
        let mut sources = Sources::default();
        let file = sources.add(name, String::new());
        Self::failed(*yaml::too_large(file), sources)
    }

    /// A file of which nothing but one problem is known.
    fn failed(problem: Problem, sources: Sources) -> Self {
        Self { experiment: None, cells: Vec::new(), problems: vec![problem], sources, map: SourceMap::default() }
    }

    /// The same without a word of the file: for one that nobody named, and that may be something else.
    pub fn without_words(mut self) -> Self {
        self.sources.hide(FileId(0));
        self.problems = self.problems.iter().map(|problem| *without_words(problem)).collect();
        self
    }

    /// Where the value at a path like `assert[0].expect` stands; where the file leaves it out, the nearest value around it.
    pub fn location(&self, path: &str) -> Option<Location> {
        self.map.value(path).map(|span| self.sources.location(span))
    }

    /// The same for one of the cells.
    pub fn location_in(&self, cell: &Cell, path: &str) -> Option<Location> {
        cell.map.value(path).map(|span| self.sources.location(span))
    }

    /// Every experiment the file says: that of each cell, or the only one; none where a problem is an error.
    pub fn experiments(&self) -> impl Iterator<Item = &Experiment> {
        let only = self.experiment.iter().filter(|_| self.cells.is_empty());
        self.cells.iter().map(|cell| &cell.experiment).chain(only)
    }

    /// All problems for people, with snippets and a closing line; empty when there are none.
    pub fn render_human(&self, color: bool) -> String {
        render::human(self, color)
    }

    /// All problems as GitHub workflow commands, one a line.
    pub fn render_github(&self) -> String {
        render::github(self)
    }

    /// All problems for programs, one object each.
    pub fn problems_as_json(&self) -> Vec<Value> {
        render::json(self)
    }

    /// Whether any problem is an error.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.level == Level::Error)
    }
}

/// Reads an experiment: every problem of the file in one pass, and the experiment if none of them is an error.
///
/// `name` is shown in diagnostics. A file with a wrong version is told so and looked at no further: what this tool
/// would have to say about it would be wrong.
///
/// The file may ask for everything; [`load_under`] is for files of others.
pub fn load(name: &str, bytes: &[u8], resolver: Resolver<'_>) -> Loaded {
    load_under(name, bytes, resolver, &Policy::trusting())
}

/// The same for a file that may ask for what a policy allows.
pub fn load_under(name: &str, bytes: &[u8], resolver: Resolver<'_>, policy: &Policy<'_>) -> Loaded {
    let mut sources = Sources::default();
    let mut problems = Vec::new();
    let mut root = match tree(name, bytes, &mut sources) {
        Ok(root) => root,
        Err(problem) => return Loaded::failed(*problem, sources),
    };
    let axes = matrix::take(&mut root, &mut problems);
    let combinations = matrix::combinations(&axes);
    let mut files = Files::new(name, resolver);
    let mut found = Vec::new();
    let mut cells = Vec::new();
    for combination in &combinations {
        let mut problems = Vec::new();
        let mut tree = root.clone();
        let base = fill(&mut tree, &axes, combination, &mut problems, |root, problems| files.topology(root, &mut sources, problems));
        files.configuration(&mut tree, base.as_deref(), &mut sources, &mut problems);
        cells.push(checked(&tree, policy, &mut problems));
        found.push(problems);
    }
    problems.extend(matrix::blame(&axes, &combinations, found));
    problems.sort_by_key(|problem| (problem.span.file, problem.span.range.start, problem.code));
    let failed = problems.iter().any(|problem| problem.level == Level::Error);
    let first = cells.first().cloned();
    let map = first.as_ref().map(|(_, map)| map.clone()).unwrap_or_default();
    let cells = combinations.into_iter().zip(cells).filter_map(|(combination, (experiment, map))| {
        let Combination { name, label, values, .. } = combination;
        Some(Cell { name, label, values, experiment: experiment?, map })
    });
    let cells = if failed || axes.is_empty() { Vec::new() } else { cells.collect() };
    Loaded { experiment: first.and_then(|(experiment, _)| experiment).filter(|_| !failed), cells, problems, sources, map }
}

/// Puts the values of one cell into a tree: a whole topology before its file is read, everything else after.
fn fill(
    tree: &mut Node,
    axes: &[Axis],
    combination: &Combination,
    problems: &mut Vec<Problem>,
    mut read: impl FnMut(&mut Node, &mut Vec<Problem>) -> Option<String>,
) -> Option<String> {
    let put = |tree: &mut Node, problems: &mut Vec<Problem>, whole: bool| {
        for (axis, at) in axes.iter().zip(&combination.choice).filter(|(axis, _)| (axis.path == "topology") == whole) {
            if let Err(problem) = matrix::put(tree, axis, &axis.values[*at]) {
                problems.push(*problem);
            }
        }
    };
    put(tree, problems, true);
    let known = problems.len();
    let base = read(tree, problems);
    if problems.len() == known {
        put(tree, problems, false);
    }
    base
}

/// The experiment a tree says, and where its values stand; what is wrong with it is added to the problems.
fn checked(tree: &Node, policy: &Policy<'_>, problems: &mut Vec<Problem>) -> (Option<Experiment>, SourceMap) {
    let Shape { mut value, map, mut tainted, problems: shape_problems } = structure::check(tree);
    problems.extend(shape_problems);
    if let Some(topology) = value.get_mut("topology").filter(|topology| topology.is_string()) {
        // The topology file could not be read, which is reported; the rest of the experiment is checked all the same.
        *topology = serde_json::json!({ "kind": "sentinel" });
        tainted.push("topology".to_owned());
    }
    let mut experiment = deserialize(value, problems);
    if let Some(experiment) = &mut experiment {
        let mut findings = check::check(experiment);
        policy.apply(experiment, &mut findings);
        problems.extend(findings.into_iter().filter(|finding| !finding.touches(&tainted)).map(|finding| place(finding, &map)));
    }
    (experiment, map)
}

/// Whether a file is a topology, which is a part of experiments and none itself.
pub fn is_topology(bytes: &[u8]) -> bool {
    has_keys(bytes, &["kind"], &["topology"])
}

/// Whether somebody wrote a file as an experiment, however well: by the beginnings of its lines, because it may not even be YAML.
pub fn is_experiment(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let has = |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    has("version") && ["topology", "workloads", "faults", "assert"].iter().any(|key| has(key))
}

/// Whether a file is a mapping that has some keys and has others not.
pub(super) fn has_keys(bytes: &[u8], wanted: &[&str], unwanted: &[&str]) -> bool {
    let Ok(text) = yaml::decode(FileId(0), bytes) else { return false };
    let Ok(Node { data: Data::Mapping(entries), .. }) = yaml::parse(FileId(0), &text) else { return false };
    let has = |key: &&str| entries.iter().any(|entry| entry.key == **key);
    wanted.iter().all(&has) && !unwanted.iter().any(has)
}

/// Parses a file and reads its version.
pub(super) fn tree(name: &str, bytes: &[u8], sources: &mut Sources) -> Result<Node, Box<Problem>> {
    let file = sources.next(name);
    let text = match yaml::decode(file, bytes) {
        Ok(text) => text,
        Err((shown, problem)) => {
            sources.add(name, shown);
            return Err(problem);
        }
    };
    let parsed = yaml::parse(file, &text);
    sources.add(name, text);
    let root = parsed?;
    mask_secrets(&root, sources);
    version(&root)?;
    Ok(root)
}

/// Covers passwords before anything is shown.
fn mask_secrets(node: &Node, sources: &mut Sources) {
    match &node.data {
        Data::Scalar { .. } => {}
        Data::Sequence(items) => items.iter().for_each(|item| mask_secrets(item, sources)),
        Data::Mapping(entries) => {
            for entry in entries {
                if directive_rules::is_secret(&entry.key) {
                    sources.mask(&entry.value.span);
                } else {
                    mask_secrets(&entry.value, sources);
                }
            }
        }
    }
}

fn version(root: &Node) -> Result<(), Box<Problem>> {
    let Data::Mapping(entries) = &root.data else {
        let message = "the file must be a mapping that begins with `version: 1`";
        let problem = Problem::error("RQ0106", Span { file: root.span.file, range: first_line(root) }, message);
        return Err(Box::new(problem.help("`redquake init` writes an experiment to start from")));
    };
    let Some(entry) = entries.iter().find(|entry| entry.key == "version") else {
        let place = entries.first().map_or(root.span.clone(), |entry| entry.key_span.clone());
        let problem = Problem::error("RQ0101", place, "the file does not say which version of the format it is")
            .label("`version` belongs before this")
            .help(format!("begin the file with `version: {VERSION}`"));
        return Err(Box::new(problem));
    };
    let Data::Scalar { text, plain } = &entry.value.data else {
        let problem = Problem::error("RQ0102", entry.key_span.clone(), "the version must be a number");
        return Err(Box::new(problem.help(format!("this tool reads `version: {VERSION}`"))));
    };
    let place = if entry.value.span.range.is_empty() { entry.key_span.clone() } else { entry.value.span.clone() };
    match text.parse::<u64>() {
        Ok(VERSION) if *plain => Ok(()),
        Ok(number) if number > VERSION => {
            let message = format!("this file is of version {number}; this tool reads version {VERSION}");
            Err(Box::new(Problem::error("RQ0102", place, message).label("newer than this tool").help("use a newer redquake")))
        }
        _ => {
            let message = format!("`{}` is no version of the format", text.chars().take(40).collect::<String>());
            Err(Box::new(Problem::error("RQ0102", place, message).help(format!("write `version: {VERSION}`"))))
        }
    }
}

fn first_line(node: &Node) -> std::ops::Range<usize> {
    let start = node.span.range.start;
    start..node.span.range.end.min(start + 1)
}

/// The typed experiment. A shape without problems that cannot be read is a gap between schema and types.
fn deserialize(value: Value, problems: &mut Vec<Problem>) -> Option<Experiment> {
    match serde_json::from_value(value) {
        Ok(experiment) => Some(experiment),
        Err(error) => {
            if problems.iter().all(|problem| problem.level == Level::Warning) {
                let span = Span { file: FileId(0), range: 0..0 };
                problems.push(Problem::error("RQ0199", span, format!("the file could not be read: {error}")));
            }
            None
        }
    }
}

fn place(finding: Finding, map: &SourceMap) -> Problem {
    let nowhere = || Span { file: FileId(0), range: 0..0 };
    let at = |path: &str, key: bool| {
        let span = if key { map.key(path) } else { map.value(path) };
        span.cloned().unwrap_or_else(nowhere)
    };
    Problem {
        level: finding.level,
        code: finding.code,
        message: finding.message,
        span: at(&finding.path, finding.on_key),
        label: finding.label,
        related: finding.related.iter().map(|(path, label)| (at(path, false), label.clone())).collect(),
        help: finding.help,
    }
}
