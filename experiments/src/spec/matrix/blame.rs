//! Problems of the cells put together, each told once, at the value that causes it.

use std::collections::HashMap;

use super::{Axis, Combination};
use crate::spec::problem::Problem;
use crate::spec::source::Span;
use crate::spec::structure::point;
use crate::spec::yaml::Node;

/// The problems of all cells as problems of the file. `found` has one list a combination.
///
/// A problem of every cell that touches no value of the matrix is the file's own and told as it is. Any other names the cells
/// and stands at a value of the matrix: the one it points at, else one it is related to, else one that every such cell has and not every other.
pub(crate) fn blame(axes: &[Axis], combinations: &[Combination], found: Vec<Vec<Problem>>) -> Vec<Problem> {
    if axes.is_empty() {
        return found.into_iter().flatten().collect();
    }
    let mut groups: Vec<(Problem, Vec<usize>)> = Vec::new();
    let mut known: HashMap<Problem, usize> = HashMap::new();
    for (cell, problems) in found.into_iter().enumerate() {
        for problem in problems {
            match known.get(&problem) {
                Some(group) => groups[*group].1.push(cell),
                None => {
                    known.insert(problem.clone(), groups.len());
                    groups.push((problem, vec![cell]));
                }
            }
        }
    }
    groups.into_iter().map(|(problem, cells)| told(axes, combinations, problem, &cells)).collect()
}

fn told(axes: &[Axis], combinations: &[Combination], mut problem: Problem, cells: &[usize]) -> Problem {
    if let Some(axis) = axes.iter().find(|axis| problem.code == "RQ0103" && axis.key_span == problem.span) {
        // A key that the matrix would have added and that is not known: the path is wrong, not the value.
        let why = problem.message;
        let message = format!("the path `{}` leads nowhere: {why}", axis.path);
        return Problem::error("RQ0240", problem.span, message).maybe_help(problem.help);
    }
    if problem.code == "RQ0240" {
        return problem;
    }
    let here = within(axes, &problem.span);
    if !here && cells.len() == combinations.len() && !problem.related.iter().any(|(span, _)| within(axes, span)) {
        return problem;
    }
    if !here {
        let related = problem.related.iter().position(|(span, _)| within(axes, span));
        let (span, label) = match related {
            Some(at) => problem.related.remove(at),
            None => (point(cause(axes, combinations, cells), None), String::new()),
        };
        let was = std::mem::replace(&mut problem.span, span);
        let said = std::mem::replace(&mut problem.label, label);
        problem.related.insert(0, (was, said));
    }
    problem.message = format!("{} ({})", problem.message, which(combinations, cells));
    problem
}

/// Whether a place lies in the matrix: at one of its keys or in one of its values.
fn within(axes: &[Axis], span: &Span) -> bool {
    let holds = |outer: &Span| outer.file == span.file && outer.range.start <= span.range.start && span.range.end <= outer.range.end;
    axes.iter().any(|axis| holds(&axis.key_span) || axis.values.iter().any(|value| holds(&value.span)))
}

/// A value that all of these cells have, of an axis with the fewest other cells that have it too.
fn cause<'a>(axes: &'a [Axis], combinations: &[Combination], cells: &[usize]) -> &'a Node {
    let innocent = |at: usize| {
        let guilty: Vec<usize> = cells.iter().map(|cell| combinations[*cell].choice[at]).collect();
        let like = combinations.iter().filter(|one| guilty.contains(&one.choice[at]));
        like.count() - cells.len()
    };
    let first = &combinations[cells[0]].choice;
    let at = (0..axes.len()).min_by_key(|at| innocent(*at)).unwrap_or(0);
    &axes[at].values[first[at]]
}

/// `in the cell ...`, `in every cell`, `in 2 of 4 cells, the first: ...`.
fn which(combinations: &[Combination], cells: &[usize]) -> String {
    let first = &combinations[cells[0]].label;
    match cells.len() {
        1 => format!("in the cell `{first}`"),
        all if all == combinations.len() => "in every cell".to_owned(),
        some => format!("in {some} of {} cells, the first `{first}`", combinations.len()),
    }
}
