//! Text to a tree of nodes that know where they stand. The only file that names the YAML library.
//!
//! Built on the event parser of `serde_yaml` (serde-saphyr, which re-exports it) rather than on its serde side:
//! a `Spanned<T>` tree loses whether a scalar was quoted and how a number was written, its places are lost inside
//! tagged enums, and it stops at the first duplicate key, while a file is to be told about all of them at once.

use std::collections::HashMap;
use std::ops::Range;

use serde_yaml::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as Marks, StructureStyle};

use super::problem::Problem;
use super::source::{FileId, Span};

/// Largest file read. A long experiment with 200 faults has 20 KB.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;
/// Most nodes in a file, expanded aliases included.
const MAX_NODES: usize = 20_000;
/// Deepest nesting.
const MAX_DEPTH: usize = 32;
/// Most aliases in a file.
const MAX_ALIASES: usize = 50;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// The whole value.
    pub(crate) span: Span,
    /// Whether it can be underlined whole: a scalar, or a collection in brackets on one line.
    pub(crate) inline: bool,
    /// What it is.
    pub(crate) data: Data,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    /// A scalar: its text, and whether it was written without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, duplicates kept, in the order written.
    Mapping(Vec<Entry>),
}

/// Key and value of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) key_span: Span,
    /// The value.
    pub(crate) value: Node,
}

/// Checks size and encoding; the text, or what is wrong with the bytes and the readable part before it.
pub(crate) fn decode(file: FileId, bytes: &[u8]) -> Result<String, (String, Box<Problem>)> {
    let at = |range: Range<usize>| Span { file, range };
    if bytes.len() > MAX_FILE_BYTES {
        return Err((String::new(), too_large(file)));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.valid_up_to();
            let byte = bytes.get(good).copied().unwrap_or_default();
            let message = format!("the file is not UTF-8: byte 0x{byte:02x} at offset {good}");
            // Shown with the bad bytes replaced, so that the place can be seen.
            let shown = String::from_utf8_lossy(bytes).into_owned();
            let problem = Problem::error("RQ0002", at(good..good + char::REPLACEMENT_CHARACTER.len_utf8()), message)
                .label("first byte that is not UTF-8")
                .help("save the file as UTF-8");
            return Err((shown, Box::new(problem)));
        }
    };
    if let Some(offset) = text.find('\0') {
        let problem = Problem::error("RQ0003", at(offset..offset + 1), format!("the file has a NUL byte at offset {offset}"))
            .label("NUL byte")
            .help("this looks like a binary file, or one saved as UTF-16");
        return Err((text.replace('\0', "\u{2400}"), Box::new(problem)));
    }
    Ok(text.to_owned())
}

/// What is said of a file that is larger than it may be, without a look at it.
pub(crate) fn too_large(file: FileId) -> Box<Problem> {
    let message = format!("the file is larger than {MAX_FILE_BYTES} bytes");
    let help = "an experiment is a few kilobytes; is this the right file?";
    Box::new(Problem::error("RQ0001", Span { file, range: 0..0 }, message).help(help))
}

/// Parses one document.
pub(crate) fn parse(file: FileId, text: &str) -> Result<Node, Box<Problem>> {
    let options = serde_yaml::granit_parser::options! {
        emit_unresolved_aliases: true,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    let builder = Builder { file, text, anchors: HashMap::new(), nodes: 0, aliases: 0 };
    builder.document(Parser::new_from_str_with_options(text, options))
}

struct Builder<'t> {
    file: FileId,
    text: &'t str,
    /// Finished anchored nodes with the number of nodes in each.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    aliases: usize,
}

/// A collection that is still open.
struct Open {
    anchor: usize,
    start: usize,
    count_before: usize,
    flow: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Span)> },
}

impl<'t> Builder<'t> {
    fn document<I>(mut self, events: I) -> Result<Node, Box<Problem>>
    where
        I: Iterator<Item = Result<(Event<'t>, Marks), ScanError>>,
    {
        let mut open: Vec<Open> = Vec::new();
        let mut root: Option<Node> = None;
        let mut documents = 0;
        for next in events {
            let (event, marks) = next.map_err(|error| self.syntax(&error))?;
            let range = self.range(&marks);
            if let Some(tag) = event.tag() {
                let start = marks.tag_start().and_then(|mark| mark.byte_offset()).unwrap_or(range.start);
                let span = self.span(start..(start + tag.original().len()).min(self.text.len()));
                let message = format!("the tag `{}` means nothing here", tag.original());
                return Err(Box::new(Problem::error("RQ0008", span, message).help("remove the tag; values need none")));
            }
            let done = match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        let problem = Problem::error("RQ0006", self.span(range), "the file has more than one document")
                            .label("a second document begins here")
                            .help("one experiment a file; give each document a file of its own");
                        return Err(Box::new(problem));
                    }
                    continue;
                }
                Event::SequenceStart(style, anchor, _) => {
                    self.open(&mut open, anchor, &range, style, Content::List(Vec::new()))?;
                    continue;
                }
                Event::MappingStart(style, anchor, _) => {
                    self.open(&mut open, anchor, &range, style, Content::Map { entries: Vec::new(), key: None })?;
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(&mut open, &range),
                Event::Scalar(text, style, anchor, _) => {
                    self.count(1, &range)?;
                    let data = Data::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                    let node = Node { span: self.span(range), inline: true, data };
                    self.remember(anchor, &node, 1);
                    Some(node)
                }
                Event::Alias(anchor) => Some(self.alias(anchor, range)?),
                Event::UnresolvedAlias(name) => {
                    let problem = Problem::error("RQ0004", self.span(range), format!("no anchor `&{name}` stands before this alias"))
                        .help("quote the value if it is meant to begin with `*`");
                    return Err(Box::new(problem));
                }
                _ => continue,
            };
            let Some(node) = done else { continue };
            match open.last_mut() {
                None => root = Some(node),
                Some(parent) => Self::attach(parent, node)?,
            }
        }
        let empty = |node: &Node| matches!(&node.data, Data::Scalar { text, plain: true } if is_null(text));
        match root {
            Some(node) if !empty(&node) => Ok(node),
            _ => {
                let problem = Problem::error("RQ0005", self.span(0..0), "the file is empty");
                Err(Box::new(problem.help("`redquake init` writes an experiment to start from")))
            }
        }
    }

    fn open(
        &mut self,
        open: &mut Vec<Open>,
        anchor: usize,
        range: &Range<usize>,
        style: StructureStyle,
        content: Content,
    ) -> Result<(), Box<Problem>> {
        self.count(1, range)?;
        if open.len() >= MAX_DEPTH {
            return Err(self.too_deep(range.clone()));
        }
        let flow = style == StructureStyle::Flow;
        open.push(Open { anchor, start: range.start, count_before: self.nodes - 1, flow, content });
        Ok(())
    }

    fn close(&mut self, open: &mut Vec<Open>, range: &Range<usize>) -> Option<Node> {
        let closed = open.pop()?;
        let data = match closed.content {
            Content::List(items) => Data::Sequence(items),
            Content::Map { entries, .. } => Data::Mapping(entries),
        };
        // A block collection is closed by the next token; what lies between is not part of it.
        let text = self.text.get(closed.start..range.end).unwrap_or_default().trim_end();
        let inline = closed.flow && !text.contains('\n');
        let node = Node { span: self.span(closed.start..closed.start + text.len()), inline, data };
        self.remember(closed.anchor, &node, self.nodes - closed.count_before);
        Some(node)
    }

    fn attach(parent: &mut Open, node: Node) -> Result<(), Box<Problem>> {
        match &mut parent.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, key, .. } => match key.take() {
                Some((key, key_span)) => entries.push(Entry { key, key_span, value: node }),
                None => match node.data {
                    Data::Scalar { text, .. } => *key = Some((text, node.span)),
                    _ => return Err(Box::new(Problem::error("RQ0004", node.span, "a key must be a plain word").label("not a word"))),
                },
            },
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Result<Node, Box<Problem>> {
        self.aliases += 1;
        if self.aliases > MAX_ALIASES {
            let message = format!("more than {MAX_ALIASES} aliases");
            return Err(Box::new(Problem::error("RQ0007", self.span(range), message).help("write the values out")));
        }
        let Some((_, size)) = self.anchors.get(&anchor) else {
            let problem = Problem::error("RQ0004", self.span(range), "an alias inside the value it stands for").label("has no end");
            return Err(Box::new(problem));
        };
        self.count(*size, &range)?;
        let (mut node, _) = self.anchors[&anchor].clone();
        // Problems are shown where the value is used.
        node.span = self.span(range);
        node.inline = true;
        Ok(node)
    }

    fn remember(&mut self, anchor: usize, node: &Node, size: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
    }

    fn count(&mut self, more: usize, range: &Range<usize>) -> Result<(), Box<Problem>> {
        self.nodes += more;
        if self.nodes > MAX_NODES {
            let message = format!("the file has more than {MAX_NODES} values, expanded aliases included");
            return Err(Box::new(Problem::error("RQ0007", self.span(range.clone()), message).help("split it into several experiments")));
        }
        Ok(())
    }

    fn too_deep(&self, range: Range<usize>) -> Box<Problem> {
        let message = format!("values nested deeper than {MAX_DEPTH} levels");
        Box::new(Problem::error("RQ0007", self.span(range), message).label("too deep").help("no part of an experiment is nested this deep"))
    }

    fn syntax(&self, error: &ScanError) -> Box<Problem> {
        use serde_yaml::granit_parser::ErrorKind as Kind;
        let mut start = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
        if matches!(error.kind(), Kind::TabNotAllowed | Kind::TabInBlockIndentation | Kind::TabInIndentation | Kind::TabAtBlockScalarStart)
        {
            // The parser has read past the tab it complains about.
            let line = self.text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
            start = self.text.get(line..start).and_then(|before| before.find('\t')).map_or(start, |tab| line + tab);
        }
        let width = self.text.get(start..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n').map_or(0, char::len_utf8);
        let range = start..start + width;
        let help = match error.kind() {
            Kind::RecursionLimitExceeded => return self.too_deep(range),
            Kind::TabNotAllowed | Kind::TabInBlockIndentation | Kind::TabInIndentation | Kind::TabAtBlockScalarStart => {
                Some("indent with spaces; YAML does not take tabs there")
            }
            Kind::UnexpectedCharacter { character: '\t' } => Some("indent with spaces; YAML does not take tabs there"),
            Kind::DirectiveDisallowed => Some("remove the `%` line; a value that begins with `%` wants quotes"),
            Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement => {
                Some("a value that contains `: ` wants quotes; else look at the indentation of this line and the one before")
            }
            Kind::ExpectedBlockMappingKey | Kind::InvalidIndentation | Kind::ExpectedBlockSequenceEntry => {
                Some("look at the indentation of this line and the one before")
            }
            Kind::ExpectedFlowMappingSeparator | Kind::UnexpectedEofFlowMapping => Some("a `,` or a `}` is missing before this place"),
            Kind::ExpectedFlowSequenceSeparator | Kind::UnexpectedEofFlowSequence => Some("a `,` or a `]` is missing before this place"),
            Kind::UnclosedFlowCollection { .. } => Some("its closing bracket is missing"),
            Kind::UnclosedQuotedScalar => Some("a closing quote is missing"),
            _ => None,
        };
        let problem = Problem::error("RQ0004", self.span(range), format!("this is not YAML: {}", error.info()));
        Box::new(problem.maybe_help(help.map(str::to_owned)))
    }

    fn range(&self, marks: &Marks) -> Range<usize> {
        let range = marks.byte_range().unwrap_or(0..0);
        range.start.min(self.text.len())..range.end.clamp(range.start, self.text.len().max(range.start))
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.file, range }
    }
}

/// The YAML 1.2 core schema's spellings of null.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
