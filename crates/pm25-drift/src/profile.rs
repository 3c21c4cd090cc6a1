//! `pm25-drift profile`: keeps what a table's columns were like.

use std::collections::BTreeMap;

use pm25_artifact::drift::{DriftProfile, ProfileFile};
use pm25_artifact::model::Model;
use pm25_file::{Fault, Header, Input, Output, Result, write_document};
use pm25_stats::Profile as Kept;
use pm25_tool::{Console, Outcome, Threads};
use rayon::prelude::*;

use crate::PROGRAM;
use crate::role::PREDICTION;
use crate::rows::{Columns, Rows};
use crate::say::SaidProfile;

/// Keep what a table's columns were like, in a small file that later rows can be compared with
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Profile {
    /// The table: features, observations, predictions, or any other with columns of numbers
    #[arg(long, value_name = "FILE")]
    data: Input,
    /// A model whose predictions for these rows are kept too
    #[arg(long, value_name = "FILE")]
    model: Option<Input>,
    /// Which model of a file with several horizons
    #[arg(long, value_name = "H")]
    horizon_h: Option<u16>,
    /// Where the profile goes
    #[arg(long, value_name = "FILE")]
    out: Output,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: &Profile, console: &Console) -> anyhow::Result<Outcome> {
    let mut rows = Rows::read_table(&args.data, console)?;
    let mut header = Header::new(&PROGRAM).input(rows.source.clone());
    if let Some(model) = &args.model {
        let (model, source) = Model::read_at(model, args.horizon_h)?;
        rows.predict(&model)?;
        header = header.input(source);
        if let Some(horizon_h) = args.horizon_h {
            header = header.param("horizon_h", horizon_h);
        }
    }
    let columns = args.threads.install(|| columns(&rows))??;
    let units = match &rows.columns {
        Columns::Table(table) => table
            .header()
            .map(|header| header.units.clone())
            .unwrap_or_default(),
        Columns::Requests(_) => BTreeMap::new(),
    };
    header.units = units
        .into_iter()
        .filter(|(name, _)| columns.contains_key(name))
        .collect();
    if args.model.is_some() {
        header = header.unit(PREDICTION, "µg/m³");
    }
    let mut document = DriftProfile {
        pm25: header,
        rows: rows.span(),
        columns,
    };
    write_document(&args.out, &mut document)?;
    if !args.out.is_stdout() {
        console.say(&SaidProfile(&document))?;
    }
    Ok(Outcome::Done)
}

fn columns(rows: &Rows) -> Result<BTreeMap<String, ProfileFile>> {
    let names = rows.names();
    if names.is_empty() {
        return Err(Fault::bad_data(format!(
            "{} has no column of numbers to profile",
            rows.source.name
        ))
        .hint("give the train table of pm25-prep"));
    }
    names
        .into_par_iter()
        .map(|name| Ok((name.clone(), column(rows, &name)?)))
        .collect()
}

fn column(rows: &Rows, name: &str) -> Result<ProfileFile> {
    let profile = Kept::of(&rows.sample(name, rows.precision(name))?);
    // What could not be read back is not written: the mean of values near the largest float is infinite.
    Kept::new(profile.parts().clone()).map_err(|e| {
        Fault::bad_data(format!(
            "{}: the values of `{name}` are too large to describe",
            rows.source.name
        ))
        .because(e)
        .hint("look for a wrong unit or a code for `missing` in that column")
    })?;
    Ok(ProfileFile::from(&profile))
}
