//! One raw file from its bytes to hours: recognise, lay out, read, decide units, put on the grid.
//!
//! Files do not know of each other; [`crate::stations`] brings them together.

use pm25_air::Quantity;
use pm25_artifact::ingest::{ColumnUse, RawFile, Skipped};
use pm25_file::{Fault, Result, Sha256};

use crate::claim::{Claim, Decision, decide};
use crate::clock::Order;
use crate::count::{Tally, shown};
use crate::head::HEAD_BYTES;
use crate::hourly::{Part, hourly};
use crate::inputs::{Origin, RawInput};
use crate::layout::{Layout, Mapped, Names, Source, TimeColumns};
use crate::number::as_written;
use crate::raw::Raw;
use crate::records::Records;
use crate::rows::{self, Rows};
use crate::source::{self, Recognised, Wishes};
use crate::zone::Zone;

/// A file that was read.
pub(crate) struct ReadFile {
    pub(crate) name: String,
    pub(crate) sha256: Sha256,
    pub(crate) layout: Layout,
    pub(crate) step_s: u32,
    /// The stations in it.
    pub(crate) stations: Vec<String>,
    pub(crate) columns: Vec<ColumnUse>,
    pub(crate) notes: Vec<String>,
    /// What ought to be looked at: claims that were overruled.
    pub(crate) warnings: Vec<String>,
    pub(crate) tally: Tally,
    pub(crate) parts: Vec<Part>,
}

/// What became of a file.
pub(crate) enum Outcome {
    Read(Box<ReadFile>),
    Skipped(Skipped),
}

/// Reads one file. One that is no table of measurements is skipped if a folder held it and refused if it was named.
pub(crate) fn read(input: &RawInput, wishes: &Wishes) -> Result<Outcome> {
    let raw = Raw::open(&input.at, HEAD_BYTES)?;
    let (head, fit) = match source::recognise(&input.name, &raw.head, wishes)? {
        Recognised::Table(head, fit) => (head, fit),
        Recognised::Nothing(why) if input.origin == Origin::Found => {
            let name = input.name.clone();
            return Ok(Outcome::Skipped(Skipped { name, why }));
        }
        Recognised::Nothing(why) => return Err(no_table(&input.name, &why)),
    };
    let delimiter = head.delimiter;
    let mut layout = source::layout(&input.name, &head, fit, wishes)?;
    let mut records = Records::new(raw, delimiter, &input.name);
    let mut tally = Tally::default();
    let mut rows = rows::read(&input.name, &mut records, &layout, &mut tally)?;
    note_clock(&mut layout, &rows);
    let mut warnings = Vec::new();
    let columns = convert(&layout, &mut rows, &mut warnings);
    let hourly = hourly(&input.name, rows, &layout, &mut tally)?;
    Ok(Outcome::Read(Box::new(ReadFile {
        name: input.name.clone(),
        sha256: records.hash(),
        step_s: hourly.step_s,
        stations: hourly
            .parts
            .iter()
            .map(|part| part.station.clone())
            .collect(),
        columns,
        notes: notes(&layout),
        warnings: warnings
            .into_iter()
            .map(|warning| format!("{}: {warning}", input.name))
            .collect(),
        layout,
        tally,
        parts: hourly.parts,
    })))
}

/// The tables of a file as rows in the file's own units, one by one as [`read`] sees them; nothing where it sees no
/// table of measurements.
pub(crate) fn tables(input: &RawInput, wishes: &Wishes) -> Result<Option<Vec<(Layout, Rows)>>> {
    let raw = Raw::open(&input.at, HEAD_BYTES)?;
    let Recognised::Table(head, fit) = source::recognise(&input.name, &raw.head, wishes)? else {
        return Ok(None);
    };
    let delimiter = head.delimiter;
    let layout = source::layout(&input.name, &head, fit, wishes)?;
    let mut records = Records::new(raw, delimiter, &input.name);
    let rows = rows::read(&input.name, &mut records, &layout, &mut Tally::default())?;
    Ok(Some(vec![(layout, rows)]))
}

impl ReadFile {
    /// The file as the report holds it.
    pub(crate) fn report(&self) -> RawFile {
        let layout = &self.layout;
        RawFile {
            name: self.name.clone(),
            sha256: self.sha256,
            source: layout.source.name().to_owned(),
            why: layout.why.clone(),
            clock: self.clock(),
            step_s: self.step_s,
            rows: self.tally.rows(),
            stations: self.stations.clone(),
            columns: self.columns.clone(),
            unused: layout.unused.clone(),
            notes: self.notes.clone(),
        }
    }

    fn clock(&self) -> String {
        let layout = &self.layout;
        match layout.time {
            TimeColumns::Span { .. } => {
                format!("{}, both ends stated", layout.zone.text())
            }
            _ => format!(
                "{}, {} of the interval",
                layout.zone.text(),
                layout.stamped.text()
            ),
        }
    }
}

fn no_table(name: &str, why: &str) -> Fault {
    Fault::bad_data(format!("{name}: {why}"))
        .hint("describe the file with `--columns map.toml`, or see `pm25-ingest --help` for what is understood")
}

/// A generic table may carry offsets in its stamps, or say nothing of its clock; which it is shows in its rows.
fn note_clock(layout: &mut Layout, rows: &Rows) {
    if layout.zone_is_known {
        return;
    }
    match rows.stated_offset_min {
        Some(offset_min) => {
            layout.zone = Zone::Fixed(offset_min);
            let zone = layout.zone.text();
            layout.notes.push(format!(
                "the stamps carry their offset, taken as the station's standard time ({zone})"
            ));
            layout.zone_is_known = true;
        }
        None => layout
            .notes
            .push("no zone is stated: stamps taken as UTC".to_owned()),
    }
}

/// Decides each column's unit and converts it in place; codes for "no value" stay.
fn convert(layout: &Layout, rows: &mut Rows, warnings: &mut Vec<String>) -> Vec<ColumnUse> {
    let columns = layout.mapped.iter().zip(&mut rows.values);
    columns
        .map(|(column, values)| {
            let decision = decide(column.quantity, &column.claim, values);
            let header = shown(column.header.as_bytes());
            let used = column_use(
                &header,
                column.quantity.column(),
                &column.claim,
                &decision,
                values,
            );
            if decision.overruled {
                warnings.push(format!("`{header}`: {}", decision.because));
            }
            values
                .iter_mut()
                .for_each(|value| *value = decision.conversion.apply(*value));
            used
        })
        .collect()
}

fn column_use(
    header: &str,
    quantity: &str,
    claim: &Claim,
    decision: &Decision,
    values: &[f32],
) -> ColumnUse {
    let numbers = || values.iter().copied().filter(|value| value.is_finite());
    ColumnUse {
        column: header.to_owned(),
        quantity: quantity.to_owned(),
        claimed: claim.text(),
        taken: decision.unit.text().to_owned(),
        because: decision.because.clone(),
        values: numbers().count() as u64,
        min: numbers().min_by(f32::total_cmp).map(as_written),
        max: numbers().max_by(f32::total_cmp).map(as_written),
    }
}

fn notes(layout: &Layout) -> Vec<String> {
    let mut notes = layout.notes.clone();
    let measures_pm25 = |column: &Mapped| column.quantity == Quantity::Pm25;
    if !layout.mapped.iter().any(measures_pm25) {
        notes.push("there is no column of PM2.5".to_owned());
    }
    notes.extend(
        layout
            .remarks
            .iter()
            .map(|remark| format!("the file says: {}", shown(remark.as_bytes()))),
    );
    if !layout.sentinels.is_empty() {
        notes.push(format!(
            "further codes for \"no value\": {:?}",
            layout.sentinels
        ));
    }
    if layout.order != Order::Ymd && layout.source == Source::Generic {
        notes.push("the order of day and month is as the map says".to_owned());
    }
    if let Names::File(name) = &layout.names {
        notes.push(format!(
            "all rows are of station `{}`",
            shown(name.as_bytes())
        ));
    }
    notes
}
