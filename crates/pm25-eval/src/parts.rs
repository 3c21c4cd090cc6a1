//! How test rows fall into parts: stations, local hours, months, seasons, levels. It knows no scores.

use crate::exam::Exam;
use crate::judge::all_rows;

/// Upper ends of the levels, µg/m³; the last level has none. Plain numbers: a single hour has no AQI.
const LEVELS_UG_M3: [(f64, &str); 5] = [
    (15.0, "0-15"),
    (35.0, "15-35"),
    (75.0, "35-75"),
    (150.0, "75-150"),
    (250.0, "150-250"),
];
const TOP_LEVEL: &str = "250 and more";
/// Winter of the northern half first: December, January, February.
const SEASONS: [&str; 4] = ["DJF", "MAM", "JJA", "SON"];

/// Named parts with their rows; a part without rows is left out.
pub(crate) type Named = Vec<(String, Vec<u32>)>;

/// By station, in order of name; empty in a table without stations.
pub(crate) fn by_station(exam: &Exam<'_>) -> Named {
    let Some(text) = exam.station else {
        return Vec::new();
    };
    let mut order: Vec<usize> = (0..text.words.len()).collect();
    order.sort_by_key(|code| &text.words[*code]);
    let mut place = vec![0; order.len()];
    for (position, code) in order.iter().enumerate() {
        place[*code] = position;
    }
    let names = order.iter().map(|code| text.words[*code].clone()).collect();
    by(exam, names, |row| place[text.codes[row] as usize])
}

/// By local standard hour of the target's hour; empty in a table without civil times, as the next two.
pub(crate) fn by_hour(exam: &Exam<'_>) -> Named {
    by_civil(exam, numbers(0, 23), |civil| usize::from(civil.hour))
}

/// By month of the target's hour.
pub(crate) fn by_month(exam: &Exam<'_>) -> Named {
    by_civil(exam, numbers(1, 12), |civil| usize::from(civil.month) - 1)
}

/// By season of the target's hour.
pub(crate) fn by_season(exam: &Exam<'_>) -> Named {
    let names = SEASONS.map(String::from).into();
    by_civil(exam, names, |civil| usize::from(civil.month) % 12 / 3)
}

/// By level of some value of each row, µg/m³.
pub(crate) fn by_level(exam: &Exam<'_>, values: &[f64]) -> Named {
    let names = LEVELS_UG_M3.iter().map(|(_, name)| *name);
    let names = names.chain([TOP_LEVEL]).map(String::from).collect();
    by(exam, names, |row| level(values[row]))
}

fn level(value_ug_m3: f64) -> usize {
    LEVELS_UG_M3
        .iter()
        .filter(|(end, _)| *end <= value_ug_m3)
        .count()
}

fn by_civil(
    exam: &Exam<'_>,
    names: Vec<String>,
    part: impl Fn(&pm25_air::civil::Civil) -> usize,
) -> Named {
    match &exam.civil {
        Some(civil) => by(exam, names, |row| part(&civil[row])),
        None => Vec::new(),
    }
}

fn by(exam: &Exam<'_>, names: Vec<String>, part: impl Fn(usize) -> usize) -> Named {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); names.len()];
    for row in all_rows(exam.n_rows()) {
        rows[part(row as usize)].push(row);
    }
    let filled = names.into_iter().zip(rows);
    filled.filter(|(_, rows)| !rows.is_empty()).collect()
}

fn numbers(from: u8, to: u8) -> Vec<String> {
    (from..=to).map(|number| number.to_string()).collect()
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
