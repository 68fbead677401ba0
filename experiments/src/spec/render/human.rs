//! Problems for people, in the look of rustc.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level as Look, Origin, Renderer, Snippet, normalize_untrusted_str};

use super::SHOWN;
use crate::shown;
use crate::spec::problem::thousands;
use crate::spec::{FileId, Level, Loaded, Problem, SourceFile, Span};

/// Places further apart than this, in bytes, are not shown in one snippet.
const FAR: usize = 64 * 1024;
/// A snippet of more bytes than this, which is one endless line, is not shown at all.
const LONG: usize = 4 * 1024;

/// All problems with snippets and a closing line; empty when there are none.
pub(crate) fn human(loaded: &Loaded, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for problem in loaded.problems.iter().take(SHOWN) {
        out.push_str(&one(loaded, problem, &renderer));
        out.push_str("\n\n");
    }
    if let Some(more) = loaded.problems.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        out.push_str(&format!("... and {} more\n\n", thousands(more)));
    }
    if let Some(first) = loaded.sources.files().first().filter(|_| !loaded.problems.is_empty()) {
        let errors = loaded.problems.iter().filter(|problem| problem.level == Level::Error).count();
        let warnings = loaded.problems.len() - errors;
        out.push_str(&format!("{}: {}\n", shown::line(&first.name), counts(errors, warnings)));
    }
    out
}

fn counts(errors: usize, warnings: usize) -> String {
    let some =
        |number: usize, word: &str| (number > 0).then(|| format!("{} {word}{}", thousands(number), if number == 1 { "" } else { "s" }));
    let parts: Vec<String> = [some(errors, "error"), some(warnings, "warning")].into_iter().flatten().collect();
    parts.join(", ")
}

fn one(loaded: &Loaded, problem: &Problem, renderer: &Renderer) -> String {
    let level = match problem.level {
        Level::Error => Look::ERROR,
        Level::Warning => Look::WARNING,
    };
    let mut group =
        level.primary_title(normalize_untrusted_str(&problem.message)).id(problem.code).elements(Vec::<Snippet<'_, Annotation<'_>>>::new());
    let mut files: Vec<FileId> = vec![problem.span.file];
    for (span, _) in &problem.related {
        if !files.contains(&span.file) {
            files.push(span.file);
        }
    }
    for file in files {
        let Some(source) = loaded.sources.files().get(file.0) else { continue };
        let primary = (problem.span.file == file).then_some((&problem.span, &problem.label, AnnotationKind::Primary));
        let related = problem.related.iter().filter(|(span, _)| span.file == file);
        let mut places: Vec<Place<'_>> =
            primary.into_iter().chain(related.map(|(span, label)| (span, label, AnnotationKind::Context))).collect();
        if places.is_empty() {
            continue;
        }
        if lines(source, &places).len() > FAR {
            places.truncate(1);
        }
        let shown = lines(source, &places);
        if shown.len() > LONG || source.hidden {
            let place = loaded.sources.location(places[0].0);
            group = group
                .element(Origin::path(shown::line(&place.file).into_owned()).line(place.line as usize).char_column(place.column as usize));
        } else {
            let line = loaded.sources.location(&Span { file, range: shown.clone() }).line;
            group = group.element(snippet(source, &places, shown, line as usize));
        }
    }
    if let Some(help) = &problem.help {
        group = group.element(Look::HELP.message(normalize_untrusted_str(help)));
    }
    let report: [Group<'_>; 1] = [group];
    let rendered = renderer.render(&report);
    // The renderer replaces the controls of ASCII, and leaves these.
    let rendered = rendered.replace(|c: char| ('\u{7f}'..='\u{9f}').contains(&c), "\u{fffd}");
    rendered.split('\n').map(arrow).collect::<Vec<_>>().join("\n")
}

/// A line that names another file begins with `:::`, which GitHub may take for a command to it.
fn arrow(line: &str) -> Cow<'_, str> {
    let own = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '\u{1b}' | '[' | ';' | 'm');
    match line.split_once(":::") {
        Some((before, place)) if before.chars().all(own) => Cow::Owned(format!("{before}-->{place}")),
        _ => Cow::Borrowed(line),
    }
}

/// A place, what is said there, and whether it is the problem or belongs to it.
type Place<'p> = (&'p Span, &'p String, AnnotationKind);

/// Bytes of the lines from the first of the places to the last.
fn lines(source: &SourceFile, places: &[Place<'_>]) -> Range<usize> {
    let text = source.text.as_str();
    let first = floor(text, places.iter().map(|(span, ..)| span.range.start).min().unwrap_or(0));
    let last = floor(text, places.iter().map(|(span, ..)| span.range.end).max().unwrap_or(0)).max(first);
    let from = text[..first].rfind('\n').map_or(0, |at| at + 1);
    from..text[last..].find('\n').map_or(text.len(), |at| last + at)
}

/// Those lines with the places marked.
fn snippet<'s>(source: &'s SourceFile, places: &[Place<'s>], shown: Range<usize>, line: usize) -> Snippet<'s, Annotation<'s>> {
    let text = source.text.as_str();
    let annotations = places.iter().map(|(span, label, kind)| {
        let annotation = (*kind).span(inside(&span.range, shown.start, shown.end, text));
        if label.is_empty() { annotation } else { annotation.label(shown::line(label)) }
    });
    Snippet::source(&text[shown.clone()]).line_start(line).path(shown::line(&source.name)).annotations(annotations)
}

fn inside(range: &Range<usize>, from: usize, to: usize, text: &str) -> Range<usize> {
    let clamp = |at: usize| floor(text, at).clamp(from, to) - from;
    clamp(range.start)..clamp(range.end.max(range.start))
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
