//! The texts a spec was read from, and where in them a value stands.

use std::collections::BTreeMap;
use std::ops::Range;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Name as given by the caller.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Byte offset at which each line begins.
    lines: Vec<usize>,
    /// Whether nothing of it is shown; its text is then asterisks.
    pub(crate) hidden: bool,
}

/// Index of a file in [`Sources`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(crate) usize);

/// A piece of one of the files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Bytes of its text.
    pub range: Range<usize>,
}

/// A place for people: file, line and column, counted from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Location {
    /// Name of the file.
    pub file: String,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// Every file that was read: the experiment first, then what it includes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// The id a file of that name has, or would get: a file that several cells of a matrix include is kept once.
    pub(crate) fn next(&self, name: &str) -> FileId {
        FileId(self.files.iter().position(|file| file.name == name).unwrap_or(self.files.len()))
    }

    /// Adds a file, unless one of that name is there.
    pub(crate) fn add(&mut self, name: &str, text: String) -> FileId {
        let known = self.next(name);
        if known.0 < self.files.len() {
            return known;
        }
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        self.files.push(SourceFile { name: name.to_owned(), text, lines, hidden: false });
        FileId(self.files.len() - 1)
    }

    /// Puts asterisks over a whole file that is not what it was named for, so that no diagnostic shows any of it.
    pub(crate) fn hide(&mut self, id: FileId) {
        if let Some(file) = self.files.get_mut(id.0) {
            file.text = stars(&file.text);
            file.hidden = true;
        }
    }

    /// Puts asterisks over a secret, so that no diagnostic shows it.
    pub(crate) fn mask(&mut self, span: &Span) {
        if let Some(file) = self.files.get_mut(span.file.0)
            && let Some(secret) = file.text.get(span.range.clone())
        {
            let stars = stars(secret);
            file.text.replace_range(span.range.clone(), &stars);
        }
    }

    /// The files, in the order in which they were read.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// One file; an unknown id gives the first.
    pub(crate) fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0).or_else(|| self.files.first())
    }

    /// Where a span begins, for people.
    pub fn location(&self, span: &Span) -> Location {
        self.position(span.file, span.range.start)
    }

    /// Where a span ends, for people; the column is that of the first character after it.
    pub fn end(&self, span: &Span) -> Location {
        self.position(span.file, span.range.end)
    }

    fn position(&self, file: FileId, offset: usize) -> Location {
        let Some(file) = self.file(file) else {
            return Location { file: String::new(), line: 1, column: 1 };
        };
        let line = file.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = file.lines.get(line).copied().unwrap_or(0);
        let column = file.text.get(start..offset.min(file.text.len())).map_or(0, |before| before.chars().count());
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Location { file: file.name.clone(), line: small(line + 1), column: small(column + 1) }
    }
}

/// Where the values of an experiment stand: paths like `faults[0].target` to spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    places: BTreeMap<String, Place>,
}

/// Key and value of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The key, for members of a mapping.
    pub(crate) key: Option<Span>,
    /// What to underline for the value: a scalar whole, a collection by its key or its first line.
    pub(crate) value: Span,
}

impl SourceMap {
    pub(crate) fn insert(&mut self, path: String, place: Place) {
        self.places.insert(path, place);
    }

    /// Span of the value at a path; where the file leaves it out, of the nearest value around it.
    pub fn value(&self, path: &str) -> Option<&Span> {
        self.nearest(path).map(|place| &place.value)
    }

    /// Span of the key at a path, else of its value.
    pub fn key(&self, path: &str) -> Option<&Span> {
        self.nearest(path).map(|place| place.key.as_ref().unwrap_or(&place.value))
    }

    /// Whether the file itself says something at a path.
    pub fn is_written(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    fn nearest(&self, path: &str) -> Option<&Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(place);
            }
            if path.is_empty() {
                return None;
            }
            path = path.rfind(['.', '[']).map_or("", |at| &path[..at]);
        }
    }
}

/// As many asterisks as bytes, on as many lines.
fn stars(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect()
}
