//! Parts of the test rows: stations, local hours, months and levels, each with its own scores.

use pm25_artifact::eval::{Slice, Slices};
use pm25_file::Result;

use crate::answers::Answers;
use crate::exam::Exam;
use crate::judge::{all_rows, duel, judge, metrics};

/// Upper ends of the levels of the target, µg/m³; the last level has none. Plain numbers: a single hour has no AQI.
const LEVELS_UG_M3: [(f64, &str); 5] = [
    (15.0, "0-15"),
    (35.0, "15-35"),
    (75.0, "35-75"),
    (150.0, "75-150"),
    (250.0, "150-250"),
];
/// Winter of the northern half first: December, January, February.
const SEASONS: [&str; 4] = ["DJF", "MAM", "JJA", "SON"];
const TOP_LEVEL: &str = "250 and more";

/// All slices that the table says enough for; a part without rows is left out.
pub(crate) fn slices(exam: &Exam<'_>, answers: &Answers) -> Result<Slices> {
    let station = match exam.station {
        None => Vec::new(),
        Some(text) => {
            let mut order: Vec<usize> = (0..text.words.len()).collect();
            order.sort_by_key(|code| &text.words[*code]);
            let names = order.iter().map(|code| text.words[*code].clone()).collect();
            let place = inverse(&order);
            by(exam, answers, names, |row| place[text.codes[row] as usize])?
        }
    };
    let hours = |from: u8, to: u8| (from..=to).map(|number| number.to_string()).collect();
    let (mut hour, mut month, mut season) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(civil) = &exam.civil {
        hour = by(exam, answers, hours(0, 23), |row| {
            usize::from(civil[row].hour)
        })?;
        month = by(exam, answers, hours(1, 12), |row| {
            usize::from(civil[row].month) - 1
        })?;
        let names = SEASONS.iter().map(|name| String::from(*name)).collect();
        season = by(exam, answers, names, |row| {
            usize::from(civil[row].month) % 12 / 3
        })?;
    }
    let names = LEVELS_UG_M3
        .iter()
        .map(|(_, name)| *name)
        .chain([TOP_LEVEL])
        .map(String::from)
        .collect();
    let level = by(exam, answers, names, |row| level(exam.target_ug_m3[row]))?;
    Ok(Slices {
        station,
        hour,
        month,
        season,
        level,
    })
}

fn level(target_ug_m3: f64) -> usize {
    LEVELS_UG_M3
        .iter()
        .filter(|(end, _)| *end <= target_ug_m3)
        .count()
}

fn inverse(order: &[usize]) -> Vec<usize> {
    let mut place = vec![0; order.len()];
    for (position, code) in order.iter().enumerate() {
        place[*code] = position;
    }
    place
}

fn by(
    exam: &Exam<'_>,
    answers: &Answers,
    names: Vec<String>,
    part: impl Fn(usize) -> usize,
) -> Result<Vec<Slice>> {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); names.len()];
    for row in all_rows(exam.n_rows()) {
        rows[part(row as usize)].push(row);
    }
    let filled = names
        .into_iter()
        .zip(rows)
        .filter(|(_, rows)| !rows.is_empty());
    filled
        .map(|(name, rows)| slice(exam, answers, name, &rows))
        .collect()
}

fn slice(exam: &Exam<'_>, answers: &Answers, name: String, rows: &[u32]) -> Result<Slice> {
    let persistence = duel(
        &exam.target_ug_m3,
        &answers.model,
        &answers.persistence,
        rows,
    )?;
    Ok(Slice {
        name,
        metrics: metrics(&judge(&exam.target_ug_m3, &answers.model, rows)?),
        persistence: metrics(&persistence.theirs),
        skill: persistence.skill,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_end_belongs_to_the_level() {
        let name = |target: f64| {
            LEVELS_UG_M3
                .get(level(target))
                .map_or(TOP_LEVEL, |(_, name)| name)
        };
        for (target, expected) in [
            (-3.0, "0-15"),
            (0.0, "0-15"),
            (14.999, "0-15"),
            (15.0, "15-35"),
            (149.9, "75-150"),
            (150.0, "150-250"),
            (250.0, "250 and more"),
            (1985.0, "250 and more"),
        ] {
            assert_eq!(name(target), expected, "{target}");
        }
    }
}
