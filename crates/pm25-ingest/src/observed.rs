//! A table of observations that this program wrote before: new months are added to it without reading the old files
//! again.
//!
//! Given first, its hours come first: a later file fills what is missing in them and is flagged where it contradicts.
//! Flags that were set while reading stay; those of the rules over all hours are set anew.

use pm25_air::civil::HOUR_S;
use pm25_air::quality::Profile;
use pm25_air::{Quantity, flag};
use pm25_artifact::prep::StationFact;
use pm25_file::{Fault, Header, Input, Result};
use pm25_table::Table;

use crate::count::Tally;
use crate::hourly::{OffsetFrom, Part};
use crate::observations::FORMAT;

/// Flags that only the raw lines could show.
const FROM_LINES: u16 = flag::SENTINEL
    | flag::IMPOSSIBLE
    | flag::PROVIDER_INVALID
    | flag::CONFLICT
    | flag::NEGATIVE
    | flag::CHANNELS;

/// What an earlier table says beside its hours.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// What its files said of themselves: data once simulated stay so.
    pub(crate) remarks: Vec<String>,
    /// Whose thresholds held.
    pub(crate) profile: Option<Profile>,
}

impl Said {
    fn of(header: &Header) -> Self {
        let profile = header.params.get("profile").and_then(|name| name.as_str());
        Self {
            remarks: header.read_fact("remarks").unwrap_or_default(),
            profile: profile.and_then(|name| name.parse().ok()),
        }
    }
}

/// The stations of an earlier table.
pub(crate) fn read(input: &Input, tally: &mut Tally) -> Result<(Vec<Part>, Said)> {
    let table = Table::read(input, FORMAT)?;
    let header = table
        .header()
        .ok_or_else(|| Fault::bad_artifact(format!("{input} has no header")))?;
    let said = Said::of(header);
    let facts: Vec<StationFact> = header.read_fact("stations")?;
    let names = table.text("station")?;
    let times_s = table.time("time")?;
    tally.read += table.n_rows() as u64;
    let mut parts = Vec::with_capacity(facts.len());
    let mut from = 0;
    while from < names.codes.len() {
        let code = names.codes[from];
        let n = names.codes[from..]
            .iter()
            .take_while(|&&other| other == code)
            .count();
        let rows = from..from + n;
        let is_grid = times_s[rows.clone()]
            .windows(2)
            .all(|pair| pair[1] - pair[0] == HOUR_S);
        let name = &names.words[code as usize];
        let fact = facts
            .iter()
            .find(|fact| fact.name == *name)
            .filter(|_| is_grid);
        let Some(fact) = fact else {
            return Err(Fault::bad_artifact(format!(
                "{input}: the hours of `{name}` are no hourly grid"
            )));
        };
        parts.push(part(&table, fact, rows)?);
        from += n;
    }
    Ok((parts, said))
}

fn part(table: &Table, fact: &StationFact, rows: std::ops::Range<usize>) -> Result<Part> {
    let mut part = Part {
        station: fact.name.clone(),
        utc_offset_min: fact.utc_offset_min,
        offset_from: OffsetFrom::Earlier,
        start_s: table.time("time")?[rows.start],
        line: vec![0; rows.len()],
        n_lines: Vec::new(),
        values: Default::default(),
        flags: Default::default(),
        channels: Default::default(),
        pm25_incomplete: 0,
    };
    for quantity in Quantity::ALL {
        let values = &table.f32(quantity.column())?[rows.clone()];
        let flags = &table.u16(quantity.flags_column())?[rows.clone()];
        let is_measured =
            values.iter().any(|value| !value.is_nan()) || flags.iter().any(|&mask| mask != 0);
        if !is_measured {
            continue;
        }
        for (hour_idx, (value, &mask)) in values.iter().zip(flags).enumerate() {
            if !value.is_nan() || mask != 0 {
                // Rows count from 1, as lines do.
                part.line[hour_idx] = u32::try_from(rows.start + hour_idx + 1).unwrap_or(u32::MAX);
            }
            if mask & FROM_LINES != 0 {
                part.flags[quantity.index()].resize(values.len(), 0);
                part.flags[quantity.index()][hour_idx] = mask & FROM_LINES;
            }
        }
        part.values[quantity.index()] = values.to_vec();
    }
    Ok(part)
}
