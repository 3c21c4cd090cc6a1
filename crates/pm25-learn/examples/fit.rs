//! Times fitting, predicting and explaining on raw matrices, without anything around it: what `bench/peers/speed`
//! holds against other libraries.
//!
//! Not a program for users, and not a benchmark of reading: files are in memory before a clock starts.
//!
//! ```text
//! fit boost|forest TRAIN TEST COLUMNS SHAP_ROWS THREADS [name=value ...]
//!   TRAIN, TEST  little-endian f32: the columns one after the other, then the target
//! ```
//!
//! One line of JSON: seconds of each part, RMSE on the test rows, the largest resident memory in MiB (Linux).

use std::error::Error;
use std::io::{Read, Write};
use std::time::Instant;

use pm25_learn::Columns;
use pm25_learn::tree::{BoostParams, Ensemble, ForestParams, fit_boost, fit_forest, shap};

type Anyhow<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Columns and target as they lie in a file.
struct Raw {
    values: Vec<f32>,
    n_rows: usize,
    n_columns: usize,
}

impl Raw {
    /// Piece by piece: a second copy of the file would be the largest thing in memory.
    fn read(path: &str, n_columns: usize) -> Anyhow<Self> {
        let mut file = std::fs::File::open(path)?;
        let n_words = usize::try_from(file.metadata()?.len())? / 4;
        let n_rows = n_words / (n_columns + 1);
        let (mut values, mut piece) = (Vec::with_capacity(n_words), vec![0; 1 << 20]);
        while values.len() < n_words {
            let n_bytes = piece.len().min(4 * (n_words - values.len()));
            file.read_exact(&mut piece[..n_bytes])?;
            let (words, _) = piece[..n_bytes].as_chunks::<4>();
            values.extend(words.iter().map(|&word| f32::from_le_bytes(word)));
        }
        if n_rows * (n_columns + 1) != n_words || file.read(&mut piece)? != 0 {
            return Err(format!("{path} is no table of {n_columns} columns and a target").into());
        }
        Ok(Self {
            values,
            n_rows,
            n_columns,
        })
    }

    fn columns(&self, n_rows: usize) -> Columns<'_> {
        let column = |at: usize| &self.values[at * self.n_rows..][..n_rows];
        Columns::new((0..self.n_columns).map(column).collect(), n_rows)
    }

    fn target(&self) -> &[f32] {
        &self.values[self.n_columns * self.n_rows..]
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed().as_secs_f64())
}

fn fit(kind: &str, x: &Columns, y: &[f32], settings: &[(String, String)]) -> Anyhow<Ensemble> {
    match kind {
        "boost" => {
            let params = BoostParams::from_pairs(settings)?;
            Ok(fit_boost(x, y, None, &params, &|_| ()).ensemble)
        }
        "forest" => {
            let params = ForestParams::from_pairs(settings)?;
            Ok(fit_forest(x, y, &params, &|_| ()).ensemble)
        }
        _ => Err(format!("`{kind}` is neither boost nor forest").into()),
    }
}

/// The largest resident memory so far, MiB; none where the system does not tell.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// Rows that are asked one by one, each another one.
const N_ROWS_ALONE: usize = 20_000;

/// Median and 95th percentile of the time that one row takes, µs.
fn one_by_one(ensemble: &Ensemble, rows: &[Vec<f32>]) -> [f64; 2] {
    let us = |row: &Vec<f32>| 1e6 * timed(|| std::hint::black_box(ensemble.predict_row(row))).1;
    let mut us: Vec<f64> = rows.iter().map(us).collect();
    us.sort_by(f64::total_cmp);
    [us[us.len() / 2], us[us.len() * 95 / 100]]
}

fn rmse(predictions: &[f64], target: &[f32]) -> f64 {
    let squares = predictions.iter().zip(target);
    let sum: f64 = squares.map(|(p, &y)| (p - f64::from(y)).powi(2)).sum();
    (sum / target.len() as f64).sqrt()
}

fn main() -> Anyhow<()> {
    let argv: Vec<String> = std::env::args().skip(1).collect();
    let [
        kind,
        train,
        test,
        n_columns,
        shap_rows,
        threads,
        settings @ ..,
    ] = &argv[..]
    else {
        return Err(
            "usage: fit boost|forest TRAIN TEST COLUMNS SHAP_ROWS THREADS [name=value ...]".into(),
        );
    };
    let n_columns = n_columns.parse()?;
    let settings = settings
        .iter()
        .filter_map(|setting| setting.split_once('='));
    let settings: Vec<_> = settings
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let (train, test) = (Raw::read(train, n_columns)?, Raw::read(test, n_columns)?);
    let shap_rows = shap_rows.parse::<usize>()?.min(test.n_rows);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build()?;
    let line = pool.install(|| -> Anyhow<String> {
        let x = train.columns(train.n_rows);
        let (ensemble, fit_s) = timed(|| fit(kind, &x, train.target(), &settings));
        let (ensemble, fit_mib) = (ensemble?, peak_mib());
        let (predictions, predict_s) = timed(|| ensemble.predict(&test.columns(test.n_rows)));
        let all = test.columns(test.n_rows);
        // Rows from all over the table: the same one again and again would find its way in the innermost cache.
        let row = |idx: usize| (0..n_columns).map(|c| all.column(c)[idx * 7919 % test.n_rows]).collect();
        let rows: Vec<Vec<f32>> = (0..N_ROWS_ALONE).map(row).collect();
        let walked_us = one_by_one(&ensemble, &rows);
        let ((), pack_s) = timed(|| ensemble.pack());
        let row_us = one_by_one(&ensemble, &rows);
        let (_, shap_s) = match shap_rows {
            0 => ((), 0.0),
            rows => timed(|| drop(shap(&ensemble, &test.columns(rows)))),
        };
        let nodes: usize = ensemble.trees.iter().map(|tree| tree.n_nodes()).sum();
        Ok(format!(
            r#"{{"fit_s":{fit_s},"predict_s":{predict_s},"walked_row_us":{walked_us:?},"pack_s":{pack_s},"row_us":{},"row_p95_us":{},"shap_s":{shap_s},"rmse":{},"peak_mib":{},"nodes":{nodes}}}"#,
            row_us[0],
            row_us[1],
            rmse(&predictions, test.target()),
            fit_mib.map_or("null".to_owned(), |mib| mib.to_string()),
        ))
    })?;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
