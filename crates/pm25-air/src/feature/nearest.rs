//! The known name that looks most like a mistyped one.

/// The closest of `known` by edits (insert, delete, replace), letters compared without case; nothing if more than a
/// third of the word, and more than two letters, would have to change. The first of equals wins.
pub(super) fn nearest(
    word: &str,
    known: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let word: Vec<char> = word
        .chars()
        .take(40)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let limit = (word.len() / 3).max(2);
    known
        .map(|name| (edits(&word, name), name))
        .filter(|&(n_edits, name)| n_edits <= limit && n_edits < name.len())
        .min_by_key(|&(n_edits, _)| n_edits)
        .map(|(_, name)| name)
}

/// Levenshtein's distance, one row of the table at a time.
fn edits(word: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (above, letter) in name.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (position, &own) in word.iter().enumerate() {
            let replaced = diagonal + usize::from(own != letter);
            diagonal = row[position + 1];
            row[position + 1] = replaced.min(diagonal + 1).min(row[position] + 1);
        }
    }
    row[word.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood() {
        let known = || ["pm25", "pm10", "temp", "dewpoint", "hour"].into_iter();
        assert_eq!(nearest("PM2.5", known()), Some("pm25"));
        assert_eq!(nearest("temperature", known()), None);
        assert_eq!(nearest("dew_point", known()), Some("dewpoint"));
        assert_eq!(nearest("houre", known()), Some("hour"));
        assert_eq!(nearest("", known()), None);
    }
}
