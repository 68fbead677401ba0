//! Every text of a result is an attack, and every format is read back by a parser that others use: nothing of the attack has become
//! structure, no hidden character is left, and no line commands a CI system.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use redquake_reports::render::{html, junit, matrix, metrics, summary, terminal};
use redquake_reports::result::{Document, MatrixDocument};

use crate::attacks::{Victim, attack};
use crate::fixture::{self, matrix_document};
use crate::sound::{elements, harmless, markdown_is_sound, metrics_are_sound, page_is_sound, without_paint, xml};

static VICTIMS: LazyLock<Vec<Victim>> = LazyLock::new(|| {
    let documents = [fixture::failing(), fixture::split(), fixture::inconclusive(), fixture::interrupted()];
    documents.iter().map(Victim::new).collect()
});
static MATRIX: LazyLock<Victim> = LazyLock::new(|| Victim::new(&matrix_document()));

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_text_of_a_result_becomes_structure(attacks in prop::collection::vec(attack(), 1..24), which in 0..4_usize, place in attack()) {
        let document: Document = VICTIMS[which].attacked(&attacks);
        let like: Document = VICTIMS[which].attacked(&["ordinary".to_owned()]);
        for color in [false, true] {
            let text = terminal::render(&document, &terminal::Options { color, folder: Some(&place) });
            harmless("terminal", &without_paint(&text))?;
            prop_assert!(color || !text.contains('\u{1b}'), "a colour nobody asked for");
        }
        page_is_sound(&html::render(&document), &html::render(&like))?;
        let (found, ordinary) = (junit::render(&document), junit::render(&like));
        harmless("junit.xml", &found)?;
        let cases = |text: &str| xml(text).into_iter().filter(|name| !matches!(name.as_str(), "property" | "system-out")).collect::<Vec<_>>();
        prop_assert_eq!(cases(&found), cases(&ordinary));
        markdown_is_sound(&summary::render(&document))?;
        metrics_are_sound(&metrics::render(&document))?;
        metrics_are_sound(&metrics::prometheus(&document))?;
    }

    #[test]
    fn no_text_of_a_matrix_becomes_structure(attacks in prop::collection::vec(attack(), 1..24), place in attack()) {
        let document: MatrixDocument = MATRIX.attacked(&attacks);
        let like: MatrixDocument = MATRIX.attacked(&["ordinary".to_owned()]);
        for color in [false, true] {
            let text = matrix::terminal(&document, &terminal::Options { color, folder: Some(&place) });
            harmless("terminal", &without_paint(&text))?;
        }
        page_is_sound(&matrix::html(&document), &matrix::html(&like))?;
        let found = matrix::junit(&document);
        harmless("junit.xml", &found)?;
        prop_assert_eq!(xml(&found).iter().filter(|name| *name == "testsuite").count(), document.cells.len());
        markdown_is_sound(&matrix::summary(&document))?;
        metrics_are_sound(&matrix::metrics(&document))?;
        metrics_are_sound(&matrix::prometheus(&document))?;
    }
}

#[test]
fn the_attacks_reach_every_kind_of_text() {
    let free: BTreeSet<&str> = VICTIMS.iter().flat_map(|victim| &victim.free).map(String::as_str).collect();
    for place in [
        "/name",
        "/description",
        "/repro",
        "/reasons",
        "/residue",
        "/source/path",
        "/tool/version",
        "/environment/server",
        "/assertions/metric",
        "/assertions/expect",
        "/assertions/location/file",
        "/trials/reasons",
        "/trials/faults/proof",
        "/trials/nodes/name",
        "/trials/anomalies/text",
        "/trials/history",
    ] {
        assert!(free.contains(place), "{place} is not among {free:#?}");
    }
    assert!(!free.contains("/verdict") && !free.contains("/trials/status"));
    assert!(MATRIX.free.contains("/cells/folder") && MATRIX.free.contains("/cells/label"));
}

#[test]
fn a_folder_that_is_a_scheme_or_leads_elsewhere_is_no_link() {
    for folder in ["javascript:alert(1)//", "../../etc", "/etc", "data:text/html,x", "//evil.example"] {
        let mut document = matrix_document();
        document.cells[0].folder = folder.to_owned();
        let page = matrix::html(&document);
        let links: Vec<String> =
            elements(&page).into_iter().flat_map(|(_, list)| list).filter(|(key, _)| key == "href").map(|(_, link)| link).collect();
        assert!(
            !links
                .iter()
                .any(|link| link.contains("javascript") || link.contains("etc") || link.contains("evil") || link.contains("text/")),
            "{links:?}"
        );
        assert!(links.iter().any(|link| link.ends_with("-cell/report.html")), "the others are links still: {links:?}");
    }
}
