//! Which network's format a file has: recognised by what its header says, never by its name.
//!
//! The formats themselves are in [`crate::uci`], [`crate::cpcb`] and [`crate::generic`].

use std::path::Path;

use pm25_file::{Fault, Result};

use crate::generic::{self, ColumnMap};
use crate::head::Head;
use crate::layout::{Layout, Source, Stamped};
use crate::zone::Zone;
use crate::{cpcb, uci};

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
        Source::Generic => generic::layout(file, head, fit, wishes),
    }?;
    if !head.is_utf8 {
        layout
            .notes
            .push("the text is not UTF-8: read as Latin-1".to_owned());
    }
    Ok(layout)
}

fn specific(file: &str, head: &Head, wishes: &Wishes) -> Result<Option<Fit>> {
    let wanted = |source| wishes.source.is_none_or(|wish| wish == source) && wishes.map.is_none();
    let fits: Vec<Fit> = [
        (Source::UciBeijing, uci::fit(head)),
        (Source::Cpcb, cpcb::fit(head)),
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
    let stem = [".csv.gz", ".csv", ".gz"]
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
