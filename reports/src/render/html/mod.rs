//! `report.html`: one file that needs nothing else, readable with scripts and style sheets blocked.

mod anatomy;
mod columns;
mod lanes;
mod page;
mod scale;
mod series;
mod strip;
mod svg;
mod tables;
mod timeline;
mod trials;

use askama::Template;

use crate::result::Document;

/// The document as one self-contained page.
///
/// # Panics
/// Never: the template contains nothing that can fail to be written into memory.
pub fn render(document: &Document) -> String {
    page::Page::new(document).render().expect("writing a page into memory does not fail")
}
