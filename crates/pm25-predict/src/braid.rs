//! The tables of several horizons as one: of each station's hour a row for each.
//!
//! ```text
//! 1 h     6 h           braided
//! a  x    a  y          a 1 h x
//! b  x    b  y          a 6 h y
//!                       b 1 h x
//!                       b 6 h y
//! ```

use pm25_file::Result;
use pm25_table::{Column, Table};

/// Row by row of tables with equally many rows. What only some of them have, such as the intervals of a model that was
/// calibrated, is missing in the others' rows.
///
/// # Errors
/// Bad data: a column that only some have and that holds no numbers.
pub(crate) fn braid(tables: &[&Table]) -> Result<Table> {
    let mut names: Vec<&str> = Vec::new();
    for name in tables.iter().flat_map(|table| table.names()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let n_rows = tables.first().map_or(0, |table| table.n_rows());
    let place = |row: usize| (0..tables.len()).map(move |of_table| of_table * n_rows + row);
    let order: Vec<usize> = (0..n_rows).flat_map(place).collect();
    let mut braided = Table::new();
    for name in names {
        braided.push(name, below_each_other(tables, name)?.take(&order));
    }
    Ok(braided)
}

/// The column of all tables, one below the other.
fn below_each_other(tables: &[&Table], name: &str) -> Result<Column> {
    let parts: Option<Vec<&Column>> = tables.iter().map(|table| table.column(name)).collect();
    if let Some(column) = parts.and_then(|parts| Column::chain(&parts)) {
        return Ok(column);
    }
    let mut all = Vec::new();
    for table in tables {
        match table.column(name) {
            None => all.resize(all.len() + table.n_rows(), f64::NAN),
            Some(Column::F64(values)) => all.extend(values),
            Some(_) => all.extend(table.numbers(name)?.iter().map(|&value| f64::from(value))),
        }
    }
    Ok(Column::F64(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pm25_table::Text;

    #[test]
    fn rows_alternate_and_what_is_not_there_is_missing() {
        let table = |words: [&str; 2], y: [f64; 2]| {
            let mut table = Table::new();
            table.push("station", Column::Text(Text::from_rows(words)));
            table.push("y", y.to_vec());
            table
        };
        let (mut one, six) = (table(["a", "b"], [1.0, 2.0]), table(["b", "c"], [6.0, 7.0]));
        one.push("end", vec![0.5_f32, 1.5]);
        let braided = braid(&[&one, &six]).unwrap();
        let station = braided.text("station").unwrap();
        let words: Vec<&str> = (0..4).map(|row| station.get(row)).collect();
        assert_eq!(words, ["a", "b", "b", "c"]);
        assert_eq!(braided.f64("y").unwrap(), [1.0, 6.0, 2.0, 7.0]);
        let end = braided.f64("end").unwrap();
        assert_eq!((end[0], end[2]), (0.5, 1.5));
        assert!(end[1].is_nan() && end[3].is_nan());
        let alone = braid(&[&one]).unwrap();
        assert_eq!(alone.column("end"), one.column("end"));
    }
}
