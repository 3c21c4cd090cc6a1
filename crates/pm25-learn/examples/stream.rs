//! Learns from a Parquet file that is never in memory: its row groups are read twice, and only bins are kept.
//!
//! Not a program for users, and not a comparison: it shows how, and tells what it took.
//!
//! ```text
//! stream TABLE.parquet TARGET THREADS [name=value ...]
//! ```
//!
//! Every other column is a feature. One line of JSON: rows, seconds of each look and of learning, RMSE on the rows
//! learned from, the largest resident memory in MiB (Linux).

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use pm25_learn::Columns;
use pm25_learn::tree::{BoostParams, Edges, fit_binned};
use pm25_table::{Batches, Table};

type Anyhow<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Hands the named columns of batch after batch to `each`, and with them the whole batch.
fn each_batch(
    path: &str,
    names: &[String],
    mut each: impl FnMut(&Columns, &Table) -> Anyhow<()>,
) -> Anyhow<()> {
    for batch in Batches::open(path, Path::new(path))? {
        let batch = batch?;
        let numbers = names.iter().map(|name| batch.numbers(name));
        let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
        let slices = numbers.iter().map(|column| &column[..]).collect();
        each(&Columns::new(slices, batch.n_rows()), &batch)?;
    }
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> Anyhow<T>) -> Anyhow<(T, f64)> {
    let begun = Instant::now();
    Ok((work()?, begun.elapsed().as_secs_f64()))
}

/// The largest resident memory so far, MiB; none where the system does not tell.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

fn learn(path: &str, target: &str, params: &BoostParams) -> Anyhow<String> {
    let batches = Batches::open(path, Path::new(path))?;
    let names: Vec<String> = batches.columns().map(str::to_owned).collect();
    let names: Vec<String> = names.into_iter().filter(|name| name != target).collect();
    let (edges, edges_s) = timed(|| {
        let mut edges = Edges::new(names.len(), &[]);
        each_batch(path, &names, |x, _| {
            edges.add(x);
            Ok(())
        })?;
        Ok(edges)
    })?;
    let ((binned, y), bins_s) = timed(|| {
        let mut binned = edges.cut(params);
        let mut y: Vec<f32> = Vec::new();
        each_batch(path, &names, |x, batch| {
            binned.add(x);
            y.extend(&*batch.numbers(target)?);
            Ok(())
        })?;
        Ok((binned, y))
    })?;
    let bins_mib = peak_mib();
    let (fit, fit_s) = timed(|| Ok(fit_binned(&binned, (&y, &[]), None, params, &|_| ())))?;
    let say = |mib: Option<u64>| mib.map_or("null".to_owned(), |mib| mib.to_string());
    Ok(format!(
        r#"{{"rows":{},"edges_s":{edges_s},"bins_s":{bins_s},"fit_s":{fit_s},"rmse":{},"bins_mib":{},"peak_mib":{}}}"#,
        y.len(),
        fit.history.train_errors.last().copied().unwrap_or(f64::NAN),
        say(bins_mib),
        say(peak_mib()),
    ))
}

fn main() -> Anyhow<()> {
    let argv: Vec<String> = std::env::args().skip(1).collect();
    let [path, target, threads, settings @ ..] = &argv[..] else {
        return Err("usage: stream TABLE.parquet TARGET THREADS [name=value ...]".into());
    };
    let settings: Vec<(String, String)> = settings
        .iter()
        .filter_map(|setting| setting.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let params = BoostParams::from_pairs(&settings)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build()?;
    let line = pool.install(|| learn(path, target, &params))?;
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
