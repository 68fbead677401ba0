//! The page at a size that browsers and artifact stores take.

use askama::Template;

use redquake_experiments::shown;

use super::page;
use crate::result::Document;

/// Largest size of a page, in bytes, unless the document itself is so long that its tables alone are larger.
pub const MAX_BYTES: usize = 1_000_000;

/// The document as one self-contained page.
///
/// A page that would be larger than [`MAX_BYTES`] is drawn again with less detail: coarser charts and shorter lists for all trials
/// but the one shown first. What is left out is counted on the page and is in `result.json`.
///
/// # Panics
/// Never: the template contains nothing that can fail to be written into memory.
pub fn render(document: &Document) -> String {
    let mut detail = 1.0;
    loop {
        let page = page::Page::new(document, detail).render().expect("writing a page into memory does not fail");
        if page.len() <= MAX_BYTES || detail < 0.01 {
            return shown::lines(&page).into_owned();
        }
        detail *= (MAX_BYTES as f64 * 0.9 / page.len() as f64).clamp(0.2, 0.8);
    }
}
