//! "Did you mean": the known word with the fewest edits.

/// The known word nearest to `word`, if it is near enough to be a slip of the hand: at most a third of
/// the longer word's letters changed, ignoring case. The first one wins a tie.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (n_edits(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(n, candidate)| 3 * n <= wanted.chars().count().max(candidate.chars().count()))
        .min_by_key(|(n, _)| *n)
        .map(|(_, candidate)| candidate)
}

/// Edits from one word to the other: a letter added, dropped or changed, or two neighbours swapped
/// (optimal string alignment, Boytsov 2011). Three rows at a time.
fn n_edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut next = vec![i; to.len() + 1];
        for j in 1..=to.len() {
            let change = row[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            next[j] = change.min(row[j] + 1).min(next[j - 1] + 1);
            let swapped = 2 <= i && 2 <= j && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if swapped {
                let before: &Vec<usize> = &before;
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["pm10_ug_m3", "pm25_ug_m3", "temp_c"];
        assert_eq!(nearest("pm1o_ug_m3", known), Some("pm10_ug_m3"));
        assert_eq!(nearest("TEMP_C", known), Some("temp_c"));
        assert_eq!(nearest("zebra", known), None);
        assert_eq!(nearest("alhpa", ["alpha", "gamma"]), Some("alpha"));
        assert_eq!(n_edits("kitten", "sitting"), 3);
    }
}
