//! The section as it stands in the file: what is varied, and over which values.

use crate::spec::problem::Problem;
use crate::spec::source::Span;
use crate::spec::structure::point;
use crate::spec::yaml::{Data, Entry, Node, is_null};

/// Most cells of a matrix: more than that is a night of trials, or a mistake.
pub(super) const MOST_CELLS: usize = 64;
/// What makes the file this file and the run this run.
const FIXED: [&str; 4] = ["matrix", "name", "seed", "version"];

/// One field that is varied.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    /// Path as written.
    pub(crate) path: String,
    /// Where the path stands.
    pub(crate) key_span: Span,
    /// The values, in the order of the file.
    pub(crate) values: Vec<Node>,
}

/// Takes the section out of a file's tree; what is wrong with it is reported, and left out of the axes.
pub(crate) fn take(root: &mut Node, problems: &mut Vec<Problem>) -> Vec<Axis> {
    let Data::Mapping(entries) = &mut root.data else { return Vec::new() };
    let (sections, others): (Vec<Entry>, Vec<Entry>) = std::mem::take(entries).into_iter().partition(|entry| entry.key == "matrix");
    *entries = others;
    let mut sections = sections.into_iter();
    let Some(section) = sections.next() else { return Vec::new() };
    for again in sections {
        let problem = Problem::error("RQ0107", again.key_span, "the key `matrix` is written twice")
            .label("written again here")
            .related(section.key_span.clone(), "first written here")
            .help("keep one of the two");
        problems.push(problem);
    }
    let Data::Mapping(entries) = section.value.data else {
        let place = point(&section.value, Some(&section.key_span));
        let problem = Problem::error("RQ0106", place, format!("`matrix` must be a mapping, not {}", kind(&section.value)));
        problems.push(problem.help("write it like `topology.server: [redis:7.0, valkey:8.1]`"));
        return Vec::new();
    };
    if entries.is_empty() {
        let problem = Problem::error("RQ0241", section.key_span.clone(), "the matrix varies nothing");
        problems.push(problem.help("give each path a list of values, or remove `matrix`"));
    }
    let mut axes: Vec<Axis> = Vec::new();
    for entry in entries {
        if let Err(problem) = axis(entry, &axes, problems).map(|axis| axes.push(axis)) {
            problems.push(*problem);
        }
    }
    bounded(&mut axes, &section.key_span, problems);
    axes
}

fn axis(entry: Entry, earlier: &[Axis], problems: &mut Vec<Problem>) -> Result<Axis, Box<Problem>> {
    let Entry { key: path, key_span, value } = entry;
    let error = |code, message: String| Problem::error(code, key_span.clone(), message);
    let root = path.split(['.', '[']).next().unwrap_or_default();
    if FIXED.contains(&root) {
        let reason = match root {
            "seed" => "every cell has the same seeds, so that they differ in nothing but what the matrix varies",
            "name" => "the results of all cells belong to one name",
            _ => "it belongs to the file as a whole",
        };
        return Err(Box::new(error("RQ0244", format!("`{path}` cannot be varied")).help(reason)));
    }
    for other in earlier {
        if path == other.path {
            let problem = error("RQ0107", format!("the key `{path}` is written twice")).label("written again here");
            return Err(Box::new(problem.related(other.key_span.clone(), "first written here").help("put all values into one list")));
        }
        if inside(&path, &other.path) || inside(&other.path, &path) {
            let problem = error("RQ0245", format!("`{path}` and `{}` vary the same value", other.path))
                .related(other.key_span.clone(), "one of them lies inside the other");
            return Err(Box::new(problem.help("vary the whole or its parts, not both")));
        }
    }
    let Data::Sequence(items) = value.data else {
        let found = kind(&value);
        let problem = Problem::error("RQ0106", point(&value, Some(&key_span)), format!("`{path}` must be a list of values, not {found}"));
        return Err(Box::new(problem.help("write the values in brackets: `[1000, 2000]`")));
    };
    if items.is_empty() {
        let problem = Problem::error("RQ0241", value.span, format!("`{path}` has no value"));
        return Err(Box::new(problem.help("list the values it takes, or remove the line")));
    }
    let mut values: Vec<Node> = Vec::new();
    for item in items {
        match values.iter().find(|value| same(value, &item)) {
            None => values.push(item),
            Some(first) => {
                let problem = Problem::error("RQ0243", point(&item, None), format!("`{path}` has this value twice"))
                    .related(point(first, None), "first written here");
                problems.push(problem.help("two cells that are the same say nothing about each other; raise `trials` instead"));
            }
        }
    }
    Ok(Axis { path, key_span, values })
}

/// Cuts the axes down to what may be expanded.
fn bounded(axes: &mut [Axis], place: &Span, problems: &mut Vec<Problem>) {
    let cells = axes.iter().map(|axis| axis.values.len()).fold(1_usize, usize::saturating_mul);
    if cells <= MOST_CELLS {
        return;
    }
    let product: Vec<String> = axes.iter().map(|axis| axis.values.len().to_string()).collect();
    let message = format!("the matrix has {} = {cells} cells, more than {MOST_CELLS}", product.join(" × "));
    problems.push(Problem::error("RQ0242", place.clone(), message).help("take values away, or split it into several files"));
    // Every value is still looked at once, each beside the first values of the others.
    let mut room = MOST_CELLS;
    for axis in axes {
        axis.values.truncate(room.max(1));
        room /= axis.values.len().max(1);
    }
}

fn inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// Whether two values say the same, wherever they stand.
fn same(one: &Node, other: &Node) -> bool {
    match (&one.data, &other.data) {
        (Data::Scalar { text: a, .. }, Data::Scalar { text: b, .. }) => a == b,
        (Data::Sequence(a), Data::Sequence(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Data::Mapping(a), Data::Mapping(b)) => {
            let find = |entry: &Entry| b.iter().any(|other| other.key == entry.key && same(&entry.value, &other.value));
            a.len() == b.len() && a.iter().all(find)
        }
        _ => false,
    }
}

fn kind(node: &Node) -> &'static str {
    match &node.data {
        Data::Scalar { text, plain: true } if is_null(text) => "nothing",
        Data::Scalar { .. } => "a single value",
        Data::Sequence(_) => "a list",
        Data::Mapping(_) => "a mapping",
    }
}
