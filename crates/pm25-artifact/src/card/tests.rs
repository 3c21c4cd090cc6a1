//! Markers, and that the shipped cards have the places that the programs fill.

use super::*;

fn block(name: &'static str, text: &str) -> Block {
    Block {
        name,
        text: text.to_owned(),
    }
}

const CARD: &str = "---\n# <!-- pm25:begin front -->\nold\n# <!-- pm25:end -->\nlicense: x\n---\r\n é prose \n\
    <!-- pm25:begin scores -->\n<!-- pm25:end -->\nno end of line";

#[test]
fn text_outside_the_markers_is_kept_to_the_byte() {
    let blocks = [block("scores", "| a |\n"), block("front", "b: 1\n")];
    let filled = fill(CARD, &blocks).unwrap();
    let expected = CARD
        .replace("old\n", "b: 1\n")
        .replace("scores -->\n", "scores -->\n| a |\n");
    assert_eq!(filled, expected);
    assert_eq!(
        fill(&filled, &blocks),
        Ok(filled.clone()),
        "again, the same"
    );
}

#[test]
fn markers_that_are_missing_doubled_unknown_or_open_are_refused() {
    let blocks = [block("scores", ""), block("front", "")];
    let refused = |text: &str| fill(text, &blocks).unwrap_err();
    assert_eq!(refused("prose"), BadMarkers::Missing("scores"));
    let twice = format!("{CARD}\n<!-- pm25:begin scores -->\n<!-- pm25:end -->\n");
    assert_eq!(refused(&twice), BadMarkers::Twice("scores".into(), 11));
    let unknown = CARD.replace("begin scores", "begin score");
    assert_eq!(refused(&unknown), BadMarkers::Unknown("score".into(), 8));
    let open = CARD.replacen("# <!-- pm25:end -->\n", "", 1);
    assert_eq!(refused(&open), BadMarkers::Open(2));
    let last = CARD.replace("<!-- pm25:end -->\nno", "no");
    assert_eq!(refused(&last), BadMarkers::Open(8));
    assert_eq!(refused("<!-- pm25:end -->"), BadMarkers::Stray(1));
}

#[test]
fn the_shipped_cards_have_every_place_and_no_number_in_them() {
    let empty = |names: &[&'static str]| -> Vec<Block> {
        names.iter().map(|&name| block(name, "")).collect()
    };
    let model = empty(&["front", "facts", "features", "scores", "slices"]);
    assert_eq!(fill(MODEL_TEMPLATE, &model).unwrap(), MODEL_TEMPLATE);
    let data = empty(&["rows", "files", "stations", "parts"]);
    assert_eq!(fill(DATA_TEMPLATE, &data).unwrap(), DATA_TEMPLATE);
}

#[test]
fn a_bar_in_a_name_does_not_tear_the_table() {
    let text = table(&["a", "b"], [vec!["x|y".to_owned(), figure(None)]]);
    assert_eq!(text, "| a | b |\n|---|---|\n| x\\|y | - |\n");
}
