//! Which network's format a file has: recognised by what its header says, never by its name.
//!
//! The formats themselves have a file each; [`crate::generic`] is the one for what no network publishes.

use std::path::Path;

use pm25_file::{Fault, Result};

use crate::correction::Correction;
use crate::generic::{self, ColumnMap};
use crate::head::{Head, HeadRow};
use crate::layout::{Decimal, Layout, Source, Stamped};
use crate::unpack::Encoding;
use crate::zone::Zone;
use crate::{airnow, aqs, cpcb, openaq, purpleair, sensor_community, stateair, uci};

/// What may separate cells, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What the user wants beyond what a file says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// The source, if it is not to be recognised.
    pub(crate) source: Option<Source>,
    /// Which end of its interval a stamp names.
    pub(crate) stamped: Option<Stamped>,
    /// The clock of stamps that state none.
    pub(crate) zone: Option<Zone>,
    /// The station, for files that do not name it.
    pub(crate) station: Option<String>,
    /// What the columns of a generic table mean.
    pub(crate) map: Option<ColumnMap>,
    /// Which of several monitors at one site is wanted.
    pub(crate) poc: Option<String>,
    /// How characters are written.
    pub(crate) encoding: Encoding,
    /// What to do to hourly values of low-cost sensors.
    pub(crate) correction: Option<Correction>,
    /// Later stamps are rejected, seconds since 1970 UTC.
    pub(crate) not_after_s: Option<i64>,
}

impl Wishes {
    /// The file names its stations itself.
    pub(crate) fn needless_station(&self, file: &str) -> Fault {
        Fault::usage(format!(
            "{file} names its stations itself; `--station` does not apply"
        ))
        .hint("leave `--station` out")
    }

    /// A generic table without a time.
    pub(crate) fn no_time(&self, file: &str, line: u64) -> Fault {
        Fault::bad_data(format!(
            "{file}:{line}: there is no column `time`, `timestamp` or `datetime`"
        ))
        .hint("say with `--columns map.toml` which column holds the time")
    }

    /// Nothing names the station.
    pub(crate) fn nameless(&self, file: &str) -> Fault {
        Fault::bad_data(format!("{file}: nothing names the station")).hint("give `--station NAME`")
    }
}

/// A column that a format cannot do without.
pub(crate) fn need(file: &str, row: &HeadRow, name: &str) -> Result<usize> {
    row.position(name).ok_or_else(|| {
        Fault::bad_data(format!("{file}:{}: there is no column `{name}`", row.line))
            .hint("describe the file with `--columns map.toml`")
    })
}

/// A header that was recognised.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    pub(crate) source: Source,
    pub(crate) header_idx: usize,
    pub(crate) why: String,
}

/// What the head of a file turned out to be.
pub(crate) enum Recognised {
    /// A table of measurements.
    Table(Head, Fit),
    /// Not one; says why.
    Nothing(String),
}

/// Recognises the format. Two specific formats at once are refused: choosing would be a guess.
pub(crate) fn recognise(file: &str, head_bytes: &[u8], wishes: &Wishes) -> Result<Recognised> {
    if let Some(what) = looks_like(head_bytes) {
        return Ok(Recognised::Nothing(what.to_owned()));
    }
    let delimiters = match wishes.map.as_ref().and_then(|map| map.delimiter) {
        Some(delimiter) => vec![delimiter],
        None => DELIMITERS.to_vec(),
    };
    let heads: Vec<Head> = delimiters
        .into_iter()
        .map(|delimiter| Head::parse(head_bytes, delimiter))
        .collect();
    for head in &heads {
        if let Some(fit) = specific(file, head, wishes)? {
            return Ok(Recognised::Table(head.clone(), fit));
        }
    }
    if matches!(wishes.source, None | Some(Source::Generic)) {
        for head in &heads {
            if let Some(fit) = generic::fit(head, wishes.map.as_ref()) {
                return Ok(Recognised::Table(head.clone(), fit));
            }
        }
    }
    let misspelt = heads.iter().find_map(generic::misspelt_time);
    Ok(Recognised::Nothing(match wishes.source {
        None | Some(Source::Generic) if let Some((column, near)) = misspelt => {
            format!("no column with the time; the nearest to one is `{column}` (`{near}`?)")
        }
        Some(source) => format!("no header of a {source} file in its first rows"),
        None => "no header of a known network, and no table with a time and a quantity, in its first rows".to_owned(),
    }))
}

/// The layout of a recognised file.
pub(crate) fn layout(file: &str, head: &Head, fit: Fit, wishes: &Wishes) -> Result<Layout> {
    let fit = match wishes.source {
        Some(source) => Fit {
            why: format!("asked for with `--source {source}`"),
            ..fit
        },
        None => fit,
    };
    let mut layout = match fit.source {
        Source::UciBeijing => uci::layout(file, head, fit, wishes),
        Source::Cpcb => cpcb::layout(file, head, fit, wishes),
        Source::StateAir => stateair::layout(file, head, fit, wishes),
        Source::OpenAq => openaq::layout(file, head, fit, wishes),
        Source::AirNow => airnow::layout(file, head, fit, wishes),
        Source::PurpleAir => purpleair::layout(file, head, fit, wishes),
        Source::Aqs => aqs::layout(file, head, fit, wishes),
        Source::SensorCommunity => sensor_community::layout(file, head, fit, wishes),
        Source::Generic => generic::layout(file, head, fit, wishes),
        // Parquet tables have no head of text.
        Source::Eea | Source::Observations => {
            return Err(Fault::bad_data(format!("{file} is no Parquet table")));
        }
    }?;
    if writes_decimal_comma(head, &layout) {
        layout.extras.decimal = Decimal::Comma;
        layout
            .notes
            .push("numbers are written with a decimal comma".to_owned());
    }
    if !head.is_utf8 {
        layout
            .notes
            .push("the text is not UTF-8: read as Latin-1".to_owned());
    }
    Ok(layout)
}

/// Whether the numbers in the first rows have a comma and none has a point. Where the comma separates the cells, it
/// is not asked: `"1,234"` could be either.
fn writes_decimal_comma(head: &Head, layout: &Layout) -> bool {
    if head.delimiter == b',' {
        return false;
    }
    let columns = layout.mapped.iter().map(|column| column.at);
    let columns: Vec<usize> = columns
        .chain(layout.extras.long.map(|long| long.value))
        .collect();
    let rows = head.rows.iter().filter(|row| layout.header_line < row.line);
    let numbers = rows.flat_map(|row| columns.iter().filter_map(|&at| row.cells.get(at)));
    let mut has_comma = false;
    for number in numbers.filter(|cell| cell.bytes().any(|byte| byte.is_ascii_digit())) {
        if number.contains('.') {
            return false;
        }
        has_comma |= number.contains(',');
    }
    has_comma
}

fn specific(file: &str, head: &Head, wishes: &Wishes) -> Result<Option<Fit>> {
    let wanted = |source| wishes.source.is_none_or(|wish| wish == source) && wishes.map.is_none();
    let fits: Vec<Fit> = [
        (Source::UciBeijing, uci::fit(head)),
        (Source::Cpcb, cpcb::fit(head)),
        (Source::StateAir, stateair::fit(head)),
        (Source::OpenAq, openaq::fit(head)),
        (Source::AirNow, airnow::fit(head)),
        (Source::PurpleAir, purpleair::fit(head)),
        (Source::Aqs, aqs::fit(head)),
        (Source::SensorCommunity, sensor_community::fit(head)),
    ]
    .into_iter()
    .filter_map(|(source, fit)| fit.filter(|_| wanted(source)))
    .collect();
    match fits.as_slice() {
        [] => Ok(None),
        [fit] => Ok(Some(fit.clone())),
        [first, second, ..] => Err(Fault::bad_data(format!(
            "{file} fits two sources: {} ({}) and {} ({})",
            first.source, first.why, second.source, second.why
        ))
        .hint(format!(
            "say which it is: `--source {}` or `--source {}`",
            first.source, second.source
        ))),
    }
}

/// What a text is that is no table at all.
fn looks_like(head: &[u8]) -> Option<&'static str> {
    match head.trim_ascii_start().first() {
        None => Some("it is empty"),
        Some(b'<') => Some("it looks like a web page (HTML or XML), not a table"),
        Some(b'{' | b'[') => Some("it looks like JSON, not a table"),
        Some(_) => None,
    }
}

/// The file's name without folders and without `.csv` or `.csv.gz`; nothing for standard input.
pub(crate) fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let lower = name.to_ascii_lowercase();
    let stem = [
        ".csv.gz", ".csv", ".tsv.gz", ".tsv", ".txt.gz", ".txt", ".gz",
    ]
    .iter()
    .find_map(|ending| lower.strip_suffix(ending))
    .and_then(|stem| name.get(..stem.len()))
    .unwrap_or(&name);
    let is_name = !stem.is_empty() && stem != "-" && !stem.chars().any(char::is_control);
    is_name.then(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognised(text: &str, wishes: &Wishes) -> Result<String> {
        Ok(match recognise("f.csv", text.as_bytes(), wishes)? {
            Recognised::Table(_, fit) => fit.source.name().to_owned(),
            Recognised::Nothing(why) => why,
        })
    }

    #[test]
    fn two_specific_formats_at_once_are_refused_and_the_flag_settles_it() {
        let both = "From Date,To Date,year,month,day,hour,PM2.5,wd\n";
        let fault = recognised(both, &Wishes::default()).unwrap_err();
        assert!(
            fault
                .to_string()
                .starts_with("f.csv fits two sources: uci-beijing"),
            "{fault}"
        );
        assert!(fault.hint_text().unwrap().contains("--source cpcb"));
        let wishes = Wishes {
            source: Some(Source::Cpcb),
            ..Wishes::default()
        };
        assert_eq!(recognised(both, &wishes).unwrap(), "cpcb");
    }

    #[test]
    fn generic_only_where_nothing_specific_fits() {
        for (text, found) in [
            ("time,pm25\n", "generic"),
            ("Timestamp,PM2.5 (ug/m3)\n", "cpcb"),
            ("datetime;PM2.5\n", "generic"),
            (
                "<!DOCTYPE html>\n",
                "it looks like a web page (HTML or XML), not a table",
            ),
            (" {\"error\": 1}", "it looks like JSON, not a table"),
            ("\n\n", "it is empty"),
        ] {
            assert_eq!(
                recognised(text, &Wishes::default()).unwrap(),
                found,
                "{text}"
            );
        }
        assert!(
            recognised("name,lat,lon\n", &Wishes::default())
                .unwrap()
                .starts_with("no header")
        );
    }

    #[test]
    fn stems() {
        assert_eq!(stem(Path::new("a/AS002.csv.gz")).as_deref(), Some("AS002"));
        assert_eq!(stem(Path::new("X.CSV")).as_deref(), Some("X"));
        assert_eq!(stem(Path::new("-")), None);
    }
}
